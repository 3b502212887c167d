import sharp from "sharp"
import { drawBackdrop } from "./background.ts"
import { drawBackHair, drawFrontHair } from "./face-hair.ts"
import { drawBrow, drawEye, eyeShape } from "./face-eyes.ts"
import { drawBody } from "./body.ts"
import { drawBeard } from "./face-beard.ts"
import { drawGlasses, drawOcclusion } from "./face-extras.ts"
import { drawMouth, mouthShape } from "./face-mouth.ts"
import { drawEar, drawFolds, drawNose, drawSkin } from "./face-skin.ts"
import { lighten, scale } from "./colour.ts"
import { drawDistractor } from "./distractors.ts"
import { Head, hairlineY, type Point } from "./head.ts"
import { drawIdentity } from "./identity.ts"
import { Random } from "./random.ts"
import type { Camera, FaceSpec, RenderedFace, RenderedScene, SceneSpec } from "./scene-spec.ts"
import { shadeHead } from "./shading.ts"
import { Drawing } from "./svg.ts"

export { randomScene, type SceneOptions } from "./compose.ts"
export type * from "./scene-spec.ts"

/** Face height from hairline to chin in half face widths, of the mean face. */
const faceHeight = 2.44

const headOf = (face: FaceSpec): Head =>
  new Head(drawIdentity(face.identity), face.action, face.pose, {
    x: face.x,
    y: face.y,
    unit: face.size / faceHeight,
  })

/** Box and landmarks of a face as it will be drawn, without drawing it. */
export const measureFace = (face: FaceSpec): RenderedFace => {
  const head = headOf(face)
  const chin = head.chinY + head.jawDrop
  // The box stops a little inside of the outline, as the hand-drawn boxes that face detectors learn from do.
  const rim: Point[] = [0, 0.25, 0.5, 0.7, 0.85, 0.94].flatMap((t) => [
    head.rim(-1, chin * t, -0.05),
    head.rim(1, chin * t, -0.05),
  ])
  rim.push(
    head.rim(0, chin * 0.98),
    head.at([-0.5, hairlineY + 0.04]),
    head.at([0.5, hairlineY + 0.04]),
    head.at([0, hairlineY]),
  )
  const xs = rim.map((p) => p[0])
  const ys = rim.map((p) => p[1])
  const m = mouthShape(head)
  return {
    box: [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)],
    landmarks: [
      head.at(eyeShape(head, -1).centre),
      head.at(eyeShape(head, 1).centre),
      head.at([0, head.noseY, 0.28]),
      head.at(m.left),
      head.at(m.right),
    ],
    expression: face.expression,
    intensity: face.intensity,
    identity: face.identity,
  }
}

const openFrame = (d: Drawing, head: Head): void => {
  const { x, y, unit: u } = head.place
  const { garmentColour, headwearColour } = head.identity
  const rectangle = (grow: number): string =>
    `M${x - (1.75 + grow) * u} ${y - (2.15 + grow) * u}h${(3.5 + 2 * grow) * u}v${(4.7 + 2 * grow) * u}h${-(3.5 + 2 * grow) * u}Z`
  d.fill(rectangle(0.16), scale(garmentColour, 0.4))
  const ground = lighten(headwearColour, 0.3)
  d.fill(
    rectangle(0),
    d.linear([
      [0, lighten(ground, 0.2), 1],
      [1, scale(ground, 0.8), 1],
    ]),
  )
  d.open(`clip-path="${d.clip(rectangle(0))}"`)
}

const drawFace = (d: Drawing, face: FaceSpec, height: number): Head => {
  const head = headOf(face)
  const random = new Random(`strands/${face.identity}`)
  const u = head.place.unit
  // A small face high up would need a body down to the ground: it hangs there as a framed portrait.
  const framed = height - face.y > 5.5 * u
  if (framed) openFrame(d, head)
  drawBackHair(d, head, random.fork("back"))
  drawBody(d, head, height)
  drawEar(d, head, -1)
  drawEar(d, head, 1)
  drawSkin(d, head, random.fork("skin"))
  for (const side of [-1, 1]) drawEye(d, head, side, face.gaze)
  drawFolds(d, head)
  drawNose(d, head)
  drawBeard(d, head, random.fork("beard"))
  drawMouth(d, head)
  for (const side of [-1, 1]) drawBrow(d, head, side, random.fork(`brow${side}`))
  drawFrontHair(d, head, random.fork("front"))
  drawGlasses(d, head)
  drawOcclusion(d, head, face.occlusion, face.side, height)
  if (framed) d.close()
  return head
}

/**
 * Draws a scene and says where its faces are. Deterministic: the same spec gives the same bytes with the same
 * version of the image library.
 */
export const renderScene = async (spec: SceneSpec): Promise<RenderedScene> => {
  const { width, height } = spec
  const behind = new Drawing()
  drawBackdrop(behind, spec.backdrop, spec.seed, width, height)
  const far = 1 / (1 + 7 * spec.depth)
  const small = await sharp(Buffer.from(behind.svg(width, height, far)))
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true })
  const front = new Drawing()
  for (const thing of spec.things) drawDistractor(front, thing.kind, thing.seed, thing.x, thing.y, thing.size)
  // Small faces stand further away: draw them first.
  const heads = spec.faces.toSorted((a, b) => a.size - b.size).map((face) => drawFace(front, face, height))
  const drawn = await sharp(Buffer.from(front.svg(width, height)))
    .ensureAlpha()
    .raw()
    .toBuffer()
  let rgb = enlarge(small.data, small.info.width, small.info.height, width, height)
  cover(rgb, drawn)
  for (const head of heads) shadeHead(rgb, drawn, width, height, head, spec.light)
  if (spec.camera.blur >= 0.3) {
    const blurred = await sharp(rgb, { raw: { width, height, channels: 3 } })
      .blur(spec.camera.blur)
      .raw()
      .toBuffer()
    rgb = new Uint8Array(blurred)
  }
  expose(rgb, spec.camera, new Random(`noise/${spec.seed}`))
  return { width, height, rgb, faces: spec.faces.map(measureFace) }
}

/** Bilinear enlargement of RGB pixels; sample centres at half pixels, edges repeated. */
const enlarge = (
  from: Uint8Array,
  fromWidth: number,
  fromHeight: number,
  width: number,
  height: number,
): Uint8Array => {
  const rgb = new Uint8Array(width * height * 3)
  const columns = Int32Array.from({ length: width }, (_, x) =>
    Math.max(0, Math.min(fromWidth - 1, Math.floor(((x + 0.5) * fromWidth) / width - 0.5))),
  )
  for (let y = 0; y < height; y++) {
    const sy = Math.max(0, Math.min(fromHeight - 1, ((y + 0.5) * fromHeight) / height - 0.5))
    const y0 = Math.floor(sy)
    const b = sy - y0
    const up = y0 * fromWidth * 3
    const down = Math.min(fromHeight - 1, y0 + 1) * fromWidth * 3
    for (let x = 0; x < width; x++) {
      const x0 = columns[x]
      const a = Math.max(0, Math.min(1, ((x + 0.5) * fromWidth) / width - 0.5 - x0))
      const left = x0 * 3
      const right = Math.min(fromWidth - 1, x0 + 1) * 3
      const o = (y * width + x) * 3
      for (let c = 0; c < 3; c++) {
        const top = from[up + left + c] * (1 - a) + from[up + right + c] * a
        const bottom = from[down + left + c] * (1 - a) + from[down + right + c] * a
        rgb[o + c] = top + (bottom - top) * b + 0.5
      }
    }
  }
  return rgb
}

/** Lays RGBA pixels (not premultiplied) over RGB pixels of the same size, in place. */
const cover = (rgb: Uint8Array, rgba: Uint8Array): void => {
  for (let i = 0, o = 0; i < rgba.length; i += 4, o += 3) {
    const alpha = rgba[i + 3]
    if (alpha === 0) continue
    if (alpha === 255) {
      rgb[o] = rgba[i]
      rgb[o + 1] = rgba[i + 1]
      rgb[o + 2] = rgba[i + 2]
      continue
    }
    const t = alpha / 255
    rgb[o] = rgb[o] + (rgba[i] - rgb[o]) * t + 0.5
    rgb[o + 1] = rgb[o + 1] + (rgba[i + 1] - rgb[o + 1]) * t + 0.5
    rgb[o + 2] = rgb[o + 2] + (rgba[i + 2] - rgb[o + 2]) * t + 0.5
  }
}

/** Exposure, contrast, tint, grey and noise, in place. */
const expose = (rgb: Uint8Array, camera: Camera, random: Random): void => {
  const { exposure, contrast, tint, grey, noise } = camera
  const table = (c: number): Float32Array =>
    Float32Array.from({ length: 256 }, (_, v) => (v * exposure * c - 128) * contrast + 128)
  const [tr, tg, tb] = [table(tint[0]), table(tint[1]), table(tint[2])]
  // Sums of the four bytes of one random word: close to normal, mean 510, standard deviation about 147.8.
  const gain = noise / 147.8
  for (let i = 0; i < rgb.length; i += 3) {
    let r = tr[rgb[i]]
    let g = tg[rgb[i + 1]]
    let b = tb[rgb[i + 2]]
    if (grey) r = g = b = 0.299 * r + 0.587 * g + 0.114 * b
    if (gain > 0) {
      const w = random.uint32()
      const n = ((w & 255) + ((w >>> 8) & 255) + ((w >>> 16) & 255) + (w >>> 24) - 510) * gain
      r += n
      g += n
      b += n
    }
    rgb[i] = r < 0 ? 0 : r > 255 ? 255 : r + 0.5
    rgb[i + 1] = g < 0 ? 0 : g > 255 ? 255 : g + 0.5
    rgb[i + 2] = b < 0 ? 0 : b > 255 ? 255 : b + 0.5
  }
}
