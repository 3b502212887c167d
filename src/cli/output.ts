import { writeSync } from "node:fs"
import * as Effect from "effect/Effect"
import { painter, useColour, type Paint, type Stream } from "./present/colour.ts"

const json = (value: unknown): string => JSON.stringify(value, null, 2)

/** Descriptors that did not take all at once: from then on Node's stream keeps what waits, in order. */
const waiting = new Set<Stream>()

/**
 * Writes without Node's streams, whose loading costs more than most commands take. A reader that has enough
 * (`dag nodes | head`) is no failure: the program ends there.
 */
const write = (stream: Stream, text: string): void => {
  const bytes = Buffer.from(text)
  let at = 0
  try {
    while (!waiting.has(stream) && at < bytes.length) at += writeSync(stream, bytes, at)
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined
    if (code === "EPIPE") process.exit(0)
    if (code !== "EAGAIN") throw error
    const node = stream === 1 ? process.stdout : process.stderr
    node.on("error", (late: NodeJS.ErrnoException) => {
      if (late.code === "EPIPE") process.exit(0)
      throw late
    })
    waiting.add(stream)
  }
  if (waiting.has(stream)) (stream === 1 ? process.stdout : process.stderr).write(bytes.subarray(at))
}

/** A line (or several) of the result, on standard output. */
export const print = (text: string): Effect.Effect<void> => Effect.sync(() => printNow(text))
export const printJson = (value: unknown): Effect.Effect<void> => print(json(value))
/** The same outside of effects. */
export const printNow = (text: string): void => write(1, `${text}\n`)
export const printJsonNow = (value: unknown): void => printNow(json(value))

/** A line (or several) about how it goes, on standard error. */
export const note = (text: string): void => write(2, `${text}\n`)

/** Colours for results, and for what is told beside them; the streams are asked at the first word. */
const paintFor = (stream: Stream): Paint => {
  let ready: Paint | undefined
  return (style, text) => (ready ??= painter(useColour(stream)))(style, text)
}
export const paint: Paint = paintFor(1)
export const paintNote: Paint = paintFor(2)
