import { beforeAll, describe, expect, it } from "vitest"
import { inProcess, softwareGpu } from "./software-gpu.ts"

interface Training {
  readonly losses: ReadonlyArray<number>
  readonly held: ReadonlyArray<{
    readonly tensors: number
    readonly bytes: number
    readonly ids: number
    readonly rss: number
  }>
  readonly predicted: ReadonlyArray<number>
  readonly predictedAfterRelease: ReadonlyArray<number>
  /** A variable that a step left on the GPU, after the processor was chosen. */
  readonly moved: {
    readonly before: number
    readonly after: number
    readonly sum: number
    readonly expected: number
  }
  readonly weights: ReadonlyArray<ReadonlyArray<number>>
  readonly fallbacks: number
  readonly left: { readonly tensors: number; readonly bytes: number }
  readonly trusted: Readonly<Record<string, number>>
  readonly distrusted: Readonly<Record<string, number>>
  readonly distrustingLosses: ReadonlyArray<number>
}
interface Tested {
  readonly adapter: { readonly name: string; readonly software?: boolean }
  readonly text: string
  readonly names: ReadonlyArray<string>
  readonly failures: ReadonlyArray<unknown>
  readonly fallbacks: number
  readonly wrong: ReadonlyArray<{ readonly name: string; readonly error: number }>
  readonly distrusted: ReadonlyArray<string>
  readonly refused: string
}

const train = async (provider: string) =>
  (await inProcess("train-child.ts", [provider], await softwareGpu())) as Training

let absent: string | undefined
beforeAll(async () => {
  try {
    const { probeWebGpu } = await import("../../../src/learning/probe-webgpu.ts")
    const env = await softwareGpu()
    const before = { ...process.env }
    Object.assign(process.env, env)
    const answer = probeWebGpu()
    for (const name of ["VK_ICD_FILENAMES", "LD_LIBRARY_PATH"]) {
      if (before[name] === undefined) delete process.env[name]
      else process.env[name] = before[name]
    }
    if (!answer.ok) absent = answer.why
  } catch (error) {
    absent = error instanceof Error ? error.message : String(error)
  }
})

const farthest = (a: ReadonlyArray<number>, b: ReadonlyArray<number>): number =>
  a.reduce((worst, v, i) => Math.max(worst, Math.abs(v - (b[i] ?? Number.NaN))), 0)

// A machine that is busy with other tests takes its time to compile shaders.
const PATIENCE = 240_000

describe("a training on a (software) GPU", () => {
  it(
    "follows the one on the processor, stays on the GPU from end to end and leaks nothing",
    async (context) => {
      if (absent !== undefined) return context.skip(`no WebGPU adapter starts here: ${absent}`)
      const [gpu, cpu] = await Promise.all([train("webgpu"), train("cpu")])
      expect(gpu.fallbacks).toBe(0)
      expect(gpu.losses[0]).toBeGreaterThan(0.5)
      expect(farthest(gpu.losses.slice(0, 10), cpu.losses.slice(0, 10))).toBeLessThan(1e-4)
      expect(gpu.losses.at(-1)).toBeLessThan(gpu.losses[0] / 4)
      // Read back from the GPU: of the same training, if not the same rounding after a hundred steps.
      expect(gpu.weights.map((w) => w.length)).toEqual(cpu.weights.map((w) => w.length))
      expect(farthest(gpu.weights.flat(), cpu.weights.flat())).toBeLessThan(0.02)
      expect(farthest(gpu.predicted, cpu.predicted)).toBeLessThan(0.02)
      expect(gpu.predictedAfterRelease).toEqual(gpu.predicted)
      expect(gpu.moved).toMatchObject({ before: 1, after: 0 })
      expect(gpu.moved.sum).toBeCloseTo(gpu.moved.expected, 2)

      // Weights, and velocities of those that are trained; and the large ones of the first weights, which are
      // kept to start from.
      const values = cpu.weights.flat().length
      const [, , third] = gpu.held
      expect(third.bytes).toBeGreaterThan(4 * 1.8 * values)
      expect(third.bytes).toBeLessThan(4 * 2.6 * values)
      expect(gpu.held.at(-1)).toMatchObject({ tensors: third.tensors, bytes: third.bytes, ids: third.ids })
      expect(gpu.left).toEqual({ tensors: 0, bytes: 0 })
      expect(gpu.held[99].rss - gpu.held[30].rss).toBeLessThan(40 * 2 ** 20)

      expect(gpu.trusted).toEqual({ WebGpuExecutionProvider: gpu.trusted["WebGpuExecutionProvider"] })
      expect(gpu.trusted["WebGpuExecutionProvider"]).toBeGreaterThan(2 * 200)
      // One kernel less, in the same graph.
      expect(gpu.distrusted["CPUExecutionProvider"]).toBeGreaterThan(10)
      expect(gpu.distrusted["copies"]).toBeGreaterThan(5)
      expect(farthest(gpu.distrustingLosses, gpu.losses.slice(0, 2))).toBeLessThan(1e-5)
    },
    PATIENCE,
  )
})

describe("the self-test of a GPU", () => {
  it(
    "passes what is right, leaves to the processor what is wrong, and refuses what is wrong even so",
    async (context) => {
      if (absent !== undefined) return context.skip(`no WebGPU adapter starts here: ${absent}`)
      const amount = process.env["FACET_LONG"] === "1" ? "all" : "some"
      const tested = (await inProcess("self-test-child.ts", [amount], await softwareGpu())) as Tested
      expect(tested.adapter).toEqual({ name: "SwiftShader (software)", software: true })
      expect(tested.failures).toEqual([])
      expect(tested.text).toMatch(/^(\d+) of \1 operators as expected \(tested in [\d.]+ s\)$/u)
      expect(tested.fallbacks).toBe(0)
      expect(tested.wrong.map(({ name }) => name)).toEqual(["OnnxBatchInputGradient"])
      expect(tested.wrong[0].error).toBeGreaterThan(1e-3)
      expect(tested.distrusted).toEqual(["OnnxBatchInputGradient"])
      expect(tested.refused).toMatch(/Broken \(.*\) is wrong.*Choose backend "onnx"/u)
    },
    PATIENCE,
  )
})
