import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { chromium } from "playwright-core"
import { expect, it } from "vitest"
import { useBackend } from "../../../src/learning/backend.ts"
import { exportLayersModel } from "../../../src/learning/export/layers-model.ts"
import { buildNetwork } from "../../../src/learning/networks/index.ts"
import { predict } from "../../../src/learning/predict.ts"
import { perPicture } from "../../../src/learning/preprocess.ts"
import { distance, pictures, shuffleWeights } from "./kit.ts"

const launch = async () => {
  try {
    const { default: bundled } = await import("@sparticuz/chromium")
    const executablePath = await bundled.executablePath()
    return await chromium.launch({ args: bundled.args, executablePath, headless: true })
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)
  }
}

it("a page with tfjs alone loads the model by its address and gives what predict gives", async (context) => {
  const browser = await launch()
  if (typeof browser === "string") return context.skip(`no browser starts here: ${browser}`)
  try {
    await useBackend("cpu")
    const model = buildNetwork({
      name: "densenet",
      size: 12,
      channels: 3,
      classes: 3,
      depth: 7,
      growth: 3,
    })
    shuffleWeights(model, 6)
    const images = pictures(2, { height: 12, width: 12, channels: 3 })
    const preprocessing = perPicture(3)
    const expected = predict(model, preprocessing, images, { batchSize: 2 })
    const files = await exportLayersModel(model, { classNames: ["a", "b", "c"], preprocessing })
    model.dispose()

    const tfjs = await readFile(createRequire(import.meta.url).resolve("@tensorflow/tfjs/dist/tf.min.js"))
    const served: Readonly<Record<string, readonly [string, Uint8Array]>> = {
      "/": ["text/html", Buffer.from('<!doctype html><script src="/tf.min.js"></script>')],
      "/tf.min.js": ["text/javascript", tfjs],
      "/model/model.json": ["application/json", files["model.json"]],
      "/model/weights.bin": ["application/octet-stream", files["weights.bin"]],
    }
    const page = await browser.newPage()
    const asked: Array<string> = []
    await page.route("**/*", (route) => {
      const { pathname } = new URL(route.request().url())
      asked.push(pathname)
      const found = served[pathname]
      return found === undefined
        ? route.fulfill({ status: 404 })
        : route.fulfill({ contentType: found[0], body: Buffer.from(found[1]) })
    })
    await page.goto("http://model.test/")
    // As text: what runs in the page has no types here.
    const seen: unknown = await page.evaluate(`(async () => {
      await tf.setBackend("cpu")
      const model = await tf.loadLayersModel("/model/model.json")
      const pixels = tf.tensor4d(${JSON.stringify(Array.from(images.data))}, [2, 12, 12, 3], "int32")
      const [logits, probabilities] = model.predict(pixels).map((t) => Array.from(t.dataSync()))
      const { classes } = model.getUserDefinedMetadata()
      return { logits, probabilities, classes }
    })()`)
    expect(seen).toMatchObject({ classes: ["a", "b", "c"] })
    const { logits, probabilities } = seen as {
      readonly logits: Array<number>
      readonly probabilities: Array<number>
    }
    expect(distance(logits, expected.logits)).toBeLessThan(1e-5)
    expect(distance(probabilities, expected.probabilities)).toBeLessThan(1e-5)
    expect(asked).toContain("/model/weights.bin")
  } finally {
    await browser.close()
  }
})
