import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import type { OpenStore } from "../../runtime/engine.ts"
import type { Graph } from "../../runtime/graph.ts"
import type { NodeTrace, OutputRecord } from "../../schema/trace.ts"
import { UsageError } from "../failure.ts"
import { logsOf, type NodeLog } from "../node-log.ts"
import { paint, print, printJson } from "../output.ts"
import { columns, count, fit, moment, size } from "../present/text.ts"
import { documentFlags, root } from "../root.ts"
import { withStore, type Engine } from "../session.ts"

interface Shown {
  readonly node: string
  readonly port: string
  readonly output: OutputRecord
}

/** The newest outputs that `NODE` or `NODE.PORT` names. */
const outputsOf = (store: OpenStore, graph: Graph, ref: string): ReadonlyArray<Shown> => {
  const known = graph.nodes.filter((node) => ref === node.id || ref === node.name)
  const dot = ref.lastIndexOf(".")
  const nodes =
    known.length > 0
      ? known
      : graph.nodes.filter((node) => [node.id, node.name].includes(ref.slice(0, Math.max(0, dot))))
  const port = known.length > 0 ? undefined : ref.slice(dot + 1)
  return nodes.flatMap((node) => {
    const trace: NodeTrace | undefined = store.traces.ofNode(graph.pipeline, node.id)[0]
    return Object.entries(trace?.outputs ?? {})
      .filter(([name]) => port === undefined || name === port)
      .map(([name, output]) => ({ node: node.id, port: name, output }))
  })
}

const peek = async (engine: Engine, store: OpenStore, { output }: Shown, limit: number): Promise<unknown> => {
  if (output.rows === undefined) {
    const value = engine.readJson(store.blobs, output.digest)
    return output.type === "Files"
      ? engine.readFiles(store.blobs, output.digest, async () => "").entries.slice(0, limit)
      : value
  }
  const rows: Array<unknown> = []
  for await (const row of engine.readTable(store.blobs, output.digest).stream()) {
    if (rows.length >= limit) break
    rows.push(row)
  }
  return rows
}

const cell = (value: unknown): string => {
  if (value === null || value === undefined) return ""
  if (typeof value === "string") return value
  if (typeof value === "object" && "$blob" in value) return String(value.$blob).slice(0, 10)
  return JSON.stringify(value)
}

const tableText = (rows: ReadonlyArray<Readonly<Record<string, unknown>>>): string => {
  const fields = [...new Set(["id", ...rows.flatMap((row) => Object.keys(row))])].filter((field) =>
    rows.some((row) => row[field] !== undefined),
  )
  return columns([fields, ...rows.map((row) => fields.map((field) => fit(cell(row[field]), 40)))])
}

const partText = ({ node, port, output, content }: Shown & { readonly content: unknown }): string => {
  const rows = output.rows === undefined ? "" : `, ${count(output.rows)} rows`
  const head = `${paint("bold", `${node}.${port}`)}: ${output.type}${rows}, ${size(output.bytes)}, ${output.digest}`
  const body = Array.isArray(content)
    ? tableText(content as ReadonlyArray<Readonly<Record<string, unknown>>>)
    : JSON.stringify(content, null, 2)
  return `${head}\n${body}`
}

const logText = ({ node, run, status, at, log, error }: NodeLog): string => {
  const how = status === "failed" ? paint("red", "failed") : "ran"
  return [
    `${paint("bold", node)} ${how} in run ${run}, ${moment(at)}`,
    log === undefined
      ? paint("dim", "its log was freed")
      : log === ""
        ? paint("dim", "it said nothing")
        : log,
    ...(error === undefined ? [] : [`${paint("red", "error")}: ${error}`]),
  ].join("\n")
}

const nothing = (graph: Graph, ref: string): UsageError =>
  new UsageError({
    message: `nothing to show of ${ref}: no such node or port, or it never ran`,
    hint: `nodes: ${graph.nodes.map((node) => node.id).join(", ")}`,
  })

export const show = Command.make(
  "show",
  {
    ...documentFlags,
    ref: Argument.String("node.port").pipe(Argument.withDescription("A node, or one of its outputs")),
    limit: Flag.Int("limit").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Rows shown of a table"),
      Flag.withDefault(10),
    ),
    log: Flag.Boolean("log").pipe(
      Flag.withDescription("What the node said when it last ran or failed"),
      Flag.withDefault(false),
    ),
  },
  Effect.fnUntraced(function* ({ ref, limit, log, ...flags }) {
    const globals = yield* root
    yield* withStore(globals, flags, ({ graph }, engine) =>
      Effect.gen(function* () {
        const store = yield* engine.Store
        if (log) {
          const logs = yield* engine.storeTry("read the logs", () => logsOf(store, graph, ref))
          if (logs.length === 0) return yield* nothing(graph, ref)
          if (globals.json) return yield* printJson(logs)
          return yield* print(logs.map(logText).join("\n\n"))
        }
        const found = outputsOf(store, graph, ref)
        if (found.length === 0) return yield* nothing(graph, ref)
        const parts = yield* Effect.tryPromise({
          try: () =>
            Promise.all(
              found.map(async (shown) => ({ ...shown, content: await peek(engine, store, shown, limit) })),
            ),
          catch: (cause) =>
            cause instanceof engine.StoreDamaged
              ? cause
              : new engine.StoreError({ operation: `show ${ref}`, message: `${ref} cannot be read`, cause }),
        })
        if (globals.json) return yield* printJson(parts)
        return yield* print(parts.map(partText).join("\n\n"))
      }),
    )
  }),
).pipe(Command.withDescription("A peek at what a node gave"))
