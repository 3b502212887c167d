import { spawn } from "node:child_process"
import { writeFileSync } from "node:fs"
import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { Exporter } from "../../src/cli/otlp/exporter.ts"
import { RunSpans, type KeyValue, type Span } from "../../src/cli/otlp/spans.ts"
import { targetOf } from "../../src/cli/otlp/target.ts"
import { digestOf } from "../../src/schema/digest.ts"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag, project } from "./dag.ts"
import { wrongInRequest } from "./otlp-schema.ts"

interface Request {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: {
    readonly resourceSpans: ReadonlyArray<{
      readonly resource: { readonly attributes: ReadonlyArray<KeyValue> }
      readonly scopeSpans: ReadonlyArray<{ readonly spans: ReadonlyArray<Span> }>
    }>
  }
}

const ends: Array<() => void> = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** A collector on loopback. */
const collector = async (answer: (response: ServerResponse, count: number) => void) => {
  const requests: Array<Request> = []
  const server = createServer((request, response) => {
    const parts: Array<Buffer> = []
    request.on("data", (part: Buffer) => parts.push(part))
    request.on("end", () => {
      const body = JSON.parse(Buffer.concat(parts).toString()) as Request["body"]
      requests.push({ path: request.url ?? "", headers: request.headers, body })
      answer(response, requests.length)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  ends.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("the server has no port")
  return { url: `http://127.0.0.1:${address.port}`, requests }
}

const accept = (response: ServerResponse): void => {
  response.setHeader("content-type", "application/json").end("{}")
}

const folderWith = (document: string): string => {
  const { folder, remove } = project()
  ends.push(remove)
  writeFileSync(join(folder, "p.yaml"), document)
  return folder
}

const document = `pipeline: small
nodes:
  first: { uses: command.run, with: { run: "echo 12 > o", outputs: { o: o } } }
  bad: { uses: command.run, in: { x: first }, retries: 1, with: { run: "exit 3", outputs: { o: o } } }
  after: { uses: command.run, in: { x: bad }, with: { run: "echo > o", outputs: { o: o } } }
`

const plain = ({ value }: KeyValue): unknown =>
  "arrayValue" in value
    ? value.arrayValue.values.flatMap((one) => Object.values(one) as ReadonlyArray<unknown>)
    : Object.values(value)[0]
const valuesOf = (attributes: ReadonlyArray<KeyValue>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(attributes.map((one) => [one.key, plain(one)]))

const spansOf = (requests: ReadonlyArray<Request>): ReadonlyArray<Span> =>
  requests.flatMap(({ body }) =>
    body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  )

describe("dag run --otlp", () => {
  it("sends one trace: a span for the run and for each node, as OTLP's JSON has it", async () => {
    const { url, requests } = await collector(accept)
    const folder = folderWith(document)
    const first = await dag(folder, ["run", "-f", "p.yaml", "--otlp", url, "--json"], {
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer%20abc, x-team = faces",
      OTEL_RESOURCE_ATTRIBUTES: "deployment.environment.name=test",
    })
    expect(first.code).toBe(1)
    expect(first.stderr).not.toContain("warning")
    expect(requests.flatMap(({ body }) => wrongInRequest(body))).toEqual([])
    for (const { path, headers } of requests) {
      expect(path).toBe("/v1/traces")
      expect(headers).toMatchObject({
        "content-type": "application/json",
        authorization: "Bearer abc",
        "x-team": "faces",
      })
    }
    expect(valuesOf(requests[0].body.resourceSpans[0].resource.attributes)).toMatchObject({
      "service.name": "facet",
      "service.version": expect.stringMatching(/^\d/u) as string,
      "deployment.environment.name": "test",
    })

    const spans = spansOf(requests)
    const byName = new Map(spans.map((span) => [span.name, span]))
    expect([...byName.keys()].sort()).toEqual(["after", "bad", "first", "run small"])
    expect(spans).toHaveLength(4)
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(4)
    const root = byName.get("run small")!
    expect(root).not.toHaveProperty("parentSpanId")
    for (const span of spans) {
      expect(span.parentSpanId).toBe(span === root ? undefined : root.spanId)
      const [since, until] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)]
      expect(since <= until).toBe(true)
      expect(BigInt(root.startTimeUnixNano) <= since && until <= BigInt(root.endTimeUnixNano)).toBe(true)
    }

    const { run, nodes } = JSON.parse(first.stdout) as {
      readonly run: { readonly id: string }
      readonly nodes: ReadonlyArray<{
        readonly id: string
        readonly reason: string
        readonly key?: string
        readonly outputs: Readonly<Record<string, { readonly bytes: number }>>
      }>
    }
    expect(valuesOf(root.attributes)).toMatchObject({
      "facet.run.id": run.id,
      "facet.run.status": "failed",
      "facet.pipeline": "small",
      "facet.nodes.total": "3",
      "facet.nodes.ran": "1",
      "facet.nodes.failed": "1",
      "facet.nodes.skipped": "1",
    })
    expect(root.status).toEqual({ code: 2, message: "failed: bad" })

    const told = nodes.find(({ id }) => id === "first")!
    const ok = byName.get("first")!
    expect(told.key).toBeTypeOf("string")
    expect(valuesOf(ok.attributes)).toEqual({
      "facet.node.id": "first",
      "facet.node.uses": "command.run",
      "facet.node.status": "ran",
      "facet.node.reason": told.reason,
      "facet.node.key": told.key,
      "facet.output.bytes": String(Object.values(told.outputs).reduce((sum, { bytes }) => sum + bytes, 0)),
    })
    expect(ok.status).toEqual({ code: 0 })

    const bad = byName.get("bad")!
    expect(bad.status).toEqual({ code: 2, message: expect.stringContaining("exit code 3") as string })
    expect(valuesOf(bad.attributes)).toMatchObject({
      "facet.node.status": "failed",
      "facet.node.key": expect.any(String) as string,
    })
    expect(bad.events.map(({ name }) => name)).toEqual(["retry", "exception"])
    expect(valuesOf(bad.events[0].attributes)).toMatchObject({ "facet.attempt": "1" })
    expect(valuesOf(byName.get("after")!.attributes)).toMatchObject({
      "facet.node.status": "skipped",
      "facet.node.reason": "bad did not finish",
    })

    // By the environment, within a trace that is there already, and what was there already.
    requests.length = 0
    const again = await dag(folder, ["run", "-f", "p.yaml", "-t", "first"], {
      OTEL_EXPORTER_OTLP_ENDPOINT: `${url}/`,
      TRACEPARENT: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    })
    expect(again.code).toBe(0)
    expect(requests.flatMap(({ body }) => wrongInRequest(body))).toEqual([])
    expect(spansOf(requests).map((span) => [span.name, span.traceId])).toEqual([
      ["first", "0af7651916cd43dd8448eb211c80319c"],
      ["run small", "0af7651916cd43dd8448eb211c80319c"],
    ])
    expect(spansOf(requests)[1].parentSpanId).toBe("b7ad6b7169203331")
    expect(valuesOf(spansOf(requests)[0].attributes)).toMatchObject({
      "facet.node.status": "cached",
      "facet.node.key": told.key,
    })
  }, 60_000)

  it("a collector that is away, refuses, or never answers costs one warning and no run", async () => {
    const folder = folderWith(document)
    const gone = await collector(accept)
    ends.pop()!()
    const refuses = await collector((response) => response.writeHead(401).end("no"))
    const silent = await collector(() => {})
    for (const [url, why] of [
      [gone.url, "ECONNREFUSED"],
      [refuses.url, "it answered 401"],
      [silent.url, "no answer within 2 s"],
    ]) {
      const { code, stdout, stderr } = await dag(folder, [
        "run",
        "-f",
        "p.yaml",
        "-t",
        "first",
        "--otlp",
        url,
      ])
      expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining("small: ok") as string })
      expect(stderr.match(/^warning: .*$/gmu)).toEqual([
        expect.stringMatching(
          new RegExp(`^warning: 2 spans could not be sent to ${url}/v1/traces: .*${why}`, "u"),
        ),
      ])
    }
  }, 60_000)

  it("an interrupted run sends what it did", async () => {
    const { url, requests } = await collector(accept)
    const folder = folderWith(
      `pipeline: long\nnodes:\n  wait: { uses: command.run, with: { run: "sleep 300" } }\n`,
    )
    const child = spawn(join(packageRoot, "bin", "dag"), ["run", "-f", "p.yaml", "--otlp", url], {
      cwd: folder,
      stdio: ["ignore", "ignore", "pipe"],
    })
    let said = ""
    child.stderr.on("data", (part: Buffer) => {
      said += part.toString()
      if (said.includes("wait runs") && !child.killed) child.kill("SIGINT")
    })
    expect(await new Promise((resolve) => child.on("close", resolve))).toBe(130)
    expect(spansOf(requests).map(({ name, status }) => [name, status])).toEqual([
      ["wait", { code: 2, message: "interrupted" }],
      ["run long", { code: 2, message: "interrupted" }],
    ])
  }, 60_000)

  it("an address that is none is a mistake of the flag, and only a warning of the environment", async () => {
    const folder = folderWith(document)
    const flag = await dag(folder, ["run", "-f", "p.yaml", "-t", "first", "--otlp", "localhost:4318"])
    expect([flag.code, flag.stderr]).toEqual([2, expect.stringContaining("--otlp must be the address")])
    const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: "collector" }
    const { code, stderr } = await dag(folder, ["run", "-f", "p.yaml", "-t", "first"], environment)
    expect([code, stderr]).toEqual([
      0,
      expect.stringContaining("warning: OTEL_EXPORTER_OTLP_ENDPOINT must be"),
    ])
  }, 60_000)
})

it("the address follows OpenTelemetry's rules", () => {
  const urlOf = (
    flag: string | undefined,
    env: Readonly<Record<string, string>> = {},
  ): string | undefined => {
    const target = targetOf(flag, env)
    return target === undefined ? undefined : "problem" in target ? target.problem : target.url.href
  }
  const [base, own] = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]
  expect(urlOf(undefined)).toBeUndefined()
  expect(urlOf("http://c:4318")).toBe("http://c:4318/v1/traces")
  expect(urlOf("http://c:4318/v1/traces")).toBe("http://c:4318/v1/traces")
  expect(urlOf(undefined, { [base]: "https://c/otlp/" })).toBe("https://c/otlp/v1/traces")
  expect(urlOf(undefined, { [base]: "http://c", [own]: "http://d/in" })).toBe("http://d/in")
  expect(urlOf("http://e", { [base]: "http://c", [own]: "http://d/in" })).toBe("http://e/v1/traces")
  expect(urlOf(undefined, { [base]: "http://c", OTEL_SDK_DISABLED: "true" })).toBeUndefined()
  expect(urlOf(undefined, { [base]: "http://c", OTEL_TRACES_EXPORTER: "none" })).toBeUndefined()
  expect(urlOf(undefined, { [base]: "http://c:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" })).toContain("gRPC")
  const secret = urlOf("http://c", { OTEL_EXPORTER_OTLP_HEADERS: "authorization=a%0Asecret" })
  expect(secret).toContain("OTEL_EXPORTER_OTLP_HEADERS")
  expect(secret).not.toContain("secret")
})

it("what a busy collector did not take is sent again; what it rejects is told", async () => {
  const run = async (answer: (response: ServerResponse, count: number) => void) => {
    const { url, requests } = await collector(answer)
    const target = targetOf(url, {})
    if (target === undefined || "problem" in target) throw new Error("no target")
    const exporter = new Exporter(target, "1")
    const spans = new RunSpans(exporter.add, undefined)
    spans.event({ type: "run-started", run: "r", pipeline: "p", nodes: [] })
    // As many as make a request of their own before the end.
    for (let n = 0; n < 512; n += 1) spans.event({ type: "node-skipped", node: `n${n}`, because: "so" })
    spans.end({ targets: [], status: "ok", nodes: [] })
    return { trouble: await exporter.close(), requests }
  }
  const busy = await run((response, count) => {
    if (count === 1) response.writeHead(503).end()
    else accept(response)
  })
  expect(busy.trouble).toBeUndefined()
  expect(new Set(spansOf(busy.requests).map(({ name }) => name)).size).toBe(513)
  expect(spansOf(busy.requests.slice(1))).toHaveLength(513)

  const { trouble } = await run((response) => {
    response.end(JSON.stringify({ partialSuccess: { rejectedSpans: "5", errorMessage: "too old" } }))
  })
  expect(trouble).toMatch(/^10 spans could not be sent to .*: it rejected them: too old$/u)
})

it("a node's attempts are one span; batches of its items are spans within, items are counted", () => {
  const spans: Array<Span> = []
  let now = 1_700_000_000_000.25
  const run = new RunSpans(
    (span) => spans.push(span),
    undefined,
    () => now,
  )
  const key = digestOf("n")
  const start = { type: "node-started", node: "n", key, reason: "never ran", why: [] } as const
  run.event({ type: "run-started", run: "r", pipeline: "p", nodes: [{ id: "n", uses: "image.check" }] })
  run.event(start)
  now += 10
  run.event({ type: "node-batch", node: "n", items: 7, ms: 4, error: "no" })
  run.event({ type: "node-retry", node: "n", attempt: 1, error: "no" })
  run.event(start)
  now += 10
  const items = { total: 9, cached: 2, ran: 7, failed: 0 }
  run.event({ type: "node-finished", node: "n", ms: 10, outputs: {}, items })
  const [batch, node] = spans
  expect(spans).toHaveLength(2)
  expect([batch.parentSpanId, batch.startTimeUnixNano, batch.endTimeUnixNano]).toEqual([
    node.spanId,
    "1700000000006250000",
    "1700000000010250000",
  ])
  expect(batch.status).toEqual({ code: 2, message: "no" })
  expect([node.startTimeUnixNano, node.endTimeUnixNano]).toEqual([
    "1700000000000250000",
    "1700000000020250000",
  ])
  expect(node.events.map(({ name }) => name)).toEqual(["retry"])
  expect(valuesOf(node.attributes)).toMatchObject({
    "facet.node.uses": "image.check",
    "facet.node.key": key,
    "facet.items.total": "9",
    "facet.items.cached": "2",
    "facet.items.ran": "7",
    "facet.items.failed": "0",
  })
})
