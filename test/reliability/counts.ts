import { accessSync, constants } from "node:fs"
import { tmpdir } from "node:os"

const isWritable = (folder: string): boolean => {
  try {
    accessSync(folder, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** For tests that try many things and crash nothing: memory where there is some, so that fsync costs nothing. */
export const memoryFolder: string = isWritable("/dev/shm") ? "/dev/shm" : tmpdir()

/**
 * How much the reliability tests try. `FACET_LONG=1` (what `npm run test:long` sets) is for a machine with some hours to
 * spare; `FACET_SEED` takes other random choices than those of every day.
 */
const long = process.env["FACET_LONG"] === "1"
const COUNTS = ["GRAPHS", "LARGE_GRAPHS", "CRASHES", "FAILURES", "DAMAGES", "INTERRUPTS"]
const asked = COUNTS.some((name) => process.env[`FACET_${name}`] !== undefined)

export const counts = {
  long,
  seed: Number(process.env["FACET_SEED"] ?? 20_261_123),
  /** Longest time of one test, in ms: a bound for what hangs, not a measure. */
  patience: long || asked ? 14_400_000 : 300_000,
  /** Random graphs with their edits: small tables, and tables of thousands of rows. */
  graphs: Number(process.env["FACET_GRAPHS"] ?? (long ? 20_000 : 1_500)),
  largeGraphs: Number(process.env["FACET_LARGE_GRAPHS"] ?? (long ? 1_000 : 30)),
  /** Points of the kill matrix (all of them in the long run) and, below, of the matrix of failing operations. */
  kills: Number(process.env["FACET_CRASHES"] ?? (long ? Number.POSITIVE_INFINITY : 24)),
  indexKills: Number(process.env["FACET_CRASHES"] ?? (long ? Number.POSITIVE_INFINITY : 12)),
  /** Job counts that each run is disturbed with: more workers, other interleavings. */
  jobs: long ? [1, 2, 3, 4] : [1],
  /** Only scenarios with this in their names: to look at one of them. */
  scenario: process.env["FACET_SCENARIO"] ?? "",
  failures: Number(process.env["FACET_FAILURES"] ?? (long ? 1_500 : 24)),
  /** Ways to damage the files of one class. */
  damages: Number(process.env["FACET_DAMAGES"] ?? (long ? 400 : 5)),
  /** Moments of an interrupt, and sizes of a disk that is too small. */
  interrupts: Number(process.env["FACET_INTERRUPTS"] ?? (long ? Number.POSITIVE_INFINITY : 10)),
  fullDisks: long ? 64 : 4,
  /** Rounds of eight processes beside a collector. */
  rounds: long ? 20 : 1,
} as const
