import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { compare } from "../../../src/nodes/model/comparison.ts"
import definition from "../../../src/nodes/report/html.ts"
import { picker, best } from "../../../src/nodes/report/gather/pick.ts"
import { bareSet, setTitle } from "../../../src/nodes/report/published.ts"
import { encodePng } from "../../../src/vision/encode.ts"
import { nodeRig, tableOf } from "../../kit/node-rig.ts"
import { classes, demoInputs, type Draw } from "./demo.ts"
import { tidy } from "./tidy.ts"

/** A flat colour for each class: enough for a picture. */
const flat: Draw = (label, index) => {
  const tone = 30 * classes.indexOf(label) + index
  return encodePng({ width: 20, height: 20, channels: 1, data: new Uint8Array(400).fill(tone) })
}
const rig = nodeRig()
afterAll(() => rig.close())
type Inputs = Awaited<ReturnType<typeof demoInputs>>
const write = async (inputs: Partial<Inputs>, params: Readonly<Record<string, unknown>> = {}) => {
  const { page } = await rig.run(definition, params, inputs)
  const file = (page as Readonly<Record<string, Uint8Array>>)["report.html"]
  return new TextDecoder().decode(file)
}

const VOID = new Set(["meta", "img", "line", "circle", "rect", "path", "br"])
/** Tags that are open where another is closed, or at the end: none in a well-formed page. */
const misnested = (page: string): ReadonlyArray<string> => {
  const open: Array<string> = []
  const body = page.replace(/<style>.*?<\/style>/s, "").replace(/<!doctype html>/, "")
  for (const [, end, name, self] of body.matchAll(/<(\/?)([a-z][a-z0-9]*)\b(?:[^>"]|"[^"]*")*?(\/?)>/g)) {
    if (end === "/") {
      const last = open.pop()
      if (last !== name) return [...open, last ?? "", `/${name}`]
    } else if (self !== "/" && !VOID.has(name)) open.push(name)
  }
  return open
}

let inputs: Inputs
let page: string
beforeAll(async () => {
  inputs = await demoInputs(rig, { draw: flat, pictures: 5 })
  page = await write(inputs)
})

describe("the page", () => {
  it("is well-formed, with each anchor once and every link of the contents leading somewhere", () => {
    expect(misnested(page)).toEqual([])
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map((m) => m[1])
    expect(new Set(ids).size).toBe(ids.length)
    const targets = [...page.matchAll(/href="#([^"]*)"/g)].map((m) => m[1])
    expect(targets.length).toBeGreaterThan(10)
    for (const target of targets) expect(ids).toContain(target)
  })
  it("loads nothing and runs nothing", () => {
    expect(/<(script|link|iframe|object|embed|base|form)\b/i.test(page)).toBe(false)
    expect(/\son[a-z]+=/i.test(page)).toBe(false)
    expect(/url\(|@import/.test(page)).toBe(false)
    for (const [, src] of page.matchAll(/ src="([^"]*)"/g))
      expect(src).toMatch(/^data:image\/(png|jpeg);base64,/)
    expect(page.includes("default-src &#39;none&#39;".replaceAll("&#39;", "'"))).toBe(true)
  })
  it("has a text for every picture, and headers for every column", () => {
    for (const [tag] of page.matchAll(/<img\b[^>]*>/g)) expect(tag).toMatch(/ alt="[^"]+"/)
    for (const [tag] of page.matchAll(/<th\b[^>]*>/g)) expect(tag).toMatch(/scope="(col|row|colgroup)"/)
  })
  it("is the same page again", async () => expect(await write(inputs)).toBe(page))
})

describe("what it says", () => {
  it("says before any figure that generated sets show no people and compare with nothing", () => {
    const notice = page.indexOf("These sets are generated: drawings, no people.")
    expect(notice).toBeGreaterThan(0)
    expect(notice).toBeLessThan(page.indexOf("<table"))
    expect(page.includes("Not comparable.")).toBe(true)
  })
  it("says nothing of the kind about photographs, and compares", async () => {
    const real = await write(await demoInputs(rig, { draw: flat, pictures: 2, generated: false }))
    expect(/generated/i.test(real)).toBe(false)
    expect(tidy(real).includes("this run, 108 pictures")).toBe(true)
  })
  it("says how many test pictures are in no figure, and for what each set's faces stand", async () => {
    const text = tidy(page)
    expect(text.includes("In <b>30 of 448</b> held-out pictures no face was found or kept")).toBe(true)
    expect(text.includes(`lower by a factor of ${(418 / 448).toFixed(2)}`)).toBe(true)
    expect(text.includes("108 faces in 118 pictures")).toBe(true)
    const { tested: _tested, ...without } = inputs
    expect((await write(without)).includes("no face was found or kept")).toBe(false)
  })
  it("credits the author of every picture shown, and links to none that is generated", async () => {
    const text = tidy(page)
    for (const author of ["Ada Olsen", "Lin &amp; Sons", "J. &lt;b&gt;Okafor&lt;/b&gt;"])
      expect(text.includes(author)).toBe(true)
    expect(page.includes("gallery.facet.localhost")).toBe(false)
    const real = await write(await demoInputs(rig, { draw: flat, pictures: 2, generated: false }))
    expect(/<a href="http:\/\/gallery.facet.localhost\/page\/anger\/\d+"/.test(real)).toBe(true)
  })
  it("gives each result's accuracy, interval and macro-F1 as they came in", () => {
    const text = tidy(page)
    for (const result of inputs.evaluation.results) {
      expect(text.includes(`<span class="big">${(result.accuracy * 100).toFixed(1)}\u202f%</span>`)).toBe(
        true,
      )
      expect(text.includes(`macro\u2011F1 ${(result.macroF1 * 100).toFixed(1)}\u202f%`)).toBe(true)
    }
  })
  it("shows every count of every confusion matrix, row by row", () => {
    const tables = [...tidy(page).matchAll(/<table class="confusion">.*?<\/table>/g)].map(([table]) => table)
    expect(tables).toHaveLength(inputs.evaluation.results.length)
    for (const [i, table] of tables.entries()) {
      const shown = [...table.matchAll(/<tr>.*?<\/tr>/g)]
        .slice(1)
        .map(([row]) => [...row.matchAll(/<small>\s?(\d*)\s?<\/small>/g)].map((m) => Number(m[1])))
      const expected = inputs.evaluation.results[i].confusion.map((row) =>
        row.some((n) => n > 0) ? row : [],
      )
      expect(shown).toEqual(expected)
    }
  })
  it("counts originals, resampled and augmented copies of each class apart, as the rows have them", async () => {
    const rows = await inputs.after.all()
    const table = /<table class="counts">.*?<\/table>/.exec(tidy(page))?.[0] ?? ""
    for (const label of classes) {
      const own = rows.filter((row) => row.label === label && row.split === "train")
      const of = (kind: string) => own.filter((row) => (row.copy?.kind ?? "original") === kind).length
      const line = [...table.matchAll(/<tr>.*?<\/tr>/g)]
        .map(([row]) => row)
        .find((row) => row.toLowerCase().includes(`</span>${label}<`))
      const cells = [...(line ?? "").matchAll(/<td class="n">(?:<b>)?(\d+)/g)].map((m) => Number(m[1]))
      expect([label, ...cells.slice(1, 5)]).toEqual([
        label,
        of("original"),
        of("resampled"),
        of("augmented"),
        own.length,
      ])
    }
  })
  it("says how many pictures each search found and how many faces were kept", async () => {
    const query = "sunny face"
    const found = (await inputs.found.all()).filter((row) => row.source.query === query).length
    const kept = (await inputs.before.all()).filter((row) => row.source.query === query).length
    expect(tidy(page)).toMatch(
      new RegExp(`${query}</th>.*?<td class="n">${kept}</td>\\s?<td class="n soft">${found}</td>`),
    )
  })
  it("names every stage's reasons with their numbers", () => {
    const text = tidy(page)
    for (const [reason, n] of [
      ["http 404", 14],
      ["no face", 41],
      ["not the largest", 19],
    ])
      expect(new RegExp(`${reason}</th>.*?<td class="n">${n}</td>`).test(text)).toBe(true)
  })
  it("shows the mistakes a model was surest of, surest first", async () => {
    const wrong = (await inputs.predictions.all()).filter((p) => p.predicted !== p.label)
    expect(tidy(page).includes(`${wrong.length} answers of all models together were wrong`)).toBe(true)
    const shown = [...tidy(page).matchAll(/(\d+)\u202f% sure/g)].map((m) => Number(m[1]))
    expect(shown.length).toBeGreaterThan(0)
    expect(shown).toEqual(shown.toSorted((a, b) => b - a))
    expect(shown[0]).toBe(Math.round(100 * Math.max(...wrong.map((p) => Math.max(...p.probabilities)))))
  })
  it("quotes published figures unchanged", () => {
    const text = tidy(page)
    for (const [method, figure] of [
      ["DenseNet-40", "97.5"],
      ["De-expression residue learning", "97.3"],
      ["Joint fine-tuning", "97.25"],
    ])
      expect(new RegExp(`${method}</th>\\s?<td class="n">${figure}\u202f%</td>`).test(text)).toBe(true)
  })
})

describe("with less", () => {
  it("needs only results, models and rejects", async () => {
    const { evaluation, predictions, models, rejected } = inputs
    const bare = await write({ evaluation, predictions, models, rejected, comparisons: [] })
    expect(misnested(bare)).toEqual([])
    expect(bare.includes('id="balance"')).toBe(false)
    expect(bare.includes('id="confusion"')).toBe(true)
  })
  it("shows none of what is set to none", async () => {
    const without = await write(inputs, { samplesPerClass: 0, mistakes: 0, clusters: 0 })
    expect(without.includes('id="mistakes"')).toBe(false)
    expect(without.includes('id="samples"')).toBe(false)
    expect(misnested(without)).toEqual([])
  })
  it("passes over pictures that cannot be read", async () => {
    const broken = rig.blob(new Uint8Array([1, 2, 3]))
    const rows = (await inputs.before.all()).map((row) =>
      row.label === "fear" ? { ...row, image: broken } : row,
    )
    expect(misnested(await write({ ...inputs, before: tableOf(rows) }))).toEqual([])
  })
})

describe("hostile inputs", () => {
  const evil = `"><script>alert('x')</script><img src=x onerror=alert(1)>`
  it("shows names, authors, labels, queries, sets and reasons as text", async () => {
    const rows = (await inputs.before.all()).map((row) => ({
      ...row,
      set: evil,
      source: { ...row.source, query: evil, page: "javascript:alert(1)" },
      licence: { name: evil, url: "javascript:alert(2)", author: evil },
    }))
    const hostile = await write(
      {
        ...inputs,
        evaluation: { results: inputs.evaluation.results.map((r) => ({ ...r, set: `${r.set}${evil}` })) },
        models: inputs.models.map(({ value }, i) => ({ node: `train[${i}${evil}]`, value })),
        before: tableOf(rows),
        found: tableOf(rows.map((row) => ({ ...row, label: evil }))),
        rejected: [{ node: evil, value: tableOf([{ id: "1", reason: evil, detail: evil }]) }],
      },
      { title: evil },
    )
    expect(misnested(hostile)).toEqual([])
    expect(/<script|<img src=x|href="javascript/i.test(hostile)).toBe(false)
    for (const [tag] of hostile.matchAll(/<[a-z](?:[^>"]|"[^"]*")*>/g))
      expect(tag.replace(/"[^"]*"/g, "")).not.toMatch(/\son/)
    expect(hostile.includes("&lt;script&gt;")).toBe(true)
  })
})

describe("choosing", () => {
  it("does not depend on the order items come in, and is spread over them", () => {
    const ids = Array.from({ length: 500 }, (_, i) => `id${i}`)
    const pick = (order: ReadonlyArray<string>) => {
      const chosen = picker<string>(20)
      for (const id of order) chosen.add(id, id)
      return chosen.done()
    }
    expect(pick(ids.toReversed())).toEqual(pick(ids))
    expect(pick(ids)).toHaveLength(20)
    expect(Math.max(...pick(ids).map((id) => Number(id.slice(2))))).toBeGreaterThan(250)
  })
  it("keeps the best of a long stream", () => {
    const top = best<number>(3)
    for (let i = 0; i < 1000; i++) top.add((i * 7919) % 1000, String(i), (i * 7919) % 1000)
    expect(top.done()).toEqual([999, 998, 997])
  })
})

describe("names of sets", () => {
  it("are those of the field where they are known", () => {
    expect(["ckplus", "CK+", "fer2013.test", "node: mmi"].map(bareSet)).toEqual([
      "ckplus",
      "ckplus",
      "fer2013",
      "mmi",
    ])
    expect(["ckplus", "fer2013.test", "node: mmi", "my set"].map(setTitle)).toEqual([
      "CK+",
      "FER2013, test split",
      "node: MMI",
      "my set",
    ])
  })
})

describe("settings compared", () => {
  const section = (): string => /<section id="comparisons".*?<h2 id="mistakes-title"/s.exec(page)?.[0] ?? ""
  it("stand as a grid for two axes, as lines with differences from a baseline, and say what ± is", () => {
    const text = section()
      .replaceAll(/<[^>]*>/g, " ")
      .replaceAll(/\s+/g, " ")
    expect(text).toMatch(/Sweep Mean of 3 repetitions \(seed\) ± half of its 95 % interval \(Student’s t/)
    expect(text).toMatch(/l2 ↓ &#160;lr → 0\.2 0\.1 0\.05 0\.001 \d\d\.\d % ± \d/)
    expect(text).toMatch(/Differences are from augment none, pair by pair of equal seed/)
    expect(text).toMatch(/rotation \d\d\.\d % ± \d+\.\d \+[34]\.\d ± \d\.\d/)
    expect(section()).toMatch(/<b>\+[34]\.\d ± \d\.\d<\/b>/)
    expect(text).toMatch(/Ablation once One repetition \(seed\) each: no interval can be given/)
    expect(text.slice(text.indexOf("Ablation once"))).not.toMatch(/\d ±/)
  })
  it("name the best by validation, and say when it is at an end of what was tried", async () => {
    const [{ value: model }] = inputs.models
    const ids = ["0.4", "0.2", "0.1"].map((lr) => `train[lr=${lr}]`)
    const written = async (best: number): Promise<string> => {
      const models = ids.map((id, i): [string, typeof model] => {
        const val = { loss: 1, accuracy: 0.5, macroF1: i === best ? 0.6 : 0.5 }
        return [id, { ...model, bestEpoch: 1, history: [{ ...model.history[0], epoch: 1, val }] }]
      })
      const results = ids.map((id) => ({ ...inputs.evaluation.results[0], model: id }))
      const value = compare(results, new Map(models), { over: "seed", apart: ["model"] })
      const text = await write({ ...inputs, comparisons: [{ node: "sweep", value }] })
      return /<section id="comparisons".*?<h2 id="mistakes-title"/s.exec(text)?.[0] ?? ""
    }
    const end = "A best lr is at an end of what was tried"
    expect(await written(0)).toContain(end)
    const middle = await written(1)
    expect(middle).not.toContain(end)
    expect(middle).toMatch(/0\.2<span class="small">best on validation/)
    expect(middle).toContain("chosen by macro‑F1 on the validation split")
  })
  it("are left out where there are none", async () => {
    const { evaluation, predictions, models, rejected } = inputs
    const bare = await write({ evaluation, predictions, models, rejected, comparisons: [] })
    expect(bare).not.toContain('id="comparisons"')
  })
})
