import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import type { OpenStore } from "../../runtime/engine.ts"
import type { RunRecord } from "../../schema/trace.ts"
import { UsageError } from "../failure.ts"
import { paint, print, printJson } from "../output.ts"
import { columns } from "../present/text.ts"
import { root } from "../root.ts"
import { withStoreOnly, type Engine } from "../session.ts"

type Metrics = Readonly<Record<string, unknown>>

const isRecord = (value: unknown): value is Metrics =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The figures of a run, by node: the JSON artifacts that hold numbers worth comparing. */
const metricsOf = (engine: Engine, store: OpenStore, run: RunRecord): Readonly<Record<string, Metrics>> => {
  const found: Record<string, Metrics> = {}
  for (const node of run.nodes) {
    for (const output of Object.values(node.outputs)) {
      if (!["Evaluation", "Metrics", "Comparison"].includes(output.type) || !store.blobs.has(output.digest))
        continue
      const value = engine.readJson(store.blobs, output.digest)
      if (isRecord(value)) found[node.id] = value
    }
  }
  return found
}

/** Figures at any depth, as `results.resnet50.accuracy: 0.81`; tables and confusions are left to --json. */
const figures = (value: unknown, path: string): ReadonlyArray<readonly [string, number]> => {
  if (typeof value === "number") return [[path, value]]
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([name, part]) =>
    figures(part, path === "" ? name : `${path}.${name}`),
  )
}

/** `0.713 ± 0.021`, where there are repetitions to have an interval of. */
const estimate = (value: unknown): string => {
  if (!isRecord(value)) return ""
  const { mean, interval } = value
  const half = Array.isArray(interval) ? ` ± ${(Number(interval[1]) - Number(mean)).toFixed(3)}` : ""
  return `${Number(mean).toFixed(3)}${half}`
}

/** Settings side by side, where the figures are of a comparison. */
const settingsOf = (metrics: Metrics): ReadonlyArray<ReadonlyArray<string>> | undefined => {
  const { groups } = metrics
  if (!Array.isArray(groups)) return undefined
  return groups.filter(isRecord).map((group) => [
    Object.entries(isRecord(group["settings"]) ? group["settings"] : {})
      .map(([axis, value]) => `${axis} ${String(value)}`)
      .join(", ") + (group["best"] === true ? " (best on validation)" : ""),
    String(group["set"]),
    String(isRecord(group["accuracy"]) ? group["accuracy"]["n"] : ""),
    estimate(group["accuracy"]),
    estimate(group["macroF1"]),
  ])
}

const rowsOf = (metrics: Metrics): ReadonlyArray<ReadonlyArray<string>> => {
  const settings = settingsOf(metrics)
  if (settings !== undefined) return settings
  const results = metrics["results"]
  if (!Array.isArray(results)) return figures(metrics, "").map(([name, n]) => [name, String(n)])
  return results
    .filter(isRecord)
    .map((result) => [
      String(result["model"]),
      String(result["set"]),
      String(result["n"]),
      Number(result["accuracy"]).toFixed(3),
      Number(result["macroF1"]).toFixed(3),
    ])
}

export const metrics = Command.make(
  "metrics",
  {
    run: Argument.String("run").pipe(
      Argument.withDescription("Runs to show (default: the newest that has figures)"),
      Argument.atLeast(0),
    ),
  },
  Effect.fnUntraced(function* ({ run: wanted }) {
    const globals = yield* root
    const answers = yield* withStoreOnly(globals, (engine) =>
      Effect.gen(function* () {
        const store = yield* engine.Store
        const figuresOf = (run: RunRecord) =>
          engine.storeTry(`read the figures of ${run.id}`, () => ({
            run,
            nodes: metricsOf(engine, store, run),
          }))
        const answers: Array<{ readonly run: RunRecord; readonly nodes: Readonly<Record<string, Metrics>> }> =
          []
        for (const id of wanted) {
          const run = store.traces.run(id)
          if (run === undefined) {
            return yield* new UsageError({
              message: `there is no run ${id} in this store`,
              hint: "dag runs lists them",
            })
          }
          answers.push(yield* figuresOf(run))
        }
        if (wanted.length > 0) return answers
        for (const run of store.traces.runs(200)) {
          const figures = yield* figuresOf(run)
          if (Object.keys(figures.nodes).length > 0) return [figures]
        }
        return yield* new UsageError({
          message: "no run has figures yet",
          hint: "an evaluating node gives them",
        })
      }),
    )
    if (globals.json) {
      const documents = answers.map(({ run, nodes }) => ({ run: run.id, nodes }))
      return yield* printJson(documents.length === 1 ? documents[0] : documents)
    }
    const dim = (...titles: ReadonlyArray<string>) => titles.map((title) => paint("dim", title))
    const headOf = (value: Metrics): ReadonlyArray<ReadonlyArray<string>> => {
      if (Array.isArray(value["groups"])) return [dim("setting", "set", "n", "accuracy", "macro-F1")]
      return Array.isArray(value["results"]) ? [dim("model", "set", "pictures", "accuracy", "macro-F1")] : []
    }
    const parts = answers.flatMap(({ run, nodes }) =>
      Object.entries(nodes).map(([node, value]) => {
        const rows = rowsOf(value)
        const shown = columns([...headOf(value), ...rows], [2, 3, 4])
        return `${paint("bold", node)} of run ${run.id}\n${shown}`
      }),
    )
    return yield* print(parts.join("\n\n"))
  }),
).pipe(Command.withDescription("The figures of runs"))
