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
  #line = ""
  /** Whether the line was gone back on: the next letter begins it anew. */
  #returned = false
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
      this.#take(this.#decoder.end())
      if (this.#line !== "") this.#endLine()
      if (this.#dropped > 0) this.#tell(`… and ${this.#dropped} lines more, which are not kept`)
    } finally {
      if (this.#fd !== undefined) closeSync(this.#fd)
      this.#fd = undefined
      rmSync(this.#path, { force: true })
    }
  }

  /**
   * Lines as they come out whatever the pieces they come in: of one that is written over and over (a progress bar)
   * what stands there at last, and a long one in parts, or memory would be the limit.
   */
  #take(text: string): void {
    for (const piece of text.split(/([\r\n])/u)) {
      if (piece === "\r") this.#returned = true
      else if (piece === "\n") this.#endLine()
      else if (piece !== "") {
        if (this.#returned) this.#line = ""
        this.#returned = false
        this.#line += piece
        for (; this.#line.length > LINE; this.#line = this.#line.slice(LINE))
          this.#say(this.#line.slice(0, LINE))
      }
    }
  }

  #endLine(): void {
    const line = this.#line
    this.#line = ""
    this.#returned = false
    this.#say(line)
  }

  #say(line: string): void {
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
