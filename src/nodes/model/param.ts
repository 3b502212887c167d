import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** A parameter with a default value and a description, both shown in the editor and by `dag nodes`. */
export const param = <S extends Schema.Top>(
  schema: S,
  fallback: S["Rebuild"]["Encoded"],
  description: string,
) =>
  schema
    .annotate({ description, default: fallback })
    .pipe(Schema.withDecodingDefaultKey(Effect.succeed(fallback)))

/** A whole number from `minimum` to `maximum`, both included. */
export const whole = (minimum: number, maximum: number) =>
  Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** A finite number from `minimum` to `maximum`, both included. */
export const between = (minimum: number, maximum: number) =>
  Schema.Finite.check(Schema.isBetween({ minimum, maximum }))
