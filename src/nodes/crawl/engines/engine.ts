import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Licence } from "../../../schema/sample.ts"
import type { FetchFailure } from "../failure.ts"

/** The search answered, but not with what it should. */
export class EngineAnswerError extends Schema.TaggedError<EngineAnswerError>()("EngineAnswerError", {
  url: Schema.String,
  detail: Schema.String,
}) {
  override get message(): string {
    return `${this.url}: ${this.detail}`
  }
}

/** One picture that a search found, as the engine describes it. */
export interface Found {
  /** Address of the bytes to fetch. */
  readonly url: string
  /** The page a person would look at. */
  readonly page: string | undefined
  readonly mime: string | undefined
  /** Size of the original in pixels. */
  readonly width: number | undefined
  readonly height: number | undefined
  readonly licence: Licence | undefined
}

/** Where the next page of an answer starts; what is in it is the engine's affair. */
export type Cursor = Readonly<Record<string, string>>

export interface Page {
  readonly found: ReadonlyArray<Found>
  readonly next: Cursor | undefined
}

/** An image search. */
export interface Engine {
  /** One page of results, best first. `count` is how many are still wanted. */
  readonly page: (
    query: string,
    count: number,
    cursor: Cursor | undefined,
  ) => Effect.Effect<Page, FetchFailure | EngineAnswerError>
}
