import { kinds, type Params, type Plain, type Port, type Row } from "./kinds.ts"
import type { Model, ModelNode } from "./model.ts"

/** A node that can be renamed, rewired and edited: others refer to it by `uid`. */
export interface SceneNode {
  readonly uid: number
  id: string
  readonly kind: string
  params: Record<string, Plain>
  inputs: Record<string, Array<{ readonly uid: number; readonly port: string }>>
}

/** Numbers that choose, each taken modulo what there is to choose from: any list of them is a valid edit. */
export type Choices = ReadonlyArray<number>

export interface Edit {
  readonly what: (typeof EDITS)[number]
  readonly by: Choices
}

/** Kinds that can begin a graph, and all others. */
const SOURCES = ["literal", "pinned", "file", "queries"]
const OTHERS = Object.keys(kinds).filter((kind) => !SOURCES.includes(kind))

export const EDITS = [
  "row",
  "param",
  "free",
  "rename",
  "swap-names",
  "add",
  "remove",
  "rewire",
  "list",
  "rotate",
  "reorder",
  "recode",
  "seed",
  "move-file",
  "lose-file",
  "break",
  "heal",
  "clear",
] as const

/** A graph under edits, and how to hand it to the model and to the engine. */
export class Scene {
  readonly #salt: string
  readonly #model: Model
  /** Rows that a new table starts with, and one more: how big the tables are. */
  readonly #size: number
  #nodes: Array<SceneNode> = []
  #count = 0

  constructor(salt: string, model: Model, size: number) {
    this.#salt = salt
    this.#model = model
    this.#size = size
  }

  get nodes(): ReadonlyArray<SceneNode> {
    return this.#nodes
  }

  /** The graph as the model sees it; edges by name. */
  graph(): ReadonlyArray<ModelNode> {
    const names = new Map(this.#nodes.map(({ uid, id }) => [uid, id]))
    return this.#nodes.map(({ id, kind, params, inputs }) => ({
      id,
      kind,
      params: params as Params,
      optional: kind === "file",
      inputs: Object.fromEntries(
        Object.entries(inputs)
          .filter(([, refs]) => refs.length > 0)
          .map(([port, refs]) => [port, refs.map(({ uid, port }) => ({ node: names.get(uid)!, port }))]),
      ),
    }))
  }

  /** Adds a node; a source where nothing could feed it. */
  add([kind = 0, seed = 0, ...picks]: Choices): void {
    const wanted = kind % 3 === 0 ? SOURCES[seed % SOURCES.length] : OTHERS[seed % OTHERS.length]
    const inputs = this.#wire(wanted, picks)
    const chosen = inputs === undefined ? SOURCES[seed % SOURCES.length] : wanted
    const uid = this.#count++
    const salt = `${this.#salt}.${uid}`
    const params: Record<string, Plain> = { ...kinds[chosen].params, salt }
    const rows = this.#rows(seed)
    if (chosen === "literal") params["rows"] = rows as unknown as Plain
    if (chosen === "pinned") this.#model.world.sources.set(salt, rows)
    if (chosen === "queries") params["queries"] = Array.from({ length: 1 + (seed % 4) }, (_, k) => k)
    if (chosen === "file") {
      params["path"] = `${salt}.json`
      this.#model.world.files.set(`${salt}.json`, rows)
    }
    this.#nodes.push({ uid, id: `n${uid}`, kind: chosen, params, inputs: inputs ?? {} })
  }

  /** Applies an edit; one that means nothing here does nothing. Gives the artifact to take out of the store, if any. */
  edit({ what, by }: Edit): { readonly node: SceneNode; readonly port: number } | undefined {
    const [a = 0, b = 0, c = 0] = by
    const node = this.#nodes[a % this.#nodes.length]
    if (node === undefined) return undefined
    switch (what) {
      case "row":
        this.#editRows(node, b, c)
        break
      case "param": {
        const numbers = Object.keys(node.params).filter(
          (name) => typeof node.params[name] === "number" && name !== "hint",
        )
        if (numbers.length > 0) {
          const name = numbers[b % numbers.length]
          node.params[name] = 1 + (c % 4)
        }
        break
      }
      case "free":
        if ("hint" in node.params) node.params["hint"] = b
        break
      case "rename":
        node.id = `m${b % 4}${this.#nodes.some(({ id }) => id === `m${b % 4}`) ? `_${this.#count++}` : ""}`
        break
      case "swap-names": {
        const other = this.#nodes[b % this.#nodes.length]
        ;[node.id, other.id] = [other.id, node.id]
        break
      }
      case "add":
        this.add(by)
        break
      case "remove":
        this.#remove(node)
        break
      case "rewire": {
        const ports = Object.keys(kinds[node.kind].inputs)
        if (ports.length === 0) break
        const port = ports[b % ports.length]
        const found = this.#feeds(node, kinds[node.kind].inputs[port])
        if (found.length > 0) node.inputs[port] = [found[c % found.length]]
        break
      }
      case "list": {
        const port = Object.entries(kinds[node.kind].inputs).find(([, { many }]) => many === "list")
        if (port === undefined) break
        const refs = node.inputs[port[0]]
        const found = this.#feeds(node, port[1])
        if (b % 2 === 0 && refs.length > 1) refs.splice(c % refs.length, 1)
        else if (found.length > 0) refs.push(found[c % found.length])
        break
      }
      case "rotate":
        for (const refs of Object.values(node.inputs)) if (refs.length > 1) refs.push(refs.shift()!)
        break
      case "reorder": {
        const at = a % this.#nodes.length
        const next = this.#nodes[at + 1]
        const needs = Object.values(next?.inputs ?? {}).some((refs) =>
          refs.some(({ uid }) => uid === node.uid),
        )
        if (next !== undefined && !needs) [this.#nodes[at], this.#nodes[at + 1]] = [next, node]
        break
      }
      case "recode":
        this.#model.code.set(node.kind, String(1 + (b % 3)))
        break
      case "seed":
        this.#model.seed = b % 3
        break
      case "move-file":
        if (node.kind === "file") {
          const rows = this.#model.world.files.get(node.params["path"] as string)
          node.params["path"] = `${node.params["salt"] as string}.${b % 3}.json`
          if (rows !== undefined) this.#model.world.files.set(node.params["path"], rows)
        }
        break
      case "lose-file":
        if (node.kind === "file") this.#model.world.files.delete(node.params["path"] as string)
        break
      case "break": {
        const salt = node.params["salt"] as string
        const mapping = kinds[node.kind].map !== undefined
        this.#model.world.broken.add(mapping && b % 4 !== 0 ? `${salt}:${c % 9}` : salt)
        break
      }
      case "heal":
        this.#model.world.broken.clear()
        break
      case "clear":
        return { node, port: b }
    }
    return undefined
  }

  #rows(seed: number): ReadonlyArray<Row> {
    const length = this.#size + (seed % (this.#size + 1))
    return Array.from({ length }, (_, at) => this.#row(at, at + (seed % 5)))
  }

  #row(at: number, n: number): Row {
    return { id: `i${at}`, n, ...(at % 3 === 0 ? {} : { label: `l${at % 4}` }) }
  }

  /** One row more, less, relabelled or with another number. */
  #editRows(node: SceneNode, b: number, c: number): void {
    const { world } = this.#model
    const salt = node.params["salt"] as string
    const path = node.params["path"] as string
    if (node.kind === "queries") {
      const queries = node.params["queries"] as ReadonlyArray<number>
      const at = c % 9
      node.params["queries"] = queries.includes(at)
        ? queries.filter((query) => query !== at || queries.length === 1)
        : [...queries, at]
      return
    }
    const now =
      node.kind === "literal"
        ? (node.params["rows"] as unknown as ReadonlyArray<Row>)
        : node.kind === "pinned"
          ? world.sources.get(salt)
          : node.kind === "file"
            ? world.files.get(path)
            : undefined
    if (now === undefined) return
    const rows = [...now]
    const at = c % Math.max(1, rows.length)
    const fresh = rows.reduce((most, { id }) => Math.max(most, Number(id.slice(1)) + 1), 0)
    if (b % 4 === 0 || rows.length === 0) rows.push(this.#row(fresh, fresh + (c % 50)))
    else if (b % 4 === 1) rows.splice(at, 1)
    else if (b % 4 === 2) rows[at] = { ...rows[at], label: `x${c % 5}` }
    else rows[at] = { ...rows[at], n: rows[at].n + 1 + (c % 7) }
    if (node.kind === "literal") node.params["rows"] = rows as unknown as Plain
    else if (node.kind === "pinned") world.sources.set(salt, rows)
    else world.files.set(path, rows)
  }

  /** What may feed a port of a node: outputs of earlier nodes of the port's type. */
  #feeds(
    node: SceneNode | undefined,
    port: Port,
  ): ReadonlyArray<{ readonly uid: number; readonly port: string }> {
    const at = node === undefined ? this.#nodes.length : this.#nodes.indexOf(node)
    return this.#nodes.slice(0, at).flatMap(({ uid, kind }) =>
      Object.entries(kinds[kind].outputs)
        .filter(([, type]) => type === port.type)
        .map(([port]) => ({ uid, port })),
    )
  }

  #wire(kind: string, picks: Choices): SceneNode["inputs"] | undefined {
    const inputs: SceneNode["inputs"] = {}
    let at = 0
    const pick = (): number => picks[at++ % Math.max(1, picks.length)] ?? 0
    for (const [name, port] of Object.entries(kinds[kind].inputs)) {
      const found = this.#feeds(undefined, port)
      if (port.many === "optional" && (found.length === 0 || pick() % 2 === 0)) continue
      if (found.length === 0) return undefined
      const count = port.many === "list" ? 1 + (pick() % 3) : 1
      inputs[name] = Array.from({ length: count }, () => found[pick() % found.length])
    }
    return inputs
  }

  /** Takes a node away, and with it those that cannot be without it. */
  #remove(node: SceneNode): void {
    const gone = new Set([node.uid])
    for (const { uid, kind, inputs } of this.#nodes) {
      for (const [port, refs] of Object.entries(inputs)) {
        const left = refs.filter((ref) => !gone.has(ref.uid))
        if (left.length === 0 && kinds[kind].inputs[port].many !== "optional") gone.add(uid)
      }
    }
    if (gone.size === this.#nodes.length) return
    this.#nodes = this.#nodes.filter(({ uid }) => !gone.has(uid))
    for (const { inputs } of this.#nodes)
      for (const [port, refs] of Object.entries(inputs))
        inputs[port] = refs.filter(({ uid }) => !gone.has(uid))
  }
}
