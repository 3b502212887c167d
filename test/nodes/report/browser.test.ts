import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { type Browser, chromium } from "playwright-core"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import definition from "../../../src/nodes/report/html.ts"
import { nodeRig } from "../../kit/node-rig.ts"
import { demoInputs } from "./demo.ts"
import { drawFace } from "./faces.ts"

// With REPORT_LOOK=folder the screenshots are kept there, for people to look at.
const look = process.env["REPORT_LOOK"]

const launch = async (): Promise<Browser | string> => {
  try {
    const { default: bundled } = await import("@sparticuz/chromium")
    return await chromium.launch({
      args: bundled.args,
      executablePath: await bundled.executablePath(),
      headless: true,
    })
  } catch (error) {
    return error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error)
  }
}

let folder = ""
let address = ""
let reason: string | undefined
beforeAll(async () => {
  const first = await launch()
  if (typeof first === "string") {
    reason = `no browser starts here (it needs libnss3 from the system): ${first}`
    return
  }
  await first.close()
  folder = await mkdtemp(join(tmpdir(), "facet-report-"))
  const rig = nodeRig()
  const { page } = await rig.run(definition, {}, await demoInputs(rig, { draw: drawFace, pictures: 4 }))
  const file = join(folder, "report.html")
  await writeFile(file, (page as Readonly<Record<string, Uint8Array>>)["report.html"])
  address = pathToFileURL(file).href
  if (look !== undefined) await mkdir(look, { recursive: true })
})
afterAll(async () => {
  if (folder !== "") await rm(folder, { recursive: true, force: true })
})

const views = [
  { name: "desktop", width: 1320, height: 900, colorScheme: "light" },
  { name: "dark", width: 1320, height: 900, colorScheme: "dark" },
  { name: "phone", width: 360, height: 740, colorScheme: "light" },
] as const

describe("the page in a browser", () => {
  it.for(views)(
    "fits the $name screen, loads nothing, complains about nothing",
    async ({ name, width, height, colorScheme }, context) => {
      if (reason !== undefined) return skip(context, reason)
      // The bundled browser is one process and does not outlive its page: one each.
      const browser = await launch()
      if (typeof browser === "string") return skip(context, browser)
      try {
        const page = await browser.newPage({ viewport: { width, height }, colorScheme })
        const requests: Array<string> = []
        const complaints: Array<string> = []
        page.on("request", (request) => requests.push(request.url()))
        page.on("console", (message) => complaints.push(message.text()))
        page.on("pageerror", (error) => complaints.push(error.message))
        await page.goto(address)
        const seen = await page.evaluate(() => ({
          width: document.documentElement.scrollWidth,
          broken: [...document.images].filter((image) => image.naturalWidth === 0).length,
          pictures: document.images.length,
          notice: document.querySelector(".notice")?.getBoundingClientRect().bottom ?? Infinity,
          ground: getComputedStyle(document.body).backgroundColor,
          // Pictures that lie on one another.
          piled: [...document.images]
            .map((image) => image.getBoundingClientRect())
            .filter((a, i, all) =>
              all
                .slice(i + 1, i + 8)
                .some(
                  (b) =>
                    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
                    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1,
                ),
            ).length,
          // Text that is cut off by its own box, or lies outside of the screen where nothing scrolls.
          outside: [...document.querySelectorAll("main *")]
            .filter(
              (e) =>
                e.closest(".scroll") === null && e.closest("svg") === null && e.closest(".hidden") === null,
            )
            .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
            .map((e) => `${e.tagName}.${e.className}`),
        }))
        expect(seen.width).toBe(width)
        expect(seen.outside).toEqual([])
        expect(seen.piled).toBe(0)
        expect(seen.pictures).toBeGreaterThan(100)
        expect(seen.broken).toBe(0)
        expect(seen.notice).toBeLessThan(height)
        expect(seen.ground).toBe(colorScheme === "dark" ? "rgb(23, 24, 27)" : "rgb(253, 252, 250)")
        const spot = page.locator("#map .hits > g").nth(30)
        const display = () => spot.locator("svg").evaluate((e) => getComputedStyle(e).display)
        expect(await display()).toBe("none")
        await spot.scrollIntoViewIfNeeded()
        await spot.locator("circle").hover({ force: true })
        expect(await display()).toBe("block")
        expect(requests.filter((url) => !url.startsWith("data:"))).toEqual([address])
        expect(complaints).toEqual([])
        if (look !== undefined) await page.screenshot({ path: join(look, `${name}.png`), fullPage: true })
      } finally {
        await browser.close()
      }
    },
  )
})

const skip = (context: { readonly skip: (note?: string) => void }, note: string): void => context.skip(note)
