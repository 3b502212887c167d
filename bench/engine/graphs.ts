import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** A task of the graph that every tool gets: it appends its number to what the task `width` places before it made. */
interface Task {
  readonly at: number
  readonly before: number | undefined
}

const tasks = (count: number, width: number): ReadonlyArray<Task> =>
  Array.from({ length: count }, (_, at) => ({ at, before: at < width ? undefined : at - width }))

/** The same graph for each tool, in a folder each; the folders by tool. */
export const writeGraphs = (folder: string, count: number, width = 10): Readonly<Record<string, string>> => {
  const all = tasks(count, width)
  const make = (tool: string, files: Readonly<Record<string, string>>): string => {
    const at = join(folder, `${tool}-${count}`)
    mkdirSync(at, { recursive: true })
    for (const [name, text] of Object.entries(files)) writeFileSync(join(at, name), text)
    return at
  }
  const shell = ({ at, before }: Task): string =>
    before === undefined ? `echo ${at} > o${at}` : `cat o${before} > o${at}; echo ${at} >> o${at}`
  return {
    facet: make("facet", { "pipeline.yaml": facet(all) }),
    ninja: make("ninja", { "build.ninja": ninja(all, shell) }),
    snakemake: make("snakemake", { Snakefile: snakemake(all, shell) }),
    wireit: make("wireit", { "package.json": wireit(all, shell) }),
    dvc: make("dvc", { "dvc.yaml": dvc(all, shell) }),
  }
}

const facet = (all: ReadonlyArray<Task>): string =>
  `pipeline: bench\nnodes:\n${all
    .map(({ at, before }) =>
      before === undefined
        ? `  n${at}: { uses: command.run, with: { run: "echo ${at} > out", outputs: { out: out } } }`
        : `  n${at}: { uses: command.run, in: { before: n${before}.out }, with: { run: "cat before > out; echo ${at} >> out", outputs: { out: out } } }`,
    )
    .join("\n")}\n`

const ninja = (all: ReadonlyArray<Task>, shell: (task: Task) => string): string =>
  `rule sh\n  command = $cmd\n${all
    .map(
      (task) =>
        `build o${task.at}: sh${task.before === undefined ? "" : ` o${task.before}`}\n  cmd = ${shell(task)}\n`,
    )
    .join("")}`

const snakemake = (all: ReadonlyArray<Task>, shell: (task: Task) => string): string =>
  `rule all:\n  input: ${all
    .slice(-10)
    .map(({ at }) => `"o${at}"`)
    .join(", ")}\n${all
    .map(
      (task) =>
        `rule r${task.at}:\n${task.before === undefined ? "" : `  input: "o${task.before}"\n`}  output: "o${task.at}"\n  shell: "${shell(task)}"\n`,
    )
    .join("")}`

const wireit = (all: ReadonlyArray<Task>, shell: (task: Task) => string): string =>
  JSON.stringify({
    name: "bench",
    scripts: Object.fromEntries([["all", "wireit"], ...all.map(({ at }) => [`s${at}`, "wireit"])]),
    wireit: Object.fromEntries([
      ["all", { dependencies: all.slice(-10).map(({ at }) => `s${at}`) }],
      ...all.map((task) => [
        `s${task.at}`,
        {
          command: shell(task),
          files: [],
          output: [`o${task.at}`],
          ...(task.before === undefined ? {} : { dependencies: [`s${task.before}`] }),
        },
      ]),
    ]),
  })

const dvc = (all: ReadonlyArray<Task>, shell: (task: Task) => string): string =>
  `stages:\n${all
    .map(
      (task) =>
        `  s${task.at}:\n    cmd: ${JSON.stringify(shell(task))}\n${task.before === undefined ? "" : `    deps: [o${task.before}]\n`}    outs: [o${task.at}]\n`,
    )
    .join("")}`
