import { spawnSync } from "node:child_process"
import { createRequire } from "node:module"

/** An ONNX model y = x over float32 [n]. */
export const IDENTITY_MODEL =
  "CAgSBWZhY2V0OkAKEwoBeBIBeRoBeSIISWRlbnRpdHkSBXByb2JlWhAKAXgSCwoJCAESBQoDEgFuYhAKAXkSCwoJCAESBQoDEgFuQgQKABAR"

/** Run by a process of its own, for a driver may crash: exits with 0 and tells the shared libraries it has loaded. */
const PROGRAM = `
const [, runtime, model] = process.argv
const ort = require(runtime)
const fail = (error) => { console.error(String(error && error.message || error).split("\\n")[0]); process.exit(1) }
const probe = async () => {
  const options = { executionProviders: ["webgpu"], logSeverityLevel: 4 }
  const session = await ort.InferenceSession.create(Buffer.from(model, "base64"), options)
  const { y } = await session.run({ x: new ort.Tensor("float32", Float32Array.of(3, 5), [2]) })
  if (y.data[0] !== 3 || y.data[1] !== 5) throw new Error("it does not hand on what it is given")
  process.report.excludeNetwork = true
  const { sharedObjects } = process.report.getReport()
  console.log(JSON.stringify(sharedObjects.map((path) => require("node:path").basename(path))))
}
probe().then(() => process.exit(0), fail)
`

/** How a GPU answered. */
export type Probe =
  | { readonly ok: true; readonly libraries: ReadonlyArray<string> }
  | { readonly ok: false; readonly why: string }

/** Has a GPU compute something, in another process, within 30 s: takes about half a second where it works. */
export function probeWebGpu(): Probe {
  const runtime = createRequire(import.meta.url).resolve("onnxruntime-node")
  const { status, signal, stdout, stderr, error } = spawnSync(
    process.execPath,
    ["-e", PROGRAM, runtime, IDENTITY_MODEL],
    { encoding: "utf8", timeout: 30_000, stdio: ["ignore", "pipe", "pipe"] },
  )
  if (status === 0) {
    const libraries: unknown = JSON.parse(stdout)
    return { ok: true, libraries: Array.isArray(libraries) ? libraries.map(String) : [] }
  }
  const said = stderr.trim().split("\n")[0] ?? ""
  return { ok: false, why: error?.message ?? (signal === null ? said : `it ended by ${signal}`) }
}
