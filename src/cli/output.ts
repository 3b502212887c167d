import * as Effect from "effect/Effect"
import { painter, useColour, type Paint } from "./present/colour.ts"

const json = (value: unknown): string => JSON.stringify(value, null, 2)

/** A line (or several) of the result, on standard output. */
export const print = (text: string): Effect.Effect<void> => Effect.sync(() => printNow(text))
export const printJson = (value: unknown): Effect.Effect<void> => print(json(value))
/** The same outside of effects. */
export const printNow = (text: string): void => {
  process.stdout.write(`${text}\n`)
}
export const printJsonNow = (value: unknown): void => printNow(json(value))

/** A line (or several) about how it goes, on standard error. */
export const note = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** Colours for results, and for what is told beside them. */
export const paint: Paint = painter(useColour(process.stdout))
export const paintNote: Paint = painter(useColour(process.stderr))
