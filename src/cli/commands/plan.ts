import * as Command from "effect/cli/Command"
import * as Effect from "effect/Effect"
import type { Plan, PlanNode } from "../../schema/plan.ts"
import { paint, print, printJson } from "../output.ts"
import type { Paint } from "../present/colour.ts"
import { columns, count, duration, plural, size } from "../present/text.ts"
import { root, targetFlags } from "../root.ts"
import { withStore } from "../session.ts"

const COLOURS = { cached: "dim", run: "green", depends: "yellow", skip: "dim" } as const

const row = (node: PlanNode, paint: Paint): ReadonlyArray<string> => [
  node.id,
  paint(COLOURS[node.action], node.action),
  node.items === undefined || node.action === "cached"
    ? ""
    : `${count(node.items.run)} of ${count(node.items.total)}`,
  node.estimateMs === undefined || node.action === "cached" ? "" : `~${duration(node.estimateMs)}`,
  node.estimateBytes === undefined || node.action === "cached" ? "" : `~${size(node.estimateBytes)}`,
  node.action === "cached" ? "" : paint("dim", node.reason),
]

/** A plan for a person. `depends` means: known when what is before it has run. */
export const planText = (plan: Plan, paint: Paint): string => {
  const busy = plan.nodes.filter((node) => node.action === "run" || node.action === "depends")
  const cached = plan.nodes.filter((node) => node.action === "cached").length
  const head = ["node", "", "items", "last time", "bytes", "why"].map((title) => paint("dim", title))
  if (busy.length === 0)
    return `${plan.pipeline}: nothing to do, ${cached === 1 ? "the node is" : `all ${plural(cached, "node")} are`} up to date`
  const certain = busy.filter((node) => node.action === "run").length
  const ms = busy.reduce((sum, node) => sum + (node.estimateMs ?? 0), 0)
  const bytes = busy.reduce((sum, node) => sum + (node.estimateBytes ?? 0), 0)
  const about = [...(ms > 0 ? [duration(ms)] : []), ...(bytes > 0 ? [size(bytes)] : [])]
  const estimate = about.length > 0 ? `; about ${about.join(" and ")} by earlier runs` : ""
  return [
    columns([head, ...plan.nodes.map((node) => row(node, paint))], [2, 3, 4]),
    "",
    `${plan.pipeline}: ${count(certain)} to run, ${count(busy.length - certain)} that may follow, ${count(cached)} up to date${estimate}`,
  ].join("\n")
}

export const plan = Command.make(
  "plan",
  targetFlags,
  Effect.fnUntraced(function* (options) {
    const globals = yield* root
    const planned = yield* withStore(globals, options, ({ graph, catalogue }, engine) =>
      engine.plan({
        graph,
        catalogue,
        targets: options.target,
        force: options.force,
        refresh: options.refresh,
      }),
    )
    if (!globals.json) return yield* print(planText(planned, paint))
    return yield* printJson({
      ...planned,
      nodes: planned.nodes.map(({ id, uses, action, reason, key, items, estimateMs, estimateBytes }) => ({
        id,
        uses,
        action,
        reason,
        key,
        items,
        estimateMs,
        estimateBytes,
      })),
    })
  }),
).pipe(Command.withDescription("Say what a run would do and why; changes nothing"))
