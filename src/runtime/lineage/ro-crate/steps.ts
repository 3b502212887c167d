import type { LineageNode } from "../../../schema/lineage.ts"
import { textOf } from "../words.ts"
import { ref, type Draft } from "./draft.ts"
import { COMPLETED, FAILED, WORKFLOW } from "./names.ts"
import { endOf, iso, startOf } from "./times.ts"

/** Ids of what is said of one node: its step in the workflow, its type, what it did, and that the engine had it done. */
export interface Step {
  readonly step: string
  readonly tool: string
  readonly action: string
  readonly control: string
}

/** One node that was computed. `things` are the ids of the data by those of the lineage, `position` counts from 1. */
export const addStep = (
  draft: Draft,
  node: LineageNode,
  position: number,
  things: ReadonlyMap<string, string>,
): Step => {
  const { uses, fingerprint, params, status, run } = node.attributes
  const name = textOf(node.attributes["node"])
  const at = encodeURIComponent(name)
  const tool = addTool(draft, textOf(uses), textOf(fingerprint))
  const values = Object.entries(typeof params === "object" && params !== null ? params : {}).map(
    ([field, value]) =>
      draft.add({
        "@id": `#parameter/${at}/${encodeURIComponent(field)}`,
        "@type": "PropertyValue",
        name: `${name}.${field}`,
        value: typeof value === "string" ? value : JSON.stringify(value),
      }),
  )
  const taken = draft.into(node.id).flatMap(({ from }) => things.get(from) ?? [])
  const given = draft.outOf(node.id).flatMap(({ to }) => things.get(to) ?? [])
  const earlier = status === "cached" ? ` It was taken from run ${textOf(run)}.` : ""
  const action = draft.add({
    "@id": `#action/${at}`,
    "@type": "CreateAction",
    name: `${name} (${textOf(uses)})`,
    description: `What the node ${name} did.${earlier}`,
    instrument: ref(tool),
    object: [...taken, ...values].map(ref),
    result: given.map(ref),
    startTime: iso(startOf(node)),
    endTime: iso(endOf(node)),
    actionStatus: COMPLETED,
  })
  return addControl(draft, name, position, tool, action)
}

/** One node that failed: it left no trace but its error in the record of the run. */
export const addFailedStep = (
  draft: Draft,
  failed: {
    readonly id: string
    readonly uses: string
    readonly error?: string
    readonly runEnded: number
  },
  position: number,
): Step => {
  const tool = addTool(draft, failed.uses, "unknown")
  const action = draft.add({
    "@id": `#action/${encodeURIComponent(failed.id)}`,
    "@type": "CreateAction",
    name: `${failed.id} (${failed.uses})`,
    description: `The node ${failed.id} failed.`,
    instrument: ref(tool),
    endTime: iso(failed.runEnded),
    actionStatus: FAILED,
    error: failed.error ?? "failed",
  })
  return addControl(draft, failed.id, position, tool, action)
}

const addTool = (draft: Draft, uses: string, fingerprint: string): string =>
  draft.add({
    "@id": `urn:facet:type:${uses}:${fingerprint}`,
    "@type": "SoftwareApplication",
    name: uses,
    softwareVersion: fingerprint,
  })

const addControl = (draft: Draft, name: string, position: number, tool: string, action: string): Step => {
  const at = encodeURIComponent(name)
  const step = draft.add({
    "@id": `${WORKFLOW}#step/${at}`,
    "@type": "HowToStep",
    name,
    position: String(position),
    workExample: ref(tool),
  })
  const control = draft.add({
    "@id": `#control/${at}`,
    "@type": "ControlAction",
    name: `the engine had ${name} done`,
    instrument: ref(step),
    object: ref(action),
  })
  return { step, tool, action, control }
}
