import * as Schema from "effect/Schema"
import { expect, it } from "vitest"
import type { Graph, GraphNode } from "../../src/runtime/graph.ts"
import { defineNode } from "../../src/runtime/node.ts"
import { keyParams } from "../../src/runtime/plan/key.ts"
import { settleGraph } from "../../src/runtime/settle.ts"
import { Dataset } from "../../src/schema/artifact.ts"

const Params = Schema.Struct({ engine: Schema.String, n: Schema.Int })

const definition = defineNode({
  type: "test.settled",
  description: "leaves its engine to the machine",
  outputs: { out: Dataset },
  params: Params,
  settle: ({ engine }) =>
    engine === "auto" ? { params: { engine: "steam" }, why: "there is coal" } : undefined,
  run: () => ({ out: [] }),
})

const node = (id: string, params: GraphNode["params"]): GraphNode => ({
  id,
  name: id,
  uses: definition.type,
  definition,
  params,
  inputs: {},
  outputs: {},
  seed: 0,
  resources: {},
  retries: 0,
  optional: false,
  secrets: {},
  at: { file: "x.yaml", line: 1, column: 1 },
})

it("puts what the machine chose in the place of auto: in parameters, and so in keys, with the reason beside", () => {
  const graph: Graph = {
    pipeline: "p",
    file: "/p.yaml",
    root: "/",
    text: "",
    nodes: [node("left", { engine: "auto", n: 1 }), node("said", { engine: "steam", n: 1 })],
    warnings: [],
  }
  const [left, said] = settleGraph(graph).nodes
  expect(keyParams(left)).toEqual({ engine: "steam", n: 1 })
  expect(keyParams(left)).toEqual(keyParams(said))
  expect(left.settled).toBe("there is coal")
  expect(said).toBe(graph.nodes[1])
  expect(graph.nodes[0].params["engine"]).toBe("auto")
})
