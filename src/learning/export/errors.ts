/** A model cannot be written in the form asked for; the message names the layer or setting and what would do. */
export class ModelExportError extends Error {
  readonly _tag = "ModelExportError"
  override readonly name = "ModelExportError"
}
