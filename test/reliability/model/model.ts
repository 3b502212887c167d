/**
 * What the engine promises, as a pure function: a memory of results by what they were made of, and rules that say
 * from it which nodes and items run and why. No code of the engine, no digests, no disk: a key is the text of what
 * it stands for.
 */
import { kinds, type Given, type Kind, type Params, type Plain, type Value, type World } from "./kinds.ts"

export interface ModelNode {
  readonly id: string
  readonly kind: string
  readonly params: Params
  readonly inputs: Readonly<Record<string, ReadonlyArray<{ readonly node: string; readonly port: string }>>>
  readonly optional: boolean
}
export interface Asked {
  readonly targets: ReadonlyArray<string>
  readonly force: ReadonlyArray<string>
  readonly refresh: ReadonlyArray<string>
}
/** What depends on which of several nodes was faster. */
export interface Timing {
  /** Nodes that were not begun because another had failed by then. */
  readonly stopped: ReadonlySet<string>
  /** Nodes that found an output gone, which another node may have put back just then, by the port. */
  readonly missing: ReadonlyMap<string, string>
}
/** A reason without its digests: whether there was one before and after is what can be said without the engine. */
export type Why = Readonly<Record<string, Plain>>
export interface Counts {
  readonly total: number
  readonly cached: number
  readonly ran: number
  readonly failed: number
}
export interface Planned {
  readonly id: string
  readonly action: "cached" | "run" | "depends" | "skip"
  readonly why: ReadonlyArray<Why>
  readonly items?: { readonly total: number; readonly cached: number; readonly run: number }
}
export interface Ran {
  readonly id: string
  readonly status: "cached" | "ran" | "failed" | "skipped"
  readonly why: ReadonlyArray<Why>
  readonly items?: Counts
  readonly outputs?: Readonly<Record<string, Value>>
}

interface Record_ {
  readonly kind: string
  readonly code: string
  readonly params: Params
  readonly seed: number
  readonly inputs: Readonly<
    Record<string, ReadonlyArray<{ readonly node: string; readonly port: string; readonly content: string }>>
  >
  readonly file?: { readonly path: string; readonly content: string }
}
interface Trace {
  readonly record: Record_
  readonly outputs: Readonly<Record<string, Value>>
  readonly items?: Counts
}

/** JSON with sorted keys: equal texts are equal values. */
export const text = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )

/** Tables are ordered by id, whatever order they were made in. */
const settled = (value: Value): Value =>
  value.kind === "json"
    ? value
    : {
        kind: "table",
        rows: [...value.rows].sort((a, b) => ((a["id"] as string) < (b["id"] as string) ? -1 : 1)),
      }

export class Model {
  readonly world: World = { sources: new Map(), files: new Map(), broken: new Set() }
  readonly code = new Map<string, string>()
  seed = 0
  readonly #traces = new Map<string, Trace>()
  readonly #newest = new Map<string, Trace>()
  readonly #items = new Map<string, ReturnType<NonNullable<Kind["map"]>["make"]>>()
  readonly #absent = new Set<string>()
  readonly #texts = new WeakMap<object, string>()
  /** What the node functions were called with in the last run. */
  calls: Array<string> = []

  /**
   * Takes an artifact out of the store. Refused (false) where it is gone already, or two nodes made it: which of
   * them would then run, and whether the other still needs to, is a matter of timing.
   */
  clear(value: Value): boolean {
    const content = this.#content(value)
    const makers = new Set<Plain>()
    for (const { record, outputs } of this.#traces.values())
      if (Object.values(outputs).some((output) => this.#content(output) === content))
        makers.add(record.params["salt"])
    if (makers.size > 1 || this.#absent.has(content)) return false
    this.#absent.add(content)
    return true
  }

  plan(nodes: ReadonlyArray<ModelNode>, asked: Asked): ReadonlyArray<Planned> {
    const done = new Map<string, Planned & { readonly outputs?: Trace["outputs"] }>()
    for (const node of selected(nodes, asked.targets)) {
      const planned = ((): Planned & { readonly outputs?: Trace["outputs"] } => {
        const skipped = this.#skipped(node, (id) => done.get(id)?.action === "skip")
        if (skipped !== undefined)
          return { id: node.id, action: "skip", why: [{ kind: "skipped", because: skipped }] }
        const on = upstream(node).filter((id) => ["run", "depends"].includes(done.get(id)!.action))
        if (on.length > 0) return { id: node.id, action: "depends", why: [{ kind: "depends", on }] }
        const record = this.#record(node, (id, port) => done.get(id)?.outputs?.[port])
        const why = this.#why(node, record, asked, (content) => this.#absent.has(content))
        if (why === undefined) {
          const { outputs, items } = this.#traces.get(this.#key(record))!
          const counts = items && { items: { total: items.total, cached: items.total, run: 0 } }
          return { id: node.id, action: "cached", why: [{ kind: "cached" }], outputs, ...counts }
        }
        if (kinds[node.kind].map === undefined) return { id: node.id, action: "run", why }
        const items = this.#itemsOf(node, record, (id, port) => done.get(id)?.outputs?.[port])
        const run = new Set(items.map(({ key }) => key).filter((key) => !this.#kept(key, node, asked))).size
        return {
          id: node.id,
          action: "run",
          why,
          items: { total: items.length, cached: items.length - run, run },
        }
      })()
      done.set(node.id, planned)
    }
    return [...done.values()].map(({ id, action, why, items }) => ({
      id,
      action,
      why,
      ...(items === undefined ? {} : { items }),
    }))
  }

  /**
   * Runs, and remembers. What a model cannot know of a run of several nodes at a time is told by `timing`; that it can
   * have been so is checked.
   */
  run(nodes: ReadonlyArray<ModelNode>, asked: Asked, timing: Timing): ReadonlyArray<Ran> {
    this.calls = []
    const absentBefore = new Set(this.#absent)
    const restored = new Set<string>()
    const isGone = (content: string, node: string, port: string): boolean => {
      if (!absentBefore.has(content)) return false
      if (timing.missing.get(node) === port) return true
      restored.add(content)
      return false
    }
    const done = new Map<string, Ran>()
    const blocked = new Set<string>()
    for (const node of selected(nodes, asked.targets)) {
      const failed = upstream(node).find((id) => done.get(id)!.status === "failed" || blocked.has(id))
      const absent = this.#absentFile(node)
      let ran: Ran
      if (absent === undefined && (failed !== undefined || timing.stopped.has(node.id))) {
        blocked.add(node.id)
        ran = { id: node.id, status: "skipped", why: [{ kind: "skipped" }] }
      } else {
        const skipped = this.#skipped(node, (id) => done.get(id)?.status === "skipped")
        ran =
          skipped === undefined
            ? this.#runNode(node, asked, isGone, (id, port) => done.get(id)?.outputs?.[port])
            : { id: node.id, status: "skipped", why: [{ kind: "skipped" }] }
      }
      done.set(node.id, ran)
    }
    for (const content of restored)
      if (this.#absent.has(content))
        throw new Error(`a node was taken for cached without its output: ${content}`)
    return [...done.values()]
  }

  #runNode(node: ModelNode, asked: Asked, isGone: IsGone, outputs: Find): Ran {
    const kind = kinds[node.kind]
    const record = this.#record(node, outputs)
    const why = this.#why(node, record, asked, isGone)
    const key = this.#key(record)
    if (why === undefined) {
      const trace = this.#traces.get(key)!
      const items = trace.items && { items: { ...trace.items, cached: trace.items.total, ran: 0, failed: 0 } }
      return { id: node.id, status: "cached", why: [{ kind: "cached" }], outputs: trace.outputs, ...items }
    }
    const made =
      kind.map === undefined
        ? this.#whole(node, kind, outputs)
        : this.#mapped(node, kind, record, asked, outputs)
    if (made === undefined) return { id: node.id, status: "failed", why }
    const trace: Trace = { record, ...made }
    this.#traces.set(key, trace)
    this.#newest.set(node.id, trace)
    for (const value of Object.values(made.outputs)) this.#absent.delete(this.#content(value))
    return { id: node.id, status: "ran", why, ...made }
  }

  #whole(node: ModelNode, kind: Kind, outputs: Find): Omit<Trace, "record"> | undefined {
    const salt = node.params["salt"] as string
    this.calls.push(salt)
    if (this.world.broken.has(salt)) return undefined
    const given: Given = Object.fromEntries(
      Object.entries(node.inputs).map(([port, refs]) => [
        port,
        refs.flatMap((ref) => {
          const value = outputs(ref.node, ref.port)
          return value === undefined
            ? []
            : [{ node: kind.inputs[port].named === true ? ref.node : "", value }]
        }),
      ]),
    )
    const seed = kind.seeded === true ? this.seed : 0
    const made = kind.run!({ given, params: node.params, seed, world: this.world })
    return {
      outputs: Object.fromEntries(Object.entries(made).map(([port, value]) => [port, settled(value)])),
    }
  }

  #mapped(
    node: ModelNode,
    kind: Kind,
    record: Record_,
    asked: Asked,
    outputs: Find,
  ): Omit<Trace, "record"> | undefined {
    const salt = node.params["salt"] as string
    const items = this.#itemsOf(node, record, outputs)
    const results = new Map<string, ReturnType<NonNullable<Kind["map"]>["make"]> | "failed">()
    let [ran, failed] = [0, 0]
    for (const { key, seen } of items) {
      if (results.has(key)) continue
      if (this.#kept(key, node, asked)) {
        results.set(key, this.#items.get(key)!)
        continue
      }
      this.calls.push(`${salt} ${text(seen)}`)
      if (this.world.broken.has(salt) || this.world.broken.has(`${salt}:${text(seen["n"])}`)) {
        failed++
        results.set(key, "failed")
        continue
      }
      ran++
      const made = kind.map!.make(seen, node.params)
      this.#items.set(key, made)
      results.set(key, made)
    }
    if (items.length > 0 && failed === items.length) return undefined
    const rows: Array<Readonly<Record<string, Plain>>> = []
    const rejected: Array<Readonly<Record<string, Plain>>> = []
    for (const { key, row } of items) {
      const made = results.get(key)!
      const label: Readonly<Record<string, Plain>> = row["label"] === undefined ? {} : { label: row["label"] }
      if (made === "failed") {
        rejected.push({ ...label, id: row["id"], reason: "failed", detail: "broken" })
        continue
      }
      made.rejected.forEach((reject, at) => {
        const id = made.rejected.length > 1 ? `${row["id"] as string}!${at}` : row["id"]
        rejected.push({ ...label, id, ...reject })
      })
      if (kind.map!.over === undefined) rows.push(...made.rows)
      else
        made.rows.forEach((patch, at) => {
          const laid: Record<string, Plain> = { ...row, ...patch }
          for (const [name, value] of Object.entries(laid)) if (value === null) delete laid[name]
          if (made.rows.length > 1) {
            laid["id"] = `${row["id"] as string}#${at}`
            laid["parent"] = row["id"]
          }
          rows.push(laid)
        })
    }
    const [port] = Object.keys(kind.outputs)
    return {
      outputs: {
        [port]: settled({ kind: "table", rows }),
        rejected: settled({ kind: "table", rows: rejected }),
      },
      items: { total: items.length, cached: items.length - ran - failed, ran, failed },
    }
  }

  /** Why a node would run; undefined when it need not. */
  #why(node: ModelNode, record: Record_, asked: Asked, isGone: IsGone): ReadonlyArray<Why> | undefined {
    if (asked.force.includes(node.id)) return [{ kind: "forced" }]
    if (asked.refresh.includes(node.id)) return [{ kind: "refreshed" }]
    const trace = this.#traces.get(this.#key(record))
    if (trace !== undefined) {
      const gone = Object.entries(trace.outputs).find(([port, value]) =>
        isGone(this.#content(value), node.id, port),
      )
      if (gone !== undefined) return [{ kind: "missing-output", port: gone[0] }]
      const failed = trace.items?.failed ?? 0
      return failed > 0 ? [{ kind: "failed-items", count: failed }] : undefined
    }
    const before = this.#newest.get(node.id)?.record
    if (before === undefined) return [{ kind: "never" }]
    const why: Array<Why> = []
    const changed = (name: string, a: Plain, b: Plain): void => {
      if (text(a) !== text(b)) why.push({ kind: "param", name, before: a, after: b })
    }
    changed("uses", `t.${before.kind}`, `t.${record.kind}`)
    for (const name of names(before.params, record.params))
      changed(name, before.params[name] ?? null, record.params[name] ?? null)
    changed("seed", before.seed, record.seed)
    if (record.file !== undefined && record.file.content !== before.file?.content)
      why.push({ kind: "file", path: record.file.path, new: before.file === undefined })
    for (const port of names(before.inputs, record.inputs)) {
      const [a, b] = [before.inputs[port] ?? [], record.inputs[port] ?? []]
      const named = kinds[record.kind].inputs[port]?.named === true
      for (let at = 0; at < Math.max(a.length, b.length); at++) {
        const renamed = named && a[at] !== undefined && b[at] !== undefined && nameOf(a[at]) !== nameOf(b[at])
        if (a[at]?.content === b[at]?.content && !renamed) continue
        why.push({
          kind: "input",
          port,
          from: nameOf(b[at] ?? a[at]),
          new: a[at] === undefined,
          gone: b[at] === undefined,
        })
      }
    }
    if (before.code !== record.code) why.push({ kind: "code" })
    return why
  }

  #record(node: ModelNode, outputs: Find): Record_ {
    const kind = kinds[node.kind]
    const path = kind.path === undefined ? undefined : (node.params["path"] as string)
    return {
      kind: node.kind,
      code: `${node.kind}@${this.code.get(node.kind) ?? "1"}`,
      params: Object.fromEntries(
        Object.entries(node.params).filter(
          ([name]) => !kind.free?.includes(name) && !kind.path?.includes(name),
        ),
      ),
      seed: kind.seeded === true ? this.seed : 0,
      inputs: Object.fromEntries(
        Object.entries(node.inputs).map(([port, refs]) => [
          port,
          refs.flatMap((ref) => {
            const value = outputs(ref.node, ref.port)
            return value === undefined ? [] : [{ ...ref, content: this.#content(value) }]
          }),
        ]),
      ),
      ...(path === undefined ? {} : { file: { path, content: text(this.world.files.get(path)) } }),
    }
  }

  #key(record: Record_): string {
    return text({ ...record, inputs: inputKeys(record), file: record.file?.content })
  }

  #itemsOf(node: ModelNode, record: Record_, outputs: Find) {
    const map = kinds[node.kind].map!
    const { [map.over ?? ""]: over, ...others } = inputKeys(record)
    void over
    const params =
      map.itemParams === undefined
        ? record.params
        : Object.fromEntries(Object.entries(record.params).filter(([name]) => map.itemParams!.includes(name)))
    const base = text([record.kind, record.code, params, record.seed, others])
    const ref = map.over === undefined ? undefined : node.inputs[map.over][0]
    const value = ref === undefined ? undefined : outputs(ref.node, ref.port)
    const rows = map.items?.(node.params) ?? (value?.kind === "table" ? value.rows : [])
    return rows.map((row) => {
      const seen =
        map.reads === undefined
          ? row
          : Object.fromEntries(Object.entries(row).filter(([name]) => map.reads!.includes(name)))
      return { row, seen, key: `${base} ${text(seen)}` }
    })
  }

  #kept(key: string, node: ModelNode, asked: Asked): boolean {
    return this.#items.has(key) && !asked.force.includes(node.id) && !asked.refresh.includes(node.id)
  }

  #absentFile(node: ModelNode): string | undefined {
    if (kinds[node.kind].path === undefined) return undefined
    const path = node.params["path"] as string
    return this.world.files.has(path) ? undefined : path
  }

  #skipped(node: ModelNode, isSkipped: (id: string) => boolean): string | undefined {
    const absent = this.#absentFile(node)
    if (absent !== undefined) return `optional, and ${absent} is not there`
    for (const [port, refs] of Object.entries(node.inputs)) {
      const gone = refs.filter((ref) => isSkipped(ref.node))
      const { many } = kinds[node.kind].inputs[port]
      if (gone.length > 0 && (many === "one" || (many === "list" && gone.length === refs.length)))
        return `${gone[0].node} is skipped`
    }
    return undefined
  }

  #content(value: Value): string {
    let found = this.#texts.get(value)
    if (found === undefined) this.#texts.set(value, (found = text(value)))
    return found
  }
}

type IsGone = (content: string, node: string, port: string) => boolean
type Find = (node: string, port: string) => Value | undefined

const names = (a: object, b: object): ReadonlyArray<string> =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()
const nameOf = (ref: { readonly node: string; readonly port: string }): string => `${ref.node}.${ref.port}`
const upstream = (node: ModelNode): ReadonlyArray<string> => [
  ...new Set(Object.values(node.inputs).flatMap((refs) => refs.map((ref) => ref.node))),
]

/** Content, and the name where the port shows it. */
const inputKeys = (record: Record_) =>
  Object.fromEntries(
    Object.entries(record.inputs).map(([port, refs]) => [
      port,
      refs.map((ref) => (kinds[record.kind].inputs[port].named === true ? ref : ref.content)),
    ]),
  )

/** The targets and all they need. */
export const selected = (
  nodes: ReadonlyArray<ModelNode>,
  targets: ReadonlyArray<string>,
): ReadonlyArray<ModelNode> => {
  if (targets.length === 0) return nodes
  const wanted = new Set(targets)
  for (const node of [...nodes].reverse())
    if (wanted.has(node.id)) for (const id of upstream(node)) wanted.add(id)
  return nodes.filter(({ id }) => wanted.has(id))
}
