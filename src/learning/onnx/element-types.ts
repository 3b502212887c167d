/** Tensor element types, as ONNX (onnx.proto, TensorProto.DataType) numbers them. */
export const ELEMENT_TYPE_CODES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
} as const

/** Name of an element type that the model writer and the session know. */
export type ElementType = keyof typeof ELEMENT_TYPE_CODES

/** The typed array that holds the elements of a type (bool: one byte each, 0 or 1). */
export interface ElementArrays {
  readonly float32: Float32Array
  readonly uint8: Uint8Array
  readonly int8: Int8Array
  readonly int32: Int32Array
  readonly int64: BigInt64Array
  readonly bool: Uint8Array
  readonly float64: Float64Array
}

/** A typed array of any element type. */
export type ElementArray = ElementArrays[ElementType]

const BUILDERS: { readonly [T in ElementType]: (values: ReadonlyArray<number>) => ElementArrays[T] } = {
  float32: (values) => Float32Array.from(values),
  float64: (values) => Float64Array.from(values),
  int32: (values) => Int32Array.from(values),
  int8: (values) => Int8Array.from(values),
  uint8: (values) => Uint8Array.from(values),
  bool: (values) => Uint8Array.from(values, (v) => (v === 0 ? 0 : 1)),
  int64: (values) => BigInt64Array.from(values, BigInt),
}

/** Builds the typed array of `type` from plain numbers (int64: whole numbers; bool: 0 is false, all else true). */
export function elementArray<T extends ElementType>(
  type: T,
  values: ReadonlyArray<number>,
): ElementArrays[T] {
  return BUILDERS[type](values)
}
