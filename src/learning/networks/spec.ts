/** What a network is made of; light, so that node definitions and model files can speak of it without tfjs. */
export interface NetworkSpec {
  readonly name: "densenet" | "resnet"
  /** Height and width of the input, pixels. */
  readonly size: number
  readonly channels: 1 | 3
  readonly classes: number
  /** Initial weights follow from it, layer by layer. */
  readonly seed: number
  /** DenseNet: layers, 3n + 4 (40 = three blocks of 12). */
  readonly depth: number
  /** DenseNet: channels each layer adds (k). */
  readonly growth: number
  /** ResNet: multiplies all channel counts; 1 = the published network. */
  readonly width: number
  /** ResNet: bottleneck blocks per stage; [3, 4, 6, 3] = ResNet-50. */
  readonly blocks: ReadonlyArray<number>
  /** ResNet, inputs up to `SMALL_INPUT`: stride of the first convolution. */
  readonly stemStride: 1 | 2
}

/** What a user gives: a well-known name, or a family with its own sizes. */
export interface NetworkOptions {
  readonly name: "densenet40" | "resnet50" | "densenet" | "resnet"
  readonly size: number
  readonly channels: 1 | 3
  readonly classes: number
  readonly seed?: number | undefined
  readonly depth?: number | undefined
  readonly growth?: number | undefined
  readonly width?: number | undefined
  readonly blocks?: ReadonlyArray<number> | undefined
  readonly stemStride?: 1 | 2 | undefined
}

/** A network that cannot be built; the message says which parameter and what it may be. */
export class NetworkSpecError extends Error {
  readonly _tag = "NetworkSpecError"
  override readonly name = "NetworkSpecError"
}

/** Inputs up to this size get a 3×3 stem of stride 1 and no max-pool: a 7×7 stride-2 stem would leave 1/4 at once. */
export const SMALL_INPUT = 64

/** The names of the layers that matter, the same in all networks. */
export const LAYERS = {
  /** The last activation maps, [h, w, channels]: Grad-CAM looks here. */
  features: "features",
  /** Their mean over the picture, [channels]. */
  embedding: "embedding",
  /** One number per class, before softmax. */
  logits: "logits",
} as const

const need = (ok: boolean, message: string): void => {
  if (!ok) throw new NetworkSpecError(message)
}

/**
 * Fill in defaults and check.
 * @throws NetworkSpecError
 */
export const networkSpec = (options: NetworkOptions): NetworkSpec => {
  const spec: NetworkSpec = {
    name: options.name === "densenet40" || options.name === "densenet" ? "densenet" : "resnet",
    size: options.size,
    channels: options.channels,
    classes: options.classes,
    seed: options.seed ?? 0,
    depth: options.depth ?? 40,
    growth: options.growth ?? 12,
    width: options.width ?? 1,
    blocks: options.blocks ?? [3, 4, 6, 3],
    stemStride: options.stemStride ?? 1,
  }
  const whole = (value: number, least: number): boolean => Number.isSafeInteger(value) && value >= least
  need(
    ["densenet40", "resnet50", "densenet", "resnet"].includes(options.name),
    `unknown network "${options.name}"`,
  )
  need(whole(spec.size, 8), `size ${spec.size}: a whole number of pixels, 8 at least`)
  need(spec.channels === 1 || spec.channels === 3, `channels ${String(spec.channels)}: 1 (grey) or 3 (RGB)`)
  need(whole(spec.classes, 2), `classes ${spec.classes}: a classifier needs two classes at least`)
  if (spec.name === "densenet") {
    need(
      whole(spec.depth, 7) && (spec.depth - 4) % 3 === 0,
      `depth ${spec.depth}: a DenseNet has 3n + 4 layers (…, 22, 31, 40, …)`,
    )
    need(whole(spec.growth, 1), `growth ${spec.growth}: a whole number of channels, 1 at least`)
  } else {
    need(spec.width > 0 && spec.width <= 4, `width ${spec.width}: a factor above 0, 4 at most`)
    need(
      spec.blocks.length > 0 && spec.blocks.every((n) => whole(n, 1)),
      `blocks [${spec.blocks.join(", ")}]: the number of blocks in each stage, 1 at least`,
    )
  }
  return spec
}

/** Layers worth a feature picture, from the input to the output: the end of the stem, of each block or stage. */
export const visualLayers = (spec: NetworkSpec): ReadonlyArray<string> =>
  spec.name === "densenet"
    ? ["stem_conv", "block1_out", "block2_out", LAYERS.features]
    : [
        "stem_relu",
        ...spec.blocks.slice(0, -1).map((n, stage) => `stage${stage + 1}_block${n}_out`),
        LAYERS.features,
      ]
