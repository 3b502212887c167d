import { expect, it } from "vitest"
import { editorSchema } from "../../../src/runtime/document/index.ts"
import { catalogue } from "./catalogue.ts"

it("is stable, whatever the order of the catalogue", async () => {
  const text = JSON.stringify(editorSchema(catalogue), null, 2)
  expect(JSON.stringify(editorSchema(new Map([...catalogue].reverse())), null, 2)).toBe(text)
  await expect(`${text}\n`).toMatchFileSnapshot("editor.schema.json")
})
