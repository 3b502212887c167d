const ESC = "\u001b"
/** Sequences that set colours: they take no room. */
const COLOURS = new RegExp(`${ESC}\\[[0-9;]*m`, "gu")

/** Letters that take two cells, by and large: Hangul, CJK, full-width forms, emoji. (Unicode TR 11, TR 51.) */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u
/** Letters that take none: they change the one before. */
const NONE = /[\p{Mn}\p{Me}\p{Cf}]/u

const isPlain = (text: string): boolean => /^[\x20-\x7e]*$/u.test(text)

const cellsOf = (letter: string): number =>
  isPlain(letter) ? 1 : NONE.test(letter) ? 0 : WIDE.test(letter) ? 2 : 1

/** How many cells of a terminal a text takes, colours aside. */
export const visibleWidth = (text: string): number => {
  const bare = text.includes(ESC) ? text.replaceAll(COLOURS, "") : text
  if (isPlain(bare)) return bare.length
  let cells = 0
  for (const letter of bare) cells += cellsOf(letter)
  return cells
}

/** Cuts a line to a number of cells, with an ellipsis; colours stay. */
export const fit = (line: string, room: number): string => {
  if (visibleWidth(line) <= room) return line
  const parts = line.split(new RegExp(`(${ESC}\\[[0-9;]*m)`, "u"))
  let [out, cells, coloured] = ["", 0, false]
  for (const part of parts) {
    if (part.startsWith(ESC)) {
      out += part
      coloured = true
      continue
    }
    for (const letter of part) {
      if (cells + cellsOf(letter) > Math.max(0, room - 1)) return `${out}…${coloured ? `${ESC}[0m` : ""}`
      out += letter
      cells += cellsOf(letter)
    }
  }
  return out
}

/** A line from elsewhere as one line of the screen: nothing that moves the cursor or changes colours. */
export const harmless = (line: string): string =>
  isPlain(line)
    ? line
    : line
        .replaceAll(
          new RegExp(`${ESC}(?:\\[[0-?]*[ -/]*[@-~]|\\][^\u0007${ESC}]*(?:\u0007|${ESC}\\\\)|.)?`, "gu"),
          "",
        )
        .replaceAll("\t", "  ")
        // eslint-disable-next-line no-control-regex
        .replaceAll(/[\u0000-\u001f\u007f-\u009f]/gu, "")
