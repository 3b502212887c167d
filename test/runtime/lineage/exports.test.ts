import { Ajv } from "ajv"
import addFormats from "ajv-formats"
import { createHash } from "node:crypto"
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import jsonld from "jsonld"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Traced } from "../../../src/runtime/engine.ts"
import { openLineageDocument } from "../../../src/runtime/lineage/openlineage.ts"
import { provDocument } from "../../../src/runtime/lineage/prov.ts"
import { roCrate, type Crate } from "../../../src/runtime/lineage/ro-crate.ts"
import { crateText, isFree, writeCrate } from "../../../src/runtime/lineage/write-crate.ts"
import { packageRoot } from "../../../src/runtime/package-root.ts"
import type { OpenStore } from "../../../src/runtime/store/store.ts"
import { readerOf } from "./readers/readers.ts"
import { ask, newRig, sketches } from "./world.ts"

const schemas = join(import.meta.dirname, "schemas")
const RDF_TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
const readJson = (path: string): unknown => JSON.parse(readFileSync(path, "utf8"))

/** Contexts by their address: nothing is fetched, and an address that is not here is an error. */
const CONTEXTS: Readonly<Record<string, string>> = {
  "https://openprovenance.org/prov-jsonld/context.jsonld": "prov-jsonld-context.jsonld",
  "https://w3id.org/ro/crate/1.1/context": "ro-crate-1.1-terms.jsonld",
}
const expanded = async (document: unknown): Promise<ReadonlyArray<Properties>> =>
  await jsonld.expand(
    document as jsonld.JsonLdDocument,
    {
      // A term that no context explains is an error and not left away.
      safe: true,
      base: "https://example.test/crate/",
      documentLoader: async (url: string) => {
        const file = CONTEXTS[url]
        if (file === undefined) throw new Error(`no context is kept for ${url}`)
        return { documentUrl: url, document: readJson(join(schemas, file)) as object }
      },
    } as jsonld.Options.Expand,
  )

type Properties = { readonly [name: string]: unknown }

let folder = ""
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "facet-exports-"))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const asked = async <A>(
  ref: string,
  body: (found: Traced, store: OpenStore) => A | Promise<A>,
  direction: "up" | "down" = "up",
): Promise<A> => {
  const rig = newRig()
  const record = await rig.run(sketches())
  expect(record.nodes.flatMap((node) => node.error ?? [])).toEqual([])
  return ask(rig, ref, direction, body)
}

const textOf = async (pieces: AsyncIterable<string> | Iterable<string>): Promise<string> => {
  let text = ""
  for await (const piece of pieces) text += piece
  return text
}

describe("W3C PROV", () => {
  const prov = (ref: string): Promise<string> =>
    asked(ref, (found, store) => textOf(provDocument(store, found, "1.2.3")))
  type Statement = Properties & { readonly "@type": string }
  const graphOf = (text: string): ReadonlyArray<Statement> =>
    (JSON.parse(text) as { readonly "@graph": ReadonlyArray<Statement> })["@graph"]

  const ajv = new Ajv({ strict: false, allErrors: true })
  addFormats.default(ajv)
  const valid = ajv.compile(readJson(join(schemas, "prov-jsonld.schema.json")) as object)

  it.each(["train.model", "eval", "last", "three"])(
    "of %s is what the schema of PROV-JSONLD asks for",
    async (ref) => {
      const document = JSON.parse(await prov(ref)) as object
      expect(valid(document) ? [] : valid.errors).toEqual([])
      const graph = graphOf(JSON.stringify(document))
      // The schema is no rubber stamp.
      const late = graph.map((one) => ("startTime" in one ? { ...one, startTime: "yesterday" } : one))
      expect(valid({ ...document, "@graph": late })).toBe(!graph.some((one) => "startTime" in one))
      expect(valid({ ...document, "@graph": [{ "@type": "Using" }] })).toBe(false)
    },
  )

  it("has no term that PROV-O has not", async () => {
    const ontology = readFileSync(join(packageRoot, "node_modules", "@vocabulary", "prov", "prov.nq"), "utf8")
    const terms = (kind: RegExp): ReadonlySet<string> =>
      new Set(
        [...ontology.matchAll(/^<(http:\/\/www\.w3\.org\/ns\/prov#\w+)> <[^>]*#type> <[^>]*#(\w+)>/gmu)]
          .filter(([, , type]) => kind.test(type ?? ""))
          .map(([, term]) => term ?? ""),
      )
    const classes = terms(/^Class$/u)
    const properties = terms(/Property$/u)
    const used = { classes: new Set<string>(), properties: new Set<string>() }
    const collect = (value: unknown): void => {
      if (Array.isArray(value)) for (const one of value) collect(one)
      else if (typeof value === "object" && value !== null)
        for (const [name, inner] of Object.entries(value)) {
          if (name === "@type") for (const type of [inner].flat()) used.classes.add(String(type))
          else if (name === RDF_TYPE)
            for (const type of inner as ReadonlyArray<Properties>) used.classes.add(String(type["@id"]))
          else if (!name.startsWith("@")) used.properties.add(name)
          collect(inner)
        }
    }
    collect(await expanded(JSON.parse(await prov("last"))))
    const ours = (names: ReadonlySet<string>): ReadonlyArray<string> =>
      [...names].filter((name) => name.startsWith("http://www.w3.org/ns/prov#"))
    expect(ours(used.classes).filter((name) => !classes.has(name))).toEqual([])
    expect(ours(used.properties).filter((name) => !properties.has(name))).toEqual([])
    for (const term of [
      "Entity",
      "Activity",
      "SoftwareAgent",
      "Plan",
      "Usage",
      "Generation",
      "Derivation",
      "Start",
    ])
      expect(used.classes).toContain(`http://www.w3.org/ns/prov#${term}`)
    for (const term of [
      "qualifiedUsage",
      "qualifiedGeneration",
      "qualifiedDerivation",
      "startedAtTime",
      "hadPlan",
    ])
      expect(JSON.stringify([...used.properties])).toContain(`http://www.w3.org/ns/prov#${term}`)
  })

  it("speaks only of what it declares, each once", async () => {
    const graph = graphOf(await prov("last"))
    const declared = graph.flatMap((one) => (typeof one["@id"] === "string" ? [one["@id"]] : []))
    expect(new Set(declared).size).toBe(declared.length)
    const named = graph.flatMap((one) =>
      [
        "entity",
        "activity",
        "agent",
        "plan",
        "starter",
        "collection",
        "generatedEntity",
        "usedEntity",
      ].flatMap((term) => (one[term] === undefined ? [] : [one[term]].flat().map(String))),
    )
    expect(named.length).toBeGreaterThan(30)
    expect(named.filter((name) => !declared.includes(name))).toEqual([])
  })

  it("says of a model what made it, of what table, and which samples that has", async () => {
    const graph = graphOf(await prov("train.model"))
    const of = (type: string): ReadonlyArray<Statement> => graph.filter((one) => one["@type"] === type)
    const label = (id: unknown): string =>
      JSON.stringify(graph.find((one) => one["@id"] === id)?.["facet:node"] ?? id)
    const model = of("Entity").find((one) => JSON.stringify(one["facet:port"]) === '["model"]')!
    const made = of("Generation").find(({ entity }) => entity === model["@id"])!
    expect(label(made["activity"])).toBe('["train"]')
    const used = of("Usage").filter(({ activity }) => activity === made["activity"])
    expect(used.map(({ entity }) => label(entity))).toEqual(['["balance"]'])
    const members = of("Membership")
      .filter(({ collection }) => collection === used[0]["entity"])
      .flatMap(({ entity }) => entity as ReadonlyArray<string>)
      .map((id) => graph.find((one) => one["@id"] === id)?.["facet:id"])
    expect(members.flat().map(String).sort()).toEqual(["one#0", "one#0~1", "one#1", "three"])
  })

  const reader = readerOf("prov")
  it.skipIf(reader === undefined)("is read by the Python package prov", async () => {
    const text = await prov("last")
    const path = join(folder, "prov.jsonld")
    writeFileSync(path, text)
    const read = JSON.parse(reader!(path)) as Readonly<Record<string, number>>
    for (const type of [
      "Entity",
      "Activity",
      "Usage",
      "Generation",
      "Derivation",
      "Membership",
      "Association",
    ])
      expect([type, read[`Prov${type}`]]).toEqual([
        type,
        graphOf(text).filter((one) => one["@type"] === type).length,
      ])
  })
})

describe("OpenLineage", () => {
  type Dataset = {
    readonly namespace: string
    readonly name: string
    readonly facets: Readonly<Record<string, Properties>>
    readonly inputFacets?: Readonly<Record<string, Properties>>
    readonly outputFacets?: Readonly<Record<string, Properties>>
  }
  type Event = {
    readonly eventType: string
    readonly eventTime: string
    readonly run: { readonly runId: string; readonly facets: Readonly<Record<string, Properties>> }
    readonly job: { readonly namespace: string; readonly name: string }
    readonly inputs: ReadonlyArray<Dataset>
    readonly outputs: ReadonlyArray<Dataset>
  }
  const openLineage = (ref: string): Promise<string> =>
    asked(ref, async (found, store) => {
      const text = await textOf(openLineageDocument(store, found, "1.2.3"))
      expect(await textOf(openLineageDocument(store, found, "1.2.3"))).toBe(text)
      return text
    })

  it("says of each node that it began and that it ended, in the order of time", async () => {
    const events = JSON.parse(await openLineage("last")) as ReadonlyArray<Event>
    const byRun = Map.groupBy(events, ({ run }) => run.runId)
    expect([...byRun.values()].map((pair) => pair.map(({ eventType }) => eventType))).toEqual(
      sketches().map(() => ["START", "COMPLETE"]),
    )
    expect(events.map(({ eventTime }) => eventTime)).toEqual(events.map(({ eventTime }) => eventTime).sort())
    for (const [id, pair] of byRun) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/u)
      expect(new Set(pair.map(({ job }) => job.name)).size).toBe(1)
      expect(pair[0].outputs).toEqual([])
    }
    expect(events.map(({ job }) => job.name).sort()).toEqual(
      sketches()
        .flatMap(({ id }) => [id, id])
        .sort(),
    )
  })

  it("names what a node took and gave, with rows, columns and the digest as its version", async () => {
    const events = JSON.parse(await openLineage("train")) as ReadonlyArray<Event>
    const done = (name: string): Event =>
      events.find(({ job, eventType }) => job.name === name && eventType === "COMPLETE")!
    const [input] = done("train").inputs
    const output = done("balance").outputs.find(({ name }) => name === "balance.images")!
    expect([input.name, input.inputFacets?.["inputStatistics"]?.["rowCount"]]).toEqual(["balance.images", 4])
    expect(input.facets["version"]).toEqual(output.facets["version"])
    expect(input.facets["version"]["datasetVersion"]).toMatch(/^[0-9a-f]{64}$/u)
    const fields = input.facets["schema"]["fields"] as ReadonlyArray<Properties>
    expect(fields.find(({ name }) => name === "image")?.["type"]).toBe("blob")
    expect(fields.find(({ name }) => name === "label")?.["type"]).toBe("string")
    expect(done("train").run.facets["executionParameters"]["parameters"]).toContainEqual({
      key: "lr",
      value: "0.1",
    })
  })

  const reader = readerOf("openlineage")
  it.skipIf(reader === undefined)("is read by the classes of the OpenLineage client", async () => {
    const text = await openLineage("last")
    const path = join(folder, "openlineage.json")
    writeFileSync(path, text)
    expect(reader!(path)).toBe(String((JSON.parse(text) as ReadonlyArray<Event>).length))
    writeFileSync(path, text.replace('"runId":"', '"runId":"no-uuid-'))
    expect(() => reader!(path)).toThrow(/UUID/u)
  })
})

describe("Run Crate", () => {
  const written = (name: string, change: (found: Traced) => Traced = (found) => found): Promise<Crate> =>
    asked("last", async (found, store) => {
      const crate = roCrate(store, change(found), "1.2.3")
      expect(crateText(roCrate(store, change(found), "1.2.3"))).toBe(crateText(crate))
      await writeCrate(store, crate, join(folder, name))
      return crate
    })
  const idsOf = (value: unknown): ReadonlyArray<string> =>
    [value ?? []].flat().map((one) => (one as { readonly "@id": string })["@id"])
  const typesOf = (entity: Properties): ReadonlyArray<unknown> => [entity["@type"]].flat()
  const graphOf = (crate: Crate) => {
    const { "@graph": graph } = crate.metadata
    const byId = new Map<string, Properties>(graph.map((one) => [one["@id"], one]))
    expect(byId.size).toBe(graph.length)
    return { graph, byId, of: (type: string) => graph.filter((one) => typesOf(one).includes(type)) }
  }

  it("has no term that its context does not explain", async () => {
    const crate = await written("terms")
    const nodes = await expanded(crate.metadata)
    expect(nodes.length).toBe(crate.metadata["@graph"].length)
    const wrong = { ...crate.metadata, "@graph": [{ "@id": "./", "@type": "Dataset", nmae: "x" }] }
    await expect(expanded(wrong)).rejects.toThrow(/safe mode/iu)
  })

  it("describes itself as RO-Crate 1.1 asks", async () => {
    const { graph, byId } = graphOf(await written("root"))
    const descriptor = byId.get("ro-crate-metadata.json")!
    expect(descriptor["@type"]).toBe("CreativeWork")
    expect(idsOf(descriptor["about"])).toEqual(["./"])
    expect(idsOf(descriptor["conformsTo"])).toContain("https://w3id.org/ro/crate/1.1")
    const root = byId.get("./")!
    expect(root["@type"]).toBe("Dataset")
    expect(["name", "description", "license"].filter((property) => root[property] === undefined)).toEqual([])
    expect(root["datePublished"]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+\+00:00$/u)
    for (const profile of ["process", "workflow", "provenance"])
      expect(idsOf(root["conformsTo"])).toContain(`https://w3id.org/ro/wfrun/${profile}/0.5`)
    // All data is part of the root, and what is named is described, here or on the web.
    const data = graph.filter(
      (one) => one["@id"] !== "./" && typesOf(one).some((type) => type === "File" || type === "Dataset"),
    )
    expect(idsOf(root["hasPart"]).toSorted()).toEqual(data.map((one) => one["@id"]).sort())
    const named = graph.flatMap((one) =>
      Object.values(one).flatMap((value) =>
        [value]
          .flat()
          .flatMap((part) => (typeof part === "object" && part !== null && "@id" in part ? idsOf(part) : [])),
      ),
    )
    expect(named.filter((id) => !byId.has(id) && !/^https:|^urn:facet:language$/u.test(id))).toEqual([])
  })

  it("tells a run as the profiles ask: workflow, steps, tools, actions", async () => {
    const { byId, of } = graphOf(await written("run"))
    const main = byId.get(idsOf(byId.get("./")!["mainEntity"])[0])!
    expect(typesOf(main)).toEqual(["File", "SoftwareSourceCode", "ComputationalWorkflow", "HowTo"])
    expect(byId.get(idsOf(main["programmingLanguage"])[0])?.["@type"]).toBe("ComputerLanguage")
    const steps = idsOf(main["step"]).map((id) => byId.get(id)!)
    expect(steps.map((step) => step["position"])).toEqual(sketches().map((_, i) => String(i + 1)))
    expect(steps.map((step) => String(step["name"])).sort()).toEqual(
      sketches()
        .map(({ id }) => id)
        .sort(),
    )
    for (const step of steps) {
      expect(step["@type"]).toBe("HowToStep")
      const [tool] = idsOf(step["workExample"])
      expect(byId.get(tool)?.["@type"]).toBe("SoftwareApplication")
      expect(idsOf(main["hasPart"])).toContain(tool)
    }
    const [organize] = of("OrganizeAction")
    const run = byId.get(idsOf(organize["result"])[0])!
    expect(idsOf(run["instrument"])).toEqual([main["@id"]])
    const controls = idsOf(organize["object"]).map((id) => byId.get(id)!)
    expect(controls.flatMap((control) => idsOf(control["instrument"]))).toEqual(idsOf(main["step"]))
    const actions = controls.flatMap((control) => idsOf(control["object"]).map((id) => byId.get(id)!))
    expect(actions.length).toBe(sketches().length)
    for (const action of [run, ...actions]) {
      expect(action["@type"]).toBe("CreateAction")
      expect(action["actionStatus"]).toBe("http://schema.org/CompletedActionStatus")
      expect(Date.parse(String(action["startTime"]))).toBeLessThanOrEqual(
        Date.parse(String(action["endTime"])),
      )
      expect(idsOf(byId.get("./")!["mentions"])).toContain(action["@id"])
    }
    const train = byId.get("#action/train")!
    expect(idsOf(train["object"])).toEqual(["data/balance.images.jsonl", "#parameter/train/lr"])
    expect(idsOf(train["result"])).toEqual(["data/train.model.json"])
    for (const [way, list] of [
      ["object", "input"],
      ["result", "output"],
    ] as const)
      expect(idsOf(main[list]).flatMap((id) => idsOf(byId.get(id)!["workExample"]))).toEqual(idsOf(run[way]))
  })

  it("is a folder with exactly the files it lists, which hold what was computed", async () => {
    const crate = await written("files")
    const { byId } = graphOf(crate)
    const found = readdirSync(join(folder, "files"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, "files").length + 1))
    expect(found.sort()).toEqual([...crate.files.map(({ path }) => path), "ro-crate-metadata.json"].sort())
    expect(readJson(join(folder, "files", "ro-crate-metadata.json"))).toEqual(crate.metadata)
    const bytesOf = (path: string): Buffer => readFileSync(join(folder, "files", path))
    const blobs = crate.files.flatMap((file) => (file.kind === "blob" ? [file] : []))
    expect(blobs.map(({ path }) => createHash("sha256").update(bytesOf(path)).digest("hex"))).toEqual(
      blobs.map(({ digest }) => digest),
    )
    const tables = crate.files.filter(({ kind }) => kind === "table")
    expect(tables.length).toBeGreaterThan(5)
    expect(tables.map(({ path }) => `${bytesOf(path).toString().split("\n").length - 1} rows`)).toEqual(
      tables.map(({ path }) => String(byId.get(path)!["description"]).split(", ").at(-1)),
    )
    const rows = readFileSync(join(folder, "files", "data", "balance.images.jsonl"), "utf8")
      .trim()
      .split("\n")
    expect(rows.map((line) => (JSON.parse(line) as { readonly id: string }).id).sort()).toEqual([
      "one#0",
      "one#0~1",
      "one#1",
      "three",
    ])
    expect(readJson(join(folder, "files", "data", "train.model.json"))).toEqual({ trainedOn: 4, lr: 0.1 })
    const { nodes } = readJson(join(folder, "files", "workflow.json")) as { readonly nodes: Properties }
    expect(nodes["train"]).toEqual({ uses: "t.train", in: { images: "balance.images" }, with: { lr: 0.1 } })
    expect(isFree(join(folder, "files"))).toBe(false)
    expect(isFree(join(folder, "nothing"))).toBe(true)
  })

  it("says what failed, and why", async () => {
    const crate = await written("failed", (found) => ({
      ...found,
      run: {
        ...found.run!,
        status: "failed",
        nodes: [
          { id: "report", uses: "t.report", status: "failed", error: "no room", ms: 1 },
          ...found.run!.nodes,
        ] as never,
      },
    }))
    const { byId, of } = graphOf(crate)
    for (const id of ["#run", "#organize"])
      expect(byId.get(id)).toMatchObject({
        actionStatus: "http://schema.org/FailedActionStatus",
        error: "report: no room",
      })
    expect(byId.get("#action/report")).toMatchObject({
      actionStatus: "http://schema.org/FailedActionStatus",
      error: "no room",
    })
    const positions = of("HowToStep").map((step) => Number(step["position"]))
    expect(positions).toEqual(positions.map((_, i) => i + 1))
  })

  const reader = readerOf("crate")
  it.skipIf(reader === undefined)(
    "passes the validator for Provenance Run Crates",
    async () => {
      await written("valid")
      expect(existsSync(join(folder, "valid", "ro-crate-metadata.json"))).toBe(true)
      const terms = join(schemas, "ro-crate-1.1-terms.jsonld")
      const issues = reader!(join(folder, "valid"), terms).split("\n")
      // Nothing required is missing; of what is recommended, only what the engine cannot know: people and homes on the web.
      expect(issues.map((issue) => issue.slice(0, issue.indexOf(":")))).toEqual([
        "RECOMMENDED process-run-crate-0.5_3.2",
        "RECOMMENDED process-run-crate-0.5_5.1",
        "RECOMMENDED process-run-crate-0.5_8.6",
        "RECOMMENDED ro-crate-1.1_22.2",
        "RECOMMENDED ro-crate-1.1_22.3",
        "RECOMMENDED workflow-ro-crate-1.0_6.1",
        "RECOMMENDED workflow-ro-crate-1.0_6.2",
      ])
      const metadata = join(folder, "valid", "ro-crate-metadata.json")
      writeFileSync(metadata, readFileSync(metadata, "utf8").replaceAll('"mainEntity"', '"about"'))
      expect(() => reader!(join(folder, "valid"), terms)).toThrow(/Command failed/u)
    },
    120_000,
  )
})
