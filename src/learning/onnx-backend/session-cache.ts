import type { CompiledStep } from "./step.ts"

/**
 * Compiled steps by structure, the least recently used dropped first. Besides their number, their total size is
 * bounded: the session of a training step holds the memory of its activations.
 */
export class SessionCache {
  readonly #steps = new Map<string, CompiledStep>()
  readonly #maxSessions: number
  readonly #maxNodes: number
  #nodes = 0

  /** @param maxSessions and `maxNodes` (ONNX nodes of all sessions together) bound what is kept; the newest always is. */
  constructor(maxSessions: number, maxNodes: number) {
    this.#maxSessions = maxSessions
    this.#maxNodes = maxNodes
  }

  get size(): number {
    return this.#steps.size
  }

  get(key: string): CompiledStep | undefined {
    const step = this.#steps.get(key)
    if (step !== undefined) {
      this.#steps.delete(key)
      this.#steps.set(key, step)
    }
    return step
  }

  set(key: string, step: CompiledStep): void {
    this.#steps.set(key, step)
    this.#nodes += step.onnxNodes
    for (const [old, { session, onnxNodes }] of this.#steps) {
      if (old === key || (this.#steps.size <= this.#maxSessions && this.#nodes <= this.#maxNodes)) break
      session.dispose()
      this.#steps.delete(old)
      this.#nodes -= onnxNodes
    }
  }

  clear(): void {
    for (const { session } of this.#steps.values()) session.dispose()
    this.#steps.clear()
    this.#nodes = 0
  }
}
