import { visibleWidth } from "./width.ts"

const ESC = "\u001b["
const HIDE_CURSOR = `${ESC}?25l`
const SHOW_CURSOR = `${ESC}?25h`
/** Terminals that know it show all between at once (DEC private mode 2026); others pass over it. */
const BEGIN = `${ESC}?2026h`
const END = `${ESC}?2026l`

/** How many rows of the screen lines take that were written before it had this many columns. */
const rowsOf = (lines: ReadonlyArray<string>, columns: number): number =>
  lines.reduce((rows, line) => rows + Math.max(1, Math.ceil(visibleWidth(line) / columns)), 0)

/**
 * What to write so that the lines at the bottom of the screen become others, with new ones left above for good. Each
 * row is written over and only its rest is erased, so that nothing flickers.
 */
export const redraw = (
  before: ReadonlyArray<string>,
  above: ReadonlyArray<string>,
  after: ReadonlyArray<string>,
  columns: number,
): string => {
  const rows = rowsOf(before, Math.max(1, columns))
  const up = rows === 0 ? "" : `${ESC}${rows}A`
  const lines = [...above, ...after].map((line) => `${line}${ESC}K\n`).join("")
  return `${BEGIN}\r${up}${lines}${ESC}J${END}`
}

/** Lines at the bottom of a terminal that are written again and again. */
export class LiveArea {
  #shown: ReadonlyArray<string> = []
  #hidden = false
  readonly #stream: NodeJS.WriteStream
  readonly #showCursor = (): void => {
    this.#stream.write(SHOW_CURSOR)
  }

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#stream.columns || 80, rows: this.#stream.rows || 24 }
  }

  update(above: ReadonlyArray<string>, lines: ReadonlyArray<string>): void {
    if (above.length === 0 && lines.length === 0 && this.#shown.length === 0) return
    if (!this.#hidden) {
      this.#hidden = true
      this.#stream.write(HIDE_CURSOR)
      // However the program ends, the cursor is there again.
      process.once("exit", this.#showCursor)
    }
    this.#stream.write(redraw(this.#shown, above, lines, this.size.columns))
    this.#shown = lines
  }

  close(): void {
    this.update([], [])
    if (!this.#hidden) return
    process.off("exit", this.#showCursor)
    this.#showCursor()
    this.#hidden = false
  }
}
