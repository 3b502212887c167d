import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { packageRoot } from "../../src/runtime/package-root.ts"
import { dag } from "./dag.ts"

it("the editor's schema in the repository is the one that `dag schema` prints", async () => {
  const kept = readFileSync(join(packageRoot, "pipelines", "pipeline.schema.json"), "utf8")
  const { stdout } = await dag(packageRoot, ["schema"])
  expect(kept, "run `bin/dag schema > pipelines/pipeline.schema.json`").toBe(stdout)
})
