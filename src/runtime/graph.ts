import type { Diagnostic } from "../schema/diagnostic.ts"
import type { NodeDefinition, Resources } from "./node.ts"
import type { ArtifactType } from "../schema/artifact.ts"

/** One upstream port feeding an input. */
export interface InputRef {
  /** Instance id of the upstream node. */
  readonly node: string
  readonly port: string
}

/** A node instance after profiles, `${…}`, matrix and each: everything about it is known but its inputs' content. */
export interface GraphNode {
  /** `train`, or `train[lr=0.001,model=densenet40]`: keys sorted. */
  readonly id: string
  /** The name in the document. */
  readonly name: string
  readonly uses: string
  readonly definition: NodeDefinition
  /** Decoded by the definition's schema, defaults filled in; secrets replaced by `{ $secret: NAME }`. */
  readonly params: Readonly<Record<string, unknown>>
  /** By port, in the order of the document. Ports of one artifact hold one reference. */
  readonly inputs: Readonly<Record<string, ReadonlyArray<InputRef>>>
  /** Why parameters are what this machine made of them. */
  readonly settled?: string
  /** Output types with `sameAs` resolved; mapping nodes have `rejected` besides. */
  readonly outputs: Readonly<Record<string, ArtifactType>>
  readonly seed: number
  readonly resources: Resources
  /** Further tries after a failure. */
  readonly retries: number
  readonly timeoutMs?: number
  readonly optional: boolean
  /** Age after which a pinned result is computed again. */
  readonly refreshMs?: number
  /** Declared environment that the node's parameters use (not secret): enters through the parameters. */
  readonly secrets: Readonly<Record<string, string>>
  /** Place of the node in the document. */
  readonly at: { readonly file: string; readonly line: number; readonly column: number }
}

/** A whole document, checked and expanded. `nodes` are in topological order, ties in the order of the document. */
export interface Graph {
  readonly pipeline: string
  /** Absolute path of the document, and the folder its relative paths start from (the project). */
  readonly file: string
  readonly root: string
  /** sha256 of the document's text, for the run's record only: it enters no key. */
  readonly text: string
  readonly nodes: ReadonlyArray<GraphNode>
  readonly warnings: ReadonlyArray<Diagnostic>
}
