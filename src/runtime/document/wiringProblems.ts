import { accepts, type ArtifactType } from "../../schema/artifact.ts"
import type { InputPort } from "../node.ts"
import type { Reference } from "./references.ts"
import type { Span } from "./source.ts"
import type { Fed, WireContext } from "./wiring.ts"

/** A port that takes one artifact gets one; a list gets none twice. */
export const checkCount = (
  fed: ReadonlyArray<Fed>,
  written: ReadonlyArray<Reference>,
  port: string,
  asked: InputPort,
  at: Span,
  { uses, problems, instance, upstreams }: WireContext,
): void => {
  const path = ["nodes", instance.name, "in", port]
  if (asked.many === "list") {
    const seen = new Set<string>()
    for (const { ref } of fed) {
      const text = `${ref.node}.${ref.port}`
      if (seen.has(text)) problems.error(at, path, `${text} is given twice`)
      seen.add(text)
    }
    return
  }
  if (fed.length <= 1) return
  const [only] = written
  if (written.length > 1) {
    problems.error(at, path, `the port "${port}" of ${uses} takes one artifact, not ${written.length}`)
    return
  }
  const first = upstreams.get(only.name)?.instances[0]?.instance.id
  problems.error(
    only.at,
    path,
    `the port "${port}" of ${uses} takes one artifact, and ${only.name} has ${fed.length} instances`,
    `add \`each: ${only.name}\` for one of this node per instance, or name one: "${first}"`,
  )
}

/** The port is given a type that it does not take: what it lacks, and what makes it. */
export const mismatch = (
  reference: Reference,
  output: string,
  given: ArtifactType,
  port: string,
  asked: ArtifactType,
  { catalogue, problems, uses }: WireContext,
): void => {
  const from = reference.port === undefined ? reference.name : `${reference.name}.${output}`
  const missing = asked.requires.filter((field) => !given.requires.includes(field))
  const lacks =
    asked.kind === given.kind && asked.family === given.family && missing.length > 0
      ? `it lacks ${missing.join(" and ")}`
      : undefined
  const makers: Array<string> = []
  for (const [type, { definition }] of catalogue) {
    const gives = Object.values(definition.outputs)
    if (
      gives.some((output) => !("sameAs" in output) && asked.kind === output.kind && accepts(asked, output))
    ) {
      makers.push(type)
    } else if (
      lacks !== undefined &&
      gives.some((output) => "sameAs" in output && missing.every((field) => output.adds.includes(field)))
    ) {
      makers.push(type)
    }
  }
  const hint = [
    lacks,
    makers.length > 0 && asked.name !== "Json"
      ? `${asked.name} come${asked.name.endsWith("s") ? "" : "s"} from ${makers.slice(0, 4).join(", ")}`
      : undefined,
  ].filter((text) => text !== undefined)
  problems.error(
    reference.at,
    reference.path,
    `the port "${port}" of ${uses} takes ${asked.name}, but ${from} gives ${given.name}`,
    hint.length > 0 ? hint.join("; ") : undefined,
  )
}
