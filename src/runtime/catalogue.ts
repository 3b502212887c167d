import type { NodeDefinition } from "./node.ts"

/** A node type with what identifies its code. */
export interface CatalogueEntry {
  readonly definition: NodeDefinition
  /** Digest of the implementation's own module closure and of the versions of the packages it imports. */
  readonly fingerprint: string
  /** Per file of the closure (relative path → digest of its text) and package (name → version): what `explain` compares. */
  readonly modules: Readonly<Record<string, string>>
  /** The texts that `modules` names, by digest, where they are known: comment-free, in one format. */
  readonly texts?: () => Readonly<Record<string, string>>
  /**
   * How a worker process finds it: built in, or the absolute path of the plugin's file, with the digests of the files
   * that its fingerprint was made from.
   */
  readonly origin:
    | { readonly kind: "builtin" }
    | {
        readonly kind: "plugin"
        readonly file: string
        readonly contents: Readonly<Record<string, string>>
      }
}

/** All node types a document may use, by type. */
export type Catalogue = ReadonlyMap<string, CatalogueEntry>
