/** sRGB colour, channels 0..255 (not necessarily whole). */
export type Rgb = readonly [number, number, number]

const clamp = (v: number): number => Math.max(0, Math.min(255, v))

/** Linear mix: t = 0 gives a, t = 1 gives b. */
export const mix = (a: Rgb, b: Rgb, t: number): Rgb => [
  a[0] + (b[0] - a[0]) * t,
  a[1] + (b[1] - a[1]) * t,
  a[2] + (b[2] - a[2]) * t,
]

/** Multiplies every channel by a factor. */
export const scale = (c: Rgb, factor: number): Rgb => [c[0] * factor, c[1] * factor, c[2] * factor]

/** The shadow tone of a skin or cloth colour: darker, and warmer as light scattered in skin is. */
export const shadow = (c: Rgb, amount: number): Rgb => [
  c[0] * (1 - amount * 0.8),
  c[1] * (1 - amount),
  c[2] * (1 - amount),
]

export const lighten = (c: Rgb, amount: number): Rgb => mix(c, [255, 250, 242], amount)

/** `#rrggbb` for SVG. */
export const hex = (c: Rgb): string =>
  `#${c.map((v) => Math.round(clamp(v)).toString(16).padStart(2, "0")).join("")}`

/** Colour from hue in degrees, saturation and lightness in 0..1 (CSS Color 4, HSL to RGB). */
export const hsl = (hue: number, saturation: number, lightness: number): Rgb => {
  const channel = (n: number): number => {
    const k = (n + hue / 30) % 12
    const a = saturation * Math.min(lightness, 1 - lightness)
    return 255 * (lightness - a * Math.max(-1, Math.min(k - 3, 9 - k, 1)))
  }
  return [channel(0), channel(8), channel(4)]
}
