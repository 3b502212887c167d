import * as fs from "node:fs"
import { createRequire, syncBuiltinESMExports } from "node:module"
import { join } from "node:path"
import * as Schema from "effect/Schema"
import { afterEach, beforeAll, describe, expect, it } from "vitest"
import { defineNode, Json } from "../../src/api.ts"
import { FileDigests } from "../../src/runtime/store/stamps.ts"
import { engineRig } from "../kit/engine-rig.ts"

const { mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } = fs

/** Longer than a young stamp stays untrusted. */
const SETTLED = 2_300

const makeRig = () => {
  const calls: Array<string> = []
  const rig = engineRig([
    defineNode({
      type: "t.read",
      description: "",
      outputs: { text: Json },
      params: Schema.Struct({ path: Schema.String, salt: Schema.optionalKey(Schema.Int) }),
      files: ({ path }) => ({ file: path }),
      pathParams: ["path"],
      run: ({ params, context }) => {
        calls.push(params.path)
        const at = context.files["file"]
        const names = statSync(at).isDirectory() ? fs.readdirSync(at).sort() : [""]
        return { text: names.map((name) => `${name}=${readFileSync(join(at, name), "utf8")}`).join() }
      },
    }),
  ])
  return { ...rig, calls }
}
type Rig = ReturnType<typeof makeRig>

/** Writes a file of the same size and gives it the times of the one before. */
const forge = (path: string, content: string): void => {
  const { atime, mtime } = statSync(path)
  writeFileSync(path, content)
  utimesSync(path, atime, mtime)
}

interface Attack {
  readonly name: string
  /** Makes `path` (all start with the same four bytes in it or under it). */
  readonly before: (root: string, path: string) => void
  readonly attack: (root: string, path: string) => void
  /** Whether the content is another one afterwards. */
  readonly changes: boolean
}
const file = (_: string, path: string): void => writeFileSync(path, "aaaa")
const folder = (_: string, path: string): void => {
  mkdirSync(path)
  for (const name of ["one", "two"]) writeFileSync(join(path, name), name === "one" ? "aaaa" : "bbbb")
}

const ATTACKS: ReadonlyArray<Attack> = [
  { name: "nothing", before: file, attack: () => {}, changes: false },
  {
    name: "touch",
    before: file,
    attack: (_, path) => utimesSync(path, new Date(), new Date()),
    changes: false,
  },
  { name: "time set to 1970", before: file, attack: (_, path) => utimesSync(path, 0, 0), changes: false },
  {
    name: "time set to the future",
    before: file,
    attack: (_, path) => utimesSync(path, 4e9, 4e9),
    changes: false,
  },
  {
    name: "the same written again",
    before: file,
    attack: (_, path) => writeFileSync(path, "aaaa"),
    changes: false,
  },
  {
    name: "edit of the same size",
    before: file,
    attack: (_, path) => writeFileSync(path, "bbbb"),
    changes: true,
  },
  {
    name: "edit of the same size, time restored",
    before: file,
    attack: (_, path) => forge(path, "bbbb"),
    changes: true,
  },
  {
    name: "edit with the clock set back",
    before: file,
    attack: (_, path) => {
      writeFileSync(path, "bbbb")
      utimesSync(path, 1, 1)
    },
    changes: true,
  },
  {
    name: "replaced by another file of the same size and time",
    before: (root, path) => {
      file(root, path)
      writeFileSync(`${path}.new`, "bbbb")
      const { atime, mtime } = statSync(path)
      utimesSync(`${path}.new`, atime, mtime)
    },
    attack: (_, path) => renameSync(`${path}.new`, path),
    changes: true,
  },
  {
    name: "swapped, as a checkout of another branch does",
    before: (root, path) => {
      file(root, path)
      writeFileSync(`${path}.b`, "bbbb")
      for (const one of [path, `${path}.b`]) utimesSync(one, 1e9, 1e9)
    },
    attack: (_, path) => {
      renameSync(path, `${path}.c`)
      renameSync(`${path}.b`, path)
      renameSync(`${path}.c`, `${path}.b`)
    },
    changes: true,
  },
  {
    name: "checked out and back again",
    before: file,
    attack: (_, path) => {
      rmSync(path)
      writeFileSync(path, "bbbb")
      rmSync(path)
      writeFileSync(path, "aaaa")
    },
    changes: false,
  },
  {
    name: "link to another file of the same size and time",
    before: (_, path) => {
      for (const [name, content] of [
        ["a", "aaaa"],
        ["b", "bbbb"],
      ]) {
        writeFileSync(`${path}.${name}`, content)
        utimesSync(`${path}.${name}`, 1e9, 1e9)
      }
      symlinkSync(`${path}.a`, path)
    },
    attack: (_, path) => {
      rmSync(path)
      symlinkSync(`${path}.b`, path)
    },
    changes: true,
  },
  {
    name: "file turned into a folder",
    before: file,
    attack: (_, path) => {
      rmSync(path)
      mkdirSync(path)
      writeFileSync(join(path, "one"), "aaaa")
    },
    changes: true,
  },
  { name: "folder touched", before: folder, attack: (_, path) => utimesSync(path, 0, 0), changes: false },
  {
    name: "folder: a file forged",
    before: folder,
    attack: (_, path) => forge(join(path, "one"), "bbbb"),
    changes: true,
  },
  {
    name: "folder: two files swapped",
    before: folder,
    attack: (_, path) => {
      renameSync(join(path, "one"), join(path, "x"))
      renameSync(join(path, "two"), join(path, "one"))
      renameSync(join(path, "x"), join(path, "two"))
    },
    changes: true,
  },
  {
    name: "folder: two files swapped and back",
    before: folder,
    attack: (_, path) => {
      for (let times = 0; times < 2; times++) {
        renameSync(join(path, "one"), join(path, "x"))
        renameSync(join(path, "two"), join(path, "one"))
        renameSync(join(path, "x"), join(path, "two"))
      }
    },
    changes: false,
  },
  {
    name: "folder: a file renamed",
    before: folder,
    attack: (_, path) => renameSync(join(path, "one"), join(path, "eno")),
    changes: true,
  },
  {
    name: "folder: a file more",
    before: folder,
    attack: (_, path) => writeFileSync(join(path, "three"), ""),
    changes: true,
  },
  {
    name: "folder: a file less",
    before: folder,
    attack: (_, path) => rmSync(join(path, "two")),
    changes: true,
  },
  {
    name: "folder replaced by another with the same names, sizes and times",
    before: (root, path) => {
      folder(root, path)
      mkdirSync(`${path}.new`)
      for (const name of ["one", "two"]) writeFileSync(join(`${path}.new`, name), "cccc")
      for (const one of [path, `${path}.new`]) {
        for (const name of ["one", "two"]) utimesSync(join(one, name), 1e9, 1e9)
        utimesSync(one, 1e9, 1e9)
      }
    },
    attack: (_, path) => {
      renameSync(path, `${path}.old`)
      renameSync(`${path}.new`, path)
    },
    changes: true,
  },
  {
    name: "folder: a link in it retargeted",
    before: (_, path) => {
      mkdirSync(path)
      for (const name of ["a", "b"]) {
        writeFileSync(`${path}.${name}`, name.repeat(4))
        utimesSync(`${path}.${name}`, 1e9, 1e9)
      }
      symlinkSync(`${path}.a`, join(path, "one"))
    },
    attack: (_, path) => {
      rmSync(join(path, "one"))
      symlinkSync(`${path}.b`, join(path, "one"))
    },
    changes: true,
  },
]

describe("files whose times lie", () => {
  let rig: Rig
  let first: ReadonlyMap<string, string>
  const pathOf = (index: number): string => `file-${index}`
  const nodes = ATTACKS.map((_, index) => ({
    id: `n${index}`,
    uses: "t.read",
    // Equal contents would be one result.
    with: { path: pathOf(index), salt: index },
  }))
  const texts = async (): Promise<ReadonlyMap<string, string>> => {
    const record = await rig.run(nodes, { keepGoing: true })
    return new Map(
      record.nodes.map(({ id, status, outputs, error }) => [
        id,
        `${status} ${outputs["text"]?.digest ?? error}`,
      ]),
    )
  }
  beforeAll(async () => {
    rig = makeRig()
    ATTACKS.forEach(({ before }, index) => before(rig.root, join(rig.root, pathOf(index))))
    await new Promise((resolve) => setTimeout(resolve, SETTLED))
    await texts()
    // Known by their stamps from here on: a run that reads nothing.
    first = await texts()
    ATTACKS.forEach(({ attack }, index) => attack(rig.root, join(rig.root, pathOf(index))))
    rig.calls.length = 0
    after = await texts()
    return () => rig.dispose()
  })
  let after: ReadonlyMap<string, string>

  it("are known by their stamps at first", () => {
    expect([...first.values()].filter((text) => !text.startsWith("cached "))).toEqual([])
  })
  it.each(ATTACKS.map((attack, index) => [attack.name, attack.changes, index] as const))(
    "%s",
    (_, changes, index) => {
      const [before, now] = [first.get(`n${index}`)!, after.get(`n${index}`)!]
      expect(now.startsWith(changes ? "ran " : "cached ")).toBe(true)
      expect(now.split(" ")[1] === before.split(" ")[1]).toBe(!changes)
      expect(rig.calls.includes(pathOf(index))).toBe(changes)
    },
  )
})

describe("young stamps", () => {
  const rigs: Array<Rig> = []
  afterEach(() => {
    for (const one of rigs.splice(0)) one.dispose()
  })

  it("are not trusted: of edits in quick succession each is seen", async () => {
    const rig = makeRig()
    rigs.push(rig)
    const path = join(rig.root, "quick")
    for (let times = 0; times < 60; times++) {
      writeFileSync(path, times % 2 === 0 ? "aaaa" : "bbbb")
      utimesSync(path, 1e9, 1e9)
      const record = await rig.run([{ id: "n", uses: "t.read", with: { path: "quick" } }])
      const text = await rig.store((store) => store.blobs.get(record.nodes[0].outputs["text"].digest))
      expect(new TextDecoder().decode(text)).toBe(times % 2 === 0 ? '"=aaaa"' : '"=bbbb"')
    }
    // Both contents were computed once: back and forth is no reason to run.
    expect(rig.calls.length).toBe(2)
  })

  it("are judged by when the file was looked at, not by when it was read to its end", async () => {
    const rig = makeRig()
    rigs.push(rig)
    const module = createRequire(import.meta.url)("node:fs") as { readFileSync: typeof readFileSync }
    const read = module.readFileSync
    let slow = 0
    // As if each file took ten seconds to read: an edit right after the look could have the same stamp.
    module.readFileSync = ((...args: Parameters<typeof readFileSync>) => {
      slow += 10_000
      return read(...args)
    }) as typeof readFileSync
    syncBuiltinESMExports()
    try {
      await rig.store((store) => {
        const digests = new FileDigests(store.db, () => Date.now() + slow)
        mkdirSync(join(rig.root, "d"))
        for (const name of ["one", "two", "three"]) writeFileSync(join(rig.root, "d", name), name)
        digests.digest(join(rig.root, "d"))
        const stat = statSync(join(rig.root, "d", "one"), { bigint: true })
        expect(digests.known(join(rig.root, "d", "one"), stat)).toBeUndefined()
        const known = store.db
          .prepare("SELECT COUNT(*) AS n FROM stamps WHERE path LIKE ?")
          .get(`${join(rig.root, "d")}%`)
        expect(Number(known?.["n"])).toBe(0)
      })
    } finally {
      module.readFileSync = read
      syncBuiltinESMExports()
    }
  })
})
