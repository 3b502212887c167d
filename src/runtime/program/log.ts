import { closeSync, openSync, readSync, rmSync } from "node:fs"
import { StringDecoder } from "node:string_decoder"

/** What is kept of a log, in letters: past it, lines are only counted. */
const MOST = 16 << 20
const LAST = 10
const LINE = 10_000
/** Where pieces are read to; never kept beyond a call. */
const part = Buffer.allocUnsafeSlow(64 << 10)

/** Follows a file that a program writes its log to, line by line. */
export class LogTail {
  readonly #path: string
  readonly #tell: (line: string) => void
  readonly #decoder = new StringDecoder("utf8")
  #fd: number | undefined
  #at = 0
  #open = ""
  #told = 0
  #dropped = 0
  #last: Array<string> = []

  constructor(path: string, tell: (line: string) => void) {
    this.#path = path
    this.#tell = tell
  }

  /** The last lines so far. */
  get last(): ReadonlyArray<string> {
    return this.#last
  }

  /** Reads what has come since; at most `most` bytes, so that a noisy program does not keep all others waiting. */
  read(most = Number.POSITIVE_INFINITY): void {
    const fd = (this.#fd ??= open(this.#path))
    if (fd === undefined) return
    for (let read = 0; read < most;) {
      const got = readSync(fd, part, 0, part.length, this.#at)
      if (got === 0) return
      this.#at += got
      read += got
      this.#take(this.#decoder.write(part.subarray(0, got)))
    }
  }

  /** Reads the rest and removes the file. */
  end(): void {
    try {
      this.read()
      const rest = this.#open + this.#decoder.end()
      this.#open = ""
      if (rest !== "") this.#line(rest)
      if (this.#dropped > 0) this.#tell(`… and ${this.#dropped} lines more, which are not kept`)
    } finally {
      if (this.#fd !== undefined) closeSync(this.#fd)
      this.#fd = undefined
      rmSync(this.#path, { force: true })
    }
  }

  #take(text: string): void {
    const lines = (this.#open + text).split("\n")
    this.#open = lines.pop()!
    for (const line of lines) this.#line(line)
    // A line without an end is cut, or memory would be the limit.
    while (this.#open.length > LINE) {
      this.#line(this.#open.slice(0, LINE))
      this.#open = this.#open.slice(LINE)
    }
  }

  #line(text: string): void {
    // Of a line that is written over and over (a progress bar), what stands there at last.
    const plain = text.replace(/\r+$/u, "")
    const line = plain.slice(plain.lastIndexOf("\r") + 1)
    this.#last.push(line)
    if (this.#last.length > LAST) this.#last.shift()
    this.#told += line.length + 1
    if (this.#told > MOST) this.#dropped++
    else this.#tell(line)
  }
}

const open = (path: string): number | undefined => {
  try {
    return openSync(path, "r")
  } catch (error) {
    // The shell has not made it yet.
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined
    throw error
  }
}
