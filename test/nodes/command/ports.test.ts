import { afterEach, describe, expect, it } from "vitest"
import { projectOf, type TestProject } from "./project.ts"

let project: TestProject | undefined
const files = { "data/a.txt": "a", "code/clean.sh": "cat raw\n" }
const open = (): TestProject => (project = projectOf(files))
afterEach(() => project?.remove())

const raw = "nodes:\n  raw: { uses: source.path, with: { path: data } }\n"
const clean =
  "  clean: { uses: command.run, in: { raw: raw }, with: { run: x, outputs: { table: t.csv, log: { path: l.json, type: Json } } } }\n"

describe("ports that the document names", () => {
  it("are known to whom they feed, with their types", async () => {
    const { nodes } = await open().load(
      `${raw}${clean}  last: { uses: command.run, in: { t: clean.table, l: clean.log }, with: { run: y } }\n`,
    )
    const [, middle, last] = nodes
    expect(Object.entries(middle.outputs).map(([port, type]) => [port, type.name])).toEqual([
      ["table", "Files"],
      ["log", "Json"],
    ])
    expect(last.inputs).toEqual({
      t: [{ node: "clean", port: "table" }],
      l: [{ node: "clean", port: "log" }],
    })
  })

  it("that are misspelt are found where they stand", async () => {
    expect(
      await open().complaint(
        `${raw}${clean}  last: { uses: command.run, in: { t: clean.tabel }, with: { run: y } }\n`,
      ),
    ).toMatchInlineSnapshot(`
      "p.yaml:5:39 nodes.last.in.t: clean has no output port "tabel"
        5 |   last: { uses: command.run, in: { t: clean.tabel }, with: { run: y } }
          |                                       ^^^^^^^^^^^
        = did you mean "table"?"
    `)
  })

  it("want to be told which of several outputs is meant", async () => {
    expect(
      await open().complaint(
        `${raw}${clean}  last: { uses: command.run, in: { t: clean }, with: { run: y } }\n`,
      ),
    ).toMatchInlineSnapshot(`
      "p.yaml:5:39 nodes.last.in.t: clean has several output ports, and this port takes any
        5 |   last: { uses: command.run, in: { t: clean }, with: { run: y } }
          |                                       ^^^^^
        = say which: clean.table, clean.log"
    `)
  })

  it("have plain names, and one kind of artifact each", async () => {
    expect(
      await open().complaint(
        `${raw}${clean}  last: { uses: command.run, in: { "a/b": raw, c: [raw, clean.log] }, with: { run: y, outputs: { "d.e": x } } }\n`,
      ),
    ).toMatchInlineSnapshot(`
      "p.yaml:5:36 nodes.last.in."a/b": "a/b" cannot name a port
        5 |   last: { uses: command.run, in: { "a/b": raw, c: [raw, clean.log] }, with: { run: y, outputs: { "d.e": x } } }
          |                                    ^^^^^
        = letters, digits, _ and -, a letter first
      p.yaml:5:51 nodes.last.in.c: a port of command.run takes artifacts of one kind, not raw.files (Files) and clean.log (Json)
        5 |   last: { uses: command.run, in: { "a/b": raw, c: [raw, clean.log] }, with: { run: y, outputs: { "d.e": x } } }
          |                                                   ^^^^^^^^^^^^^^^^
        = give each kind a port of its own
      p.yaml:5:98 nodes.last.with.outputs."d.e": "d.e" cannot be a name here
        5 |   last: { uses: command.run, in: { "a/b": raw, c: [raw, clean.log] }, with: { run: y, outputs: { "d.e": x } } }
          |                                                                                                  ^^^^^
        = a name of letters, digits, _ and -, a letter first"
    `)
  })

  it("take a list, or all instances of a node, as a list however many they are", async () => {
    const list = (axis: string) => `nodes:
  part: { uses: command.run, matrix: { n: ${axis} }, with: { run: "echo \${matrix.n}", outputs: { o: o } } }
  own: { uses: command.run, each: part, in: { p: part }, with: { run: y } }
  all: { uses: command.run, in: { p: part }, with: { run: y } }
  one: { uses: command.run, in: { p: "part[n=1]" }, with: { run: y } }
`
    for (const axis of ["[1]", "[1, 2]"]) {
      const { nodes } = await open().load(list(axis))
      const many = (id: string) => nodes.find((node) => node.id === id)?.definition.inputs["p"]
      expect(many("all")).toMatchObject({ many: "list", named: true })
      expect(many("own[n=1]")).toMatchObject({ many: "one" })
      expect(many("one")).toMatchObject({ many: "one" })
      project?.remove()
    }
  })

  it("are as strict as ever on node types that name their own", async () => {
    expect(
      await open().complaint(`${raw}  two: { uses: source.path, in: { x: raw }, with: { path: data } }\n`),
    ).toMatch(/source\.path has no input port "x"/)
  })
})

describe("the parameters of a program are checked in the document", () => {
  const complaint = (rest: string) =>
    open().complaint(`${raw}  c: { uses: command.run, in: { raw: raw }, ${rest} }\n`)

  it("paths stay in the scratch folder", async () => {
    expect(await complaint("with: { run: x, outputs: { a: ../up, b: /etc/passwd, c: . } }"))
      .toMatchInlineSnapshot(`
      "p.yaml:4:75 nodes.c.with.outputs.a: expected a path inside of the scratch folder, got "../up"
        4 |   c: { uses: command.run, in: { raw: raw }, with: { run: x, outputs: { a: ../up, b: /etc/passwd, c: . } } }
          |                                                                           ^^^^^
      p.yaml:4:85 nodes.c.with.outputs.b: expected a path inside of the scratch folder, got "/etc/passwd"
        4 |   c: { uses: command.run, in: { raw: raw }, with: { run: x, outputs: { a: ../up, b: /etc/passwd, c: . } } }
          |                                                                                     ^^^^^^^^^^^
      p.yaml:4:101 nodes.c.with.outputs.c: expected a path inside of the scratch folder, got "."
        4 |   c: { uses: command.run, in: { raw: raw }, with: { run: x, outputs: { a: ../up, b: /etc/passwd, c: . } } }
          |                                                                                                     ^"
    `)
  })

  it("nothing lies in the way of anything else", async () => {
    expect(
      await complaint(
        "with: { run: x, code: [code/clean.sh, data/raw, lib/clean.sh], outputs: { a: raw/a.txt, b: clean.sh } }",
      ),
    ).toMatchInlineSnapshot(`
      "p.yaml:4:83 nodes.c.with.code[1]: data/raw would lie at ./raw, where the input raw is
        4 |   c: { uses: command.run, in: { raw: raw }, with: { run: x, code: [code/clean.sh, data/raw, lib/clean.sh], outputs: { a: raw/a.txt, b: clean.sh } } }
          |                                                                                   ^^^^^^^^
        = code is copied into the scratch folder by its last name
      p.yaml:4:93 nodes.c.with.code[2]: lib/clean.sh would lie at ./clean.sh, where the code code/clean.sh is
        4 |   c: { uses: command.run, in: { raw: raw }, with: { run: x, code: [code/clean.sh, data/raw, lib/clean.sh], outputs: { a: raw/a.txt, b: clean.sh } } }
          |                                                                                             ^^^^^^^^^^^^
        = code is copied into the scratch folder by its last name
      p.yaml:4:122 nodes.c.with.outputs.a: the output raw/a.txt would lie in the code data/raw, which is read-only
        4 | de: [code/clean.sh, data/raw, lib/clean.sh], outputs: { a: raw/a.txt, b: clean.sh } } }
          |                                                            ^^^^^^^^^
        = leave results beside the inputs
      p.yaml:4:136 nodes.c.with.outputs.b: the output clean.sh would lie in the code lib/clean.sh, which is read-only
        4 | n.sh, data/raw, lib/clean.sh], outputs: { a: raw/a.txt, b: clean.sh } } }
          |                                                            ^^^^^^^^
        = leave results beside the inputs"
    `)
  })

  it("what is to be seen is an output", async () => {
    expect(
      await complaint(
        "with: { run: x, outputs: { a: a, m: { path: m.json, type: Json } }, present: [a, m, b] }",
      ),
    ).toMatchInlineSnapshot(`
      "p.yaml:4:126 nodes.c.with.present[1]: there is no such output "m"
        4 | s: { a: a, m: { path: m.json, type: Json } }, present: [a, m, b] } }
          |                                                            ^
        = outputs that are files: a
      p.yaml:4:129 nodes.c.with.present[2]: there is no such output "b"
        4 | { a: a, m: { path: m.json, type: Json } }, present: [a, m, b] } }
          |                                                            ^
        = outputs that are files: a"
    `)
  })

  it("secrets go into the environment and nowhere else", async () => {
    expect(
      await open().complaint(
        'env: { TOKEN: { secret: true } }\nnodes:\n  c: { uses: command.run, with: { run: "${env.TOKEN}", env: { TOKEN: "${env.TOKEN}" } } }\n',
      ),
    ).toMatchInlineSnapshot(`
      "p.yaml:2:8 env.TOKEN: warning: the secret TOKEN is not set
        2 | env: { TOKEN: { secret: true } }
          |        ^^^^^
        = what is cached can be used; a node that needs it cannot run
      p.yaml:4:40 nodes.c.with.run: the secret TOKEN cannot be used here
        4 |   c: { uses: command.run, with: { run: "\${env.TOKEN}", env: { TOKEN: "\${env.TOKEN}" } } }
          |                                        ^^^^^^^^^^^^^^
        = command.run takes secrets in env only
      p.yaml:4:40 nodes.c.with.run: this cannot be checked without the secret TOKEN
        4 |   c: { uses: command.run, with: { run: "\${env.TOKEN}", env: { TOKEN: "\${env.TOKEN}" } } }
          |                                        ^^^^^^^^^^^^^^
        = set it in the environment"
    `)
  })
})
