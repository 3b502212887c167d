/** The entry of worker processes that watch what nodes read: `audit-worker.ts STORE`. */
import { enableCompileCache } from "node:module"
import { join } from "node:path"
import { installAuditor } from "../runtime/audit/auditor.ts"
import { packageRoot } from "../runtime/package-root.ts"

enableCompileCache(join(packageRoot, "node_modules", ".cache", "facet"))
const auditor = installAuditor()
// Only now: whatever these modules and those of the nodes read when they are loaded is seen.
const [{ serveTasks }, { definitionOf }] = await Promise.all([
  import("../runtime/run/worker.ts"),
  import("./definition-of.ts"),
])
serveTasks({ store: process.argv[2], definitionOf, auditor })
