import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { assign, type Related } from "../../../src/nodes/dataset/assign.ts"
import balance from "../../../src/nodes/dataset/balance.ts"
import countsNode from "../../../src/nodes/dataset/counts.ts"
import { byLabel, countOf, even, type EvenOptions } from "../../../src/nodes/dataset/even.ts"
import merge from "../../../src/nodes/dataset/merge.ts"
import { translate } from "../../../src/nodes/dataset/ontology.ts"
import split from "../../../src/nodes/dataset/split.ts"
import { digestOf } from "../../../src/schema/digest.ts"
import type { Reject, Sample } from "../../../src/schema/sample.ts"
import { nodeRig, tableOf } from "../../kit/node-rig.ts"

type Row = Sample & { readonly label: string }
const rowOf = (id: string, label: string, more: Partial<Sample> = {}): Row => ({
  id,
  image: { $blob: digestOf(id), bytes: 1 },
  set: "s",
  source: { kind: "file", url: id },
  label,
  ...more,
})

describe("assign", () => {
  const options = { train: 0.7, val: 0.15, seed: 1, given: {} }
  const few = (prefix: string) =>
    fc.option(
      fc.integer({ min: 0, max: 12 }).map((n) => `${prefix}${n}`),
      { nil: undefined },
    )
  const related = fc
    .uniqueArray(
      fc.record(
        {
          n: fc.nat(60),
          label: fc.constantFrom("a", "b", "c"),
          set: fc.constantFrom("s", "t"),
          subject: few("p"),
          cluster: few("c"),
          parent: fc.option(
            fc.nat(60).map((n) => `r${n}`),
            { nil: undefined },
          ),
          picture: fc.nat(50),
          givenSplit: fc.constantFrom(undefined, "Training", "PrivateTest"),
        },
        { requiredKeys: ["n", "label", "set", "picture"] },
      ),
      { selector: ({ n }) => n, maxLength: 60 },
    )
    .map((rows): ReadonlyArray<Related> =>
      rows.map(({ n, picture, ...rest }) => ({
        id: `r${n}`,
        image: { $blob: digestOf(String(picture)), bytes: 1 },
        ...(Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)) as {
          label: string
          set: string
        }),
      })),
    )

  it("never puts related rows on two sides, and places every row", () => {
    fc.assert(
      fc.property(related, fc.boolean(), fc.nat(5), (rows, honour, seed) => {
        const given = honour ? ({ Training: "train", PrivateTest: "test" } as const) : {}
        const { splits } = assign(rows, { ...options, seed, given })
        expect(splits.size).toBe(rows.length)
        for (const a of rows)
          for (const b of rows) {
            const tied =
              a.image.$blob === b.image.$blob ||
              (a.cluster !== undefined && a.cluster === b.cluster) ||
              (a.subject !== undefined && a.subject === b.subject && a.set === b.set) ||
              a.parent === b.id ||
              (a.parent !== undefined && a.parent === b.parent)
            expect(tied && splits.get(a.id) !== splits.get(b.id)).toBe(false)
          }
      }),
    )
  })

  it("does not depend on the order of the rows", () => {
    fc.assert(
      fc.property(related, (rows) => {
        const forth = assign(rows, options).splits
        const back = assign([...rows].reverse(), options).splits
        for (const { id } of rows) expect(back.get(id)).toBe(forth.get(id))
      }),
    )
  })

  const singles = (n: number, label: string) =>
    Array.from({ length: n }, (_, i) => rowOf(`${label}${i}`, label))

  it("comes to the fractions within each label", () => {
    const rows = [...singles(200, "a"), ...singles(20, "b"), ...singles(100, "c")]
    const { splits } = assign(rows, options)
    for (const members of byLabel(rows).values()) {
      const part = (name: string) =>
        members.filter(({ id }) => splits.get(id) === name).length / members.length
      expect(part("train")).toBeCloseTo(0.7, 1)
      expect(part("val")).toBeCloseTo(0.15, 1)
      expect(part("test")).toBeCloseTo(0.15, 1)
    }
  })

  it("a row more moves at most one other across each cut, and none of another label", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 80 }), fc.string(), (n, name) => {
        const rows = [...singles(n, "a"), ...singles(30, "b")]
        const before = assign(rows, options).splits
        const after = assign([...rows, rowOf(`new ${name}`, "a")], options).splits
        const moved = rows.filter(({ id }) => before.get(id) !== after.get(id))
        expect(moved.length).toBeLessThanOrEqual(2)
        expect(moved.every(({ label }) => label === "a")).toBe(true)
      }),
    )
  })

  it("another seed divides otherwise", () => {
    const rows = singles(100, "a")
    expect([...assign(rows, { ...options, seed: 2 }).splits]).not.toEqual([...assign(rows, options).splits])
  })

  it("keeps given splits; a group that has several goes to the best guarded", () => {
    const given = { Training: "train", PublicTest: "val", PrivateTest: "test" } as const
    const rows = [
      rowOf("1", "a", { givenSplit: "Training" }),
      rowOf("2", "a", { givenSplit: "PublicTest" }),
      rowOf("3", "a", { givenSplit: "Training", cluster: "x" }),
      rowOf("4", "a", { givenSplit: "PrivateTest", cluster: "x" }),
      rowOf("5", "a", { cluster: "x" }),
    ]
    const { splits, conflicts } = assign(rows, { ...options, given })
    expect([...splits]).toEqual([
      ["1", "train"],
      ["2", "val"],
      ["3", "test"],
      ["4", "test"],
      ["5", "test"],
    ])
    expect(conflicts).toBe(1)
  })
})

describe("dataset.split", () => {
  it("adds the split, counts it, and leaves no test where the fractions leave none", async () => {
    const rig = nodeRig({ seed: 3 })
    const rows = Array.from({ length: 50 }, (_, i) => rowOf(`r${i}`, i % 5 === 0 ? "b" : "a"))
    const out = await rig.run(split, { train: 0.7, val: 0.3 }, { dataset: tableOf(rows) })
    const divided = out["dataset"] as ReadonlyArray<Sample>
    expect(divided).toHaveLength(50)
    expect(new Set(divided.map(({ split }) => split))).toEqual(new Set(["train", "val"]))
    const counts = out["counts"] as Record<string, Record<string, number>>
    expect(counts["train"]["a"] + counts["val"]["a"]).toBe(40)
    expect(counts["test"]).toEqual({})
    const other = await rig.run(split, { train: 0.7, val: 0.3, seed: 9 }, { dataset: tableOf(rows) })
    expect(other["dataset"]).not.toEqual(divided)
  })
  it("warns of a class that a split lacks, and refuses fractions above 1", async () => {
    const rig = nodeRig()
    await rig.run(split, {}, { dataset: tableOf([rowOf("1", "a"), rowOf("2", "a")]) })
    expect(rig.logs.join("\n")).toMatch(/WARNING: no a in val/)
    await expect(rig.run(split, { train: 0.9, val: 0.2 }, { dataset: tableOf([]) })).rejects.toThrow(
      /1 at most/,
    )
  })
})

describe("even", () => {
  const base: EvenOptions = {
    strategy: "none",
    target: "auto",
    maxCopies: 1000,
    copies: "augmented",
    beta: 0.999,
    seed: 1,
  }
  const rows = fc
    .array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 60 })
    .map((labels) => labels.map((label, i) => rowOf(`r${i}`, label)))
  const sizes = (some: Iterable<Row>) => [...byLabel(some).values()].map((members) => members.length)

  it("down: every class has the smallest's size, and dropped and kept make the whole", () => {
    fc.assert(
      fc.property(rows, (all) => {
        const { rows: kept, dropped } = even(all, { ...base, strategy: "down" })
        expect(new Set(sizes(kept)).size).toBeLessThanOrEqual(1)
        expect([...kept, ...dropped].map(({ id }) => id).sort()).toEqual(all.map(({ id }) => id).sort())
        expect(sizes(kept)[0] ?? Infinity).toBe(Math.min(...sizes(all)))
      }),
    )
  })
  it("over: every class has the largest's size; originals all stay; copies name them and are spread evenly", () => {
    fc.assert(
      fc.property(rows, fc.constantFrom("resampled", "augmented"), (all, copies) => {
        const { rows: more } = even(all, { ...base, strategy: "over", copies })
        expect(new Set(more.map(({ id }) => id)).size).toBe(more.length)
        expect(more.filter(({ copy }) => copy === undefined)).toEqual(expect.arrayContaining([...all]))
        expect(new Set(sizes(more))).toEqual(new Set(all.length === 0 ? [] : [Math.max(...sizes(all))]))
        const counts = countOf(more)
        expect(counts.original).toBe(all.length)
        expect(counts[copies]).toBe(more.length - all.length)
        const ids = new Set(all.map(({ id }) => id))
        for (const { copy, parent, id } of more) {
          if (copy === undefined) continue
          expect(ids.has(parent!)).toBe(true)
          expect(id).toBe(`${parent}~${copy.index}`)
        }
        for (const members of byLabel(more).values()) {
          const each = members
            .filter(({ copy }) => copy === undefined)
            .map(({ id }) => members.filter(({ parent }) => parent === id).length)
          expect(Math.max(...each) - Math.min(...each)).toBeLessThanOrEqual(1)
        }
      }),
    )
  })
  it("over: makes no more copies of one than allowed", () => {
    const all = [rowOf("x", "a"), ...Array.from({ length: 50 }, (_, i) => rowOf(`r${i}`, "b"))]
    const { rows: more } = even(all, { ...base, strategy: "over", maxCopies: 3 })
    expect(byLabel(more).get("a")).toHaveLength(4)
  })
  it("inverse: N/(C·n), so that every class weighs the same in sum", () => {
    fc.assert(
      fc.property(rows, (all) => {
        fc.pre(all.length > 0)
        const { rows: weighed } = even(all, { ...base, strategy: "inverse" })
        const sums = [...byLabel(weighed).values()].map((members) =>
          members.reduce((sum, { weight = 0 }) => sum + weight, 0),
        )
        for (const sum of sums) expect(sum).toBeCloseTo(all.length / sums.length, 4)
      }),
    )
  })
  it("effective-number: weights add up to the number of classes, the rarer the heavier", () => {
    const all = [
      ...Array.from({ length: 40 }, (_, i) => rowOf(`a${i}`, "a")),
      rowOf("b", "b"),
      rowOf("b2", "b"),
    ]
    const { weights } = even(all, { ...base, strategy: "effective-number", beta: 0.99 })
    expect(weights["a"] + weights["b"]).toBeCloseTo(2, 6)
    // (1 − 0.99²) / (1 − 0.99⁴⁰) by hand
    expect(weights["a"] / weights["b"]).toBeCloseTo(0.0199 / (1 - 0.99 ** 40), 6)
  })
  it("targets: median, mean and a number", () => {
    const all = [3, 5, 10].flatMap((n, c) =>
      Array.from({ length: n }, (_, i) => rowOf(`${c}-${i}`, String(c))),
    )
    const with_ = (target: EvenOptions["target"]) => even(all, { ...base, strategy: "down", target })
    expect(with_("median").target).toBe(5)
    expect(with_("mean").target).toBe(6)
    expect(sizes(with_(4).rows)).toEqual([3, 4, 4])
  })
  it("which rows stay does not depend on the others", () => {
    const all = Array.from({ length: 40 }, (_, i) => rowOf(`r${i}`, "a"))
    const keep = (some: ReadonlyArray<Row>) =>
      even([...some, ...Array.from({ length: 10 }, (_, i) => rowOf(`b${i}`, "b"))], {
        ...base,
        strategy: "down",
      })
        .rows.filter(({ label }) => label === "a")
        .map(({ id }) => id)
    const whole = keep(all)
    const less = keep(all.filter(({ id }) => id !== whole[0]))
    expect(whole.slice(1).every((id) => less.includes(id))).toBe(true)
  })
})

describe("dataset.balance", () => {
  const rows = [
    ...Array.from({ length: 6 }, (_, i) => rowOf(`a${i}`, "a", { split: "train" })),
    ...Array.from({ length: 2 }, (_, i) => rowOf(`b${i}`, "b", { split: "train" })),
    rowOf("v", "a", { split: "val" }),
    rowOf("t", "b", { split: "test" }),
  ]
  it("touches the training split alone, and counts originals and copies apart", async () => {
    const rig = nodeRig()
    const out = await rig.run(balance, { strategy: "over" }, { dataset: tableOf(rows) })
    const set = out["dataset"] as ReadonlyArray<Sample>
    expect(set.filter(({ split }) => split === "train")).toHaveLength(12)
    expect(set.filter(({ split }) => split !== "train").map(({ id }) => id)).toEqual(["t", "v"])
    expect(out["counts"]).toEqual({
      strategy: "over",
      target: 6,
      classes: {
        a: {
          before: { original: 6, resampled: 0, augmented: 0 },
          after: { original: 6, resampled: 0, augmented: 0 },
        },
        b: {
          before: { original: 2, resampled: 0, augmented: 0 },
          after: { original: 2, resampled: 0, augmented: 4 },
        },
      },
      before: { original: 8, resampled: 0, augmented: 0 },
      after: { original: 8, resampled: 0, augmented: 4 },
      dropped: 0,
      imbalance: 3,
      untouched: 2,
    })
    await rig.run(balance, { strategy: "inverse" }, { dataset: tableOf(set) })
    expect(rig.logs.at(-2)).toMatch(/WARNING: weights over a set that was resampled/)
    expect(rig.logs[0]).not.toMatch(/WARNING/)
  })
  it("says what it dropped, and warns of resampling on top of weights", async () => {
    const rig = nodeRig()
    const weighed = (await rig.run(balance, {}, { dataset: tableOf(rows) }))[
      "dataset"
    ] as ReadonlyArray<Sample>
    expect(weighed.filter(({ weight }) => weight !== undefined)).toHaveLength(8)
    const out = await rig.run(balance, { strategy: "down" }, { dataset: tableOf(weighed) })
    expect((out["dropped"] as ReadonlyArray<Reject>).map(({ reason }) => reason)).toEqual(
      Array(4).fill("down-sampled"),
    )
    expect(rig.logs.join("\n")).toMatch(/WARNING: resampling a set that has weights/)
  })
  it("takes rows without a split for training rows, and an empty set for what it is", async () => {
    const out = await nodeRig().run(
      balance,
      { strategy: "down" },
      { dataset: tableOf([rowOf("1", "a"), rowOf("2", "a"), rowOf("3", "b")]) },
    )
    expect(out["dataset"]).toHaveLength(2)
    expect((await nodeRig().run(balance, {}, { dataset: tableOf([]) }))["dataset"]).toEqual([])
  })
})

describe("translate", () => {
  const classes = ["anger", "happiness", "Neutral"]
  it.each([
    ["anger", "anger"],
    ["Anger", "anger"],
    ["neutral", "Neutral"],
    ["angry", "anger"],
    ["Happy", "happiness"],
    ["joyful", "happiness"],
    ["contempt", null],
    ["sad", undefined],
    ["toString", undefined],
    ["__proto__", undefined],
  ])("%s → %s", (label, expected) => {
    expect(translate(label, { classes, labels: { joyful: "happiness", contempt: null } })).toBe(expected)
  })
  it("without classes every label is one", () => expect(translate("smug", { labels: {} })).toBe("smug"))
})

describe("dataset.merge", () => {
  type NamedRows = readonly [string, ReadonlyArray<Sample>]
  const sets = (...named: ReadonlyArray<NamedRows>) => ({
    sets: named.map(([node, rows]) => ({ node, value: tableOf(rows) })),
  })
  it("translates labels and claims, keeps the rest, and says what has no place", async () => {
    const kept = rowOf("k", "happy", {
      claims: [
        { label: "happy", by: "x" },
        { label: "smug", by: "y" },
      ],
      licence: { name: "CC0" },
      givenSplit: "Training",
    })
    const { label: _, ...bare } = rowOf("bare", "x")
    const out = await nodeRig().run(
      merge,
      { classes: ["happiness", "anger"], labels: { contempt: null } },
      sets(["one", [kept, rowOf("smug", "smug")]], ["two", [bare, rowOf("c", "contempt")]]),
    )
    expect(out["images"]).toEqual([
      {
        ...kept,
        label: "happiness",
        claims: [
          { label: "happiness", by: "x" },
          { label: "smug", by: "y" },
        ],
      },
    ])
    expect((out["rejected"] as ReadonlyArray<Reject>).map(({ id, reason }) => [id, reason])).toEqual([
      ["bare", "no-label"],
      ["c", "label-dropped"],
      ["smug", "unknown-label"],
    ])
  })
  it("tells apart ids that several sets have, and only those, whatever the order of the sets", async () => {
    const one = [rowOf("x", "a"), rowOf("y", "a"), rowOf("x#0", "a", { parent: "x" })]
    const two = [rowOf("x", "b")]
    const ids = async (...named: ReadonlyArray<NamedRows>) => {
      const { images } = await nodeRig().run(merge, {}, sets(...named))
      return (images as ReadonlyArray<Sample>).map(({ id, parent }) => `${id} ${parent ?? "-"}`)
    }
    const expected = ["one:x -", "two:x -", "x#0 one:x", "y -"]
    expect(await ids(["one", one], ["two", two])).toEqual(expected)
    expect(await ids(["two", two], ["one", one])).toEqual(expected)
    expect(await ids(["one", one], ["one", two])).toContain("one.1:x -")
  })
  it("refuses a map to a class that is none", async () => {
    await expect(
      nodeRig().run(merge, { classes: ["anger"], labels: { mad: "angre" } }, sets()),
    ).rejects.toThrow(/"mad" is mapped to "angre"/)
  })
})

it("dataset.counts counts each set by what it is made of", async () => {
  const rows = [
    rowOf("1", "a", { split: "train", source: { kind: "crawl", url: "u", query: "q", generated: true } }),
    rowOf("1~1", "a", { split: "train", copy: { kind: "augmented", index: 1 } }),
    rowOf("2", "b", { licence: { name: "CC0" } }),
  ]
  const { counts } = await nodeRig().run(countsNode, {}, { sets: [{ node: "n", value: tableOf(rows) }] })
  expect(counts).toEqual({
    n: {
      total: 3,
      generated: 1,
      labels: { a: 2, b: 1 },
      splits: { train: { a: 2 }, none: { b: 1 } },
      sets: { s: 3 },
      queries: { a: { q: 1 } },
      licences: { none: 2, CC0: 1 },
      copies: { original: 2, resampled: 0, augmented: 1 },
    },
  })
})
