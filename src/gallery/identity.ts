import type { Rgb } from "./colour.ts"
import { hsl, lighten, mix, shadow } from "./colour.ts"
import { Random } from "./random.ts"

export type HairStyle =
  | "bald"
  | "buzz"
  | "short"
  | "side"
  | "swept"
  | "fringe"
  | "bob"
  | "long"
  | "wavy"
  | "curly"
  | "afro"
  | "bun"
  | "receding"
export type Headwear = "none" | "cap" | "beanie" | "scarf"
export type Beard = "none" | "stubble" | "moustache" | "goatee" | "full"
export type Garment = "crew" | "collar" | "vneck" | "suit" | "hood"

/** Everything about a person that does not change from picture to picture; lengths in half face widths. */
export interface Identity {
  readonly id: string
  readonly feminine: boolean
  /** years */
  readonly age: number
  readonly skin: Rgb
  readonly lip: Rgb
  readonly hair: Rgb
  readonly brow: Rgb
  readonly iris: Rgb
  readonly hairStyle: HairStyle
  readonly hairVolume: number
  readonly parting: number
  readonly headwear: Headwear
  readonly headwearColour: Rgb
  readonly beard: Beard
  readonly glasses: "none" | "thin" | "thick" | "round" | "dark"
  readonly glassesColour: Rgb
  readonly garment: Garment
  readonly garmentColour: Rgb
  readonly earrings: boolean
  readonly makeup: number
  readonly freckles: boolean
  /** Face length, jaw and chin width as factors of the mean (1). */
  readonly length: number
  readonly jaw: number
  readonly chin: number
  readonly cheek: number
  readonly eyeSpacing: number
  readonly eyeWidth: number
  readonly eyeOpen: number
  readonly eyeTilt: number
  readonly hooded: number
  readonly browHeight: number
  readonly browThickness: number
  readonly browArch: number
  readonly noseWidth: number
  readonly noseLength: number
  readonly mouthWidth: number
  readonly lipFullness: number
  /** Resting curve of the mouth: negative droops, positive smiles. */
  readonly mouthCurve: number
}

const skins: readonly (readonly [Rgb, number])[] = [
  [[246, 216, 196], 3],
  [[238, 200, 174], 4],
  [[228, 184, 152], 4],
  [[213, 165, 128], 3],
  [[190, 138, 100], 3],
  [[156, 106, 74], 2.5],
  [[122, 80, 56], 2],
  [[92, 60, 44], 1.5],
]

const hairs: readonly (readonly [Rgb, number])[] = [
  [[28, 24, 24], 5],
  [[52, 36, 28], 5],
  [[86, 58, 38], 4],
  [[128, 88, 52], 3],
  [[188, 148, 92], 2],
  [[222, 190, 132], 1.4],
  [[140, 62, 34], 1.2],
]

const irises: readonly (readonly [Rgb, number])[] = [
  [[70, 44, 28], 6],
  [[104, 66, 36], 4],
  [[118, 100, 56], 2],
  [[88, 116, 84], 1.5],
  [[86, 122, 154], 2.5],
  [[112, 128, 138], 1],
]

/** Draws a person; the id is the seed, so that the same id is the same person everywhere. */
export const drawIdentity = (id: string): Identity => {
  const r = new Random(`identity/${id}`)
  const feminine = r.chance(0.5)
  const age = Math.round(
    r.weighted([
      [r.range(16, 32), 5],
      [r.range(32, 55), 4],
      [r.range(55, 82), 2],
    ]),
  )
  const baseSkin = r.weighted(skins)
  const skin: Rgb = [baseSkin[0] + r.normal(0, 4), baseSkin[1] + r.normal(0, 4), baseSkin[2] + r.normal(0, 4)]
  const dark = (skin[0] + skin[1] + skin[2]) / 3 < 150
  let hair = r.weighted(dark ? hairs.slice(0, 3) : hairs)
  const grey = age > 48 ? Math.min(1, Math.max(0, (age - 48) / 28 + r.normal(0, 0.3))) : 0
  hair = mix(hair, [196, 192, 188], grey * 0.9)
  if (r.chance(0.04)) hair = hsl(r.range(0, 360), 0.5, 0.45)
  const makeup = feminine ? Math.max(0, r.normal(0.4, 0.35)) : 0
  const lipBase = mix(mix(skin, [176, 66, 70], dark ? 0.26 : 0.36), shadow(skin, 0.3), dark ? 0.4 : 0.1)
  const lip = mix(
    lipBase,
    hsl(r.range(342, 372) % 360, 0.6, r.range(0.34, 0.48)),
    Math.min(0.75, makeup * 0.7),
  )
  const hairStyle: HairStyle = feminine
    ? r.weighted<HairStyle>([
        ["long", 4],
        ["wavy", 3],
        ["bob", 3],
        ["bun", 3],
        ["fringe", 2],
        ["curly", 2],
        ["swept", 1.5],
        ["short", 1],
        ["afro", dark ? 2 : 0.2],
      ])
    : r.weighted<HairStyle>([
        ["short", 5],
        ["side", 4],
        ["swept", 3],
        ["buzz", 3],
        ["bald", age > 40 ? 3 : 0.7],
        ["receding", age > 38 ? 4 : 0.2],
        ["curly", 1.5],
        ["wavy", 0.7],
        ["afro", dark ? 1.5 : 0.1],
      ])
  const beard: Beard = feminine
    ? "none"
    : r.weighted<Beard>([
        ["none", 6],
        ["stubble", 2.5],
        ["moustache", 0.8],
        ["goatee", 0.9],
        ["full", 2],
      ])
  const headwear: Headwear = r.weighted<Headwear>([
    ["none", 30],
    ["cap", 1.3],
    ["beanie", 1.3],
    ["scarf", feminine ? 2.2 : 0],
  ])
  const glasses = r.weighted<Identity["glasses"]>([
    ["none", 15],
    ["thin", 2],
    ["thick", 2],
    ["round", 1],
    ["dark", 0.2],
  ])
  const g = (mean: number, deviation: number, low: number, high: number): number =>
    Math.max(low, Math.min(high, r.normal(mean, deviation)))
  return {
    id,
    feminine,
    age,
    skin,
    lip,
    hair,
    brow: mix(hair, [40, 30, 26], feminine && makeup > 0.4 ? 0.65 : 0.5),
    iris: dark ? r.weighted(irises.slice(0, 2)) : r.weighted(irises),
    hairStyle,
    hairVolume: g(1, 0.25, 0.5, 1.6),
    parting: r.range(-0.5, 0.5),
    headwear,
    headwearColour: hsl(r.range(0, 360), r.range(0.1, 0.6), r.range(0.2, 0.6)),
    beard,
    glasses,
    glassesColour: r.weighted<Rgb>([
      [[30, 28, 30], 4],
      [[88, 52, 30], 2],
      [[150, 120, 70], 1],
      [[120, 124, 130], 2],
      [[120, 30, 40], 0.6],
    ]),
    garment: r.weighted<Garment>([
      ["crew", 4],
      ["collar", 3],
      ["vneck", 3],
      ["suit", feminine ? 1 : 2.5],
      ["hood", 1],
    ]),
    garmentColour: r.chance(0.35)
      ? lighten(hsl(r.range(0, 360), 0.1, 0.25), r.range(0, 0.8))
      : hsl(r.range(0, 360), r.range(0.2, 0.6), r.range(0.25, 0.6)),
    earrings: feminine && r.chance(0.4),
    makeup,
    freckles: !dark && r.chance(0.1),
    length: g(feminine ? 0.98 : 1.01, 0.05, 0.88, 1.12),
    jaw: g(feminine ? 0.94 : 1.04, 0.045, 0.84, 1.14),
    chin: g(feminine ? 0.92 : 1.08, 0.1, 0.72, 1.3),
    cheek: g(1, 0.03, 0.93, 1.07),
    eyeSpacing: g(0.445, 0.018, 0.4, 0.49),
    eyeWidth: g(feminine ? 0.232 : 0.22, 0.014, 0.19, 0.26),
    eyeOpen: g(feminine ? 1.06 : 0.96, 0.13, 0.68, 1.35),
    eyeTilt: g(0.02, 0.025, -0.04, 0.08),
    hooded: g(0.25 + Math.max(0, (age - 45) / 80), 0.2, 0, 0.9),
    browHeight: g(feminine ? 0.03 : 0, 0.03, -0.06, 0.09),
    browThickness: g(feminine ? 0.064 : 0.09, 0.017, 0.04, 0.14),
    browArch: g(feminine ? 0.07 : 0.035, 0.03, -0.02, 0.13),
    noseWidth: g(feminine ? 0.94 : 1.05, 0.1, 0.75, 1.35) * (dark ? 1.12 : 1),
    noseLength: g(1, 0.07, 0.84, 1.18),
    mouthWidth: g(1, 0.08, 0.82, 1.2),
    lipFullness: g(feminine ? 1.15 : 0.9, 0.22, 0.5, 1.7) * (dark ? 1.18 : 1) * (age > 55 ? 0.8 : 1),
    mouthCurve: g(age > 50 ? -0.008 : 0.004, 0.014, -0.035, 0.035),
  }
}
