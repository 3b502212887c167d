import { expect } from "vitest"
import type { Plan } from "../../../src/schema/plan.ts"
import type { OutputRecord, Reason, RunRecord } from "../../../src/schema/trace.ts"
import type { engine } from "./engine.ts"
import { kinds, type Value } from "./kinds.ts"
import { Model, text, type Asked, type ModelNode, type Why } from "./model.ts"
import { Scene, type Choices, type Edit } from "./scene.ts"

/** One thing a person does: edits, then a run with some options. */
export interface Step {
  readonly edits: ReadonlyArray<Edit>
  readonly targets: Choices
  readonly force: Choices
  readonly refresh: Choices
  readonly keepGoing: boolean
  /** Closes the store and opens it again first: nothing may live in memory alone. */
  readonly reopen: boolean
}
export interface Program {
  readonly nodes: ReadonlyArray<Choices>
  readonly steps: ReadonlyArray<Step>
}

/** A reason of the engine, less its digests and modules. */
const whyOf = (reason: Reason): Why => {
  switch (reason.kind) {
    case "input": {
      const { kind, port, from, before, after } = reason
      return { kind, port, from, new: before === null, gone: after === null }
    }
    case "file":
      return { kind: "file", path: reason.path, new: reason.before === null }
    case "code":
      return { kind: "code" }
    case "param":
      return { kind: "param", name: reason.name, before: reason.before, after: reason.after }
    default:
      return JSON.parse(JSON.stringify(reason)) as Why
  }
}

const planned = (plan: Plan) =>
  plan.nodes.map(({ id, action, why, items }) => ({
    id,
    action,
    why: why.map(whyOf),
    ...(items === undefined ? {} : { items }),
  }))

const typeOf = (node: ModelNode, port: string): "table" | "json" => kinds[node.kind].outputs[port] ?? "table"

/** What happened over all programs: a test that checks nothing would show here. */
export const figures = {
  graphs: 0,
  runs: 0,
  nodes: 0,
  nodesRan: 0,
  nodesFailed: 0,
  itemsRan: 0,
  itemsCached: 0,
}

let serial = 0

/** Plays a program on the engine and on the model and compares all that can be seen. */
export const play = async (on: ReturnType<typeof engine>, program: Program, size: number): Promise<void> => {
  const pipeline = `p${serial++}`
  const model = new Model()
  const scene = new Scene(pipeline, model, size)
  const newest = new Map<number, ReadonlyArray<{ readonly output: OutputRecord; readonly value: Value }>>()
  for (const choices of program.nodes) scene.add(choices)
  figures.graphs++

  for (const step of program.steps) {
    if (step.reopen) on.reopen()
    for (const edit of step.edits) {
      const cleared = scene.edit(edit)
      if (cleared === undefined) continue
      const outputs = newest.get(cleared.node.uid) ?? []
      if (outputs.length === 0) continue
      const { output, value } = outputs[cleared.port % outputs.length]
      if (model.clear(value)) on.clear(output)
    }
    const nodes = scene.graph()
    const pick = (choices: Choices) => choices.map((at) => nodes[at % nodes.length].id)
    const asked: Asked = { targets: pick(step.targets), force: pick(step.force), refresh: pick(step.refresh) }
    on.enter(model.world)
    const options = {
      graph: on.graph(pipeline, nodes, model.seed),
      catalogue: on.catalogue(model.code),
      jobs: 2,
      keepGoing: step.keepGoing,
      ...asked,
    }
    on.calls.length = 0
    expect(planned(await on.plan(options)), "plan").toEqual(model.plan(nodes, asked))
    expect(on.calls, "a plan calls nothing").toEqual([])

    const record = await on.run(options)
    const ran = model.run(nodes, asked, { stopped: stoppedIn(record), missing: missingIn(record) })
    expect(
      record.nodes.map(({ id, status, items }) => ({ id, status, items })),
      `run; ${record.nodes.flatMap(({ id, error }) => (error === undefined ? [] : `${id}: ${error}`)).join("; ")}`,
    ).toEqual(ran.map(({ id, status, items }) => ({ id, status, items })))
    expect([...on.calls].sort(), "what was computed").toEqual([...model.calls].sort())
    for (const [at, report] of record.nodes.entries()) {
      const { status, why, outputs } = ran[at]
      if (status !== "skipped") expect(report.why.map(whyOf), `why ${report.id}`).toEqual(why)
      const node = nodes.find(({ id }) => id === report.id)!
      for (const [port, value] of Object.entries(outputs ?? {})) {
        const given = await on.value(report.outputs[port], typeOf(node, port))
        if (text(given) !== text(value)) expect(given, `${report.id}.${port}`).toEqual(value)
      }
      const own = scene.nodes.find(({ id }) => id === report.id)!
      if (outputs !== undefined)
        newest.set(
          own.uid,
          Object.entries(outputs).map(([port, value]) => ({ output: report.outputs[port], value })),
        )
    }
    const failed = ran.some(({ status }) => status === "failed")
    expect(record.status).toBe(failed ? "failed" : "ok")

    // What is done is done: the next plan has nothing to do but what failed.
    const again = { ...asked, force: [], refresh: [] }
    const after = planned(await on.plan({ ...options, ...again }))
    expect(after, "plan after").toEqual(model.plan(nodes, again))
    if (!failed && ran.every(({ items }) => items === undefined || items.failed === 0))
      expect(after.filter(({ action }) => action === "run" || action === "depends")).toEqual([])
    count(record, on.calls.length)
  }
}

/** Nodes that the engine left alone since another node had failed first; that node must have failed. */
const stoppedIn = (record: RunRecord): ReadonlySet<string> => {
  const stopped = new Set<string>()
  for (const { id, status, reason } of record.nodes) {
    if (status !== "skipped" || !reason.endsWith(" failed")) continue
    const culprit = record.nodes.find((node) => `${node.id} failed` === reason)
    expect(culprit?.status).toBe("failed")
    stopped.add(id)
  }
  return stopped
}

/** Nodes that ran for want of an output. */
const missingIn = (record: RunRecord): ReadonlyMap<string, string> =>
  new Map(
    record.nodes.flatMap(({ id, why }) =>
      why.flatMap((reason) => (reason.kind === "missing-output" ? [[id, reason.port] as const] : [])),
    ),
  )

const count = (record: RunRecord, calls: number): void => {
  figures.runs++
  figures.nodes += record.nodes.length
  figures.itemsRan += calls
  for (const { status, items } of record.nodes) {
    if (status === "ran") figures.nodesRan++
    if (status === "failed") figures.nodesFailed++
    figures.itemsCached += items?.cached ?? 0
  }
}
