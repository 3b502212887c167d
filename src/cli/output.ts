import { painter, useColour, type Paint } from "./present/colour.ts"

/** A line (or several) of the result. */
export const print = (text: string): void => {
  process.stdout.write(`${text}\n`)
}
/** A line (or several) about how it goes. */
export const note = (text: string): void => {
  process.stderr.write(`${text}\n`)
}
export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2))

/** Colours for results, and for what is told beside them. */
export const paint: Paint = painter(useColour(process.stdout))
export const paintNote: Paint = painter(useColour(process.stderr))
