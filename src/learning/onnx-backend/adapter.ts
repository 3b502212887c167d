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
  [/vulkan_lvp|lavapipe|llvmpipe/iu, "llvmpipe", true],
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

const filesIn = (path: string): ReadonlyArray<string> => {
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

/**
 * The adapter behind the sessions of this process, as far as the system tells: onnxruntime-node does not say it. On
 * Linux by the Vulkan drivers that are loaded, hardware before software, as the provider chooses; so to be asked after
 * a session was made.
 */
export function adapterInUse(): Adapter {
  if (process.platform === "darwin")
    return { name: `GPU of ${cpus()[0]?.model ?? "this machine"} (Metal)`, software: false }
  if (process.platform === "win32") return { name: "Direct3D 12 adapter", software: undefined }
  const loaded = new Set(
    linesOf("/proc/self/maps").flatMap((line) => {
      const path = line.slice(line.indexOf("/"))
      return line.includes("/") && path.includes(".so") ? [basename(path)] : []
    }),
  )
  for (const [pattern, name, software] of DRIVERS) {
    const file = [...loaded].find((candidate) => pattern.test(candidate))
    if (file === undefined) continue
    const model = name.startsWith("NVIDIA") ? (nvidiaModel() ?? name) : name
    return { name: software ? `${model} (software)` : `${model} (${file})`, software }
  }
  return { name: "unknown Vulkan adapter", software: undefined }
}
