import type { Outcome } from "./ours.ts"

/** What is kept of a training's tensors: enough to tell a wrong one, in a small file. */
export interface Summary {
  readonly losses: ReadonlyArray<number>
  readonly tensors: { readonly [name: string]: TensorSummary }
}

/** Euclidean norm, and the inner product with a fixed sequence, which knows signs and places. */
export interface TensorSummary {
  readonly norm: number
  readonly probe: number
}

const summaryOf = (values: ArrayLike<number>): TensorSummary => {
  let [squares, probe] = [0, 0]
  for (let i = 0; i < values.length; i++) {
    squares += values[i] ** 2
    probe += values[i] * (((i * 7919) % 101) / 50 - 1)
  }
  return { norm: Math.sqrt(squares), probe }
}

/** Losses, and a summary of logits and gradients. */
export const summarise = ({ losses, tensors }: Outcome): Summary => ({
  losses,
  tensors: Object.fromEntries(
    Array.from(tensors)
      .filter(([name]) => name.startsWith("gradient/") || name === "logits" || name === "inference")
      .map(([name, values]): [string, TensorSummary] => [name, summaryOf(values)])
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ),
})
