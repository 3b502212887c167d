import { imagesOf } from "../images.ts"
import { readSafetensors, type SafetensorsTensor, writeSafetensors } from "../safetensors.ts"
import { MTCNN_SIZE, type MtcnnNet } from "./nets.ts"
import { type MtcnnPools, type MtcnnSamples, MtcnnSamplesError } from "./samples.ts"

const KINDS = ["positive", "part", "negative", "landmark"] as const

/**
 * All windows of a stage in one file: safetensors with `KIND.images` [N, side, side, 3] bytes and, where known,
 * `KIND.boxes` [N, 4] and `KIND.landmarks` [N, 10].
 */
export const encodeWindows = (net: MtcnnNet, pools: MtcnnPools): Uint8Array => {
  const tensors = new Map<string, SafetensorsTensor>()
  for (const kind of KINDS) {
    const pool = pools[kind]
    if (pool === undefined) continue
    const { images, boxes, landmarks } = pool
    const { count, height, width } = images
    tensors.set(`${kind}.images`, {
      dtype: "U8",
      shape: [count, height, width, 3],
      data: images.data.slice(),
    })
    if (boxes !== undefined)
      tensors.set(`${kind}.boxes`, { dtype: "F32", shape: [count, 4], data: boxes.slice() })
    if (landmarks !== undefined)
      tensors.set(`${kind}.landmarks`, { dtype: "F32", shape: [count, 10], data: landmarks.slice() })
  }
  return writeSafetensors(tensors, { net })
}

/**
 * Reads what `encodeWindows` wrote.
 * @throws SafetensorsError for a damaged file; MtcnnSamplesError for windows of another network, or none.
 */
export const decodeWindows = (net: MtcnnNet, bytes: Uint8Array): MtcnnPools => {
  const { tensors, metadata } = readSafetensors(bytes)
  if (metadata["net"] !== net)
    throw new MtcnnSamplesError(`windows of ${metadata["net"] ?? "no known network"}, wanted are ${net}'s`)
  const side = MTCNN_SIZE[net]
  const floats = (name: string): Float32Array | undefined => {
    const data = tensors.get(name)?.data
    return data instanceof Float32Array ? data : undefined
  }
  const pool = (kind: (typeof KINDS)[number]): MtcnnSamples | undefined => {
    const data = tensors.get(`${kind}.images`)?.data
    if (!(data instanceof Uint8Array)) return undefined
    const boxes = floats(`${kind}.boxes`)
    const landmarks = floats(`${kind}.landmarks`)
    return {
      images: imagesOf(data, { height: side, width: side, channels: 3 }),
      ...(boxes === undefined ? {} : { boxes }),
      ...(landmarks === undefined ? {} : { landmarks }),
    }
  }
  const [positive, part, negative, landmark] = KINDS.map(pool)
  if (positive === undefined || part === undefined || negative === undefined)
    throw new MtcnnSamplesError(`${net}: the file lacks positive, part or negative windows`)
  return { positive, part, negative, ...(landmark === undefined ? {} : { landmark }) }
}
