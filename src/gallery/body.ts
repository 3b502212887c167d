import { lighten, scale, shadow } from "./colour.ts"
import type { Head } from "./head.ts"
import { type Drawing, smooth } from "./svg.ts"

/** Neck, shoulders and clothes; the body follows the head's tilt only a little. */
export const drawBody = (d: Drawing, head: Head, height: number): void => {
  const u = head.place.unit
  const { skin, garment, garmentColour: cloth, feminine } = head.identity
  const [cx, cy] = head.rim(0, head.chinY * 0.86)
  const [jx] = head.rim(0, 0.4)
  const x = cx * 0.45 + jx * 0.55
  const w = (feminine ? 0.5 : 0.62) * u
  const bottom = Math.max(height, cy) + 2 * u
  const shoulder = cy + 0.92 * u
  const span = (feminine ? 1.75 : 2.1) * u
  const neck = `M${x - w} ${cy - 0.6 * u}C${x - w} ${cy + 0.35 * u} ${x - w * 1.05} ${cy + 0.5 * u} ${x - w * 1.8} ${shoulder}L${x - w * 1.8} ${bottom}L${x + w * 1.8} ${bottom}L${x + w * 1.8} ${shoulder}C${x + w * 1.05} ${cy + 0.5 * u} ${x + w} ${cy + 0.35 * u} ${x + w} ${cy - 0.6 * u}Z`
  d.fill(
    neck,
    d.linear(
      [
        [0, shadow(skin, 0.5), 1],
        [0.25, shadow(skin, 0.34), 1],
        [0.5, shadow(skin, 0.12), 1],
        [1, skin, 1],
      ],
      0,
      0,
      0,
      0.6,
    ),
  )
  d.softStroke(
    smooth([
      [x - w * 0.72, cy + 0.15 * u],
      [x - w * 0.3, shoulder - 0.05 * u],
    ]),
    shadow(skin, 0.5),
    0.06 * u,
    0.16,
  )
  d.softStroke(
    smooth([
      [x + w * 0.72, cy + 0.15 * u],
      [x + w * 0.3, shoulder - 0.05 * u],
    ]),
    shadow(skin, 0.5),
    0.06 * u,
    0.16,
  )
  const dip = (garment === "vneck" || garment === "suit" ? 0.95 : garment === "crew" ? 0.28 : 0.18) * u
  const top = shoulder - 0.22 * u
  const wide = w * (garment === "crew" ? 1.25 : 1.12)
  const neckline =
    garment === "vneck" || garment === "suit"
      ? `L${x} ${top + dip}L${x + wide} ${top}`
      : `C${x - wide * 0.6} ${top + dip * 1.3} ${x + wide * 0.6} ${top + dip * 1.3} ${x + wide} ${top}`
  const low = Math.min(bottom, shoulder + 1.7 * u)
  const body = `M${x - span} ${bottom}L${x - span} ${low}C${x - span} ${shoulder + 0.75 * u} ${x - span * 0.95} ${shoulder + 0.3 * u} ${x - wide * 1.6} ${top + 0.12 * u}L${x - wide} ${top}${neckline}L${x + wide * 1.6} ${top + 0.12 * u}C${x + span * 0.95} ${shoulder + 0.3 * u} ${x + span} ${shoulder + 0.75 * u} ${x + span} ${low}L${x + span} ${bottom}Z`
  if (garment === "suit") {
    d.fill(
      `M${x - wide} ${top}L${x} ${top + 1.3 * u}L${x + wide} ${top}L${x + wide * 1.2} ${bottom}L${x - wide * 1.2} ${bottom}Z`,
      [232, 232, 236],
    )
    d.fill(
      `M${x - 0.1 * u} ${top + 0.34 * u}L${x + 0.1 * u} ${top + 0.34 * u}L${x + 0.16 * u} ${bottom}L${x - 0.16 * u} ${bottom}Z`,
      shadow(lighten(cloth, 0.1), 0.2),
    )
    d.fill(
      `M${x - wide} ${top}L${x - w * 0.6} ${top - 0.08 * u}L${x} ${top + 0.36 * u}L${x - 0.3 * u} ${top + 0.6 * u}Z`,
      [246, 246, 248],
    )
    d.fill(
      `M${x + wide} ${top}L${x + w * 0.6} ${top - 0.08 * u}L${x} ${top + 0.36 * u}L${x + 0.3 * u} ${top + 0.6 * u}Z`,
      [236, 236, 240],
    )
  }
  const dark = garment === "suit" ? scale(cloth, 0.55) : cloth
  d.fill(
    body,
    d.linear(
      [
        [0, lighten(dark, 0.12), 1],
        [0.4, dark, 1],
        [1, scale(dark, 0.65), 1],
      ],
      0,
      0,
      0.25,
      1,
    ),
  )
  d.softStroke(
    smooth([
      [x - span * 0.62, shoulder + 0.5 * u],
      [x - span * 0.5, shoulder + 1.1 * u],
      [x - span * 0.55, bottom],
    ]),
    scale(dark, 0.5),
    0.06 * u,
    0.5,
  )
  d.softStroke(
    smooth([
      [x + span * 0.62, shoulder + 0.5 * u],
      [x + span * 0.5, shoulder + 1.1 * u],
      [x + span * 0.55, bottom],
    ]),
    scale(dark, 0.5),
    0.06 * u,
    0.5,
  )
  if (garment === "collar" || garment === "hood") {
    for (const s of [-1, 1]) {
      const grow = garment === "hood" ? 1.4 : 1
      d.fill(
        `M${x + s * wide * grow} ${top - 0.1 * u}L${x + s * 0.04 * u} ${top + 0.38 * u * grow}L${x + s * 0.42 * u} ${top + 0.62 * u}L${x + s * wide * 1.5 * grow} ${top + 0.2 * u}Z`,
        lighten(dark, s < 0 ? 0.22 : 0.08),
      )
    }
  } else if (garment === "crew") {
    d.stroke(`M${x - wide} ${top}${neckline}`, scale(dark, 0.78), 0.08 * u, 0.9)
  }
  // The head's own shadow on the neck.
  d.blob(x + 0.1 * u, cy + 0.26 * u, 0.78 * u, 0.42 * u, shadow(skin, 0.72), 0.62)
}
