import { afterEach, expect, it } from "vitest"
import { defineNode, list } from "../../src/runtime/node.ts"
import { JsonArtifact } from "../../src/schema/artifact.ts"
import { engineRig } from "../kit/engine-rig.ts"

const read = defineNode({
  type: "read",
  description: "Reads a file.",
  outputs: { value: JsonArtifact },
  files: () => ({ file: "absent.txt" }),
  run: () => ({ value: 1 }),
})
const count = (type: string, mayBeEmpty: boolean) =>
  defineNode({
    type,
    description: "Counts.",
    inputs: { values: list(JsonArtifact, { mayBeEmpty }) },
    outputs: { n: JsonArtifact },
    run: ({ inputs }) => ({ n: inputs.values.length }),
  })

const rig = engineRig([read, count("any", true), count("some", false)])
afterEach(() => rig.dispose())

it("a list that may be empty does without what is not there; another takes its node along", async () => {
  const nodes = [
    { id: "gone", uses: "read", more: { optional: true } },
    { id: "any", uses: "any", in: { values: ["gone"] } },
    { id: "some", uses: "some", in: { values: ["gone"] } },
  ]
  const { nodes: planned } = await rig.plan(nodes)
  expect(planned.map(({ action }) => action)).toEqual(["skip", "run", "skip"])
  const record = await rig.run(nodes)
  expect(record.nodes.map(({ status }) => status)).toEqual(["skipped", "ran", "skipped"])
})
