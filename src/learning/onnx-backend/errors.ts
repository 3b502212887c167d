/** A tfjs operation that the onnx backend can't do, or a misuse of the backend; the message says what and why. */
export class OnnxBackendError extends Error {
  readonly _tag = "OnnxBackendError"
}
