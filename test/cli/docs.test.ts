import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"

const docs = join(packageRoot, "docs")

/** Fenced blocks that name the file they show: "```yaml test/cases/…". */
const blocks = readdirSync(docs)
  .filter((name) => name.endsWith(".md"))
  .flatMap((name) =>
    Array.from(
      readFileSync(join(docs, name), "utf8").matchAll(/^```\w+ (\S+\/\S+)\n([^]*?)^```$/gmu),
      ([, file, text]) => ({ name, file, text }),
    ),
  )

it("there are documents with files of a test in them", () => {
  expect(new Set(blocks.map(({ name }) => name))).toEqual(new Set(["from-dvc.md", "from-snakemake.md"]))
})

it.each(blocks)("$name shows $file as it is run", ({ file, text }) => {
  expect(text).toBe(readFileSync(join(packageRoot, file), "utf8"))
})
