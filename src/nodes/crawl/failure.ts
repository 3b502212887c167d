import * as Schema from "effect/Schema"

/** Why a download gave nothing: short words, made for counting. An answer of another status is `http-<status>`. */
export type FailureReason =
  | `http-${number}`
  | "bad-url"
  | "private-address"
  | "redirect-loop"
  | "redirect-limit"
  | "rate-limited"
  | "connection"
  | "timeout"
  | "truncated"
  | "too-large"
  | "encoding"
  | "robots"
  | "robots-unreachable"
  | "robots-tag"

/** A download that failed. */
export class FetchFailure extends Schema.TaggedError<FetchFailure>()("FetchFailure", {
  reason: Schema.String,
  url: Schema.String,
  detail: Schema.String,
  /** Whether another try may go better. */
  transient: Schema.Boolean,
  /** Milliseconds the server asked to wait (Retry-After). */
  wait: Schema.optionalKey(Schema.Number),
}) {
  override get message(): string {
    return `${this.url}: ${this.reason} (${this.detail})`
  }
}

export const failure = (
  reason: FailureReason,
  url: string,
  detail: string,
  options: { readonly transient?: boolean; readonly wait?: number | undefined } = {},
): FetchFailure =>
  new FetchFailure({
    reason,
    url,
    detail,
    transient: options.transient ?? false,
    ...(options.wait === undefined ? {} : { wait: options.wait }),
  })

/** What Node, undici or zlib threw, in our words. `started`: the answer's head had come already. */
export const failureOf = (cause: unknown, url: string, started: boolean): FetchFailure => {
  if (cause instanceof FetchFailure) return cause
  const error = cause instanceof Error ? cause : new Error(String(cause))
  const inner = error.cause instanceof Error ? error.cause : error
  const code = "code" in error ? String(error.code) : "code" in inner ? String(inner.code) : ""
  const detail = inner.message === "" ? code || inner.name : inner.message
  if (inner.name === "PrivateAddressError") return failure("private-address", url, detail)
  if (/^UND_ERR_(HEADERS|BODY|CONNECT)_TIMEOUT$/.test(code) || code === "ETIMEDOUT")
    return failure("timeout", url, detail, { transient: true })
  if (/^(Z_|ERR_(BUFFER|BROTLI|ZSTD|_ERROR))/.test(code)) return failure("encoding", url, detail)
  if (code === "UND_ERR_INVALID_ARG") return failure("bad-url", url, detail)
  return failure(started ? "truncated" : "connection", url, detail, { transient: true })
}
