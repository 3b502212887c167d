import { createHash } from "node:crypto"
import sharp, { type Sharp } from "sharp"
import type { Format, Page } from "./corpus.ts"
import { randomScene, renderScene } from "./scene.ts"

export interface Picture {
  readonly bytes: Buffer
  readonly mime: string
  readonly width: number
  readonly height: number
  readonly sha1: string
}

export const mimeOf: Readonly<Record<Format, string>> = {
  jpeg: "image/jpeg",
  png: "image/png",
  webp: "image/webp",
}

const encode = async (image: Sharp, format: Format, quality: number): Promise<Buffer> => {
  if (format === "png") return image.png({ compressionLevel: 4 }).toBuffer()
  if (format === "webp") return image.webp({ quality, effort: 1 }).toBuffer()
  return image.jpeg({ quality }).toBuffer()
}

const finish = (bytes: Buffer, format: Format, width: number, height: number): Picture => ({
  bytes,
  mime: mimeOf[format],
  width,
  height,
  sha1: createHash("sha1").update(bytes).digest("hex"),
})

const original = async (page: Page): Promise<Picture> => {
  const spec = randomScene(page.sceneSeed, page.scene)
  const scene = await renderScene(page.grey ? { ...spec, camera: { ...spec.camera, grey: true } } : spec)
  let image = sharp(scene.rgb, { raw: { width: scene.width, height: scene.height, channels: 3 } })
  if (page.grey && page.id % 2 === 0) image = image.toColourspace("b-w")
  const bytes = await encode(image, page.format, page.quality)
  const kept = page.delivery === "truncated" ? bytes.subarray(0, Math.floor(bytes.length * 0.45)) : bytes
  return finish(kept, page.format, scene.width, scene.height)
}

const changed = async (page: Page, source: Picture): Promise<Picture> => {
  const { how, amount } = page.copy!
  if (how === "exact") return source
  let { width, height } = source
  let image = sharp(source.bytes)
  if (how === "rescaled") {
    const factor = 0.55 + 0.35 * amount
    ;[width, height] = [Math.round(width * factor), Math.round(height * factor)]
    image = image.resize(width, height, { fit: "fill" })
  } else if (how === "cropped") {
    const cut = 0.05 + 0.1 * amount
    const [left, top] = [Math.round(width * cut * amount), Math.round(height * cut * (1 - amount))]
    ;[width, height] = [Math.round(width * (1 - cut)), Math.round(height * (1 - cut))]
    image = image.extract({ left, top, width, height })
  }
  const quality = how === "recompressed" ? 25 + Math.round(30 * amount) : page.quality
  return finish(await encode(image, "jpeg", quality), "jpeg", width, height)
}

/**
 * Draws pictures on demand and keeps the last ones, so that a search (which must know size and sha1) and the
 * download that follows draw once. At most two are drawn at a time; the rest waits.
 */
export class PictureStore {
  private readonly kept = new Map<number, Promise<Picture>>()
  private readonly known = new Map<number, Omit<Picture, "bytes"> & { readonly size: number }>()
  private bytes = 0
  private readonly limit: number
  private running = 0
  private readonly waiting: (() => void)[] = []

  /** @param limit bytes of encoded pictures kept in memory */
  constructor(limit = 128 << 20) {
    this.limit = limit
  }

  /** The original file of a page, drawn or from memory. */
  get(page: Page): Promise<Picture> {
    const before = this.kept.get(page.id)
    if (before !== undefined) {
      this.kept.delete(page.id)
      this.kept.set(page.id, before)
      return before
    }
    const made = this.make(page).then((picture) => {
      this.known.set(page.id, {
        mime: picture.mime,
        width: picture.width,
        height: picture.height,
        sha1: picture.sha1,
        size: picture.bytes.length,
      })
      this.bytes += picture.bytes.length
      this.evict(page.id)
      return picture
    })
    this.kept.set(page.id, made)
    made.catch(() => this.kept.delete(page.id))
    return made
  }

  /** Size, sha1 and type of a page's original; kept for good once known. */
  async facts(page: Page): Promise<Omit<Picture, "bytes"> & { readonly size: number }> {
    const before = this.known.get(page.id)
    if (before !== undefined) return before
    await this.get(page)
    return this.known.get(page.id)!
  }

  /** A smaller version of the original in the same format. */
  async thumbnail(page: Page, width: number): Promise<Picture> {
    const source = await this.get(page)
    const height = Math.max(1, Math.round((source.height * width) / source.width))
    const image = sharp(source.bytes, { failOn: "none" }).resize(width, height, { fit: "fill" })
    return finish(await encode(image, page.format, 85), page.format, width, height)
  }

  private async make(page: Page): Promise<Picture> {
    if (page.copy !== undefined) {
      const source = await this.get(page.copy.of)
      return this.limited(() => changed(page, source))
    }
    return this.limited(() => original(page))
  }

  private async limited<A>(work: () => Promise<A>): Promise<A> {
    if (this.running < 2) this.running++
    else await new Promise<void>((resume) => this.waiting.push(resume))
    try {
      return await work()
    } finally {
      const next = this.waiting.shift()
      if (next === undefined) this.running--
      else next()
    }
  }

  /** Forgets the bytes of the pictures that were not asked for longest, but never those just made. */
  private evict(made: number): void {
    for (const id of this.kept.keys()) {
      if (this.bytes <= this.limit) return
      const size = this.known.get(id)?.size
      if (size === undefined || id === made) continue
      this.kept.delete(id)
      this.bytes -= size
    }
  }
}
