import { imagesOf } from "../../../src/learning/images.ts"
import { buildNetwork } from "../../../src/learning/networks/index.ts"
import { fitPreprocessing } from "../../../src/learning/preprocess.ts"
import { randomOf } from "../../../src/learning/random.ts"
import { trainClassifier } from "../../../src/learning/train.ts"

/** Noise; in class 1 a patch of stripes in one of the four corners decides. */
const planted = (count: number) => {
  const [size, patch] = [12, 5]
  const area = size * size
  const random = randomOf("planted")
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2)
  const corners = labels.map((_, i) => (i >> 1) % 4)
  const data = Uint8Array.from({ length: count * area }, () => 90 + random.below(50))
  for (let i = 1; i < count; i += 2)
    for (let y = 0; y < patch; y++)
      for (let x = 0; x < patch; x++) {
        const [top, left] = [corners[i] & 1 ? 6 : 1, corners[i] & 2 ? 6 : 1]
        data[i * area + (top + y) * size + left + x] = x % 2 === 0 ? 230 : 20
      }
  return { images: imagesOf(data, { height: size, width: size, channels: 1 }), labels, corners }
}

/** A tiny network that has learnt to see it. */
export const learnPlanted = async () => {
  const { images, labels, corners } = planted(48)
  const preprocessing = fitPreprocessing(images)
  const model = buildNetwork({
    name: "resnet",
    size: 12,
    channels: 1,
    classes: 2,
    seed: 1,
    width: 0.0625,
    blocks: [1, 1],
  })
  await trainClassifier({
    model,
    training: { images, labels },
    classNames: ["plain", "planted"],
    preprocessing,
    epochs: 4,
    batchSize: 12,
  })
  return { images, labels, corners, preprocessing, model }
}
