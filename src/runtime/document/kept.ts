/** What a document that was checked before needs: nothing that reads YAML. */
export { findDocument, keepDocument } from "./cache.ts"
export { DocumentError } from "./problems.ts"
export { readText } from "./readText.ts"
