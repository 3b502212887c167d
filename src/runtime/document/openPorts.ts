import type { InputPort } from "../node.ts"
import type { Reference } from "./references.ts"
import { namePattern } from "./shape.ts"
import type { Fed, WireContext } from "./wiring.ts"

/**
 * An input port that the document named. It is a list, whose members bear names, where a list is written or where
 * the instances of a matrix are meant: how many there are makes no difference. Undefined where it cannot be told.
 */
export const openPort = (
  name: string,
  written: ReadonlyArray<Reference>,
  fed: ReadonlyArray<Fed>,
  listed: boolean,
  context: WireContext,
): InputPort | undefined => {
  const { tree, base, problems, instance, uses } = context
  const path = ["nodes", instance.name, "in", name]
  if (!namePattern.test(name)) {
    problems.error(
      tree?.entries.get(name)?.key ?? base,
      path,
      `"${name}" cannot name a port`,
      "letters, digits, _ and -, a letter first",
    )
    return undefined
  }
  const [first] = fed
  if (first?.type === undefined) return undefined
  const type = first.type
  const other = fed.find((one) => one.type !== undefined && one.type.kind !== type.kind)
  if (other !== undefined) {
    const text = (one: Fed): string => `${one.ref.node}.${one.ref.port} (${String(one.type?.name)})`
    problems.error(
      tree?.entries.get(name)?.value.at ?? base,
      path,
      `a port of ${uses} takes artifacts of one kind, not ${text(first)} and ${text(other)}`,
      "give each kind a port of its own",
    )
    return undefined
  }
  const many = listed || written.some((reference) => meansInstances(reference, context))
  return many ? { type, many: "list", named: true, open: true } : { type, many: "one", open: true }
}

/** Whether a reference stands for the instances of a matrix rather than for one node. */
const meansInstances = (
  { name, select }: Reference,
  { upstreams, instance: { pins } }: WireContext,
): boolean => {
  if (pins.has(name)) return false
  const axes = upstreams.get(name)?.instances[0]?.instance.bindings.size ?? 0
  return axes > (select?.size ?? 0)
}
