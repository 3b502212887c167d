/** Text → checked, expanded graph. */
export { checkEnvelope, checkWithPlugins, loadDocument, openDocument } from "./load.ts"
export { projectOf } from "./project.ts"
export type { DocumentOptions, LoadedDocument } from "./load.ts"
export type { Envelope } from "./envelope.ts"
export { DocumentError, nearest, suggest } from "./problems.ts"
export { renderDiagnostics } from "./render.ts"
export { editorSchema, jsonSchemaOf } from "./editorSchema.ts"
export { inputPort, outputNames } from "./types.ts"
