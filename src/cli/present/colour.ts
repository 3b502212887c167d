import { styleText } from "node:util"

type Style = Parameters<typeof styleText>[0]

/** Whether a stream is to get colours: a terminal, and neither NO_COLOR nor a dumb one. */
export const useColour = (stream: NodeJS.WriteStream): boolean =>
  process.env["FORCE_COLOR"] !== undefined && process.env["FORCE_COLOR"] !== "0"
    ? true
    : stream.isTTY && process.env["NO_COLOR"] === undefined && process.env["TERM"] !== "dumb"

/** Paints text, or leaves it. */
export type Paint = (style: Style, text: string) => string

export const painter = (on: boolean): Paint =>
  on ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text
