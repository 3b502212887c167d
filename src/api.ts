/** What a plugin imports from "facet": node definitions, artifact types and the schema language. */
export * as Schema from "effect/Schema"
export { defineNode, list, optional, sameAs, without } from "./runtime/node.ts"
export type {
  InputValues,
  Inputs,
  MapFunction,
  MapResult,
  Named,
  NodeContext,
  NodeDefinition,
  OutputValues,
  Outputs,
  Resources,
  RunFunction,
} from "./runtime/node.ts"
export type { FileEntry, FilesHandle, TableHandle } from "./runtime/handles.ts"
export {
  Dataset,
  Faces,
  Files,
  Images,
  JsonArtifact as Json,
  Labelled,
  Metrics,
  Predictions,
  Rejects,
  json,
  table,
} from "./schema/artifact.ts"
export type { ArtifactType } from "./schema/artifact.ts"
export { BlobRef } from "./schema/blob.ts"
export { Face, Licence, Prediction, Reject, Sample, Source, Split } from "./schema/sample.ts"
