/** The loss stopped being a number; the message says when and what to try. */
export class TrainingDivergedError extends Error {
  readonly _tag = "TrainingDivergedError"
  override readonly name = "TrainingDivergedError"
}

/** The abort signal was raised. */
export class TrainingAbortedError extends Error {
  readonly _tag = "TrainingAbortedError"
  override readonly name = "TrainingAbortedError"
}

/** The engine could not get the memory that a step wants; the message says what takes less. */
export class TrainingMemoryError extends Error {
  readonly _tag = "TrainingMemoryError"
  override readonly name = "TrainingMemoryError"
}

/** A checkpoint that does not belong to this training, or is damaged. */
export class CheckpointError extends Error {
  readonly _tag = "CheckpointError"
  override readonly name = "CheckpointError"
}

/** What ONNX Runtime, V8, libtensorflow and GPU drivers say when memory cannot be had. */
const MEMORY =
  /fail(?:ed)? to allocate|bad_alloc|bad allocation|out of memory|allocation failed|OOM|RESOURCE_EXHAUSTED|Invalid typed array length|length too large/iu

/** Whether an error says that memory could not be had. */
export const isOutOfMemory = (error: unknown): error is Error =>
  error instanceof Error && MEMORY.test(error.message)
