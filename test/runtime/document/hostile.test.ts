import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { afterAll, describe, expect, it } from "vitest"
import { limits } from "../../../src/runtime/document/limits.ts"
import { loadDocument, projectOf } from "../../../src/runtime/document/index.ts"
import { catalogue, complaint, failureOf, load } from "./catalogue.ts"

const folder = mkdtempSync(join(tmpdir(), "facet-document-"))
afterAll(() => rmSync(folder, { recursive: true }))

const node = "nodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n"

/** Loads a file of these bytes, and says what is wrong with it. */
const complaintOf = (name: string, bytes: Uint8Array | string): string => {
  const file = join(folder, name)
  writeFileSync(file, bytes)
  const result = Effect.runSync(Effect.result(loadDocument({ file, env: {}, catalogue })))
  return result._tag === "Failure" ? result.failure.message.replaceAll(`${folder}/`, "") : "accepted"
}

describe("hostile documents are refused with a clear message", () => {
  const bomb = ["&l0 [x, x, x, x, x, x, x, x, x]"]
  for (let level = 1; level < 12; level += 1) {
    bomb.push(`&l${level} [${Array.from({ length: 9 }, () => `*l${level - 1}`).join(", ")}]`)
  }
  it.each<readonly [name: string, text: string, expected: RegExp]>([
    [
      "a bomb of aliases",
      `pipeline: a\nx-bomb: [${bomb.join(", ")}]\n${node}`,
      /aliases repeat too much[^]*at most 20000/,
    ],
    [
      "a bomb of merge keys",
      `pipeline: a\nx-bomb:\n  - &m0 { ${Array.from({ length: 300 }, (_, i) => `k${i}: 1`).join(", ")} }\n${Array.from({ length: 300 }, () => "  - { <<: *m0 }\n").join("")}${node}`,
      /aliases repeat too much/,
    ],
    ["a circle of aliases", `pipeline: a\nx-c: &a [1, *a]\n${node}`, /\*a stands inside of what it repeats/],
    [
      "deep flow lists",
      `pipeline: a\nx-d: ${"[".repeat(70)}${"]".repeat(70)}\n${node}`,
      /nested too deeply[^]*64/,
    ],
    ["very deep flow lists", `pipeline: a\nx-d: ${"[".repeat(100_000)}`, /nested too deeply/],
    ["very deep compact lists", `pipeline: a\nx-d:\n${"- ".repeat(200_000)}`, /nested too deeply/],
    [
      "deep block maps",
      Array.from({ length: 1200 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      /nested too deeply/,
    ],
    [
      "a bomb of references",
      `pipeline: a\nparams:\n  p0: [1, 1, 1, 1, 1, 1, 1, 1]\n${Array.from({ length: 12 }, (_, i) => `  p${i + 1}: ["\${params.p${i}}", "\${params.p${i}}", "\${params.p${i}}", "\${params.p${i}}"]\n`).join("")}${node}`,
      /references repeat too much[^]*at most 200000/,
    ],
    [
      "a bomb of text",
      `pipeline: a\nparams:\n  p0: "0123456789"\n${Array.from({ length: 24 }, (_, i) => `  p${i + 1}: "\${params.p${i}}\${params.p${i}}"\n`).join("")}${node}`,
      /the text grows too long/,
    ],
    [
      "a bomb of instances",
      `pipeline: a\nnodes:\n  c: { uses: crawl.search, matrix: { ${["a", "b", "c", "d", "e", "f"].map((axis) => `${axis}: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]`).join(", ")} }, with: { engine: gallery, keywords: {} } }\n`,
      /too many instances[^]*10000/,
    ],
    ["thousands of tabs", `pipeline: a\n${"a:\n\tb: 1\n".repeat(20_000)}`, /a tab is used/],
    ["thousands of anchors", `pipeline: ${"&a ".repeat(100_000)}`, /not valid YAML/],
  ])("%s", (_, text, expected) => {
    const { diagnostics, message } = failureOf(text)
    expect(message).toMatch(expected)
    expect(diagnostics.length).toBeLessThan(10)
  })

  it("a document beyond the limit is not read", () => {
    const big = `pipeline: a\n# ${"x".repeat(10 * 1024 * 1024)}\n`
    expect(complaintOf("big.yaml", big)).toMatch(
      /^big\.yaml: the document is too large \(10\.0 MiB\)\n.*limit is 4 MiB/,
    )
    expect(complaint(`pipeline: a\n# ${"x".repeat(limits.bytes)}`)).toMatch(/too large/)
  })

  it("keys of JavaScript pollute nothing", () => {
    failureOf(
      `pipeline: a\n__proto__: { polluted: 1 }\nx-a: { constructor: { prototype: { polluted: 1 } } }\n${node}`,
    )
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })

  it("control sequences reach no terminal", () => {
    const esc = String.fromCharCode(27)
    expect(complaint(`pipeline: "a\\x1b[2J"\n${node}`)).not.toContain(esc)
    expect(complaint(`pipeline: a${esc}[2J\n`)).not.toContain(esc)
  })
})

describe("files", () => {
  it("says what is wrong with a file that cannot be read", () => {
    expect(complaintOf("latin1.yaml", Buffer.from("pipeline: a\n# caf\xe9\n", "latin1"))).toMatch(
      /^latin1\.yaml: the document is not UTF-8: line 2/,
    )
    expect(complaintOf("utf16.yaml", Buffer.from("\ufeffpipeline: a\n", "utf16le"))).toMatch(/UTF-16/)
    const missing = (name: string) =>
      Effect.runSync(Effect.flip(loadDocument({ file: join(folder, name), env: {}, catalogue }))).message
    expect(missing("latin2.yaml")).toMatch(/there is no such file\n.*did you mean ".*latin1\.yaml"\?/)
    expect(missing(".")).toMatch(/this is a folder/)
  })

  it("passes over a byte order mark and Windows line ends, places unmoved", () => {
    expect(
      complaintOf("bom.yaml", `\ufeffpipeline: a\r\nnods: {}\r\n${node.replaceAll("\n", "\r\n")}`),
    ).toMatch(/^bom\.yaml:2:1 nods: /)
    expect(complaintOf("crlf.yaml", `pipeline: a\r\n${node.replaceAll("\n", "\r\n")}`)).toBe("accepted")
  })

  it("finds the project: the folder that holds pipelines/, or the document's own", () => {
    expect(projectOf("/p/pipelines/a.yaml")).toBe("/p")
    expect(projectOf("/p/other/a.yaml")).toBe("/p/other")
  })
})

it("a large document that is right is taken", () => {
  const many = Array.from(
    { length: 3000 },
    (_, i) => `  n${i}: { uses: dataset.merge, in: { sets: ${i === 0 ? "c" : `n${i - 1}`} } }\n`,
  ).join("")
  expect(load(`pipeline: a\n${node}${many}`).graph.nodes).toHaveLength(3001)
})
