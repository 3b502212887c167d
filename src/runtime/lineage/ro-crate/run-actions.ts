import type { LineageNode } from "../../../schema/lineage.ts"
import { ref, type Draft } from "./draft.ts"
import { COMPLETED, engineId, FAILED, ORGANIZE, RUN, WORKFLOW } from "./names.ts"
import type { Step } from "./steps.ts"
import { endOf, iso, startOf } from "./times.ts"

/** From when to when: of the run where it is one, else of the nodes together. */
export const spanOf = (
  { lineage: { run } }: Draft,
  nodes: ReadonlyArray<LineageNode>,
): { readonly start: string; readonly end: string } => {
  const times = nodes.flatMap((node) => [startOf(node), endOf(node)])
  const [start, end] =
    run === undefined ? [Math.min(...times), Math.max(...times)] : [run.startedAt, run.startedAt + run.ms]
  return { start: iso(start), end: iso(end) }
}

/** That the workflow was run, and that the engine organized its steps. */
export const addRunActions = (
  draft: Draft,
  all: {
    readonly start: string
    readonly end: string
    readonly steps: ReadonlyArray<Step>
    readonly used: ReadonlyArray<string>
    readonly given: ReadonlyArray<string>
  },
): void => {
  const { run, pipeline, ref: asked } = draft.lineage
  const outcome = { startTime: all.start, endTime: all.end, ...statusOf(draft) }
  draft.add({
    "@id": RUN,
    "@type": "CreateAction",
    name: run === undefined ? `what ${asked} rests on` : `run ${run.id} of ${pipeline}`,
    description: `The nodes of ${pipeline} that belong to it, each with what it took and gave.`,
    instrument: ref(WORKFLOW),
    object: all.used.map(ref),
    result: all.given.map(ref),
    ...outcome,
  })
  draft.add({
    "@id": ORGANIZE,
    "@type": "OrganizeAction",
    name: `Facet ran ${pipeline}`,
    instrument: ref(engineId(draft.version)),
    object: all.steps.map(({ control }) => ref(control)),
    result: ref(RUN),
    ...outcome,
  })
}

const statusOf = ({
  lineage: { run },
}: Draft): { readonly actionStatus: string; readonly error?: string } => {
  if (run === undefined || run.status === "ok") return { actionStatus: COMPLETED }
  const errors = run.nodes
    .filter(({ status }) => status === "failed")
    .map((node) => `${node.id}: ${node.error ?? "failed"}`)
  return { actionStatus: FAILED, error: errors.join("; ") || run.status }
}
