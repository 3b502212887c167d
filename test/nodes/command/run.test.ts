import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, it } from "vitest"
import { projectOf, type TestProject } from "./project.ts"

let project: TestProject | undefined
const open = (files: Readonly<Record<string, string>> = {}): TestProject => (project = projectOf(files))
afterEach(() => project?.remove())

/** A document with one program. */
const program = (script: string, rest = "") =>
  `nodes:\n  c:\n    uses: command.run\n    with: { run: ${JSON.stringify(script)}${rest} }\n`

const errorOf = async (nodes: string, options: Parameters<TestProject["run"]>[1] = {}): Promise<string> => {
  const record = await project!.run(nodes, options)
  const error = record.nodes.find((node) => node.error !== undefined)?.error
  if (error === undefined) throw new Error("nothing failed")
  return error
}

describe("a program", () => {
  it("gives its files as outputs, one or a folder of them", async () => {
    const { run, output } = open()
    const record = await run(
      program(
        "echo one > a.txt; mkdir -p b/c; echo two > b/c/d; chmod +x b/c/d",
        ", outputs: { a: a.txt, b: b }",
      ),
    )
    expect(record.status).toBe("ok")
    expect(await output(record, "c.a")).toEqual({ "": "one\n" })
    expect(await output(record, "c.b")).toEqual({ "c/d": "two\n (executable)" })
  })

  it("runs in an empty folder that is gone afterwards, with a folder made for each output", async () => {
    const { run, output, root } = open()
    const record = await run(
      program("ls -A > out/deep/list; ls -A out >> out/deep/list", ", outputs: { o: out/deep/list }"),
    )
    expect(await output(record, "c.o")).toEqual({ "": "out\ndeep\n" })
    expect(readdirSync(join(root, "cache", "tmp"))).toEqual([])
  })

  it("has only the environment that is declared", async () => {
    process.env["FACET_TEST_LEAK"] = "leaked"
    const { run, output } = open()
    const record = await run(
      program(
        'env | grep = | cut -d= -f1 | sort > names; printf "%s|" "$A" "$N" "$HOME" "$PWD" "$TZ" "$LANG" > values',
        ', env: { A: "it\'s\\n$x", N: 3 }, outputs: { names: names, values: values }',
      ),
    )
    delete process.env["FACET_TEST_LEAK"]
    const names = (await output(record, "c.names")) as { readonly "": string }
    // A shell may set some of its own.
    const own = new Set(["PWD", "OLDPWD", "SHLVL", "_"])
    expect(
      names[""]
        .trim()
        .split("\n")
        .filter((name) => !own.has(name)),
    ).toEqual(["A", "HOME", "LANG", "N", "PATH", "TZ"])
    const values = ((await output(record, "c.values")) as { readonly "": string })[""].split("|")
    expect(values[0]).toBe("it's\n$x")
    expect(values[1]).toBe("3")
    expect(values[2]).toBe(values[3])
    expect(values.slice(4)).toEqual(["UTC", "C.UTF-8", ""])
  })

  it("says what it says in the log of its node, both streams in their order", async () => {
    const { run, logs, store } = open()
    const record = await run(program("echo one; echo two >&2; printf 'a\\rb\\rc\\n'; printf end"))
    expect(logs("c")).toEqual(["one", "two", "c", "end"])
    const log = await store((one) => {
      const trace = one.traces.find(record.nodes[0].key!)
      return Buffer.from(one.blobs.get(trace!.log!)).toString()
    })
    expect(log).toBe("one\ntwo\nc\nend")
  })

  it("fails its node with its code and its last words", async () => {
    open()
    expect(await errorOf(program("seq 20; echo oh no >&2; exit 3"))).toBe(
      `the program ended with exit code 3; the last lines of its log:\n${[...Array.from({ length: 9 }, (_, i) => i + 12), "oh no"].map((line) => `  ${line}`).join("\n")}`,
    )
    expect(await errorOf(program("kill -9 $$"))).toBe(
      "the program ended with exit code 137 (SIGKILL); it said nothing",
    )
    expect(await errorOf(program("false; echo not reached"))).toBe(
      "the program ended with exit code 1; it said nothing",
    )
  })

  it("fails its node when a declared output is missing, and names what is there instead", async () => {
    open()
    expect(await errorOf(program("echo x > clena.csv", ", outputs: { table: clean.csv }"))).toBe(
      "the program ended well but did not leave clean.csv (output table); it left clena.csv",
    )
  })

  it("warns of what it leaves behind undeclared, caches aside", async () => {
    const { run, warnings } = open({ "lib/x.py": "" })
    const record = await run(
      program(
        "mkdir -p out tmp __pycache__ .cache; touch out/a out/b tmp/x __pycache__/y .cache/z left.txt",
        ", code: [lib], outputs: { a: out/a }",
      ),
    )
    expect(record.status).toBe("ok")
    expect(warnings()).toEqual([
      "the program left left.txt, out/b, tmp/ behind, which no output names: it is gone with the scratch folder",
    ])
  })

  it("finds nothing on its standard input and leaves nothing running", async () => {
    const { run, output } = open()
    const record = await run(
      program("cat > in; sleep 300 & echo $! > pid", ", outputs: { in: in, pid: pid }"),
    )
    expect(await output(record, "c.in")).toEqual({ "": "" })
    const pid = Number(((await output(record, "c.pid")) as { readonly "": string })[""])
    const command = `/proc/${pid}/cmdline`
    expect(existsSync(command) ? readFileSync(command, "utf8") : "").not.toContain("sleep")
  })

  it("is ended with everything it started when its time is over, also what does not listen", async () => {
    const { root } = open()
    const script = `(trap '' TERM; echo started > ${root}/deaf; sleep 301) & sleep 302 & echo "$!" > ${root}/pid; sleep 303`
    const nodes = program(script).replace("    with", "    timeout: 500ms\n    with")
    expect(await errorOf(nodes)).toBe("took longer than its timeout of 0.5 s")
    const running = () =>
      readdirSync("/proc").filter((name) => {
        if (!/^\d+$/u.test(name)) return false
        try {
          return readlinkSync(`/proc/${name}/cwd`).startsWith(root)
        } catch {
          return false
        }
      })
    await expect.poll(running, { timeout: 20_000 }).toEqual([])
  })

  it("is tried again as often as the document says, in a fresh folder", async () => {
    const { run, output, root, events } = open()
    const script = `ls -A; echo x >> ${root}/count; test $(wc -l < ${root}/count) -ge 2; echo ok > o`
    const record = await run(
      program(script, ", outputs: { o: o }").replace("    with", "    retries: 1\n    with"),
    )
    expect(record.status).toBe("ok")
    expect(await output(record, "c.o")).toEqual({ "": "ok\n" })
    expect(events.filter((event) => event.type === "node-retry")).toHaveLength(1)
  })
})

describe("outputs that are to be seen", () => {
  it("are laid out for a person, each at a place of its own, and change no key", async () => {
    const { run, root } = open()
    const nodes = (rest: string) =>
      program("echo 1 > a.txt; mkdir b; echo 2 > b/c.txt", `, outputs: { a: a.txt, b: b }${rest}`)
    const first = await run(nodes(""))
    const shown = await run(nodes(", present: [a, b]"))
    expect(shown.nodes[0]).toMatchObject({ status: "cached", key: first.nodes[0].key })
    expect(shown.presented?.map(({ path }) => path.slice(root.length))).toEqual([
      "/cache/out/c.a/file",
      "/cache/out/c.b/c.txt",
    ])
    expect(readFileSync(join(root, "cache/out/c.b/c.txt"), "utf8")).toBe("2\n")
  })
})

describe("inputs", () => {
  it("lie in the folder by their ports, read-only: files, folders, tables, values", async () => {
    const { run, output, logs } = open({ "data/a.txt": "a", "data/sub/b.txt": "b", "one.csv": "x,y\n" })
    const record = await run(`nodes:
  folder: { uses: source.path, with: { path: data } }
  file: { uses: source.path, with: { path: one.csv } }
  world: { uses: test.pictures }
  c:
    uses: command.run
    in: { folder: folder, file: file, images: world.images, figure: world.figure }
    with:
      blobs: true
      run: |
        find . -type f | grep -v out | sort | sed 's/[0-9a-f]\\{64\\}/DIGEST/' > out
        cat folder/sub/b.txt file figure.json >> out
        sed 's/[0-9a-f]\\{64\\}/DIGEST/' images.jsonl >> out
        cat images.blobs/* | sort >> out
        stat -c %a folder folder/a.txt file images.jsonl figure.json
      outputs: { out: out }
`)
    expect(record.nodes.at(-1)?.error).toBeUndefined()
    expect(((await output(record, "c.out")) as { readonly "": string })[""]).toMatchInlineSnapshot(`
      "./figure.json
      ./file
      ./folder/a.txt
      ./folder/sub/b.txt
      ./images.blobs/DIGEST
      ./images.blobs/DIGEST
      ./images.jsonl
      bx,y
      {"n":2}
      {"id":"one","image":{"$blob":"DIGEST","bytes":11,"media":"image/png"},"set":"test","source":{"kind":"generated","url":"test:one"}}
      {"id":"two","image":{"$blob":"DIGEST","bytes":11,"media":"image/png"},"set":"test","source":{"kind":"generated","url":"test:two"}}
      picture onepicture two
      "
    `)
    expect(logs("c")).toEqual(["555", "444", "444", "444", "444"])
  })

  it("of several lie in a folder by the names of their nodes", async () => {
    const { run, output } = open({ "a.txt": "a\n" })
    const record = await run(`nodes:
  part: { uses: command.run, matrix: { n: [1, 2] }, with: { run: "echo \${matrix.n} > o; echo x > p", outputs: { o: o, p: p } } }
  a: { uses: source.path, with: { path: a.txt } }
  c:
    uses: command.run
    in: { parts: part.o, mixed: [a, "part[n=1].o", "part[n=1].p"] }
    with: { run: "head parts/* mixed/* > out", outputs: { out: out } }
`)
    expect(((await output(record, "c.out")) as { readonly "": string })[""]).toMatchInlineSnapshot(`
      "==> parts/part-n=1 <==
      1

      ==> parts/part-n=2 <==
      2

      ==> mixed/a <==
      a

      ==> mixed/part-n=1.o <==
      1

      ==> mixed/part-n=1.p <==
      x
      "
    `)
  })

  it("that a program changes change nothing in the store", async () => {
    const { run, store } = open({ "data/a.txt": "a" })
    const nodes = `nodes:
  raw: { uses: source.path, with: { path: data } }
  c: { uses: command.run, in: { raw: raw }, with: { run: "chmod -R u+w raw; echo changed > raw/a.txt; rm -f raw/none" } }
  d: { uses: command.run, in: { raw: raw }, with: { run: "cat raw/a.txt > o", outputs: { o: o } } }
`
    const record = await run(nodes)
    expect(await project!.output(record, "d.o")).toEqual({ "": "a" })
    expect(await project!.output(record, "raw.files")).toEqual({ "a.txt": "a" })
    await store((one) =>
      expect(one.blobs.get(record.nodes[0].outputs["files"].digest).length).toBeGreaterThan(0),
    )
  })
})

describe("outputs of other types", () => {
  it("are values, and tables whose rows name blobs of inputs or new files", async () => {
    const { run, output } = open()
    const record = await run(`nodes:
  world: { uses: test.pictures }
  c:
    uses: command.run
    in: { images: world.images }
    with:
      run: |
        mkdir new
        echo three > new/3.png
        head -1 images.jsonl > rows.jsonl
        echo '{"id":"three","image":{"$file":"new/3.png","media":"image/png"},"set":"new","source":{"kind":"generated","url":"x:3"}}' >> rows.jsonl
        echo '{"accuracy": 0.5}' > m.json
      outputs: { rows: { path: rows.jsonl, type: Images, files: new }, m: { path: m.json, type: Metrics } }
  d: { uses: command.run, in: { rows: c.rows }, with: { blobs: true, run: "cat rows.blobs/* | sort > o", outputs: { o: o } } }
`)
    expect(record.nodes.map(({ error }) => error)).toEqual([undefined, undefined, undefined])
    expect(await output(record, "c.m")).toEqual({ accuracy: 0.5 })
    expect(((await output(record, "c.rows")) as ReadonlyArray<{ id: string }>).map(({ id }) => id)).toEqual([
      "one",
      "three",
    ])
    expect(await output(record, "d.o")).toEqual({ "": "picture onethree\n" })
    expect(project!.warnings()).toEqual([])
  })

  const table = (line: string) =>
    program(`echo '${line}' > r.jsonl`, ", outputs: { rows: { path: r.jsonl, type: Images } }")
  it.each([
    ["{", /^r\.jsonl, line 1 is no JSON/],
    ['{"id": 3}', /^r\.jsonl, line 1: a row of a table is an object with a text "id"/],
    ['{"id":"a"}', /the row "a" has no image/],
    [
      `{"id":"a","image":{"$blob":"${"0".repeat(64)}","bytes":1}}`,
      /^r\.jsonl, line 1: no row of an input names the blob 0000/,
    ],
    [
      '{"id":"a","image":{"$file":"x.png"}}',
      /^r\.jsonl, line 1 names the file x\.png: say where such files are/,
    ],
  ])("are refused where they are not: %s", async (line, error) => {
    open()
    expect(await errorOf(table(line))).toMatch(error)
  })

  it("that are links out of the folder are refused", async () => {
    open()
    expect(await errorOf(program("ln -s /etc/passwd o", ", outputs: { o: o }"))).toMatch(
      /o is a link that leads out of the folder, to \/etc\/passwd/,
    )
  })
})

describe("secrets", () => {
  const nodes = `env: { TOKEN: { secret: true } }
nodes:
  c: { uses: command.run, with: { run: "echo got $TOKEN; test -n \\"$TOKEN\\" && echo yes > o", env: { TOKEN: "\${env.TOKEN}" }, outputs: { o: o } } }
`
  it("reach the program, and neither log, trace nor key", async () => {
    const { run, output, logs, store } = open()
    const first = await run(nodes, { env: { TOKEN: "s3cret-value" } })
    expect(await output(first, "c.o")).toEqual({ "": "yes\n" })
    expect(logs("c")).toEqual(["got ***"])
    const again = await run(nodes, { env: { TOKEN: "another" } })
    expect(again.nodes[0]).toMatchObject({ status: "cached", key: first.nodes[0].key })
    const kept = await store((one) => JSON.stringify(one.traces.find(first.nodes[0].key!)))
    expect(kept).toContain("$secret")
    expect(kept).not.toContain("s3cret")
  })

  it("that are not set fail the node that needs them, when it runs", async () => {
    open()
    expect(await errorOf(nodes)).toBe("the secret TOKEN is not set: set it in the environment and run again")
  })

  it("stay out of the error of a program that tells them", async () => {
    open()
    const telling = nodes.replace("test -n", "exit 1; test -n")
    expect(await errorOf(telling, { env: { TOKEN: "s3cret" } })).toBe(
      "the program ended with exit code 1; the last lines of its log:\n  got ***",
    )
  })
})

describe("what runs again", () => {
  const files = { "scripts/clean.sh": "sort raw > clean.csv\n", "scripts/other.sh": "", "raw.csv": "b\na\n" }
  const nodes = (script = "sh clean.sh") => `nodes:
  raw: { uses: source.path, with: { path: raw.csv } }
  clean: { uses: command.run, in: { raw: raw }, with: { run: ${script}, code: [scripts/clean.sh], outputs: { table: clean.csv } } }
  count: { uses: command.run, in: { table: clean.table }, with: { run: "wc -l < table > n", outputs: { n: n } } }
`
  const ran = (record: { readonly nodes: ReadonlyArray<{ readonly id: string; readonly status: string }> }) =>
    record.nodes.flatMap(({ id, status }) => (status === "ran" ? [id] : []))

  it("is what changed, and no more", async () => {
    const { run, plan, write } = open(files)
    expect(ran(await run(nodes()))).toEqual(["raw", "clean", "count"])
    expect(ran(await run(nodes()))).toEqual([])

    write("scripts/other.sh", "something else\n")
    expect(ran(await run(`# a comment\n${nodes()}`))).toEqual([])

    // Another script with the same result stops there.
    write("scripts/clean.sh", "LC_ALL=C sort raw > clean.csv\n")
    const planned = await plan(nodes())
    expect(planned.nodes.map(({ id, action }) => [id, action])).toEqual([
      ["raw", "cached"],
      ["clean", "run"],
      ["count", "depends"],
    ])
    expect(planned.nodes[1]?.reason).toBe("file scripts/clean.sh changed")
    expect(ran(await run(nodes()))).toEqual(["clean"])

    write("raw.csv", "c\nb\na\n")
    expect(ran(await run(nodes()))).toEqual(["raw", "clean", "count"])

    // Where a script lies is no part of what it does.
    write("lib/clean.sh", "LC_ALL=C sort raw > clean.csv\n")
    expect(ran(await run(nodes().replace("scripts/clean.sh", "lib/clean.sh")))).toEqual([])
    expect(ran(await run(nodes("sh -x clean.sh")))).toEqual(["clean"])
  })

  it("nothing of a program whose script changed under it is kept", async () => {
    const { run, root } = open(files)
    const script = `echo '# more' >> ${root}/scripts/clean.sh; sh clean.sh`
    const first = await run(nodes(JSON.stringify(script)))
    expect(first.nodes[1]?.error).toMatch(/scripts\/clean\.sh changed while clean was reading it/)
  })
})
