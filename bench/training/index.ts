/**
 * Time of a training step (and of a forward pass) beside PyTorch on the same machine in the same run:
 *
 *   node bench/training/index.ts [--nets densenet40@48,resnet50@96,resnet50@224] [--batch 32] [--steps 5]
 *     [--rounds 3] [--threads 2] [--python EXECUTABLE] [--infer] [--backends onnx]
 *
 * All take turns of `steps` steps, `rounds` times, so that a busy moment hits all alike. EXECUTABLE is a python that
 * has torch; without it only Facet's own figures are printed. `--backends onnx,cpu` also times tfjs' own backend.
 */
import { spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { parseArgs } from "node:util"
import Table from "cli-table3"
import { duration, machine } from "../engine/measure.ts"

interface Answer {
  readonly ms: ReadonlyArray<number>
  /** Processor time of one step, ms. */
  readonly cpu: number
  readonly peakMiB: number
  /** Share of the time that was not spent inside the runtime. */
  readonly overhead?: number
}

interface Contestant {
  readonly name: string
  readonly ask: (line: string) => Promise<Answer>
  readonly end: () => void
}

const { values: options } = parseArgs({
  options: {
    nets: { type: "string", default: "densenet40@48,resnet50@96,resnet50@224" },
    batch: { type: "string", default: "32" },
    steps: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
    backends: { type: "string", default: "onnx" },
    python: { type: "string" },
    infer: { type: "boolean", default: false },
  },
})

const start = async (program: string, args: ReadonlyArray<string>, suffix = ""): Promise<Contestant> => {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error(`${program} ${args.join(" ")} ended early`)
    return JSON.parse(value)
  }
  const { ready } = (await next()) as { readonly ready: string }
  return {
    name: ready + suffix,
    ask: async (line) => {
      child.stdin.write(`${line}\n`)
      return (await next()) as Answer
    },
    end: () => child.stdin.end(),
  }
}

const contestants = async (network: string, size: string): Promise<ReadonlyArray<Contestant>> => {
  const { python, batch, threads } = options
  const own = options.backends
    .split(",")
    .map((backend) =>
      start(process.execPath, [
        join(import.meta.dirname, "contestant.ts"),
        backend,
        network,
        size,
        batch,
        threads,
      ]),
    )
  const peer = join(import.meta.dirname, "peer.py")
  const peers =
    python === undefined
      ? []
      : ["contiguous", "channels_last"].map((layout) =>
          start(python, [peer, network, size, batch, threads, layout], `, ${layout}`),
        )
  return Promise.all([...own, ...peers])
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** One table: all contestants in turns on one kind of work. */
const compare = async (title: string, all: ReadonlyArray<Contestant>, ask: string): Promise<void> => {
  const answers = new Map<Contestant, Array<Answer>>(all.map((one) => [one, []]))
  for (let round = 0; round < Number(options.rounds); round++)
    for (const one of all) answers.get(one)!.push(await one.ask(ask))
  const rows = all.map((one) => {
    const of = answers.get(one)!
    const times = of.flatMap(({ ms }) => ms)
    return {
      name: one.name,
      median: median(times),
      best: Math.min(...times),
      cpu: median(of.map(({ cpu }) => cpu)),
      peak: Math.max(...of.map(({ peakMiB }) => peakMiB)),
      overhead: median(of.map(({ overhead }) => overhead ?? Number.NaN)),
    }
  })
  const peers = rows.filter(({ name }) => name.startsWith("PyTorch"))
  const against = Math.min(...peers.map((row) => row.median))
  const table = new Table({
    head: [
      title,
      "median",
      "best",
      "processor",
      "peak memory",
      "outside of the runtime",
      "to PyTorch's better",
    ],
    style: { head: [], border: [] },
  })
  for (const row of rows)
    table.push([
      row.name,
      duration(row.median),
      duration(row.best),
      duration(row.cpu),
      `${(row.peak / 1024).toFixed(2)} GiB`,
      Number.isNaN(row.overhead) ? "" : `${(row.overhead * 100).toFixed(1)} %`,
      peers.length === 0 ? "" : (row.median / against).toFixed(2),
    ])
  console.log(`${table.toString()}\n`)
}

console.log(`${machine()}, ${options.threads} threads, batch ${options.batch}\n`)
for (const net of options.nets.split(",")) {
  const [network, size] = net.split("@")
  const all = await contestants(network, size)
  await compare(`${net}, training step`, all, `train ${options.steps}`)
  if (options.infer)
    for (const batch of [1, 32])
      await compare(
        `${net}, forward pass, batch ${batch}`,
        all,
        `infer ${batch} ${Number(options.steps) * 2}`,
      )
  for (const one of all) one.end()
}
