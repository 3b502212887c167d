/**
 * A training in a process that gets no more memory: prints the error as JSON. The limit is set once everything is
 * loaded, so that it is the training that meets it.
 */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import train from "../../../src/nodes/model/train.ts"
import { nodeRig, tableOf } from "../../kit/node-rig.ts"
import { shapeRows } from "./shapes.ts"

/** What the process may have beside what it has: a tenth of what the first layers of the batch want. */
const SPARE = 400 * 1024 * 1024

const rig = nodeRig()
const few = await shapeRows(rig, 5, ["a", "b"])
const params = {
  size: 64,
  depth: 7,
  growth: 32,
  threads: 1,
  workers: 0,
  checkpoint: 0,
  epochs: 1,
  warmup: 0,
  augment: "none",
}
await rig.run(train, { ...params, batch: 2 }, { dataset: tableOf(few) })
// Copies of the same pictures, decoded once.
const many = Array.from({ length: 2048 }, (_, i) => ({
  ...few[i % few.length],
  id: String(i),
  split: "train" as const,
}))
const size = Number(/VmSize:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"))?.[1]) * 1024
execFileSync("prlimit", ["--pid", String(process.pid), `--as=${size + SPARE}`])
try {
  await rig.run(train, { ...params, batch: 2048 }, { dataset: tableOf(many) })
  throw new Error("there was memory enough")
} catch (error) {
  const { name, message } = error instanceof Error ? error : new Error(String(error))
  process.stdout.write(JSON.stringify({ name, message }))
}
