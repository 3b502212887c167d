import { expect, it } from "vitest"
import { defineNode, Images, sameAs, Schema, without } from "../../../src/api.ts"
import { resolveOutputs } from "../../../src/runtime/document/types.ts"

it("an output that is the same as an input adds and drops the fields it says", () => {
  const hashed = { ...Images, requires: [...Images.requires, "phash", "label"] }
  const detect = defineNode({
    type: "t.detect",
    description: "",
    inputs: { images: Images },
    outputs: { faces: without(sameAs("images", "face"), "phash") },
    params: Schema.Struct({}),
    map: { over: "images", run: () => null },
  })
  const { faces } = resolveOutputs(detect, { images: [hashed] })
  expect([...faces!.requires].sort()).toEqual(["face", "id", "image", "label"])
})
