import { defineNode, list, type RunFunction } from "../../runtime/node.ts"
import { Files } from "../../schema/artifact.ts"
import * as Schema from "effect/Schema"
import { weightFiles } from "./networks.ts"
import { Network } from "./types.ts"

export const Params = Schema.Struct({})
export const inputs = { networks: list(Network) }
export const outputs = { weights: Files }

const run: RunFunction<typeof inputs, typeof outputs, typeof Params.Type> = async ({ inputs, context }) => {
  const { pnet, rnet, onet } = await weightFiles(inputs.networks, context)
  return { weights: { "pnet.safetensors": pnet, "rnet.safetensors": rnet, "onet.safetensors": onet } }
}

export default defineNode({
  type: "detector.export",
  description:
    "The three networks of a face detector as the files that face.detect reads: pnet, rnet and onet.safetensors.",
  inputs,
  outputs,
  params: Params,
  present: ["weights"],
  run,
})
