import { readFileSync, statSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { homedir, tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { adapterOf, filesIn, isSoftwareDriver, nvidiaModel } from "./onnx-backend/adapter.ts"
import { probeWebGpu, type Probe } from "./probe-webgpu.ts"

/** What `auto` means on this machine. */
export interface AutoBackend {
  readonly backend: "tensorflow" | "webgpu" | "onnx"
  readonly why: string
}

/** What the choice follows from; cheap to find out but for the probe, which is asked last. */
export interface Machine {
  readonly platform: NodeJS.Platform
  /** Whether @tensorflow/tfjs-node-gpu is installed. */
  readonly tensorflowGpu: boolean
  /** The model of an NVIDIA card, if there is one. */
  readonly nvidia: string | undefined
  /** Vulkan drivers: names of their description files. */
  readonly drivers: ReadonlyArray<string>
  /** Devices of GPUs under /dev. */
  readonly devices: ReadonlyArray<string>
  readonly probe: () => Probe
}

/**
 * TensorFlow where it can compute on a GPU; else a GPU by WebGPU, where it is hardware and answers; else ONNX Runtime on
 * the processor. A GPU that software plays is never chosen.
 */
export function chooseBackend(machine: Machine): AutoBackend {
  const { platform, tensorflowGpu, nvidia, drivers, devices } = machine
  const onnx = (why: string): AutoBackend => ({ backend: "onnx", why })
  if (tensorflowGpu && nvidia !== undefined)
    return { backend: "tensorflow", why: `@tensorflow/tfjs-node-gpu is installed, and there is ${nvidia}` }
  if (platform === "win32")
    return onnx("on Windows a GPU can't be told from its emulation: ask for webgpu to use one")
  if (platform !== "darwin") {
    if (devices.length === 0) return onnx("there is no GPU")
    if (!drivers.some((file) => !isSoftwareDriver(file)))
      return onnx(`there is a GPU (${devices.join(", ")}), but no Vulkan driver for it`)
  }
  const answer = machine.probe()
  if (!answer.ok) return onnx(`a GPU is there but can't be used: ${answer.why}`)
  if (platform === "darwin") return { backend: "webgpu", why: "there is a GPU, by Metal" }
  const { name, software } = adapterOf(answer.libraries)
  return software === false
    ? { backend: "webgpu", why: `there is ${name}` }
    : onnx(`the GPU that answers is no hardware: ${name}`)
}

/** Vulkan's description files of drivers, where its loader looks for them on Linux. */
const driverFolders = (): ReadonlyArray<string> => {
  const shared = (process.env["XDG_DATA_DIRS"] ?? "/usr/local/share:/usr/share").split(delimiter)
  const own = process.env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share")
  return ["/etc", "/usr/local/etc", own, ...shared].map((folder) => join(folder, "vulkan/icd.d"))
}

const driversOf = (): ReadonlyArray<string> => {
  const named = process.env["VK_DRIVER_FILES"] ?? process.env["VK_ICD_FILENAMES"]
  if (named !== undefined && named !== "") return named.split(delimiter)
  return driverFolders().flatMap((folder) =>
    filesIn(folder).flatMap((file) => (file.endsWith(".json") ? [join(folder, file)] : [])),
  )
}

const isInstalled = (name: string): boolean => {
  try {
    createRequire(import.meta.url).resolve(`${name}/package.json`)
    return true
  } catch {
    return false
  }
}

const thisMachine = (): Machine => ({
  platform: process.platform,
  tensorflowGpu: isInstalled("@tensorflow/tfjs-node-gpu"),
  nvidia: nvidiaModel(),
  drivers: process.platform === "linux" ? driversOf() : [],
  devices: [
    ...filesIn("/dev").filter((name) => /^nvidia\d+$/u.test(name)),
    ...filesIn("/dev/dri").filter((name) => name.startsWith("renderD")),
  ],
  probe: probeWebGpu,
})

/** Seconds for which a GPU's answer is believed. */
const BELIEVED = 24 * 3600

/** The probe, but for an answer of the last day on the same facts, in a file of this user that only spares time. */
const remembered = (machine: Machine): Machine => {
  const file = join(tmpdir(), `facet-gpu-${process.getuid?.() ?? 0}.json`)
  const facts = JSON.stringify([process.execPath, machine.drivers, machine.devices, machine.nvidia ?? ""])
  const known = (): Probe | undefined => {
    try {
      const { mtimeMs, uid } = statSync(file)
      if (Date.now() - mtimeMs > BELIEVED * 1000 || uid !== (process.getuid?.() ?? uid)) return undefined
      const kept = JSON.parse(readFileSync(file, "utf8")) as {
        readonly facts: string
        readonly answer: Probe
      }
      return kept.facts === facts ? kept.answer : undefined
    } catch {
      return undefined
    }
  }
  return {
    ...machine,
    probe: () => {
      const before = known()
      if (before !== undefined) return before
      const answer = machine.probe()
      try {
        writeFileSync(file, JSON.stringify({ facts, answer }), { mode: 0o600 })
      } catch {
        // asked again the next time
      }
      return answer
    },
  }
}

let chosen: AutoBackend | undefined

/**
 * What `auto` means on this machine, and why. Found out once for each process: without a GPU by looking into a few
 * folders, with one by asking it, once a day.
 */
export function autoBackend(): AutoBackend {
  chosen ??= chooseBackend(remembered(thisMachine()))
  return chosen
}
