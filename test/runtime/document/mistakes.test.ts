import { expect, it } from "vitest"
import { complaint } from "./catalogue.ts"
import { head, mistakes } from "./mistakes.ts"

it.each(mistakes)("$name", async ({ name, text, nodes, options }) => {
  const rendered = complaint(text ?? `${head}${nodes}\n`, options)
  await expect(`${rendered}\n`).toMatchFileSnapshot(`complaints/${name.replaceAll(/[^a-z-]+/g, "-")}.txt`)
})

it("says all problems at once, in the order of the text", () => {
  const places = complaint(
    `${head}  d: { uses: face.detect, in: { image: crawl }, with: { minFaceSize: big }, retris: 1 }\n  e: { uses: nothing.known }\n`,
  )
    .split("\n")
    .filter((line) => line.startsWith("p.yaml:"))
    .map((line) => line.split(" ")[1])
  expect(places).toEqual([
    "nodes.d.in.images:",
    "nodes.d.in.image:",
    "nodes.d.with.minFaceSize:",
    "nodes.d.retris:",
    "nodes.e.uses:",
  ])
})
