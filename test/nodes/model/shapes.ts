import { encodePng } from "../../../src/vision/encode.ts"
import type { Sample } from "../../../src/schema/sample.ts"
import type { Rig } from "../../kit/node-rig.ts"

/** A picture that a tiny network can learn: bright bars that lie (`a`), stand (`b`), or a filled middle (`c`). */
export const shape = async (label: string, index: number, side = 20): Promise<Uint8Array> => {
  const data = new Uint8Array(side * side)
  const shift = index % 4
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const noise = (x * 7 + y * 13 + index * 29) % 23
      const on =
        label === "a"
          ? (y + shift) % 8 < 4
          : label === "b"
            ? (x + shift) % 8 < 4
            : Math.hypot(x - side / 2, y - side / 2) < 5 + shift / 2
      data[y * side + x] = (on ? 200 : 30) + noise
    }
  return encodePng({ width: side, height: side, channels: 1, data })
}

export type LabelledSample = Sample & { readonly label: string }

/** `perClass` rows of each class: three of five to train on, one to validate, one to test. */
export const shapeRows = async (
  rig: Rig,
  perClass: number,
  classes: ReadonlyArray<string> = ["a", "b", "c"],
): Promise<ReadonlyArray<LabelledSample>> => {
  const rows: Array<LabelledSample> = []
  for (const label of classes)
    for (let i = 0; i < perClass; i++)
      rows.push({
        id: `${label}${i}`,
        image: rig.blob(await shape(label, i)),
        set: "shapes",
        label,
        split: i % 5 === 4 ? "test" : i % 5 === 3 ? "val" : "train",
        source: { kind: "generated", url: `shapes#${label}${i}`, generated: true },
      })
  return rows
}
