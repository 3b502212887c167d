import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { UsageError } from "./failure.ts"

/** The file of a project that says what `dag cache gc` keeps; beside the `pipelines` folder. */
export const POLICY_FILE = "cache-policy.json"

const PolicyFile = Schema.Struct({
  keepRuns: Schema.optionalKey(Schema.Int.check(Schema.isGreaterThanOrEqualTo(0))),
  keepDays: Schema.optionalKey(Schema.Finite.check(Schema.isGreaterThanOrEqualTo(0))),
  quota: Schema.optionalKey(Schema.String),
})
export type PolicyFile = typeof PolicyFile.Type

const UNITS = ["", "K", "M", "G", "T"]

/** "20GB" (powers of 1000), "512MiB" (of 1024) or bytes. */
export const parseBytes = (text: string, where: string): Effect.Effect<number, UsageError> => {
  const match = /^\s*(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?\s*$/iu.exec(text)
  if (match === null)
    return Effect.fail(
      new UsageError({
        message: `${where}: ${JSON.stringify(text)} is no size`,
        hint: "say 20GB, 512MiB or a number of bytes",
      }),
    )
  const base = match[3] === "" ? 1000 : 1024
  return Effect.succeed(Math.floor(Number(match[1]) * base ** UNITS.indexOf(match[2].toUpperCase())))
}

/** What the project says of its cache; nothing where it has no such file. */
export const readPolicy = Effect.fnUntraced(function* (project: string) {
  const [fs, path] = yield* Effect.promise(() => Promise.all([import("node:fs"), import("node:path")]))
  const file = path.join(project, POLICY_FILE)
  const none: PolicyFile = {}
  if (!fs.existsSync(file)) return none
  const wrong = (message: string) =>
    new UsageError({
      message: `${file}: ${message}`,
      hint: 'for example { "keepRuns": 5, "keepDays": 30, "quota": "20GB" }',
    })
  const value = yield* Effect.try({
    try: () => JSON.parse(fs.readFileSync(file, "utf8")) as unknown,
    catch: (cause) => wrong(cause instanceof Error ? cause.message : String(cause)),
  })
  const decoded = Schema.decodeUnknownResult(PolicyFile)(value, { onExcessProperty: "error", errors: "all" })
  if (decoded._tag === "Failure") return yield* wrong(String(decoded.failure))
  return decoded.success
})
