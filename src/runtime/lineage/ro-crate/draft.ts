import type { Digest } from "../../../schema/digest.ts"
import type { LineageEdge, LineageNode } from "../../../schema/lineage.ts"
import type { OpenStore } from "../../store/store.ts"
import type { Traced } from "../lineage.ts"

/** A file or folder of a crate, and where its content is. */
export type CrateFile =
  | { readonly path: string; readonly kind: "table" | "blob" | "files"; readonly digest: Digest }
  | { readonly path: string; readonly kind: "text"; readonly text: string }

/** One object of a crate's graph. */
export type Entity = {
  readonly "@id": string
  readonly "@type": unknown
  readonly [property: string]: unknown
}
export const ref = (id: string): { readonly "@id": string } => ({ "@id": id })

/** A list of one thing as the thing itself, as RO-Crate recommends. */
export const plain = (entity: Entity): Entity =>
  Object.fromEntries(
    Object.entries(entity).map(([name, value]) => [
      name,
      Array.isArray(value) && value.length === 1 ? (value[0] as unknown) : value,
    ]),
  ) as Entity

/** A crate while it is written: its entities by id, its files, and the lineage that it tells of. */
export class Draft {
  readonly store: OpenStore
  readonly lineage: Traced
  readonly version: string
  readonly files: Array<CrateFile> = []
  readonly #entities = new Map<string, Entity>()
  readonly #paths = new Set<string>()
  readonly #byId: ReadonlyMap<string, LineageNode>
  readonly #into: ReadonlyMap<string, ReadonlyArray<LineageEdge>>
  readonly #outOf: ReadonlyMap<string, ReadonlyArray<LineageEdge>>

  constructor(store: OpenStore, lineage: Traced, version: string) {
    this.store = store
    this.lineage = lineage
    this.version = version
    this.#byId = new Map(lineage.nodes.map((node) => [node.id, node]))
    this.#into = Map.groupBy(lineage.edges, ({ to }) => to)
    this.#outOf = Map.groupBy(lineage.edges, ({ from }) => from)
  }

  /** Adds an entity, or properties to one that is there; gives its id. */
  add(entity: Entity): string {
    const known = this.#entities.get(entity["@id"])
    this.#entities.set(entity["@id"], { ...known, ...entity })
    return entity["@id"]
  }

  entity(id: string): Entity | undefined {
    return this.#entities.get(id)
  }

  entities(): ReadonlyArray<Entity> {
    return [...this.#entities.values()]
  }

  node(id: string): LineageNode | undefined {
    return this.#byId.get(id)
  }

  into(id: string): ReadonlyArray<LineageEdge> {
    return this.#into.get(id) ?? []
  }

  outOf(id: string): ReadonlyArray<LineageEdge> {
    return this.#outOf.get(id) ?? []
  }

  /** A path that every file system takes, and that is given once. */
  path(folder: string, name: string, end: string): string {
    const safe = name.replaceAll(/[^\w.-]+/gu, "_").replace(/^\.+/u, "_")
    let path = `${folder}/${safe}${end}`
    for (let n = 2; this.#paths.has(path); n++) path = `${folder}/${safe}-${n}${end}`
    this.#paths.add(path)
    return path
  }

  /** The path of a blob, which is a file of the crate once, whoever names it. */
  blob(digest: Digest): string {
    const path = `blobs/${digest}`
    if (!this.#paths.has(path)) {
      this.#paths.add(path)
      this.files.push({ path, kind: "blob", digest })
    }
    return path
  }
}
