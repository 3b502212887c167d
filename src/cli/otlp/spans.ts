import { randomBytes } from "node:crypto"
import type { RunEvent } from "../../schema/event.ts"
import type { ItemCounts, NodeStatus, OutputRecord, RunRecord } from "../../schema/trace.ts"

/** A value of OTLP's JSON form; whole numbers of 64 bits are texts. */
type AnyValue =
  | { readonly stringValue: string }
  | { readonly boolValue: boolean }
  | { readonly intValue: string }
  | { readonly doubleValue: number }
  | { readonly arrayValue: { readonly values: ReadonlyArray<AnyValue> } }

export interface KeyValue {
  readonly key: string
  readonly value: AnyValue
}

interface SpanEvent {
  readonly timeUnixNano: string
  readonly name: string
  readonly attributes: ReadonlyArray<KeyValue>
}

/** A span as OTLP/HTTP carries it in JSON (opentelemetry-proto, trace.proto). */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  /** 1: internal. */
  readonly kind: 1
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: ReadonlyArray<KeyValue>
  readonly events: ReadonlyArray<SpanEvent>
  /** 0: not set (no error), 2: an error. 1 is left to those who watch. */
  readonly status: { readonly code: 0 | 2; readonly message?: string }
}

type Plain = string | number | boolean | ReadonlyArray<string> | undefined

const anyValue = (value: Exclude<Plain, undefined>): AnyValue => {
  if (typeof value === "string") return { stringValue: value }
  if (typeof value === "boolean") return { boolValue: value }
  if (typeof value === "number")
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  return { arrayValue: { values: value.map((text) => ({ stringValue: text })) } }
}

/** Attributes by name; those that are undefined are left out. */
export const attributes = (values: Readonly<Record<string, Plain>>): ReadonlyArray<KeyValue> =>
  Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  )

/** Unix milliseconds, with their fraction, as the nanoseconds of OTLP. */
const nanos = (ms: number): string => {
  const whole = Math.floor(ms)
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((ms - whole) * 1_000_000)))
}

const bytesOf = (outputs: Readonly<Record<string, OutputRecord>>): number =>
  Object.values(outputs).reduce((sum, { bytes }) => sum + bytes, 0)

interface Open {
  readonly spanId: string
  readonly since: number
  readonly reason: string
  readonly key: string | undefined
  readonly events: Array<SpanEvent>
}

/** The trace that this program was started within: `TRACEPARENT`, as W3C's Trace Context writes it. */
const parentOf = (
  traceparent: string | undefined,
): { readonly trace: string; readonly span: string } | undefined => {
  const match = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-|$)/u.exec(traceparent ?? "")
  if (match === null || /^0+$/u.test(match[1]) || /^0+$/u.test(match[2])) return undefined
  return { trace: match[1], span: match[2] }
}

/** The spans of one run, made of its events: the run, its nodes, and batches of their items. */
export class RunSpans {
  readonly #traceId: string
  readonly #parent: string | undefined
  readonly #root = randomBytes(8).toString("hex")
  readonly #emit: (span: Span) => void
  readonly #now: () => number
  readonly #open = new Map<string, Open>()
  readonly #uses = new Map<string, string>()
  #run: Extract<RunEvent, { type: "run-started" }> | undefined
  readonly #warnings: Array<SpanEvent> = []
  #since: number

  /** `now` gives Unix milliseconds with their fraction. */
  constructor(
    emit: (span: Span) => void,
    traceparent: string | undefined,
    now: () => number = () => performance.timeOrigin + performance.now(),
  ) {
    const parent = parentOf(traceparent)
    this.#traceId = parent?.trace ?? randomBytes(16).toString("hex")
    this.#parent = parent?.span
    this.#emit = emit
    this.#now = now
    this.#since = now()
  }

  event(event: RunEvent): void {
    const now = this.#now()
    switch (event.type) {
      case "run-started":
        this.#since = now
        this.#run = event
        for (const { id, uses } of event.nodes) this.#uses.set(id, uses)
        return
      case "node-started":
        // Once more after a failure: one span for all attempts.
        if (this.#open.has(event.node)) return
        this.#open.set(event.node, {
          spanId: randomBytes(8).toString("hex"),
          since: now,
          reason: event.reason,
          key: event.key,
          events: [],
        })
        return
      case "node-retry":
        this.#open.get(event.node)?.events.push(
          this.#spanEvent(now, "retry", {
            "facet.attempt": event.attempt,
            "exception.message": event.error,
          }),
        )
        return
      case "warning": {
        const open = event.node === undefined ? undefined : this.#open.get(event.node)
        const list = open?.events ?? this.#warnings
        list.push(this.#spanEvent(now, "warning", { message: event.message }))
        return
      }
      case "node-batch": {
        const open = this.#open.get(event.node)
        return this.#span(
          randomBytes(8).toString("hex"),
          open?.spanId ?? this.#root,
          `${event.node} batch`,
          Math.max(now - event.ms, open?.since ?? this.#since),
          now,
          {
            attributes: { "facet.node.id": event.node, "facet.items.total": event.items },
            ...(event.error === undefined ? {} : { error: event.error }),
          },
        )
      }
      case "node-cached":
        return this.#node(event.node, now, {
          status: "cached",
          reason: "cached",
          key: event.key,
          outputs: event.outputs,
        })
      case "node-finished": {
        const { outputs, items } = event
        return this.#node(event.node, now, { status: "ran", outputs, items })
      }
      case "node-failed":
        return this.#node(event.node, now, { status: "failed", error: event.error })
      case "node-skipped":
        return this.#node(event.node, now, { status: "skipped", reason: event.because })
      case "node-progress":
      case "node-log":
      case "run-finished":
        return
    }
  }

  #node(
    id: string,
    now: number,
    end: {
      readonly status: NodeStatus | "interrupted"
      readonly reason?: string
      readonly key?: string | undefined
      readonly outputs?: Readonly<Record<string, OutputRecord>>
      readonly items?: ItemCounts | undefined
      readonly error?: string
    },
  ): void {
    const open = this.#open.get(id)
    this.#open.delete(id)
    const { items, outputs, error } = end
    this.#span(open?.spanId ?? randomBytes(8).toString("hex"), this.#root, id, open?.since ?? now, now, {
      attributes: {
        "facet.node.id": id,
        "facet.node.uses": this.#uses.get(id),
        "facet.node.status": end.status,
        "facet.node.reason": end.reason ?? open?.reason,
        "facet.node.key": end.key ?? open?.key,
        "facet.items.total": items?.total,
        "facet.items.cached": items?.cached,
        "facet.items.ran": items?.ran,
        "facet.items.failed": items?.failed,
        "facet.output.bytes": outputs === undefined ? undefined : bytesOf(outputs),
      },
      events: open?.events ?? [],
      ...(error === undefined ? {} : { error }),
    })
  }

  /**
   * The run itself, last: nodes that never ended are told of as interrupted. Without a record the run broke off, by
   * the error.
   */
  end(record: Pick<RunRecord, "targets" | "status" | "nodes"> | undefined, broke?: string): void {
    if (this.#run === undefined) return
    const { run, pipeline } = this.#run
    const now = this.#now()
    for (const id of this.#open.keys()) this.#node(id, now, { status: "interrupted", error: "interrupted" })
    const nodes = record?.nodes ?? []
    const failed = nodes.filter(({ status }) => status === "failed").map(({ id }) => id)
    const status = record?.status ?? "failed"
    const said = failed.length > 0 ? `failed: ${failed.join(", ")}` : status
    const error = broke ?? (status === "ok" ? undefined : said)
    this.#span(this.#root, this.#parent, `run ${pipeline}`, this.#since, now, {
      attributes: {
        "facet.run.id": run,
        "facet.run.status": status,
        "facet.pipeline": pipeline,
        "facet.targets": record?.targets,
        "facet.nodes.total": this.#uses.size,
        "facet.nodes.ran": nodes.filter((node) => node.status === "ran").length,
        "facet.nodes.cached": nodes.filter((node) => node.status === "cached").length,
        "facet.nodes.failed": failed.length,
        "facet.nodes.skipped": nodes.filter((node) => node.status === "skipped").length,
      },
      events: this.#warnings,
      ...(error === undefined ? {} : { error }),
    })
  }

  #spanEvent(at: number, name: string, values: Readonly<Record<string, Plain>>): SpanEvent {
    return { timeUnixNano: nanos(at), name, attributes: attributes(values) }
  }

  #span(
    spanId: string,
    parent: string | undefined,
    name: string,
    since: number,
    until: number,
    rest: {
      readonly attributes: Readonly<Record<string, Plain>>
      readonly events?: ReadonlyArray<SpanEvent>
      readonly error?: string
    },
  ): void {
    const { error, events = [] } = rest
    const exception =
      error === undefined ? [] : [this.#spanEvent(until, "exception", { "exception.message": error })]
    this.#emit({
      traceId: this.#traceId,
      spanId,
      ...(parent === undefined ? {} : { parentSpanId: parent }),
      name,
      kind: 1,
      startTimeUnixNano: nanos(since),
      endTimeUnixNano: nanos(until),
      attributes: attributes(rest.attributes),
      events: [...events, ...exception],
      status: error === undefined ? { code: 0 } : { code: 2, message: error },
    })
  }
}
