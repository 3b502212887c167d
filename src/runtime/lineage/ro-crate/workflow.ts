import type { LineageNode } from "../../../schema/lineage.ts"
import { textOf } from "../words.ts"
import { ref, type Draft } from "./draft.ts"
import { BIOSCHEMAS, LANGUAGE, WORKFLOW } from "./names.ts"
import type { Step } from "./steps.ts"

/** The pipeline as it was resolved: a file of the crate, with its steps, and what it took and gave as parameters. */
export const addWorkflow = (
  draft: Draft,
  nodes: ReadonlyArray<LineageNode>,
  steps: ReadonlyArray<Step>,
  { used, given }: { readonly used: ReadonlyArray<string>; readonly given: ReadonlyArray<string> },
): void => {
  const { pipeline, run } = draft.lineage
  const inputs = used.map((thing) => addParameter(draft, "input", thing))
  const outputs = given.map((thing) => addParameter(draft, "output", thing))
  const document = { pipeline, nodes: Object.fromEntries(nodes.map((node) => resolved(draft, node))) }
  draft.files.push({ path: WORKFLOW, kind: "text", text: `${JSON.stringify(document, null, 2)}\n` })
  draft.add({
    "@id": WORKFLOW,
    "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"],
    name: `${pipeline}, as it was resolved`,
    description:
      "The nodes with their types, parameters and inputs, after profiles, references and matrices.",
    encodingFormat: "application/json",
    version: run?.id ?? "newest",
    programmingLanguage: ref(LANGUAGE),
    conformsTo: ref(BIOSCHEMAS),
    input: inputs.map(ref),
    output: outputs.map(ref),
    step: steps.map(({ step }) => ref(step)),
    hasPart: [...new Set(steps.map(({ tool }) => tool))].map(ref),
  })
}

/** A formal parameter of the workflow, and the data that it was. */
const addParameter = (draft: Draft, way: "input" | "output", thing: string): string => {
  const entity = draft.entity(thing)!
  const id = `${WORKFLOW}#${way}/${encodeURIComponent(textOf(entity["name"]))}`
  draft.add({ ...entity, exampleOfWork: ref(id) })
  return draft.add({
    "@id": id,
    "@type": "FormalParameter",
    name: textOf(entity["name"]),
    additionalType: entity["@type"],
    workExample: ref(thing),
  })
}

/** A node of the pipeline with all that decided it, in the words of a document. */
const resolved = (draft: Draft, node: LineageNode): readonly [string, unknown] => {
  const inputs = Map.groupBy(draft.into(node.id), ({ role }) => role)
  const names = [...inputs].flatMap(([port, edges]) => {
    const from = edges.flatMap((edge) => {
      const thing = draft.node(edge.from)
      return thing?.kind === "artifact"
        ? [`${textOf(thing.attributes["node"])}.${textOf(thing.attributes["port"])}`]
        : []
    })
    return from.length === 0 ? [] : [[port, from.length === 1 ? from[0] : from] as const]
  })
  return [
    textOf(node.attributes["node"]),
    { uses: node.attributes["uses"], in: Object.fromEntries(names), with: node.attributes["params"] },
  ]
}
