import { short } from "../../schema/digest.ts"
import { canonical, type Json } from "../../schema/json.ts"
import type { ItemChanges, KeyRecord, NodeTrace, Reason } from "../../schema/trace.ts"
import type { NodeDefinition } from "../node.ts"
import { isNamed } from "./key.ts"

const same = (a: unknown, b: unknown): boolean => a === b || canonical(a ?? null) === canonical(b ?? null)

/**
 * What is different between the last trace of a node and what it would be now. With the definition, the names of what
 * feeds a `named` port count as well.
 */
export const differences = (
  before: NodeTrace,
  now: KeyRecord,
  modules: Readonly<Record<string, string>>,
  definition?: NodeDefinition,
): ReadonlyArray<Reason> => {
  const reasons: Array<Reason> = []
  if (before.uses !== now.uses)
    reasons.push({ kind: "param", name: "uses", before: before.uses, after: now.uses })
  for (const name of unionKeys(before.params, now.params)) {
    const [a, b] = [before.params[name] ?? null, now.params[name] ?? null]
    if (!same(a, b)) reasons.push({ kind: "param", name, before: a, after: b })
  }
  if (before.seed !== now.seed)
    reasons.push({ kind: "param", name: "seed", before: before.seed, after: now.seed })
  for (const name of unionKeys(before.files, now.files)) {
    const [a, b] = [before.files[name], now.files[name]]
    if (b !== undefined && a?.digest !== b.digest) {
      reasons.push({ kind: "file", name, path: b.path, before: a?.digest ?? null, after: b.digest })
    }
  }
  for (const port of unionKeys(before.inputs, now.inputs))
    reasons.push(
      ...inputDifferences(port, before, now, definition !== undefined && isNamed(definition, port)),
    )
  if (before.fingerprint !== now.fingerprint) {
    const changed = unionKeys(before.modules, modules).filter(
      (file) => before.modules[file] !== modules[file],
    )
    reasons.push({ kind: "code", changed })
  }
  return reasons
}

const inputDifferences = (
  port: string,
  before: KeyRecord,
  now: KeyRecord,
  named: boolean,
): ReadonlyArray<Reason> => {
  const [a, b] = [before.inputs[port] ?? [], now.inputs[port] ?? []]
  const reasons: Array<Reason> = []
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const renamed = named && (a[i]?.node !== b[i]?.node || a[i]?.port !== b[i]?.port)
    if (a[i]?.digest === b[i]?.digest && !renamed) continue
    const from = b[i] ?? a[i]
    reasons.push({
      kind: "input",
      port,
      from: `${from.node}.${from.port}`,
      before: a[i]?.digest ?? null,
      after: b[i]?.digest ?? null,
    })
  }
  return reasons
}

const unionKeys = (a: object, b: object): ReadonlyArray<string> =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()

const value = (json: Json): string => {
  const text = json === null ? "unset" : JSON.stringify(json)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** Letters of a long text that are shown before the first that differs, and in all. */
const LEAD = 20
const SHOWN = 57

/** Two texts, of long ones the part in which they differ: `…steps=500 train > model.t…`. */
const texts = (before: string, after: string): string => {
  if (Math.max(before.length, after.length) <= SHOWN) return `${value(before)} → ${value(after)}`
  let same = 0
  while (same < before.length && before[same] === after[same]) same++
  const start = Math.max(0, same - LEAD)
  const part = (text: string): string => {
    const shown = JSON.stringify(text.slice(start, start + SHOWN))
    return `${start > 0 ? "…" : ""}${shown}${text.length > start + SHOWN ? "…" : ""}`
  }
  return `${part(before)} → ${part(after)}`
}

/** For two objects or lists, the part that differs: `keywords.anger[3]: unset → "ire"`. */
const narrow = (name: string, before: Json, after: Json): readonly [string, Json, Json] => {
  const isGroup = (json: Json): json is { readonly [key: string]: Json } | ReadonlyArray<Json> =>
    typeof json === "object" && json !== null
  if (!isGroup(before) || !isGroup(after) || Array.isArray(before) !== Array.isArray(after))
    return [name, before, after]
  const [a, b] = [before as { readonly [key: string]: Json }, after as { readonly [key: string]: Json }]
  const keys = unionKeys(a, b).filter((key) => !same(a[key], b[key]))
  if (keys.length !== 1) return [name, before, after]
  const key = keys[0]
  return narrow(Array.isArray(before) ? `${name}[${key}]` : `${name}.${key}`, a[key] ?? null, b[key] ?? null)
}

/** What came into a list and what went; the whole lists where only the order changed. */
const listChange = (before: ReadonlyArray<Json>, after: ReadonlyArray<Json>): string => {
  const lacks = (list: ReadonlyArray<Json>, item: Json): boolean => !list.some((other) => same(other, item))
  const parts = [
    ...after.filter((item) => lacks(before, item)).map((item) => `+ ${value(item)}`),
    ...before.filter((item) => lacks(after, item)).map((item) => `− ${value(item)}`),
  ]
  const shown = parts.length > 4 ? [...parts.slice(0, 3), `… ${parts.length - 3} more`] : parts
  return shown.length === 0 ? `${value(before)} → ${value(after)}` : shown.join(", ")
}

/** A reason in a line, for a person. */
export const reasonText = (reason: Reason): string => {
  switch (reason.kind) {
    case "cached":
      return "nothing changed"
    case "never":
      return "never ran"
    case "param": {
      const [name, before, after] = narrow(reason.name, reason.before, reason.after)
      if (Array.isArray(before) && Array.isArray(after))
        return `parameter ${name}: ${listChange(before, after)}`
      if (typeof before === "string" && typeof after === "string")
        return `parameter ${name}: ${texts(before, after)}`
      return `parameter ${name}: ${value(before)} → ${value(after)}`
    }
    case "input":
      if (reason.before === null)
        return `input ${reason.port}: new, from ${reason.from} (${short(reason.after ?? "")})`
      if (reason.after === null) return `input ${reason.port}: ${reason.from} taken away`
      if (reason.before === reason.after) return `input ${reason.port}: now called ${reason.from}`
      return `input ${reason.port}: ${short(reason.before)} → ${short(reason.after)} (from ${reason.from})`
    case "file":
      return reason.before === null ? `file ${reason.path}: new` : `file ${reason.path} changed`
    case "code":
      return reason.changed.length === 0 ? "code changed" : `code: ${reason.changed.join(", ")} changed`
    case "forced":
      return "forced"
    case "refreshed":
      return reason.age === undefined
        ? "refreshed"
        : `refreshed: the last result is ${Math.round(reason.age / 3_600_000)} h old`
    case "missing-output":
      return `output ${reason.port} is no longer in the store`
    case "failed-items":
      return `${reason.count} item${reason.count === 1 ? "" : "s"} failed last time`
    case "forgotten":
      return "its earlier result was taken back"
    case "depends":
      return `depends on ${reason.on.join(", ")}`
    case "skipped":
      return reason.because
  }
}

/** `3 new, 1 changed items`; empty where they are the same. */
export const changesText = ({ added, changed, removed }: ItemChanges): string => {
  const parts = [
    ...(added === 0 ? [] : [`${added} new`]),
    ...(changed === 0 ? [] : [`${changed} changed`]),
    ...(removed === 0 ? [] : [`${removed} gone`]),
  ]
  return parts.length === 0 ? "" : `items: ${parts.join(", ")}`
}

/** All reasons in a line; with what became of the items, where that is known. */
export const reasonsText = (reasons: ReadonlyArray<Reason>, changes?: ItemChanges): string =>
  [...reasons.map(reasonText), changes === undefined ? "" : changesText(changes)]
    .filter((text) => text !== "")
    .join("; ")
