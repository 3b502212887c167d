import type { ArtifactType } from "../schema/artifact.ts"

/** A port that takes one artifact, several (`list`), or none (`optional`). */
export interface InputPort<A = unknown, M extends "one" | "optional" | "list" = "one" | "optional" | "list"> {
  readonly type: ArtifactType<A>
  readonly many: M
  /**
   * List ports: whether the implementation sees the names of the nodes that feed it. Names are then part of the
   * node's key (they are part of its result); otherwise a renamed node reruns nothing.
   */
  readonly named?: boolean
  /** List ports: whether nothing at all may feed it; otherwise at least one artifact has to. */
  readonly mayBeEmpty?: boolean
  /** Named by the document, not by the node type: what is handed over is an `OpenInput`. */
  readonly open?: boolean
}
export const list = <A>(
  type: ArtifactType<A>,
  options: { readonly named?: boolean; readonly mayBeEmpty?: boolean } = {},
): InputPort<A, "list"> => ({ type, many: "list", ...options })
export const optional = <A>(type: ArtifactType<A>): InputPort<A, "optional"> => ({ type, many: "optional" })

/** An output of the type of one of the inputs, with further fields set on every row. */
export interface SameAs {
  readonly sameAs: string
  readonly adds: ReadonlyArray<string>
  /** Fields that the rows no longer have, whatever the input demands. */
  readonly drops?: ReadonlyArray<string>
}
export const sameAs = (port: string, ...adds: ReadonlyArray<string>): SameAs => ({ sameAs: port, adds })

/** A `sameAs` whose rows lose fields: a crop has no use for the hash of the picture it was cut from. */
export const without = (same: SameAs, ...drops: ReadonlyArray<string>): SameAs => ({ ...same, drops })

export type Inputs = Readonly<Record<string, ArtifactType | InputPort>>
export type Outputs = Readonly<Record<string, ArtifactType | SameAs>>
