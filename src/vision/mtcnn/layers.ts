/**
 * The three networks of MTCNN (Zhang, Zhang, Li, Qiao: "Joint Face Detection and Alignment Using Multitask
 * Cascaded Convolutional Networks", 2016), layer by layer. Convolutions are unpadded with stride 1; pools have
 * stride 2 and count a last, partial window; every hidden layer ends in a PReLU with one slope a channel.
 */
export type NetName = "pnet" | "rnet" | "onet"

export interface ConvLayer {
  readonly kind: "conv"
  readonly name: string
  /** Name of the slopes of the PReLU that follows. */
  readonly prelu: string
  readonly in: number
  readonly out: number
  readonly kernel: number
}

export interface PoolLayer {
  readonly kind: "pool"
  readonly kernel: number
}

/** Fully connected, over a `side` × `side` map whose features are numbered (x · side + y) · channels + c. */
export interface DenseLayer {
  readonly kind: "dense"
  readonly name: string
  readonly prelu: string
  readonly side: number
  readonly channels: number
  readonly out: number
}

export type Layer = ConvLayer | PoolLayer | DenseLayer

export interface Net {
  /** Side of the square window, in pixels, that gives one answer. */
  readonly window: number
  readonly trunk: ReadonlyArray<Layer>
  /** Name and width of the last layers: two logits (no face, face), four box offsets, ten landmark coordinates. */
  readonly heads: { readonly logits: string; readonly box: string; readonly landmarks?: string }
}

const conv = (index: number, from: number, to: number, kernel: number): ConvLayer => ({
  kind: "conv",
  name: `conv${index}`,
  prelu: `prelu${index}`,
  in: from,
  out: to,
  kernel,
})
const pool = (kernel: number): PoolLayer => ({ kind: "pool", kernel })
const dense = (index: number, side: number, channels: number, out: number): DenseLayer => ({
  kind: "dense",
  name: `dense${index}`,
  prelu: `prelu${index}`,
  side,
  channels,
  out,
})

export const nets: { readonly [name in NetName]: Net } = {
  /** Proposes: fully convolutional, one answer every 2 pixels. 6,632 parameters. */
  pnet: {
    window: 12,
    trunk: [conv(1, 3, 10, 3), pool(2), conv(2, 10, 16, 3), conv(3, 16, 32, 3)],
    heads: { logits: "conv4_1", box: "conv4_2" },
  },
  /** Refines. 100,178 parameters. */
  rnet: {
    window: 24,
    trunk: [
      conv(1, 3, 28, 3),
      pool(3),
      conv(2, 28, 48, 3),
      pool(3),
      conv(3, 48, 64, 2),
      dense(4, 3, 64, 128),
    ],
    heads: { logits: "dense5_1", box: "dense5_2" },
  },
  /** Outputs, with landmarks. 389,040 parameters. */
  onet: {
    window: 48,
    trunk: [
      conv(1, 3, 32, 3),
      pool(3),
      conv(2, 32, 64, 3),
      pool(3),
      conv(3, 64, 64, 3),
      pool(2),
      conv(4, 64, 128, 2),
      dense(5, 3, 128, 256),
    ],
    heads: { logits: "dense6_1", box: "dense6_2", landmarks: "dense6_3" },
  },
}

/** Name (without the net's prefix) and shape of every tensor of a net, in the order of its layers. */
export function tensorShapes(net: Net): Array<readonly [name: string, shape: ReadonlyArray<number>]> {
  const shapes: Array<readonly [string, ReadonlyArray<number>]> = []
  let features = 0
  let dense = false
  for (const layer of net.trunk) {
    if (layer.kind === "pool") continue
    const weight =
      layer.kind === "conv"
        ? [layer.out, layer.in, layer.kernel, layer.kernel]
        : [layer.out, layer.side * layer.side * layer.channels]
    shapes.push([`${layer.name}.weight`, weight], [`${layer.name}.bias`, [layer.out]])
    shapes.push([`${layer.prelu}.weight`, [layer.out]])
    features = layer.out
    dense = layer.kind === "dense"
  }
  const head = (name: string | undefined, out: number): void => {
    if (name === undefined) return
    shapes.push([`${name}.weight`, dense ? [out, features] : [out, features, 1, 1]], [`${name}.bias`, [out]])
  }
  head(net.heads.logits, 2)
  head(net.heads.box, 4)
  head(net.heads.landmarks, 10)
  return shapes
}
