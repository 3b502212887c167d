import type { NetworkOptions } from "../../src/learning/networks/index.ts"
import { type Case, randomData, type Start } from "./cases.ts"

const ofNetwork = (network: NetworkOptions, start: Start): Case => ({
  network,
  start,
  data: randomData(network, 2, 8),
  rates: Array.from({ length: 20 }, (_, i) => (i < 4 ? 0.01 * (i + 1) : 0.05)),
  momentum: 0.9,
  nesterov: true,
  l2: 1e-3,
  labelSmoothing: 0.1,
})

const common = { channels: 1, classes: 7, seed: 5 } as const

/**
 * Both families in small, with all that the large ones are made of: the small stem and (above 64 pixels) the large one
 * with its strided 7×7 convolution and max-pool, strided blocks on odd and even sizes, dense blocks, transitions.
 */
export const SMALL_CASES: ReadonlyArray<{ readonly name: string; readonly training: Case }> = [
  {
    name: "densenet 10",
    training: ofNetwork({ ...common, name: "densenet", depth: 10, growth: 4, size: 16 }, "spread"),
  },
  {
    name: "resnet, small stem",
    training: ofNetwork({ ...common, name: "resnet", width: 0.125, blocks: [1, 2, 1], size: 18 }, "spread"),
  },
  {
    name: "resnet, large stem",
    training: ofNetwork(
      // with other weights some activation may be so near to 0 that its sign, and with it a gradient, is chance
      { ...common, name: "resnet", width: 0.125, blocks: [1, 1], size: 66, channels: 3, seed: 0 },
      "spread",
    ),
  },
  {
    name: "resnet, blocks that begin as the identity",
    training: ofNetwork({ ...common, name: "resnet", width: 0.125, blocks: [2, 2], size: 16 }, "fresh"),
  },
]
