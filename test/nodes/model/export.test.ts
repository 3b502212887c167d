import * as Schema from "effect/Schema"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import evaluate from "../../../src/nodes/model/evaluate.ts"
import exportNode from "../../../src/nodes/model/export.ts"
import { loadPictures } from "../../../src/nodes/model/pictures.ts"
import train from "../../../src/nodes/model/train.ts"
import { ModelValue } from "../../../src/nodes/model/types.ts"
import type { Prediction } from "../../../src/schema/sample.ts"
import { digestOf } from "../../../src/schema/digest.ts"
import { nodeRig, tableOf } from "../../kit/node-rig.ts"
import { distance, runOnnx } from "../../learning/export/kit.ts"
import { readOnnx } from "../../learning/export/onnx-reader.ts"
import { type LabelledSample, shapeRows } from "./shapes.ts"

const rig = nodeRig({ seed: 3 })
const name = "train[model=densenet40]"
let rows: ReadonlyArray<LabelledSample> = []
let value: ModelValue
let outputs: Readonly<Record<string, unknown>>
let files: Readonly<Record<string, Uint8Array>>
const write = async (params: Record<string, unknown>, inputs: Record<string, unknown>) =>
  (await rig.run(exportNode, { threads: 1, ...params }, { data: [], ...inputs }))["files"] as typeof files
const card = (from: typeof files): string =>
  new TextDecoder().decode(from["train_model=densenet40_/README.md"])

beforeAll(async () => {
  rows = (await shapeRows(rig, 10)).map((row, i) => ({
    ...row,
    licence: i % 3 === 0 ? { name: "CC0", url: "https://example.org/cc0" } : { name: "CC BY 4.0" },
  }))
  const params = { threads: 1, size: 16, batch: 9, depth: 7, growth: 4, lr: 0.1, epochs: 2 }
  const dataset = tableOf(rows)
  value = Schema.decodeUnknownSync(ModelValue)((await rig.run(train, params, { dataset }))["model"])
  outputs = await rig.run(
    evaluate,
    { threads: 1 },
    { models: [{ node: name, value }], sets: [{ node: "s", value: dataset }] },
  )
  files = await write(
    { licence: "MIT", use: "Telling | bars." },
    {
      models: [{ node: name, value }],
      evaluation: outputs["evaluation"],
      data: [{ node: "s", value: dataset }],
    },
  )
})
afterAll(() => rig.close())

describe("model.export", () => {
  it("writes a folder per model, the same bytes again", async () => {
    expect(Object.keys(files)).toEqual(
      ["model.onnx", "tfjs/model.json", "tfjs/weights.bin", "README.md"].map(
        (file) => `train_model=densenet40_/${file}`,
      ),
    )
    const again = await write(
      { licence: "MIT", use: "Telling | bars." },
      {
        models: [{ node: name, value }],
        evaluation: outputs["evaluation"],
        data: [{ node: "s", value: tableOf(rows) }],
      },
    )
    for (const [path, bytes] of Object.entries(files)) expect(digestOf(again[path])).toBe(digestOf(bytes))
  })
  it("gives the probabilities of model.evaluate on the same pictures", async () => {
    const test = rows.filter((row) => row.split === "test").toSorted((a, b) => (a.id < b.id ? -1 : 1))
    const images = await loadPictures(test, { size: 16, channels: 1 }, rig.context)
    const given = await runOnnx(files["train_model=densenet40_/model.onnx"], {
      type: "uint8",
      data: images.data,
      dims: [images.count, 16, 16, 1],
    })
    const predictions = outputs["predictions"] as ReadonlyArray<Prediction>
    const expected = test.flatMap(
      (row) => predictions.find(({ sample }) => sample === row.id)?.probabilities ?? [],
    )
    expect(distance(given["probabilities"], expected)).toBeLessThan(1e-5)
  })
  it("says in the file where the model came from", () => {
    const { metadata } = readOnnx(files["train_model=densenet40_/model.onnx"])
    expect(JSON.parse(metadata["classes"])).toEqual(["a", "b", "c"])
    expect([metadata["model"], metadata["dataset"]]).toEqual([value.weights.$blob, value.dataset])
  })
  it("writes a card with counts, licences, figures, digests and settings", () => {
    const said = card(files)
    expect(said).toMatch(/^# densenet40 \(train\\\[model=densenet40\\\]\)\n/)
    expect(said).toContain("| a | 6 | 0 | 0 | 2 |")
    expect(said).toContain("| all | 18 | 0 | 0 | 6 |")
    expect(said).toContain("drawn by a program")
    expect(said).toMatch(/CC BY 4.0: \d+\n- CC0: \d+ \(https:\/\/example\.org\/cc0\)/)
    const { results } = outputs["evaluation"] as {
      results: ReadonlyArray<{ accuracy: number; macroF1: number; n: number }>
    }
    expect(said).toMatch(
      new RegExp(`shapes\\.test \\| ${results[0].n} \\| ${results[0].accuracy.toFixed(3)} \\|`),
    )
    expect(said).toContain(digestOf(files["train_model=densenet40_/model.onnx"]))
    expect(said).toContain(value.dataset)
    expect(said).toContain("Licence of the model: MIT.")
    expect(said).toContain("Telling \\| bars.")
    expect(said).toContain("| lr | `0.1` |")
    expect(said).toContain("Seed 3.")
    expect(said).toContain("| growth | `4` |")
    expect(said).not.toContain("| width |")
  })
  it("says what it was not told", async () => {
    const said = card(await write({}, { models: [{ node: name, value }] }))
    expect(said).toContain("**Not evaluated**")
    expect(said).toContain("Sources and licences: **not stated**")
    expect(said).toContain("Licence of the model: not stated.")
  })
  it("warns of a table that it was not trained on, and takes nothing from it", async () => {
    const other = tableOf(rows.slice(1))
    const said = card(
      await write({}, { models: [{ node: name, value }], data: [{ node: "s", value: other }] }),
    )
    expect(said).toContain("Sources and licences: **not stated**")
    expect(rig.logs.at(-1)).toContain("none of the tables at the port data")
  })
  it("writes the other layouts and types", async () => {
    const given = await write({ pixels: "float32", layout: "nchw" }, { models: [{ node: name, value }] })
    expect(readOnnx(given["train_model=densenet40_/model.onnx"]).inputs).toEqual({
      pixels: ["batch", "channels", "height", "width"],
    })
  })
  it("refuses two models of one folder", async () => {
    const models = [
      { node: "a/b", value },
      { node: "a:b", value },
    ]
    await expect(write({}, { models })).rejects.toThrow(/folder "a_b"/)
  })
})
