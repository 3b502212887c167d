/** An error in words for a person: its message, and that of what caused it, without stacks. */
export const describeError = (error: unknown): string => {
  if (!(error instanceof Error)) return typeof error === "string" ? error : JSON.stringify(error)
  const message = error.message === "" ? error.name : error.message
  const cause =
    error.cause instanceof Error && !message.includes(error.cause.message)
      ? `: ${describeError(error.cause)}`
      : ""
  return `${message}${cause}`
}
