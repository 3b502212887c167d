import { execFile, spawnSync } from "node:child_process"
import { join } from "node:path"
import { afterAll, describe, expect, it } from "vitest"
import { packageRoot } from "../../../src/runtime/package-root.ts"
import { counts } from "../counts.ts"
import { crashRig, sample, type Generation } from "./rig.ts"

/** Whether a file system of one's own can be mounted here. */
const canMount =
  spawnSync("unshare", [
    "-rm",
    "sh",
    "-c",
    "mount -t tmpfs -o size=1m facet /mnt && mount -o remount,size=2m /mnt",
  ]).status === 0

const rig = crashRig()
afterAll(() => rig.dispose())
const FIRST: Generation = { count: 24, shade: 1 }

/** Runs on a disk of so many KiB, then on the same disk with room enough. */
const script = (mount: string, kib: number): string => {
  const dag = `"${join(packageRoot, "bin", "dag")}" -f "${join(rig.project, "pipeline.yaml")}" --cache ${mount}/cache`
  const run = `${dag} run --json -j 1 ${rig.setting(FIRST).join(" ")}`
  return [
    `mount -t tmpfs -o size=${kib}k facet ${mount}`,
    `${run} > /dev/null 2> ${mount}.first; echo "first $?"`,
    `mount -o remount,size=512m ${mount}`,
    `if [ -e ${mount}/cache ]; then ${dag} cache verify > ${mount}.verify 2>&1; echo "verify $?"; else echo "verify 0"; fi`,
    `${run} > ${mount}.json 2> ${mount}.second; echo "second $?"`,
    `cat ${mount}.json`,
    `echo; echo ====; cat ${mount}.first`,
  ].join("\n")
}

describe.skipIf(!canMount)("a disk that is really full (skipped where nothing can be mounted)", () => {
  it(
    "is told, the store stays whole, and with room the run goes on",
    { timeout: counts.patience },
    async () => {
      const { cache, remove } = rig.trial()
      const expected = await rig.run(cache, FIRST)
      remove()
      const sizes = Array.from({ length: 64 }, (_, at) => 96 + at * 96)
      const wrong: Array<string> = []
      let full = 0
      for (const kib of sample(sizes, counts.fullDisks)) {
        const trial = rig.trial()
        const output = await new Promise<string>((resolve) => {
          execFile(
            "unshare",
            ["-rm", "sh", "-c", script(trial.state, kib)],
            { env: { PATH: process.env["PATH"], HOME: rig.base, NO_COLOR: "1" }, maxBuffer: 1 << 26 },
            (_, stdout, stderr) => resolve(`${stdout}${stderr}`),
          )
        })
        const [answers, told = ""] = output.split("====\n")
        const [first, verify, second, ...json] = answers.split("\n")
        if (first !== "first 0") {
          full++
          if (first !== "first 1" || !/ENOSPC|full|no space|disk I\/O/iu.test(told))
            wrong.push(`${kib} KiB: ${first}: ${told.slice(0, 500)}`)
          if (/fault in the program/u.test(told)) wrong.push(`${kib} KiB: ${told.slice(0, 700)}`)
        }
        if (verify !== "verify 0") wrong.push(`${kib} KiB: ${verify}`)
        if (second !== "second 0") wrong.push(`${kib} KiB: ${second}: ${output.slice(0, 500)}`)
        else if (
          JSON.stringify(rig.resultsOf(trial.cache, json.join("\n")).digests) !==
          JSON.stringify(expected.digests)
        )
          wrong.push(`${kib} KiB: other results`)
        trial.remove()
      }
      console.log(
        `full disks: ${full} of ${Math.min(sizes.length, counts.fullDisks)} too small, ${wrong.length} inconsistencies`,
      )
      expect(wrong).toEqual([])
      expect(full).toBeGreaterThan(0)
    },
  )
})
