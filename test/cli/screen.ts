/**
 * A terminal as far as the live view uses one: it writes rows, moves up, erases, and wraps again what it holds when
 * it is resized. Letters are one cell wide each.
 */
export class Screen {
  /** Logical lines: a row that was wrapped is part of the line before it. */
  #rows: Array<{ text: string; wraps: boolean }> = [{ text: "", wraps: false }]
  #row = 0
  #column = 0
  #columns: number

  constructor(columns: number) {
    this.#columns = columns
  }

  /** What stands there, without the empty rest. */
  get lines(): ReadonlyArray<string> {
    const lines: Array<string> = []
    let open = ""
    for (const { text, wraps } of this.#rows) {
      open += text
      if (wraps) continue
      lines.push(open.trimEnd())
      open = ""
    }
    // The row of the cursor, where nothing is.
    return lines.at(-1) === "" && this.#row === this.#rows.length - 1 ? lines.slice(0, -1) : lines
  }

  write(text: string): void {
    // eslint-disable-next-line no-control-regex
    for (const [, move, kind, letter] of text.matchAll(/\u001b\[\??(\d*)([A-Za-z])|([^\u001b])/gu)) {
      if (letter === "\r") this.#column = 0
      else if (letter === "\n") this.#down()
      else if (letter !== undefined) this.#put(letter)
      else if (kind === "A") this.#row = Math.max(0, this.#row - Number(move === "" ? 1 : move))
      else if (kind === "K") this.#eraseRow()
      else if (kind === "J") {
        this.#eraseRow()
        this.#rows.length = this.#row + 1
      } else if (!["h", "l", "m"].includes(kind))
        throw new Error(`the screen does not know CSI ${move}${kind}`)
    }
  }

  resize(columns: number): void {
    const lines = [...this.lines]
    this.#columns = columns
    this.#rows = lines.flatMap((line) => {
      const pieces = line.match(new RegExp(`.{1,${columns}}`, "gu")) ?? [""]
      return pieces.map((text, i) => ({ text, wraps: i < pieces.length - 1 }))
    })
    this.#rows.push({ text: "", wraps: false })
    this.#row = this.#rows.length - 1
    this.#column = 0
  }

  #put(letter: string): void {
    if (this.#column === this.#columns) throw new Error("a line is wider than the screen")
    const row = this.#rows[this.#row]
    row.text =
      row.text.padEnd(this.#column).slice(0, this.#column) + letter + row.text.slice(this.#column + 1)
    this.#column += 1
  }

  #eraseRow(): void {
    const row = this.#rows[this.#row]
    row.text = row.text.slice(0, this.#column)
    row.wraps = false
  }

  #down(): void {
    this.#row += 1
    this.#column = 0
    if (this.#row === this.#rows.length) this.#rows.push({ text: "", wraps: false })
  }
}
