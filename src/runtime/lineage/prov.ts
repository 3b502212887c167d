import type { LineageEdge, LineageNode } from "../../schema/lineage.ts"
import type { OpenStore } from "../store/store.ts"
import type { Traced } from "./lineage.ts"
import { edgesOf, nodesOf } from "./members.ts"
import { textOf } from "./words.ts"

/**
 * PROV-JSONLD, W3C Member Submission of 25 August 2024 (https://www.w3.org/submissions/prov-jsonld/): one statement of
 * PROV-DM an object, which its context maps to the terms of PROV-O.
 */
const CONTEXT = "https://openprovenance.org/prov-jsonld/context.jsonld"

/** Prefixes of the names used. What has no home on the web is named by a URN, the same from every store. */
const PREFIXES = {
  prov: "http://www.w3.org/ns/prov#",
  xsd: "http://www.w3.org/2001/XMLSchema#",
  facet: "urn:facet:term:",
  run: "urn:facet:run:",
  type: "urn:facet:type:",
  node: "urn:facet:node:",
  artifact: "urn:facet:artifact:",
  sample: "urn:facet:sample:",
  decision: "urn:facet:decision:",
  source: "urn:facet:source:",
  file: "urn:facet:file:",
}

/** What encodeURIComponent lets pass and a local name of PROV-N does not. */
const escapes: Readonly<Record<string, string>> = Object.fromEntries(
  "'();.!*~".split("").map((c) => [c, `%${c.charCodeAt(0).toString(16).toUpperCase()}`]),
)

/** A local name of PROV-N: what it does not allow is percent-encoded. */
const local = (text: string): string =>
  /^[\w-]*$/u.test(text) ? text : encodeURIComponent(text).replaceAll(/['();.!*~]/gu, (c) => escapes[c])

/** Names of a lineage are `kind:rest`, and the kinds are prefixes. */
const nameOf = (id: string): string => {
  const colon = id.indexOf(":")
  return `${id.slice(0, colon)}:${local(id.slice(colon + 1))}`
}
const kindOf = (id: string): string => id.slice(0, id.indexOf(":"))

type Statement = { readonly "@type": string; readonly [term: string]: unknown }

/** A value of an attribute of ours: texts as they are, numbers typed, all else as JSON. */
const valueOf = (value: unknown): unknown => {
  if (typeof value === "string") return value
  if (typeof value === "number")
    return { "@value": String(value), "@type": Number.isInteger(value) ? "xsd:integer" : "xsd:double" }
  return JSON.stringify(value)
}

const attributesOf = (fields: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [`facet:${local(name)}`, [valueOf(value)]]),
  )

const labelled = (label: string) => ({ label: [{ "@value": label }] })

/** Entities, activities and agents, then what relates them; samples of tables stream. */
export async function* provDocument(
  store: OpenStore,
  lineage: Traced,
  version: string,
): AsyncGenerator<string> {
  const head = JSON.stringify([PREFIXES, CONTEXT])
  yield `{\n  "@context": ${head},\n  "@graph": [`
  let any = false
  for await (const statement of statements(store, lineage, version)) {
    yield `${any ? ",\n" : "\n"}    ${JSON.stringify(statement)}`
    any = true
  }
  yield any ? "\n  ]\n}\n" : "]\n}\n"
}

async function* statements(store: OpenStore, lineage: Traced, version: string): AsyncGenerator<Statement> {
  const agent = `facet:${local(`facet-${version}`)}`
  yield {
    "@type": "Agent",
    "@id": agent,
    type: ["prov:SoftwareAgent"],
    ...labelled(`Facet ${version}`),
    ...attributesOf({ version }),
  }
  const said = new Set<string>()
  for (const node of lineage.nodes.filter(({ kind }) => kind === "node")) {
    for (const statement of about(node, agent, lineage)) {
      const id = statement["@id"]
      if (typeof id === "string") {
        if (said.has(id)) continue
        said.add(id)
      }
      yield statement
    }
  }
  const tables = new Set(lineage.tables.map(({ artifact }) => artifact))
  for await (const node of nodesOf(store, lineage)) {
    if (node.kind !== "node") yield entity(node, tables.has(node.id))
  }
  const ends = new Map(
    lineage.nodes.filter(({ kind }) => kind === "node").map((node) => [node.id, endOf(node)]),
  )
  for await (const edge of edgesOf(store, lineage)) yield relation(edge, ends)
}

const numberOf = (value: unknown): number => (typeof value === "number" ? value : 0)

const endOf = ({ attributes }: LineageNode): string =>
  new Date(Date.parse(textOf(attributes["startedAt"])) + numberOf(attributes["ms"])).toISOString()

/** What a node did: an activity, started by a run, by the plan that its type with its code is. */
function* about(node: LineageNode, agent: string, { run }: Traced): Generator<Statement> {
  const { uses, fingerprint, startedAt, run: by } = node.attributes
  const activity = nameOf(node.id)
  const plan = `type:${local(`${textOf(uses)}@${textOf(fingerprint).slice(0, 16)}`)}`
  const starter = `run:${local(textOf(by))}`
  yield {
    "@type": "Activity",
    "@id": activity,
    startTime: textOf(startedAt),
    endTime: endOf(node),
    type: ["facet:NodeExecution"],
    ...labelled(node.label),
    ...attributesOf({
      node: node.attributes["node"],
      uses,
      key: node.digest,
      params: node.attributes["params"],
      seed: node.attributes["seed"],
      status: node.attributes["status"],
      environment: node.attributes["environment"],
    }),
  }
  yield {
    "@type": "Activity",
    "@id": starter,
    ...(run?.id === by && run !== undefined
      ? {
          startTime: new Date(run.startedAt).toISOString(),
          endTime: new Date(run.startedAt + run.ms).toISOString(),
        }
      : {}),
    type: ["facet:Run"],
    ...labelled(`run ${textOf(by)}`),
  }
  yield {
    "@type": "Entity",
    "@id": plan,
    type: ["prov:Plan"],
    ...labelled(textOf(uses)),
    ...attributesOf({ uses, fingerprint }),
  }
  yield { "@type": "Start", activity, starter, time: textOf(startedAt) }
  yield { "@type": "Association", activity, agent, plan }
}

const TYPES = {
  source: "facet:Source",
  artifact: "facet:Artifact",
  node: "facet:NodeExecution",
  sample: "facet:Sample",
  decision: "facet:Decision",
} as const

const entity = ({ id, kind, label, digest, attributes }: LineageNode, collection: boolean): Statement => ({
  "@type": "Entity",
  "@id": nameOf(id),
  type: [TYPES[kind], ...(collection ? ["prov:Collection"] : [])],
  ...labelled(label),
  ...attributesOf({ ...attributes, ...(digest === undefined ? {} : { digest }) }),
})

const relation = ({ from, to, role }: LineageEdge, ends: ReadonlyMap<string, string>): Statement => {
  const [before, after] = [nameOf(from), nameOf(to)]
  const roles = { role: [`facet:${local(role)}`] }
  if (kindOf(to) === "node") return { "@type": "Usage", activity: after, entity: before, ...roles }
  if (kindOf(from) === "node")
    return { "@type": "Generation", entity: after, activity: before, time: ends.get(from), ...roles }
  if (role === "contains") return { "@type": "Membership", collection: after, entity: [before] }
  const primary = kindOf(from) === "source" ? { type: ["prov:PrimarySource"] } : {}
  return {
    "@type": "Derivation",
    generatedEntity: after,
    usedEntity: before,
    ...primary,
    ...attributesOf({ step: role }),
  }
}
