import type { LineageNode } from "../../../schema/lineage.ts"
import { textOf } from "../words.ts"

/** When a node was computed, in ms since 1970. */
export const startOf = ({ attributes }: LineageNode): number => Date.parse(textOf(attributes["startedAt"]))
export const endOf = (node: LineageNode): number =>
  startOf(node) + (typeof node.attributes["ms"] === "number" ? node.attributes["ms"] : 0)

/** ISO 8601 with the offset written out, as the profile asks for it. */
export const iso = (ms: number): string => new Date(ms).toISOString().replace("Z", "+00:00")
