import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { ArtifactType } from "../../src/schema/artifact.ts"
import { Rejects } from "../../src/schema/artifact.ts"
import type { RunEvent } from "../../src/schema/event.ts"
import type { Catalogue } from "../../src/runtime/catalogue.ts"
import {
  Executor,
  plan,
  run,
  Store,
  TaskFailed,
  type PlanOptions,
  type RunOptions,
} from "../../src/runtime/engine.ts"
import type { Graph, GraphNode, InputRef } from "../../src/runtime/graph.ts"
import type { NodeDefinition } from "../../src/runtime/node.ts"
import { outputType } from "../../src/runtime/run/outputs.ts"

/** A node of a test's graph; what is left out is what a document would default to. */
export interface NodeSketch {
  readonly id: string
  readonly uses: string
  readonly in?: Readonly<Record<string, string | ReadonlyArray<string>>>
  readonly with?: Readonly<Record<string, unknown>>
  readonly more?: Partial<GraphNode>
}

const ref = (text: string, nodes: ReadonlyMap<string, GraphNode>): InputRef => {
  const [node, port] = text.split(".") as [string, string | undefined]
  return { node, port: port ?? Object.keys(nodes.get(node)!.outputs)[0] }
}

/** A folder with a store, a set of light node types, and the engine over them. */
export const engineRig = (definitions: ReadonlyArray<NodeDefinition>) => {
  const root = mkdtempSync(join(tmpdir(), "facet-"))
  const fingerprints = new Map(definitions.map((definition) => [definition.type, "v1"]))
  const events: Array<RunEvent> = []

  const catalogue = (): Catalogue =>
    new Map(
      definitions.map((definition) => [
        definition.type,
        {
          definition,
          fingerprint: fingerprints.get(definition.type)!,
          modules: { [`${definition.type}.ts`]: fingerprints.get(definition.type)! },
          origin: { kind: "builtin" as const },
        },
      ]),
    )
  const graph = (sketches: ReadonlyArray<NodeSketch>): Graph => {
    const nodes = new Map<string, GraphNode>()
    for (const sketch of sketches) {
      const definition = definitions.find((one) => one.type === sketch.uses)!
      const outputs: Record<string, ArtifactType> = {}
      for (const port of Object.keys(definition.outputs)) outputs[port] = outputType(definition, port)
      if (definition.map !== undefined) outputs["rejected"] = Rejects
      nodes.set(sketch.id, {
        id: sketch.id,
        name: sketch.id,
        uses: sketch.uses,
        definition,
        params: sketch.with ?? {},
        inputs: Object.fromEntries(
          Object.entries(sketch.in ?? {}).map(([port, from]) => [
            port,
            [from].flat().map((text) => ref(text, nodes)),
          ]),
        ),
        outputs,
        seed: 0,
        resources: {},
        retries: 0,
        optional: false,
        secrets: {},
        at: { file: "test.yaml", line: 1, column: 1 },
        ...sketch.more,
      })
    }
    return {
      pipeline: "test",
      file: join(root, "test.yaml"),
      root,
      text: "",
      nodes: [...nodes.values()],
      warnings: [],
    }
  }
  const noProcesses = Layer.succeed(
    Executor,
    Executor.of({ run: () => Effect.fail(new TaskFailed({ message: "the rig has no worker processes" })) }),
  )
  const provide = <A, E>(self: Effect.Effect<A, E, Store | Executor>) =>
    Effect.runPromise(self.pipe(Effect.provide(Layer.merge(Store.layer(join(root, "cache")), noProcesses))))
  return {
    root,
    events,
    graph,
    /** Pretends that the code of a node type changed. */
    recode: (type: string, version: string) => fingerprints.set(type, version),
    plan: (sketches: ReadonlyArray<NodeSketch>, options: Partial<PlanOptions> = {}) =>
      provide(plan({ graph: graph(sketches), catalogue: catalogue(), targets: [], ...options })),
    run: (sketches: ReadonlyArray<NodeSketch>, options: Partial<RunOptions> = {}) => {
      events.length = 0
      return provide(
        run({
          graph: graph(sketches),
          catalogue: catalogue(),
          targets: [],
          jobs: 2,
          onEvent: (event) => events.push(event),
          ...options,
        }),
      )
    },
    store: <A>(body: (store: Store["Service"]) => A | Promise<A>) =>
      provide(Effect.flatMap(Store, (store) => Effect.promise(async () => body(store)))),
    dispose: () => rmSync(root, { recursive: true, force: true }),
  }
}
