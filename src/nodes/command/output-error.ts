/** What a program left is not what the document says. */
export class OutputError extends Error {
  readonly _tag = "OutputError"
  override readonly name = "OutputError"
}

/** @throws OutputError with the place */
export const parseJson = (text: string, where: string): unknown => {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new OutputError(`${where} is no JSON: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}
