import { attributes, type Span } from "./spans.ts"
import type { Target } from "./target.ts"

/** Spans in one request, and those that may wait for one: what comes beyond is dropped and counted. */
const [BATCH, MOST] = [512, 16_384]
/**
 * In ms: how long spans wait for others to be sent with, and at most after failures; and how long a request waits for
 * its answer.
 */
const [EVERY, SELDOM, PATIENCE] = [2000, 60_000, 10_000]
/** How long the end of the run waits for what was not sent yet, in ms. */
const LAST = 2000

/** Answers after which the same request may well be taken later (OTLP 1.x, "Retryable Response Codes"). */
const RETRYABLE = new Set([429, 502, 503, 504])

interface Sent {
  readonly rejected: number
  readonly again: boolean
  readonly trouble?: string
}

/**
 * Sends spans by OTLP/HTTP in JSON, in the background: no run waits for it or fails by it. What a collector that is
 * away did not take is tried again, ever more seldom; what was lost is told once, at the end.
 */
export class Exporter {
  readonly #target: Target
  readonly #version: string
  readonly #end = new AbortController()
  readonly #waiting: Array<Span> = []
  #sending: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #failures = 0
  #lost = 0
  #trouble: string | undefined

  constructor(target: Target, version: string) {
    this.#target = target
    this.#version = version
  }

  readonly add = (span: Span): void => {
    if (this.#waiting.length >= MOST) {
      this.#lost += 1
      this.#trouble ??= "there were more spans than it took"
      return
    }
    this.#waiting.push(span)
    if (this.#waiting.length >= BATCH && this.#failures === 0) this.#send()
    else this.#schedule()
  }

  /** Sends the rest, if that is quick, and gives what went wrong, if anything was lost. */
  async close(): Promise<string | undefined> {
    clearTimeout(this.#timer)
    const late = setTimeout(() => this.#end.abort(new Error(`no answer within ${LAST / 1000} s`)), LAST)
    await this.#sending
    await this.#drain()
    clearTimeout(late)
    clearTimeout(this.#timer)
    const lost = this.#lost + this.#waiting.length
    if (lost === 0) return undefined
    const { origin, pathname } = this.#target.url
    return `${lost} spans could not be sent to ${origin}${pathname}: ${this.#trouble}`
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#send(), Math.min(SELDOM, EVERY * 2 ** this.#failures)).unref()
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#sending ??= this.#drain().finally(() => {
      this.#sending = undefined
      if (this.#waiting.length > 0) this.#schedule()
    })
  }

  /** Sends what waits, until nothing does or the collector fails. */
  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const spans = this.#waiting.slice(0, BATCH)
      const { again, rejected, trouble } = await this.#post(spans)
      if (trouble !== undefined) this.#trouble = trouble
      if (again) {
        this.#failures += 1
        return
      }
      this.#failures = 0
      this.#lost += rejected
      this.#waiting.splice(0, spans.length)
    }
  }

  async #post(spans: ReadonlyArray<Span>): Promise<Sent> {
    const { url, headers, resource } = this.#target
    const scope = { name: "facet", version: this.#version }
    const all = { "service.version": this.#version, ...resource }
    const body = {
      resourceSpans: [{ resource: { attributes: attributes(all) }, scopeSpans: [{ scope, spans }] }],
    }
    try {
      const answer = await fetch(url, {
        method: "POST",
        headers,
        body: JSON.stringify(body),
        signal: AbortSignal.any([AbortSignal.timeout(PATIENCE), this.#end.signal]),
      })
      const text = await answer.text()
      if (answer.ok) return partial(text)
      const again = RETRYABLE.has(answer.status)
      return { again, rejected: spans.length, trouble: `it answered ${answer.status}` }
    } catch (error) {
      return { again: true, rejected: spans.length, trouble: reasonOf(error) }
    }
  }
}

const record = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null ? { ...value } : {}

/** What the collector took only in part, as its answer says (`partialSuccess`). */
const partial = (text: string): Sent => {
  let answer: unknown
  try {
    answer = JSON.parse(text)
  } catch {
    return { again: false, rejected: 0 }
  }
  const { rejectedSpans, errorMessage } = record(record(answer)["partialSuccess"])
  const rejected = Number(rejectedSpans ?? 0)
  if (!(rejected > 0)) return { again: false, rejected: 0 }
  const said = typeof errorMessage === "string" && errorMessage !== "" ? `: ${errorMessage}` : ""
  return { again: false, rejected, trouble: `it rejected them${said}` }
}

const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error)
  if (error.name === "TimeoutError") return `no answer within ${PATIENCE / 1000} s`
  const { cause } = error
  if (!(cause instanceof Error)) return error.message
  // Of several addresses tried, none has a message of its own.
  return cause.message || ("code" in cause ? String(cause.code) : cause.name)
}
