/** A line that only the old text has (`-`), or only the new one (`+`). */
export interface ChangedLine {
  readonly sign: "-" | "+"
  readonly text: string
}

/** Above this many pairs of lines the shortest difference is not looked for. */
const MOST_PAIRS = 4_000_000

/**
 * The lines that differ between two texts, in order: a shortest edit script by the longest common subsequence
 * (Wagner & Fischer 1974) of what is left between a common beginning and a common end.
 */
export const lineDiff = (before: string, after: string): ReadonlyArray<ChangedLine> => {
  const [a, b] = [before.split("\n"), after.split("\n")]
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let [endA, endB] = [a.length, b.length]
  while (endA > start && endB > start && a[endA - 1] === b[endB - 1]) {
    endA--
    endB--
  }
  return shortest(a.slice(start, endA), b.slice(start, endB))
}

const shortest = (a: ReadonlyArray<string>, b: ReadonlyArray<string>): ReadonlyArray<ChangedLine> => {
  const gone = (text: string): ChangedLine => ({ sign: "-", text })
  const come = (text: string): ChangedLine => ({ sign: "+", text })
  if (a.length * b.length > MOST_PAIRS) return [...a.map(gone), ...b.map(come)]
  const width = b.length + 1
  // common[i * width + j]: length of the longest common subsequence of what follows i in a and j in b.
  const common = new Uint16Array((a.length + 1) * width)
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      common[i * width + j] =
        a[i] === b[j]
          ? common[(i + 1) * width + j + 1] + 1
          : Math.max(common[(i + 1) * width + j], common[i * width + j + 1])
    }
  }
  const lines: Array<ChangedLine> = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++
      j++
    } else if (j >= b.length || (i < a.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      lines.push(gone(a[i++]))
    } else lines.push(come(b[j++]))
  }
  return lines
}
