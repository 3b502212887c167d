import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { brotliDecompressSync } from "node:zlib"

/** The files of a tar archive by name. */
function untar(bytes: Buffer): ReadonlyMap<string, Buffer> {
  const files = new Map<string, Buffer>()
  const text = (from: number, length: number): string =>
    bytes.toString("latin1", from, from + length).split("\0")[0] ?? ""
  for (let at = 0; at + 512 <= bytes.length && text(at, 100) !== "";) {
    const size = Number.parseInt(text(at + 124, 12), 8)
    files.set(text(at, 100), bytes.subarray(at + 512, at + 512 + size))
    at += 512 * (1 + Math.ceil(size / 512))
  }
  return files
}

/** Vulkan's loader and a driver that computes on the processor, unpacked from the browser of the tests. */
async function unpacked(): Promise<string> {
  const bin = join(
    dirname(createRequire(import.meta.url).resolve("@sparticuz/chromium")),
    "../bin/swiftshader.tar.br",
  )
  const packed = await readFile(bin)
  const folder = join(tmpdir(), `facet-swiftshader-${packed.length}`)
  if (existsSync(folder)) return folder
  const making = `${folder}-${process.pid}`
  await mkdir(making, { recursive: true })
  for (const [name, bytes] of untar(brotliDecompressSync(packed))) await writeFile(join(making, name), bytes)
  await rename(making, folder).catch((error: unknown) => {
    if (!existsSync(folder)) throw error
  })
  return folder
}

/** The environment of a process that is to have a software GPU: drivers are looked for when it starts. */
export async function softwareGpu(): Promise<NodeJS.ProcessEnv> {
  const folder = await unpacked()
  return {
    ...process.env,
    VK_ICD_FILENAMES: join(folder, "vk_swiftshader_icd.json"),
    LD_LIBRARY_PATH: folder,
  }
}

/** Runs a module beside this one in a process of its own, and gives what it prints as JSON on its last line. */
export async function inProcess(
  script: string,
  args: ReadonlyArray<string>,
  env: NodeJS.ProcessEnv,
): Promise<unknown> {
  const path = join(import.meta.dirname, script)
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args], {
    env,
    maxBuffer: 2 ** 26,
    timeout: 280_000,
  })
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "")
}
