import * as tf from "@tensorflow/tfjs"
import packageInfo from "../../../package.json" with { type: "json" }
import { useBackend } from "../../learning/backend.ts"
import { modelCard } from "../../learning/export/card.ts"
import { exportLayersModel } from "../../learning/export/layers-model.ts"
import { exportOnnx } from "../../learning/export/onnx-model.ts"
import { verifyExports } from "../../learning/export/verify.ts"
import { decodeModel, type ModelMeta } from "../../learning/model-file.ts"
import { IR_VERSION, OPSET } from "../../learning/onnx/graph.ts"
import type { RunFunction } from "../../runtime/node.ts"
import { digestOf } from "../../schema/digest.ts"
import { modelFacts, originsOf, resultsOf } from "./card-facts.ts"
import type { ExportParams, inputs, outputs } from "./export.ts"
import { DatasetError } from "./training-set.ts"
import type { ModelValue } from "./types.ts"

/** Differences of probabilities that are told of though they are still rounding. */
const WORTH_SAYING = 1e-5

/** A folder called after a node, as under `out/`. */
const folderOf = (node: string): string => node.replaceAll(/[^A-Za-z0-9._=,-]/gu, "_")

const provenance = (value: ModelValue): Readonly<Record<string, string>> => ({
  model: value.weights.$blob,
  dataset: value.dataset,
  seed: String(value.seed),
  training: JSON.stringify(value.training),
})

const versions = {
  [packageInfo.name]: packageInfo.version,
  "tfjs (layers format)": tf.version["tfjs-layers"],
  "ONNX opset": String(OPSET),
  "ONNX IR": String(IR_VERSION),
}

/** Writes every model; a folder for each, called after its node. */
const exportModels = (async ({ inputs, params, context }) => {
  if (inputs.models.length === 0) throw new DatasetError("input models: no model to export")
  await useBackend("onnx", { threads: params.threads })
  const pixels = { type: params.pixels, layout: params.layout }
  const tables = inputs.data.map(({ value }) => value)
  const files: Record<string, Uint8Array> = {}
  for (const [done, { node, value }] of inputs.models.entries()) {
    context.signal.throwIfAborted()
    const { model, meta: read } = await decodeModel(await context.blobs.get(value.weights))
    const meta: ModelMeta = { ...read, classNames: value.classes }
    const metadata = provenance(value)
    try {
      const onnx = exportOnnx(model, meta, { pixels, producerVersion: packageInfo.version, metadata })
      const layersModel = await exportLayersModel(model, meta, metadata)
      const apart = await verifyExports(model, meta, onnx, layersModel, pixels)
      context.log(
        `${node}: probabilities of the ONNX file differ by ${apart.onnx.toExponential(1)} at most, of the LayersModel by ${apart.layersModel.toExponential(1)}`,
      )
      if (Math.max(apart.onnx, apart.layersModel) > WORTH_SAYING)
        context.warn(`${node}: the files agree with the model only to ${WORTH_SAYING * 10} (see the log)`)
      const data = await originsOf(value.dataset, tables)
      if (data === undefined && tables.length > 0)
        context.warn(`${node}: none of the tables at the port data is the one it was trained on`)
      const card = modelCard({
        ...modelFacts(value),
        title: `${value.name} (${node})`,
        onnx: { opset: OPSET, ...pixels },
        ...(data === undefined ? {} : { data }),
        results: resultsOf(node, value, inputs.evaluation),
        ...(params.use === undefined ? {} : { use: params.use }),
        ...(params.licence === undefined ? {} : { licence: params.licence }),
        digests: {
          "model file": value.weights.$blob,
          "training table": value.dataset,
          "model.onnx": digestOf(onnx),
          "tfjs/model.json": digestOf(layersModel["model.json"]),
          "tfjs/weights.bin": digestOf(layersModel["weights.bin"]),
        },
        versions,
      })
      const folder = folderOf(node)
      if (`${folder}/model.onnx` in files)
        throw new DatasetError(
          `two models would be written to the folder "${folder}": rename one of their nodes`,
        )
      files[`${folder}/model.onnx`] = onnx
      files[`${folder}/tfjs/model.json`] = layersModel["model.json"]
      files[`${folder}/tfjs/weights.bin`] = layersModel["weights.bin"]
      files[`${folder}/README.md`] = new TextEncoder().encode(card)
    } finally {
      model.dispose()
    }
    context.progress(done + 1, inputs.models.length)
  }
  return { files }
}) satisfies RunFunction<typeof inputs, typeof outputs, ExportParams>

export default exportModels
