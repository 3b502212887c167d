import { fstatSync } from "node:fs"

/** Standard output and standard error, by their descriptors. */
export type Stream = 1 | 2

/** Major number of memory devices on Linux, `/dev/null` among them. */
const MEMORY_DEVICES = 1

/**
 * Whether a stream goes to a terminal. Node's own streams are asked only where they could say yes: to make them
 * loads sockets and terminals, which is a tenth of the start-up.
 */
export const isTerminal = (stream: Stream): boolean => {
  try {
    const stat = fstatSync(stream)
    if (!stat.isCharacterDevice() || stat.rdev >> 8 === MEMORY_DEVICES) return false
  } catch {
    return false
  }
  return (stream === 1 ? process.stdout : process.stderr).isTTY
}

/** Whether a stream is to get colours: a terminal, and neither NO_COLOR nor a dumb one. */
export const useColour = (stream: Stream): boolean => {
  const forced = process.env["FORCE_COLOR"]
  if (forced !== undefined) return forced !== "0"
  return (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb" && isTerminal(stream)
}

/** SGR codes that switch a style on and off again (ECMA-48, 8.3.117). */
const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const

/** Paints text, or leaves it. */
export type Paint = (style: keyof typeof STYLES, text: string) => string

export const painter = (on: boolean): Paint =>
  on ? (style, text) => `\u001b[${STYLES[style][0]}m${text}\u001b[${STYLES[style][1]}m` : (_, text) => text
