import { defineNode, type Objection } from "../../runtime/node.ts"
import { lastName, outputOf, outputTypes, Params } from "./params.ts"

/** Names that an input may take in the scratch folder; which, depends on what feeds it. */
const namesOf = (port: string): ReadonlyArray<string> => [
  port,
  `${port}.json`,
  `${port}.jsonl`,
  `${port}.blobs`,
]

/** Things that would lie in each other's way in the scratch folder. */
const check = (params: Params, ports: ReadonlyArray<string>): ReadonlyArray<Objection> => {
  const objections: Array<Objection> = []
  const taken = new Map(ports.flatMap((port) => namesOf(port).map((name) => [name, `the input ${port}`])))
  for (const [index, path] of params.code.entries()) {
    const name = lastName(path)
    const at = ["with", "code", index] as const
    const other = taken.get(name)
    if (["", ".", ".."].includes(name))
      objections.push({ path: at, message: `"${path}" has no name that it could be copied to` })
    else if (other !== undefined)
      objections.push({
        path: at,
        message: `${path} would lie at ./${name}, where ${other} is`,
        hint: "code is copied into the scratch folder by its last name",
      })
    taken.set(name, `the code ${path}`)
  }
  for (const [port, output] of Object.entries(params.outputs)) {
    const { path } = outputOf(output)
    const other = taken.get(path.split("/")[0])
    if (other === undefined) continue
    objections.push({
      path: ["with", "outputs", port],
      message: `the output ${path} would lie in ${other}, which is read-only`,
      hint: "leave results beside the inputs",
    })
  }
  const files = Object.entries(params.outputs).flatMap(([port, output]) =>
    outputTypes[outputOf(output).type].kind === "files" ? [port] : [],
  )
  for (const [index, port] of params.present.entries()) {
    if (files.includes(port)) continue
    const hint =
      files.length === 0
        ? "there are no outputs that are files"
        : `outputs that are files: ${files.join(", ")}`
    objections.push({ path: ["with", "present", index], message: `there is no such output "${port}"`, hint })
  }
  return objections
}

export default defineNode({
  type: "command.run",
  description:
    "Any program: a script for `sh -e` in a scratch folder of its own, with inputs as ./PORT (tables PORT.jsonl, values PORT.json).",
  openInputs: true,
  outputs: {},
  outputsOf: ({ outputs }) =>
    Object.fromEntries(
      Object.entries(outputs).map(([port, output]) => [port, outputTypes[outputOf(output).type]]),
    ),
  params: Params,
  presentOf: ({ present }) => present,
  freeParams: ["present"],
  secretParams: ["env"],
  check,
  files: ({ code }) => Object.fromEntries(code.map((path) => [lastName(path), path])),
  pathParams: ["code"],
  ambient: ["process"],
  run: async (call) => (await import("./run.impl.ts")).default(call),
})
