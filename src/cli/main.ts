import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import packageInfo from "../../package.json" with { type: "json" }
import { cache } from "./commands/cache.ts"
import { diff } from "./commands/diff.ts"
import { explain } from "./commands/explain.ts"
import { forget } from "./commands/forget.ts"
import { gallery } from "./commands/gallery.ts"
import { graph } from "./commands/graph.ts"
import { init } from "./commands/init.ts"
import { lineage } from "./commands/lineage.ts"
import { metrics } from "./commands/metrics.ts"
import { nodes } from "./commands/nodes.ts"
import { plan } from "./commands/plan.ts"
import { run } from "./commands/run.ts"
import { runs } from "./commands/runs.ts"
import { schema } from "./commands/schema.ts"
import { show } from "./commands/show.ts"
import { validate } from "./commands/validate.ts"
import { report } from "./failure.ts"
import { root } from "./root.ts"
import { services } from "./services.ts"
import { presenter } from "./usage.ts"

const program = root.pipe(
  Command.withSubcommands([
    run,
    plan,
    explain,
    validate,
    graph,
    nodes,
    schema,
    lineage,
    runs,
    diff,
    metrics,
    show,
    forget,
    cache,
    gallery,
    init,
  ]),
  Command.run({ version: packageInfo.version }),
  Effect.provide(Layer.merge(CliOutput.layerPresenter(presenter), services)),
)

NodeRuntime.runMain(program, {
  disableErrorReporting: true,
  teardown: (exit, onExit) => {
    void report(exit, process.argv.includes("--json")).then(onExit)
  },
})
