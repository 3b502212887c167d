import { DeviceMemory } from "./device-memory.ts"
import type { LazyNode } from "./lazy-node.ts"
import type { Target } from "./step.ts"
import { webgpuForm } from "./webgpu-forms.ts"

/** What keys of sessions begin with; no kernel has that name. */
const WEBGPU = "webgpu"

/** Whether a key is of a session on the processor. */
export const isHostKey = (key: string): boolean => !key.startsWith(`${WEBGPU} `)

/** The GPU that a backend computes on: what lies in its memory, and which kernels it is not trusted with. */
export class Device {
  readonly memory = new DeviceMemory()
  #distrusted: ReadonlySet<string> = new Set()

  /** Names of the kernels that are computed on the processor instead. */
  get distrusted(): ReadonlySet<string> {
    return this.#distrusted
  }

  /** From now on these kernels are computed on the processor, within the same graphs. */
  distrust(kernels: Iterable<string>): void {
    this.#distrusted = new Set(kernels)
  }

  /** A flush's key: sessions differ by provider, distrust, and by which results they leave on the GPU. */
  keyOf(structure: string, live: ReadonlyArray<LazyNode>, stays: (node: LazyNode) => boolean): string {
    const places = live.map((node) => (stays(node) ? 1 : 0)).join("")
    return `${this.#prefix} ${places} ${structure}`
  }

  /** Whether a key's session is one that would be made now. */
  made(key: string): boolean {
    return key.startsWith(`${this.#prefix} `)
  }

  get #prefix(): string {
    return `${WEBGPU} ${[...this.#distrusted].join()}`
  }

  target(stays: (node: LazyNode) => boolean): Target {
    return { rewrite: webgpuForm, distrusted: this.#distrusted, stays }
  }
}
