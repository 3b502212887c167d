import { short } from "../../schema/digest.ts"
import type { LineageNode } from "../../schema/lineage.ts"
import type { MemberSummary } from "./members.ts"

/** Paints text for a terminal, or leaves it. */
export type Paint = (style: "bold" | "dim" | "cyan" | "green" | "yellow" | "red", text: string) => string

/** Labels that are named before the rest is counted. */
const MOST = 8

const listText = (counts: Readonly<Record<string, number>>): string => {
  const sorted = Object.entries(counts).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
  const named = sorted.slice(0, MOST).map(([name, n]) => `${name} ${n.toLocaleString("en-US")}`)
  return [...named, ...(sorted.length > MOST ? [`${sorted.length - MOST} more`] : [])].join(", ")
}

/** `: train 1,026, val 114; happiness 250, anger 160 …` */
export const countsText = ({ splits, labels }: MemberSummary): string => {
  const parts = [splits, labels].filter((counts) => Object.keys(counts).length > 0).map(listText)
  return parts.length === 0 ? "" : `: ${parts.join("; ")}`
}

/** A text among attributes; empty where it is none. */
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "")

/** A value of a row in a few characters. */
const valueText = (value: unknown): string => {
  if (value === null || value === undefined) return "none"
  if (typeof value === "object" && "$blob" in value) return short(String(value.$blob))
  const all = typeof value === "string" ? value : JSON.stringify(value)
  return all.length > 32 ? `${all.slice(0, 31)}…` : all
}

const isValue = (value: unknown): boolean => value === null || typeof value !== "object" || "$blob" in value

/** `label anger → fear, + split train, + phash`: simple values are shown, of others only the name. */
export const changesText = (
  changes: Readonly<Record<string, { readonly before: unknown; readonly after: unknown }>>,
): string =>
  Object.entries(changes)
    .map(([field, { before, after }]) => {
      if (after === null) return `− ${field}`
      if (before === null) return isValue(after) ? `+ ${field} ${valueText(after)}` : `+ ${field}`
      return isValue(before) && isValue(after)
        ? `${field} ${valueText(before)} → ${valueText(after)}`
        : `${field} changed`
    })
    .join(", ")

const claimsText = (claims: unknown): string =>
  !Array.isArray(claims) || claims.length === 0
    ? ""
    : `claimed ${claims
        .map((claim: unknown) =>
          typeof claim === "object" && claim !== null && "label" in claim && "by" in claim
            ? `${String(claim.label)} by ${JSON.stringify(claim.by)}`
            : "",
        )
        .join(", ")}`

/** A row of a sample on its way: where it is, and what the step did to it. */
export const sampleText = (
  { attributes }: LineageNode,
  above: LineageNode | undefined,
  paint: Paint,
  marks: boolean,
): string => {
  const { node, port, id, changes, label, split, claims, cluster, meant } = attributes
  const name = paint("bold", `${String(node)}.${String(port)}`)
  const own = above?.attributes["id"] === id ? "" : `  ${String(id)}`
  const words =
    typeof changes === "object" && changes !== null
      ? changesText(changes as Parameters<typeof changesText>[0])
      : [label, split, claimsText(claims)]
          .filter((word) => typeof word === "string" && word !== "")
          .join(", ")
  const duplicate = typeof cluster === "string" && cluster !== id ? `duplicate of ${cluster}` : ""
  const mark = marks && meant === true ? paint("cyan", "  ← asked for") : ""
  const said = [words, duplicate].filter((word) => word !== "").join("; ")
  return `${name}${own}${said === "" ? "" : `  ${said}`}${mark}`
}

/** What was said about a sample. */
export const decisionText = ({ label, attributes }: LineageNode, paint: Paint): string => {
  const { port, record } = attributes
  const said = (field: string): string => textOf(attributes[field])
  const name = paint("bold", port === undefined ? said("node") : `${said("node")}.${said("port")}`)
  switch (record) {
    case "reject": {
      const detail = said("detail")
      return `${name}  ${paint("yellow", `dropped: ${said("reason")}`)}${detail === "" ? "" : ` (${detail})`}`
    }
    case "prediction": {
      const right = said("predicted") === said("label")
      const probabilities = attributes["probabilities"]
      const best = Array.isArray(probabilities) ? Math.max(...(probabilities as Array<number>)) : undefined
      const sure = best === undefined ? "" : ` (${(best * 100).toFixed(0)} %)`
      return `${name}  ${paint(right ? "green" : "red", `predicted ${said("predicted")}`)}${sure} by ${said("model")}, labelled ${said("label")}`
    }
    case "left out":
      return `${name}  ${paint("yellow", "left out")}: not among its outputs, and no reason was recorded`
    default: {
      const fields = Object.entries(attributes).filter(
        ([field]) => !["node", "port", "record", "id", "changes", "meant"].includes(field),
      )
      return fields.length === 0
        ? `${name}  ${label}`
        : `${name}  ${fields.map(([field, value]) => `${field} ${wordsOf(value)}`).join(", ")}`
    }
  }
}

const wordsOf = (value: unknown): string =>
  Array.isArray(value) && value.every((part) => typeof part === "string")
    ? value.length > 4
      ? `${value.slice(0, 4).join(" ")} … ${value.length}`
      : value.join(" ")
    : valueText(value)
