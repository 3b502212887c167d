/** Where traces go. */
export interface Target {
  readonly url: URL
  readonly headers: Headers
  readonly resource: Readonly<Record<string, string>>
}

type Environment = Readonly<Record<string, string | undefined>>

/** Keys and values as the environment lists them: `a=1,b=2`, values percent-encoded. */
const pairs = (text: string | undefined): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (text ?? "").split(",").flatMap((pair) => {
      const equals = pair.indexOf("=")
      if (equals <= 0) return []
      const value = pair.slice(equals + 1).trim()
      try {
        return [[pair.slice(0, equals).trim(), decodeURIComponent(value)]]
      } catch {
        return [[pair.slice(0, equals).trim(), value]]
      }
    }),
  )

/** A base address with the path for traces. */
const withPath = (base: string): string => {
  const url = URL.parse(base)
  if (url === null) return base
  url.pathname = `${url.pathname.replace(/\/+$/u, "")}/v1/traces`
  return url.href
}

/** What was given and cannot be used. */
export interface Unusable {
  readonly problem: string
}

/**
 * Where traces go, by `--otlp` or the variables that OpenTelemetry's specification of its exporters defines; undefined
 * where nobody asked. A base address gets `/v1/traces`; that of `…_TRACES_ENDPOINT` is taken as it is, and so is the
 * flag's where it has that path already.
 */
export const targetOf = (flag: string | undefined, env: Environment): Target | Unusable | undefined => {
  const given = (name: string): string | undefined => (env[name]?.trim() === "" ? undefined : env[name])
  if (flag === undefined) {
    if (env["OTEL_SDK_DISABLED"]?.toLowerCase() === "true" || env["OTEL_TRACES_EXPORTER"] === "none")
      return undefined
  }
  const own = given("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
  const base = given("OTEL_EXPORTER_OTLP_ENDPOINT")
  const [address, name] =
    flag !== undefined
      ? [/\/v1\/traces\/?$/u.test(flag) ? flag : withPath(flag), "--otlp"]
      : own !== undefined
        ? [own, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
        : [base === undefined ? undefined : withPath(base), "OTEL_EXPORTER_OTLP_ENDPOINT"]
  if (address === undefined) return undefined
  const protocol = given("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? given("OTEL_EXPORTER_OTLP_PROTOCOL")
  if (flag === undefined && protocol === "grpc")
    return { problem: `${name} is for gRPC; traces are sent by HTTP only: give its address with --otlp` }
  const url = URL.parse(address)
  if (url === null || !["http:", "https:"].includes(url.protocol))
    return { problem: `${name} must be the address of a collector, such as http://localhost:4318` }
  if (url.username !== "" || url.password !== "")
    return { problem: `${name} must not hold a password: use OTEL_EXPORTER_OTLP_HEADERS` }
  const headers = headersOf(env)
  if (headers === undefined)
    return { problem: "OTEL_EXPORTER_OTLP_HEADERS has a header that cannot be sent: give name=value,…" }
  const service = given("OTEL_SERVICE_NAME")
  return {
    url,
    headers,
    resource: {
      "service.name": "facet",
      ...pairs(env["OTEL_RESOURCE_ATTRIBUTES"]),
      ...(service === undefined ? {} : { "service.name": service }),
    },
  }
}

/** Undefined where one is not a header: what it holds may be a secret, and is told to nobody. */
const headersOf = (env: Environment): Headers | undefined => {
  try {
    const headers = new Headers()
    for (const variable of ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"])
      for (const [name, value] of Object.entries(pairs(env[variable]))) headers.set(name, value)
    headers.set("content-type", "application/json")
    return headers
  } catch {
    return undefined
  }
}
