import { readdirSync, readFileSync } from "node:fs"
import { cpus } from "node:os"
import { basename } from "node:path"

/** What the WebGPU provider computes on. */
export interface Adapter {
  readonly name: string
  /** Computed by the processor; unknown where the system does not tell. */
  readonly software: boolean | undefined
}

/** Vulkan drivers by the name of their library. */
const DRIVERS: ReadonlyArray<readonly [RegExp, string, software: boolean]> = [
  [/nvidia/iu, "NVIDIA GPU", false],
  [/radeon|amdvlk/iu, "AMD GPU", false],
  [/vulkan_intel/iu, "Intel GPU", false],
  [/vulkan_(nouveau|asahi|freedreno|panfrost|broadcom|powervr|virtio|dzn)/iu, "GPU", false],
  [/swiftshader/iu, "SwiftShader", true],
  [/vulkan_lvp|lvp_icd|lavapipe|llvmpipe/iu, "llvmpipe", true],
]

/** Names of drivers that compute on the processor. */
export const isSoftwareDriver = (file: string): boolean =>
  DRIVERS.some(([pattern, , software]) => software && pattern.test(file))

const linesOf = (path: string): ReadonlyArray<string> => {
  try {
    return readFileSync(path, "utf8").split("\n")
  } catch {
    return []
  }
}

/** Names in a folder; none where it can't be read. */
export const filesIn = (path: string): ReadonlyArray<string> => {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}

/** Model of the first NVIDIA card, as its kernel module tells. */
export function nvidiaModel(): string | undefined {
  for (const card of filesIn("/proc/driver/nvidia/gpus")) {
    const line = linesOf(`/proc/driver/nvidia/gpus/${card}/information`).find((l) => l.startsWith("Model:"))
    if (line !== undefined) return line.slice("Model:".length).trim()
  }
  return undefined
}

/** The adapter that one of these shared libraries drives: hardware before software, as the provider chooses. */
export function adapterOf(libraries: ReadonlyArray<string>): Adapter {
  for (const [pattern, name, software] of DRIVERS) {
    const file = libraries.find((candidate) => pattern.test(candidate))
    if (file === undefined) continue
    const model = name.startsWith("NVIDIA") ? (nvidiaModel() ?? name) : name
    return { name: software ? `${model} (software)` : `${model} (${file})`, software }
  }
  return { name: "unknown Vulkan adapter", software: undefined }
}

/** Names of the shared libraries in this process. */
function loadedLibraries(): ReadonlyArray<string> {
  const { report } = process
  if (report === undefined) return []
  // Or it would look up the names of who is connected.
  const all: unknown = Object.assign(report, { excludeNetwork: true }).getReport()
  const found = typeof all === "object" && all !== null && "sharedObjects" in all ? all.sharedObjects : []
  return Array.isArray(found) ? found.map((path) => basename(String(path))) : []
}

/**
 * The adapter behind the sessions of this process, as far as the system tells: onnxruntime-node does not say it. On
 * Linux by the Vulkan drivers that are loaded, so to be asked after a session was made.
 */
export function adapterInUse(): Adapter {
  if (process.platform === "darwin")
    return { name: `GPU of ${cpus()[0]?.model ?? "this machine"} (Metal)`, software: false }
  if (process.platform === "win32") return { name: "Direct3D 12 adapter", software: undefined }
  return adapterOf(loadedLibraries())
}
