import { ELEMENT_TYPE_CODES } from "../onnx/element-types.ts"
import type { OnnxGraph } from "../onnx/graph.ts"
import { type Preprocessing, SOFTENING } from "../preprocess.ts"

/** How a consumer hands pixels over; values are 0 … 255 in either element type. */
export interface PixelInput {
  readonly type: "uint8" | "float32"
  readonly layout: "nhwc" | "nchw"
}

/** The name of the model's only input. */
export const PIXELS = "pixels"

/** BT.601 luma in 16-bit fixed point, as the pipeline makes grey (vision/raster.ts). Exact in float32 for bytes. */
const LUMA = [19595, 38470, 7471]

const scalar = (graph: OnnxGraph, value: number): string => graph.initializer("float32", [], [value])
const integers = (graph: OnnxGraph, ...values: ReadonlyArray<number>): string =>
  graph.initializer("int64", [values.length], values)

/** Half up to a whole number, as bytes are rounded. */
const round = (graph: OnnxGraph, x: string): string =>
  graph.node("Floor", [graph.node("Add", [x, scalar(graph, 0.5)])])

/** The largest square in the middle of [N, C, H, W], and its side (int64 [1]). */
const centreSquare = (graph: OnnxGraph, x: string): { readonly square: string; readonly side: string } => {
  const shape = graph.node("Shape", [x])
  const sides = graph.node("Slice", [shape, integers(graph, 2), integers(graph, 4)])
  const side = graph.node("ReduceMin", [sides], { axes: [0], keepdims: 1 })
  const from = graph.node("Div", [graph.node("Sub", [sides, side]), integers(graph, 2)])
  const to = graph.node("Add", [from, side])
  return { square: graph.node("Slice", [x, from, to, integers(graph, 2, 3)]), side }
}

/**
 * The matrix [size, side] that resamples an axis as the pipeline does (vision/resize.ts): the share each input pixel
 * has in the area of an output pixel where the axis shrinks, the two nearest ones by distance where it grows. For
 * equal sizes it is the identity, exactly.
 */
const resampling = (graph: OnnxGraph, side: string, size: number): string => {
  const node = (op: string, ...inputs: ReadonlyArray<string>): string => graph.node(op, inputs)
  const column = (from: number): string =>
    graph.initializer(
      "float32",
      [size, 1],
      Float32Array.from({ length: size }, (_, k) => k + from),
    )
  const zero = scalar(graph, 0)
  const one = scalar(graph, 1)
  const half = scalar(graph, 0.5)
  const output = scalar(graph, size)
  const length = graph.node("Cast", [node("Squeeze", side)], { to: ELEMENT_TYPE_CODES.float32 })
  const pixel = node("Range", zero, length, one)
  // Multiplied before divided: products of whole numbers are exact.
  const place = (index: string): string => node("Div", node("Mul", index, length), output)
  const end = node("Min", place(column(1)), node("Add", pixel, one))
  const overlap = node("Sub", end, node("Max", place(column(0)), pixel))
  const area = node("Div", node("Max", overlap, zero), node("Div", length, output))
  const centre = node("Sub", place(column(0.5)), half)
  const inside = node("Min", node("Max", centre, zero), node("Sub", length, one))
  const linear = node("Max", node("Sub", one, node("Abs", node("Sub", inside, pixel))), zero)
  return node("Where", node("Greater", length, output), area, linear)
}

/** [N, C, side, side] → [N, C, size, size], rounded to whole values. */
const resize = (graph: OnnxGraph, x: string, side: string, size: number): string => {
  const matrix = resampling(graph, side, size)
  const rows = graph.node("MatMul", [x, graph.node("Transpose", [matrix], { perm: [1, 0] })])
  return round(graph, graph.node("MatMul", [matrix, rows]))
}

/** [N, any, H, W] → [N, channels, H, W]: RGB to grey as the pipeline does, one channel to three equal ones. */
const colours = (graph: OnnxGraph, x: string, channels: 1 | 3): string => {
  const rgb = graph.node("Expand", [x, integers(graph, 1, 3, 1, 1)])
  if (channels === 3) return rgb
  const weighted = graph.node("Mul", [rgb, graph.initializer("float32", [1, 3, 1, 1], LUMA)])
  const luma = graph.node("ReduceSum", [weighted, integers(graph, 1)], { keepdims: 1 })
  return round(graph, graph.node("Mul", [luma, scalar(graph, 2 ** -16)]))
}

/** Whole values 0 … 255 [N, C, H, W] → network input; what `normalise` computes. */
const normalise = (graph: OnnxGraph, x: string, { mean, std, perPicture }: Preprocessing): string => {
  if (perPicture === true) {
    const all = { axes: [1, 2, 3], keepdims: 1 }
    const centred = graph.node("Sub", [x, graph.node("ReduceMean", [x], all)])
    const variance = graph.node("ReduceMean", [graph.node("Mul", [centred, centred])], all)
    const softened = graph.node("Add", [graph.node("Sqrt", [variance]), scalar(graph, SOFTENING * 255)])
    return graph.node("Div", [centred, softened])
  }
  const channel = (values: ReadonlyArray<number>): string =>
    graph.initializer(
      "float32",
      [1, values.length, 1, 1],
      values.map((v) => v * 255),
    )
  return graph.node("Div", [graph.node("Sub", [x, channel(mean)]), channel(std)])
}

/**
 * Everything from a picture to the network's input, in the graph: element type, layout, middle square, grey or RGB,
 * size, normalisation. The input takes any number of pictures of any one size with 1 or 3 channels.
 * @returns the network's input [N, channels, size, size].
 */
export const addPixels = (
  graph: OnnxGraph,
  { type, layout }: PixelInput,
  preprocessing: Preprocessing,
  { size, channels }: { readonly size: number; readonly channels: 1 | 3 },
): string => {
  const dims = layout === "nhwc" ? ["height", "width", "channels"] : ["channels", "height", "width"]
  const doc = `Pictures ${layout === "nhwc" ? "[batch, height, width, channels]" : "[batch, channels, height, width]"}, values 0 to 255, sRGB, channels 1 (grey) or 3 (RGB), any size: the middle square is taken and resampled to ${size} x ${size}.`
  const input = graph.input(PIXELS, type, ["batch", ...dims], doc)
  const values = type === "float32" ? input : graph.node("Cast", [input], { to: ELEMENT_TYPE_CODES.float32 })
  const planes = layout === "nchw" ? values : graph.node("Transpose", [values], { perm: [0, 3, 1, 2] })
  const { square, side } = centreSquare(graph, planes)
  const picture = resize(graph, colours(graph, square, channels), side, size)
  return normalise(graph, picture, preprocessing)
}
