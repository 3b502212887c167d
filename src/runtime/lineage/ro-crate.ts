import type { OpenStore } from "../store/store.ts"
import type { Traced } from "./lineage.ts"
import { descriptors } from "./ro-crate/descriptors.ts"
import { Draft, plain, type CrateFile, type Entity } from "./ro-crate/draft.ts"
import { RO_CRATE, WORKFLOW } from "./ro-crate/names.ts"
import { addRunActions, spanOf } from "./ro-crate/run-actions.ts"
import { addFailedStep, addStep } from "./ro-crate/steps.ts"
import { addThing } from "./ro-crate/things.ts"
import { addWorkflow } from "./ro-crate/workflow.ts"

export interface Crate {
  /** What `ro-crate-metadata.json` holds. */
  readonly metadata: { readonly "@context": string; readonly "@graph": ReadonlyArray<Entity> }
  readonly files: ReadonlyArray<CrateFile>
}

/**
 * A lineage as a Provenance Run Crate 0.5 in RO-Crate 1.1: the pipeline as it was resolved, what each node did, took
 * and gave, with the artifacts as files. Files of the project that nodes read are named by digest, not copied, and so
 * are the pictures that tables name.
 */
export const roCrate = (store: OpenStore, lineage: Traced, version: string): Crate => {
  const draft = new Draft(store, lineage, version)
  const nodes = lineage.nodes.filter(({ kind }) => kind === "node").reverse()
  const things = new Map(
    lineage.nodes
      .filter(({ kind }) => kind === "artifact" || kind === "source")
      .map((thing) => [thing.id, addThing(draft, thing)]),
  )
  const steps = nodes.map((node, i) => addStep(draft, node, i + 1, things))
  const { run } = lineage
  if (run !== undefined)
    for (const node of run.nodes.filter(({ status }) => status === "failed"))
      steps.push(addFailedStep(draft, { ...node, runEnded: run.startedAt + run.ms }, steps.length + 1))

  const isNode = (id: string): boolean => draft.node(id)?.kind === "node"
  const used = [...things].flatMap(([id, thing]) =>
    draft.into(id).some(({ from }) => isNode(from)) ? [] : [thing],
  )
  const given = [...things].flatMap(([id, thing]) =>
    draft.outOf(id).some(({ to }) => isNode(to)) ? [] : [thing],
  )
  const span = spanOf(draft, nodes)
  addWorkflow(draft, nodes, steps, { used, given })
  addRunActions(draft, { ...span, steps, used, given })

  const blobs = draft.files.map(({ path }) => path).filter((path) => path.startsWith("blobs/"))
  const parts = [WORKFLOW, ...things.values(), ...blobs]
  return {
    metadata: {
      "@context": `${RO_CRATE}/context`,
      "@graph": [...descriptors(draft, { parts, steps, end: span.end }), ...draft.entities()].map(plain),
    },
    files: draft.files,
  }
}
