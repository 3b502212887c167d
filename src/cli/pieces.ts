import * as Effect from "effect/Effect"

/** Enough text to be worth a write. */
const ENOUGH = 1 << 16

/**
 * Writes a text that comes in pieces to standard output, no faster than it is read at the other end. A reader that
 * goes away (`| head`) ends it without an error.
 */
export const printPieces = <E>(
  pieces: AsyncIterable<string> | Iterable<string>,
  failure: (cause: unknown) => E,
): Effect.Effect<void, E> => Effect.tryPromise({ try: () => writeAll(pieces), catch: failure })

const writeAll = async (pieces: AsyncIterable<string> | Iterable<string>): Promise<void> => {
  const { stdout } = process
  let gone = false
  let resume = (): void => {}
  stdout.on("drain", () => resume())
  stdout.on("error", () => {
    gone = true
    resume()
  })
  let text = ""
  const write = async (): Promise<void> => {
    const all = text
    text = ""
    await new Promise<void>((resolve) => {
      resume = resolve
      if (stdout.write(all) || gone) resolve()
    })
  }
  for await (const piece of pieces) {
    text += piece
    if (text.length >= ENOUGH) await write()
    if (gone) return
  }
  await write()
}
