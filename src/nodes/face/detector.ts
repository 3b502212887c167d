import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { readSafetensors, writeSafetensors } from "../../learning/safetensors.ts"
import { digestOf } from "../../schema/digest.ts"
import { createDetector, type Detector } from "../../vision/mtcnn/detect.ts"
import { readDetectorWeights } from "../../vision/mtcnn/weights.ts"
import { makeClient } from "../crawl/client.ts"
import { placeOf } from "../crawl/connector.ts"

/** Weights that are not there or not what they should be. */
export class WeightsError extends Error {
  readonly _tag = "WeightsError"
  override readonly name = "WeightsError"
}

const nets = ["pnet", "rnet", "onet"] as const
const maxBytes = 50_000_000

/** The tensors of one net out of a file that holds all three. */
const partOf = (all: ReturnType<typeof readSafetensors>, net: string): Uint8Array =>
  writeSafetensors(new Map([...all.tensors].filter(([name]) => name.startsWith(`${net}.`))))

const ofOneFile = (bytes: Uint8Array) => {
  const all = readSafetensors(bytes)
  return readDetectorWeights({
    pnet: partOf(all, "pnet"),
    rnet: partOf(all, "rnet"),
    onet: partOf(all, "onet"),
  })
}

type Net = (typeof nets)[number]

const ofFiles = async (file: (net: Net) => string) => {
  const [pnet, rnet, onet] = await Promise.all(
    nets.map((net) =>
      readFile(file(net)).catch((cause: unknown) => {
        throw new WeightsError(`the folder of weights has no readable ${net}.safetensors`, { cause })
      }),
    ),
  )
  return readDetectorWeights({ pnet, rnet, onet })
}

const ofPath = async (path: string) =>
  (await stat(path)).isDirectory()
    ? ofFiles((net) => join(path, `${net}.safetensors`))
    : ofOneFile(await readFile(path))

/** Downloads once per machine; what is kept is checked like what comes over the network. */
const ofAddress = async ({ url, sha256 }: { readonly url: string; readonly sha256: string }) => {
  const folder = join(tmpdir(), "facet-weights")
  const kept = join(folder, `${sha256}.safetensors`)
  const known = await readFile(kept).catch(() => undefined)
  if (known !== undefined && digestOf(known) === sha256) return ofOneFile(known)
  const address = URL.parse(url)
  if (address === null) throw new WeightsError(`download.url: ${JSON.stringify(url)} is no address`)
  const client = makeClient({
    userAgent: "facet/0.1",
    timeout: 300,
    idle: 30,
    attempts: 4,
    perHost: 1,
    // The host that the user names may be their own; where it redirects to may not.
    trusted: new Set([placeOf(address)]),
  })
  try {
    const { bytes } = await Effect.runPromise(client.get(url, { maxBytes }))
    const digest = digestOf(bytes)
    if (digest !== sha256) throw new WeightsError(`${url} has the sha256 ${digest}, not ${sha256}`)
    await mkdir(folder, { recursive: true })
    const part = `${kept}.${process.pid}`
    await writeFile(part, bytes)
    await rename(part, kept)
    return ofOneFile(bytes)
  } finally {
    await client.close()
  }
}

/** A folder or one file; the three files; or an address. */
export type WeightsPlace =
  | { readonly path: string }
  | { readonly files: Readonly<Record<Net, string>> }
  | { readonly url: string; readonly sha256: string }

const weightsOf = (place: WeightsPlace) => {
  if ("path" in place) return ofPath(place.path)
  return "files" in place ? ofFiles((net) => place.files[net]) : ofAddress(place)
}

const detectors = new Map<string, Promise<Detector>>()

/** The detector of this process for some weights, made once. One thread: pictures are worked on by processes. */
export const detectorOf = (place: WeightsPlace): Promise<Detector> => {
  const key = JSON.stringify(place)
  let detector = detectors.get(key)
  if (detector === undefined) {
    detector = weightsOf(place).then((weights) => createDetector(weights))
    // A failure is not kept: a download may go better next time.
    detector.catch(() => detectors.delete(key))
    detectors.set(key, detector)
  }
  return detector
}
