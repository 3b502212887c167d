import type { NodeContext } from "../../runtime/node.ts"
import { type NetworkValue, type Stage, stages } from "./types.ts"

/** The list of networks is not one of each stage; the message says which are missing or double. */
export class NetworksError extends Error {
  readonly _tag = "NetworksError"
  override readonly name = "NetworksError"
}

/**
 * The weight files of a whole detector, by stage.
 * @throws NetworksError unless there is exactly one network of each stage
 */
export const weightFiles = async (
  networks: ReadonlyArray<{ readonly value: NetworkValue }>,
  context: Pick<NodeContext, "blobs">,
): Promise<Readonly<Record<Stage, Uint8Array>>> => {
  const of = (stage: Stage): NetworkValue => {
    const found = networks.filter(({ value }) => value.stage === stage)
    if (found.length !== 1)
      throw new NetworksError(
        `a detector is one network of each stage (${stages.join(", ")}); connected are ` +
          `${found.length} of ${stage}: ${networks.map(({ value }) => value.stage).join(", ") || "none at all"}`,
      )
    return found[0].value
  }
  const [pnet, rnet, onet] = stages.map(of)
  return {
    pnet: await context.blobs.get(pnet.weights),
    rnet: await context.blobs.get(rnet.weights),
    onet: await context.blobs.get(onet.weights),
  }
}
