import type { LabelledImages } from "../../../src/learning/dataset.ts"
import { imagesOf } from "../../../src/learning/images.ts"
import { randomOf } from "../../../src/learning/random.ts"

/** A tiny separable set: class 0 has horizontal stripes, class 1 vertical ones, both under noise. */
export const stripes = (count: number, seed: number, size = 8, channels: 1 | 3 = 1): LabelledImages => {
  const random = randomOf("stripes", seed)
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2)
  const data = new Uint8Array(count * size * size * channels)
  for (let i = 0; i < count; i++)
    for (let y = 0; y < size; y++)
      for (let x = 0; x < size; x++) {
        const bright = (labels[i] === 1 ? x : y) % 4 < 2
        const at = ((i * size + y) * size + x) * channels
        for (let c = 0; c < channels; c++) data[at + c] = 60 + random.below(60) + (bright ? 60 : 0)
      }
  return { images: imagesOf(data, { height: size, width: size, channels }), labels }
}
