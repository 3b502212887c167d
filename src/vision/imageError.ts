import type { SniffedType } from "./sniff.ts"

/** Why bytes gave no picture; stable words, meant for counting. */
export type ImageProblem = "empty" | "not-an-image" | "unsupported" | "truncated" | "corrupt" | "too-large"

/** Bytes that give no picture. `problem` is the kind, `type` what the content was found to be. */
export class ImageError extends Error {
  readonly _tag = "ImageError"
  readonly problem: ImageProblem
  readonly type: SniffedType

  constructor(problem: ImageProblem, type: SniffedType, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = "ImageError"
    this.problem = problem
    this.type = type
  }
}
