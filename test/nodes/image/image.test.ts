import * as fc from "fast-check"
import { describe, expect, it, vi } from "vitest"
import check from "../../../src/nodes/image/check.ts"
import { decide, groupsOf, type Entry } from "../../../src/nodes/image/clusters.ts"
import dedupe, { type Cluster } from "../../../src/nodes/image/dedupe.ts"
import { mergedClaims } from "../../../src/nodes/image/dedupe.impl.ts"
import hash from "../../../src/nodes/image/hash.ts"
import { lookOf } from "../../../src/nodes/image/look.ts"
import { similarity, thumbOf } from "../../../src/nodes/image/similarity.ts"
import type { Face, Reject, Sample } from "../../../src/schema/sample.ts"
import { decodeImage } from "../../../src/vision/decode.ts"
import { encodeJpeg, encodePng } from "../../../src/vision/encode.ts"
import { hammingDistance, perceptualHash } from "../../../src/vision/hash.ts"
import { crop, raster, type Raster } from "../../../src/vision/raster.ts"
import { resize } from "../../../src/vision/resize.ts"
import { nodeRig, tableOf, type Rig } from "../../kit/node-rig.ts"

/** A smooth picture of a few waves: like no other seed's, and like itself at any size. */
const waves = (seed: number, width = 96, height = 96): Raster => {
  const image = raster(width, height, 3)
  const phase = (k: number) => ((seed * 7919 + k * 104_729) % 1000) / 159
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const u = x / width
      const v = y / height
      let value = 0
      for (let k = 0; k < 5; k++)
        value += Math.sin(
          2 * Math.PI * ((1 + ((seed + k) % 3)) * u + (1 + ((seed * 3 + k) % 4)) * v) + phase(k),
        )
      for (let c = 0; c < 3; c++) image.data[(y * width + x) * 3 + c] = 128 + 22 * value
    }
  return image
}

/** The picture with blots of its own, 10 pixels wide: detail beside the layout that all of a kind share. */
const speckled = (image: Raster, seed: number): Raster => {
  const data = image.data.slice()
  for (let y = 0; y < image.height; y++)
    for (let x = 0; x < image.width; x++) {
      const blot = ((Math.floor(x / 10) * 73 + Math.floor(y / 10) * 151 + seed * 997) * 2_654_435_761) >>> 0
      for (let c = 0; c < 3; c++) data[(y * image.width + x) * 3 + c] += (blot % 61) - 30
    }
  return { ...image, data }
}

const rowOf = (rig: Rig, id: string, bytes: Uint8Array, more: Partial<Sample> = {}): Sample => ({
  id,
  image: rig.blob(bytes),
  set: "s",
  source: { kind: "file", url: `${id}.png` },
  ...more,
})

describe("image.check", () => {
  it("measures what is whole, and says why the others are not", async () => {
    const rig = nodeRig()
    const png = await encodePng(waves(1, 80, 60))
    const flat = raster(50, 50, 3, new Uint8Array(7500).fill(90))
    const rows = [
      rowOf(rig, "good", png),
      rowOf(rig, "cut", png.slice(0, png.length / 2)),
      rowOf(rig, "html", Buffer.from("<!doctype html><p>no")),
      rowOf(rig, "none", new Uint8Array()),
      rowOf(rig, "svg", Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>")),
      rowOf(rig, "small", await encodePng(waves(2, 31, 90))),
      rowOf(rig, "narrow", await encodePng(waves(2, 40, 400))),
      rowOf(rig, "large", await encodePng(waves(2, 200, 200))),
      rowOf(rig, "blank", await encodePng(flat)),
    ]
    const got = await rig.map(check, { maxPixels: 30_000 }, rows)
    expect(got.rows).toEqual([
      {
        ...rows[0],
        width: 80,
        height: 60,
        quality: {
          sharpness: expect.any(Number) as number,
          luminance: expect.any(Number) as number,
          contrast: expect.any(Number) as number,
        },
      },
    ])
    expect(Object.fromEntries(got.rejected.map(({ id, reason }) => [id, reason]))).toEqual({
      cut: "truncated",
      html: "not-an-image",
      none: "empty",
      svg: "unsupported",
      small: "too-small",
      narrow: "too-narrow",
      large: "too-large",
      blank: "blank",
    })
    expect(got.rejected[0].url).toBe("blank.png")
  })
})

const faceAt = (box: Face["box"], crop?: boolean): Face => ({
  box,
  score: 1,
  landmarks: [],
  index: 0,
  count: 1,
  ...(crop === undefined ? {} : { crop }),
})

describe("lookOf", () => {
  const image = waves(3, 50, 40)
  it("is the face's box within the picture, or the whole of a crop", () => {
    expect(lookOf(image, undefined)).toBe(image)
    expect(lookOf(image, faceAt([0, 0, 9, 9], true))).toBe(image)
    expect(lookOf(image, faceAt([10.4, 5.6, 20.2, 15]))).toEqual(crop(image, 10, 5, 11, 10))
    expect(lookOf(image, faceAt([-8, -3, 60, 70]))).toEqual(image)
    const outside = lookOf(image, faceAt([-30, -30, -20, -20]))
    expect([outside.width, outside.height]).toEqual([1, 1])
  })
})

describe("image.hash", () => {
  it("hashes the picture, or the face in it", async () => {
    const rig = nodeRig()
    const image = waves(4)
    const png = await encodePng(image)
    const { rows } = await rig.map(hash, {}, [
      rowOf(rig, "a", png, { label: "x" }),
      rowOf(rig, "b", png, { face: faceAt([8, 8, 40, 40]) }),
    ])
    expect(rows.map(({ phash }) => phash)).toEqual([
      perceptualHash(image),
      perceptualHash(crop(image, 8, 8, 32, 32)),
    ])
  })
})

describe("similarity", () => {
  const seeds = fc.integer({ min: 1, max: 500 })
  it("is 1 for a picture and itself, symmetric, and blind to brightness and contrast", () => {
    fc.assert(
      fc.property(seeds, seeds, (a, b) => {
        const one = thumbOf(waves(a))
        const two = thumbOf(waves(b))
        expect(similarity(one, one)).toBeCloseTo(1, 5)
        expect(similarity(one, two)).toBe(similarity(two, one))
        const image = waves(a)
        const pale = { ...image, data: image.data.map((value) => 60 + value / 2) }
        expect(similarity(one, thumbOf(pale))).toBeGreaterThan(0.95)
      }),
      { numRuns: 30 },
    )
  })
  it("sees through another size, compression and a crop; not through another picture of the same layout", async () => {
    const image = speckled(waves(5, 200, 200), 1)
    const one = thumbOf(image)
    expect(similarity(one, thumbOf(resize(image, 90, 90)))).toBeGreaterThan(0.8)
    expect(similarity(one, thumbOf(await decodeImage(await encodeJpeg(image, 40))))).toBeGreaterThan(0.8)
    expect(similarity(one, thumbOf(crop(image, 10, 5, 178, 178)))).toBeGreaterThan(0.65)
    expect(similarity(one, thumbOf(speckled(waves(5, 200, 200), 2)))).toBeLessThan(0.5)
  })
  it("a flat picture is like nothing, itself included", () => {
    const flat = thumbOf(raster(9, 9, 1, new Uint8Array(81).fill(7)))
    expect(similarity(flat, flat)).toBe(-1)
    expect(similarity(flat, thumbOf(waves(1)))).toBe(-1)
  })
})

const hex = fc.integer({ min: 0, max: 5 }).chain((base) =>
  fc.array(fc.integer({ min: 0, max: 63 }), { maxLength: 4 }).map((flips) => {
    let bits = 0x0123_4567_89ab_cdefn * BigInt(base * 2 + 1)
    for (const flip of flips) bits ^= 1n << BigInt(flip)
    return (bits & 0xffff_ffff_ffff_ffffn).toString(16).padStart(16, "0")
  }),
)
const entries = fc
  .array(
    fc.record({
      phash: hex,
      label: fc.constantFrom("a", "b", undefined),
      size: fc.integer({ min: 1, max: 4 }),
      twin: fc.nat(8),
      guard: fc.boolean(),
    }),
    { maxLength: 25 },
  )
  .map((all) =>
    all.map(({ phash, label, size, twin, guard }, i): Entry => ({
      id: `e${String(i).padStart(2, "0")}`,
      // Equal bytes have equal hashes.
      same: twin > 5 ? `twin ${twin} ${phash}` : `own ${i}`,
      phash,
      label,
      size,
      protected: guard && i % 3 === 0,
    })),
  )

describe("clusters", () => {
  it("are those of comparing each with each", () => {
    fc.assert(
      fc.property(entries, fc.integer({ min: 0, max: 8 }), fc.nat(4), (all, distance, salt) => {
        const alike = (a: number, b: number) =>
          (all[a].phash.charCodeAt(0) + all[b].phash.charCodeAt(0) + salt) % 5 !== 0
        const group = all.map((_, i) => i)
        const join = (a: number, b: number) => {
          const [from, to] = [Math.max(group[a], group[b]), Math.min(group[a], group[b])]
          group.forEach((g, i) => {
            if (g === from) group[i] = to
          })
        }
        for (let a = 0; a < all.length; a++)
          for (let b = a + 1; b < all.length; b++)
            if (
              all[a].same === all[b].same ||
              (hammingDistance(all[a].phash, all[b].phash) <= distance && alike(a, b))
            )
              join(a, b)
        const expected = [...new Set(group)]
          .map((g) => group.flatMap((other, i) => (other === g ? [i] : [])))
          .filter((members) => members.length > 1)
        expect(groupsOf(all, distance, alike).map(({ members }) => members)).toEqual(expected)
      }),
    )
  })

  it("keep at most one member, the largest, and never one that is like a protected picture", () => {
    fc.assert(
      fc.property(entries, fc.constantFrom("drop", "majority", "keep"), (all, onConflict) => {
        for (const group of groupsOf(all, 4, () => true)) {
          const members = group.members.map((i) => all[i])
          const items = members.filter((entry) => !entry.protected)
          const decision = decide(all, group, onConflict)
          expect(decision === undefined).toBe(items.length === 0)
          if (decision === undefined) continue
          const { cluster, kept, dropped } = decision
          const placed = [...dropped, ...(kept === undefined ? [] : [kept.id])]
          expect(new Set(placed)).toEqual(new Set(items.map(({ id }) => id)))
          expect(placed).toHaveLength(items.length)
          expect(kept === undefined).toBe(cluster.outcome !== "kept")
          expect(cluster.outcome === "protected").toBe(members.length > items.length)
          const labels = new Set(items.flatMap(({ label }) => label ?? []))
          const agree = labels.size <= 1
          expect(cluster.outcome === "conflict" && agree).toBe(false)
          expect(cluster.outcome === "kept" && !agree && onConflict === "drop").toBe(false)
          const best = items.toSorted((a, b) => b.size - a.size || (a.id < b.id ? -1 : 1))[0]
          expect(kept?.id ?? best.id).toBe(best.id)
        }
      }),
    )
  })

  const three = (labels: ReadonlyArray<string>): ReadonlyArray<Entry> =>
    labels.map((label, i) => ({
      id: `${i}`,
      same: "x",
      phash: "0".repeat(16),
      label,
      size: i,
      protected: false,
    }))
  it("of different labels go by the majority, if there is one", () => {
    const of = (labels: ReadonlyArray<string>) =>
      decide(three(labels), { members: labels.map((_, i) => i), exact: true }, "majority")?.kept
    expect(of(["a", "a", "b"])).toEqual({ id: "2", label: "a" })
    expect(of(["a", "b"])).toBeUndefined()
    expect(of(["a", "b", "c", "c", "a"])).toBeUndefined()
  })
})

describe("image.dedupe", () => {
  interface Out {
    readonly unique: ReadonlyArray<Sample>
    readonly duplicates: ReadonlyArray<Sample>
    readonly clusters: ReadonlyArray<Cluster>
    readonly rejected: ReadonlyArray<Reject>
  }
  const run = async (
    rig: Rig,
    items: ReadonlyArray<Sample>,
    protect: ReadonlyArray<ReadonlyArray<Sample>> = [],
    params: Readonly<Record<string, unknown>> = {},
  ) =>
    (await rig.run(dedupe, params, {
      items: tableOf(items),
      protect: protect.map((rows) => ({ node: "", value: tableOf(rows) })),
    })) as unknown as Out

  const claim = (label: string, by: string) => ({ label, claims: [{ label, by }] })
  const set = async (rig: Rig) => {
    const image = waves(6, 120, 120)
    const png = await encodePng(image)
    return {
      original: rowOf(rig, "a-original", png, { width: 120, height: 120, ...claim("anger", "rage") }),
      copy: rowOf(rig, "b-copy", png, { width: 120, height: 120, ...claim("anger", "fury") }),
      small: rowOf(rig, "c-small", await encodeJpeg(resize(image, 70, 70), 60), {
        width: 70,
        height: 70,
        ...claim("anger", "wrath"),
      }),
      cropped: rowOf(rig, "d-crop", await encodePng(crop(image, 2, 1, 117, 117)), {
        width: 117,
        height: 117,
        ...claim("anger", "rage"),
      }),
      other: rowOf(rig, "e-other", await encodePng(waves(9)), claim("anger", "rage")),
    }
  }

  it("looks again only at what a new picture lies close to, and finds what a first run finds", async () => {
    const rig = nodeRig()
    const hashed = async (row: Sample): Promise<Sample> => {
      const picture = await decodeImage(rig.bytes(row.image))
      return { ...row, phash: perceptualHash(picture) }
    }
    const { original, copy, small, cropped, other } = await set(rig)
    const known = await Promise.all([original, copy, small, other].map(hashed))
    const reads = vi.spyOn(rig.blobs, "get")
    const readBy = async (items: ReadonlyArray<Sample>) => {
      reads.mockClear()
      const out = await run(rig, items)
      return { out, read: reads.mock.calls.map(([ref]) => ref.$blob) }
    }
    expect(new Set((await readBy(known)).read)).toEqual(new Set([original.image.$blob, small.image.$blob]))
    expect((await readBy(known)).read).toEqual([])
    const all = [...known, await hashed(cropped)]
    const { out, read } = await readBy(all)
    expect(read).toContain(cropped.image.$blob)
    expect(read).not.toContain(other.image.$blob)
    const fresh = nodeRig()
    for (const { image } of all) fresh.blob(rig.bytes(image))
    expect(out).toEqual(await run(fresh, all))
  })

  it("keeps the largest of copies at other sizes, of lower quality and cropped, with the claims of all", async () => {
    const rig = nodeRig()
    const all = await set(rig)
    const out = await run(rig, Object.values(all))
    expect(out.unique.map(({ id }) => id)).toEqual(["a-original", "e-other"])
    expect(out.unique[0].claims).toEqual([
      { label: "anger", by: "fury" },
      { label: "anger", by: "rage" },
      { label: "anger", by: "wrath" },
    ])
    expect(out.unique[0].cluster).toBe("a-original")
    expect(out.unique[1]).toEqual(all.other)
    expect(out.duplicates.map(({ id, cluster }) => [id, cluster])).toEqual([
      ["b-copy", "a-original"],
      ["c-small", "a-original"],
      ["d-crop", "a-original"],
    ])
    expect(out.clusters).toEqual([
      {
        id: "a-original",
        members: ["a-original", "b-copy", "d-crop", "c-small"],
        kind: "near",
        labels: ["anger"],
        outcome: "kept",
      },
    ])
    expect(out.rejected.every(({ reason }) => reason === "duplicate")).toBe(true)
  })

  it("gives the same whether the hashes came with the rows or not", async () => {
    const rig = nodeRig()
    const items = Object.values(await set(rig))
    const { rows } = await rig.map(hash, {}, items)
    const strip = ({ unique, ...rest }: Out) => ({
      ...rest,
      unique: unique.map((row) => ({ ...row, phash: "" })),
      duplicates: rest.duplicates.map((row) => ({ ...row, phash: "" })),
    })
    expect(strip(await run(rig, rows))).toEqual(strip(await run(rig, items)))
  })

  it("drops a cluster of conflicting labels, or keeps one as asked", async () => {
    const rig = nodeRig()
    const all = await set(rig)
    const items = [all.original, { ...all.copy, ...claim("disgust", "outrage") }, all.other]
    const dropped = await run(rig, items)
    expect(dropped.unique.map(({ id }) => id)).toEqual(["e-other"])
    expect(dropped.rejected.map(({ reason, detail }) => [reason, detail])).toEqual([
      ["label-conflict", "anger, disgust"],
      ["label-conflict", "anger, disgust"],
    ])
    const kept = await run(rig, items, [], { onConflict: "keep" })
    expect(kept.unique.map(({ id, label }) => [id, label])).toEqual([
      ["a-original", "anger"],
      ["e-other", "anger"],
    ])
    const most = await run(rig, [...items, { ...all.small, label: "disgust" }], [], {
      onConflict: "majority",
    })
    expect(most.unique[0]).toMatchObject({ id: "a-original", label: "disgust" })
  })

  it("removes what is like a protected picture, chains included; the protected set stays out of the result", async () => {
    const rig = nodeRig()
    const all = await set(rig)
    const out = await run(
      rig,
      [all.original, all.cropped, all.other],
      [[], [{ ...all.small, id: "e-other" }]],
    )
    expect(out.unique.map(({ id }) => id)).toEqual(["e-other"])
    expect(out.rejected.map(({ id, reason, detail }) => [id, reason, detail])).toEqual([
      ["a-original", "in-protected-set", "like e-other"],
      ["d-crop", "in-protected-set", "like e-other"],
    ])
    expect(out.clusters.map(({ outcome, protectedBy }) => [outcome, protectedBy])).toEqual([
      ["protected", "e-other"],
    ])
  })

  it("two faces of one picture are two, the same face of two copies is one", async () => {
    const rig = nodeRig()
    const png = await encodePng(waves(11, 160, 80))
    const left = faceAt([4, 4, 74, 74])
    const right = faceAt([84, 4, 154, 74])
    const out = await run(rig, [
      rowOf(rig, "p#0", png, { face: left }),
      rowOf(rig, "p#1", png, { face: right }),
      rowOf(rig, "q#0", png, { face: left }),
    ])
    expect(out.unique.map(({ id }) => id)).toEqual(["p#0", "p#1"])
    expect(out.clusters.map(({ members, kind }) => [members, kind])).toEqual([[["p#0", "q#0"], "exact"]])
  })

  it("equal hashes are no duplicates where the pictures differ", async () => {
    const rig = nodeRig()
    const items = await Promise.all(
      [12, 15].map(async (seed, i) =>
        rowOf(rig, `r${i}`, await encodePng(waves(seed)), { phash: "0".repeat(16) }),
      ),
    )
    expect((await run(rig, items)).unique).toHaveLength(2)
    expect((await run(rig, items, [], { similarity: -1 })).unique).toHaveLength(1)
  })

  it("rejects what it cannot read, and goes on", async () => {
    const rig = nodeRig()
    const { original, copy } = await set(rig)
    const broken = rowOf(rig, "z", Buffer.from("no picture"))
    const out = await run(rig, [original, copy, broken], [[broken]])
    expect(out.rejected.map(({ id, reason }) => [id, reason])).toEqual([
      ["b-copy", "duplicate"],
      ["z", "not-an-image"],
    ])
  })

  it("merges claims each once", () => {
    const row = rowOf(nodeRig(), "x", new Uint8Array(1), claim("a", "q"))
    expect(mergedClaims([row, row, { ...row, claims: [{ label: "a", by: "p" }] }])).toEqual([
      { label: "a", by: "p" },
      { label: "a", by: "q" },
    ])
  })
})
