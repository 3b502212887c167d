import { readSafetensors } from "../../learning/safetensors.ts"
import { nets, tensorShapes, type NetName } from "./layers.ts"

/** The tensors of one net by name without its prefix (`conv1.weight`), row major. */
export type NetWeights = ReadonlyMap<string, Float32Array>

/** What a detector is made of. */
export interface DetectorWeights {
  readonly pnet: NetWeights
  readonly rnet: NetWeights
  readonly onet: NetWeights
}

/** A weight file that does not hold the net it should. */
export class DetectorWeightsError extends Error {
  readonly _tag = "DetectorWeightsError"
  readonly net: NetName

  constructor(net: NetName, message: string, cause?: unknown) {
    super(`Weights of ${net}: ${message}`, cause === undefined ? undefined : { cause })
    this.name = "DetectorWeightsError"
    this.net = net
  }
}

/**
 * Reads one net from a safetensors file: float32 tensors named `pnet.conv1.weight` and so on; convolutions as
 * out, in, height, width; dense layers as out, in, over features numbered (x · height + y) · channels + c.
 * @throws DetectorWeightsError when the file is no safetensors file, or a tensor is missing, of another shape or
 * type, not finite, or one too many
 */
export function readNetWeights(net: NetName, bytes: Uint8Array): NetWeights {
  let tensors: ReturnType<typeof readSafetensors>["tensors"]
  try {
    tensors = readSafetensors(bytes).tensors
  } catch (cause) {
    throw new DetectorWeightsError(net, cause instanceof Error ? cause.message : String(cause), cause)
  }
  const weights = new Map<string, Float32Array>()
  for (const [name, shape] of tensorShapes(nets[net])) {
    const tensor = tensors.get(`${net}.${name}`)
    if (tensor === undefined) throw new DetectorWeightsError(net, `tensor ${net}.${name} is missing.`)
    const { data, dtype } = tensor
    if (!(data instanceof Float32Array)) {
      throw new DetectorWeightsError(net, `tensor ${net}.${name} is ${dtype}, not F32.`)
    }
    if (tensor.shape.join("×") !== shape.join("×")) {
      throw new DetectorWeightsError(
        net,
        `tensor ${net}.${name} has the shape ${tensor.shape.join(" × ")}, not ${shape.join(" × ")}.`,
      )
    }
    if (!data.every(Number.isFinite)) {
      throw new DetectorWeightsError(net, `tensor ${net}.${name} holds values that are not finite.`)
    }
    weights.set(name, data)
  }
  for (const name of tensors.keys()) {
    if (!name.startsWith(`${net}.`) || !weights.has(name.slice(net.length + 1))) {
      throw new DetectorWeightsError(net, `tensor ${name} belongs to no layer of ${net}.`)
    }
  }
  return weights
}

/** Reads the three files of a detector. @throws DetectorWeightsError as {@link readNetWeights} */
export function readDetectorWeights(files: { readonly [net in NetName]: Uint8Array }): DetectorWeights {
  return {
    pnet: readNetWeights("pnet", files.pnet),
    rnet: readNetWeights("rnet", files.rnet),
    onet: readNetWeights("onet", files.onet),
  }
}
