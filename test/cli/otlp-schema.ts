/**
 * What OTLP's specification says of an ExportTraceServiceRequest in JSON: the messages of opentelemetry-proto
 * (trace/v1, common/v1, resource/v1) by proto3's JSON mapping (names in lowerCamelCase, 64-bit integers as decimal
 * texts) with OTLP's own rules: ids in hex, enums as numbers.
 */
type Check = (value: unknown, at: string) => ReadonlyArray<string>

const that =
  (is: (value: unknown) => boolean, what: string): Check =>
  (value, at) =>
    is(value) ? [] : [`${at} is ${JSON.stringify(value)}, not ${what}`]

const text = that((value) => typeof value === "string", "a text")
const hex = (bytes: number): Check =>
  that(
    (value) =>
      typeof value === "string" &&
      new RegExp(`^[0-9a-f]{${bytes * 2}}$`, "u").test(value) &&
      !/^0+$/u.test(value),
    `an id of ${bytes} bytes in hex`,
  )
const uint64 = that(
  (value) => typeof value === "string" && /^(0|[1-9]\d*)$/u.test(value),
  "a fixed64 as text",
)
const int64 = that(
  (value) => typeof value === "string" && /^(0|-?[1-9]\d*)$/u.test(value),
  "an int64 as text",
)
const oneOf = (...values: ReadonlyArray<number>): Check =>
  that((value) => values.includes(value as number), `one of ${values.join(", ")}`)

const list =
  (check: Check): Check =>
  (value, at) =>
    Array.isArray(value)
      ? value.flatMap((one: unknown, index) => check(one, `${at}[${index}]`))
      : [`${at} is no list`]

/** A message: every field known, the required ones there. proto3 requires none; what has no meaning without is here. */
const message =
  (fields: () => Readonly<Record<string, Check>>, required: ReadonlyArray<string> = []): Check =>
  (value, at) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [`${at} is no message`]
    const known = fields()
    const missing = required.filter((name) => !(name in value)).map((name) => `${at} has no ${name}`)
    return [
      ...missing,
      ...Object.entries(value).flatMap(([name, inner]) =>
        name in known ? known[name](inner, `${at}.${name}`) : [`${at}.${name} is no field of OTLP`],
      ),
    ]
  }

const anyFields = message(() => ({
  stringValue: text,
  boolValue: that((value) => typeof value === "boolean", "true or false"),
  intValue: int64,
  doubleValue: that((value) => typeof value === "number", "a number"),
  arrayValue: message(() => ({ values: list(anyValue) })),
  kvlistValue: message(() => ({ values: attributes })),
  bytesValue: text,
}))
/** A oneof: exactly one of its fields. */
const anyValue: Check = (value, at) => [
  ...anyFields(value, at),
  ...(Object.keys(value as object).length === 1 ? [] : [`${at} has not exactly one value`]),
]
const keyValues = list(message(() => ({ key: text, value: anyValue }), ["key", "value"]))
/** "Attribute keys MUST be unique". */
const attributes: Check = (value, at) => {
  const wrong = keyValues(value, at)
  if (wrong.length > 0) return wrong
  const keys = (value as ReadonlyArray<{ readonly key: string }>).map(({ key }) => key)
  return new Set(keys).size === keys.length ? [] : [`${at} names a key twice`]
}
const count = that((value) => Number.isInteger(value) && (value as number) >= 0, "a whole number")

const event = message(
  () => ({ timeUnixNano: uint64, name: text, attributes, droppedAttributesCount: count }),
  ["timeUnixNano", "name"],
)
const span = message(
  () => ({
    traceId: hex(16),
    spanId: hex(8),
    traceState: text,
    parentSpanId: hex(8),
    flags: count,
    name: text,
    kind: oneOf(0, 1, 2, 3, 4, 5),
    startTimeUnixNano: uint64,
    endTimeUnixNano: uint64,
    attributes,
    droppedAttributesCount: count,
    events: list(event),
    droppedEventsCount: count,
    links: list(
      message(() => ({ traceId: hex(16), spanId: hex(8), traceState: text, attributes, flags: count })),
    ),
    droppedLinksCount: count,
    status: message(() => ({ message: text, code: oneOf(0, 1, 2) })),
  }),
  ["traceId", "spanId", "name", "startTimeUnixNano", "endTimeUnixNano"],
)
const scope = message(() => ({ name: text, version: text, attributes, droppedAttributesCount: count }))
const request = message(
  () => ({
    resourceSpans: list(
      message(
        () => ({
          resource: message(() => ({ attributes, droppedAttributesCount: count })),
          scopeSpans: list(message(() => ({ scope, spans: list(span), schemaUrl: text }), ["spans"])),
          schemaUrl: text,
        }),
        ["resource", "scopeSpans"],
      ),
    ),
  }),
  ["resourceSpans"],
)

/** Everything in a request that OTLP does not allow. */
export const wrongInRequest = (value: unknown): ReadonlyArray<string> => request(value, "request")
