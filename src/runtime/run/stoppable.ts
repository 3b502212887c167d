import * as Effect from "effect/Effect"

/** How long an interruption waits for a promise that was told to stop, in ms. */
const PATIENCE = 5_000

/**
 * A promise that is told to stop when the effect is interrupted, which is over when the promise has come to its end:
 * what it cleans up is clean then. One that does not listen is left behind after a while.
 */
export const stoppable = <A>(body: (signal: AbortSignal) => Promise<A>): Effect.Effect<A, unknown> =>
  Effect.callback<A, unknown>((resume) => {
    const controller = new AbortController()
    const work = body(controller.signal)
    const ended = work.then(
      (value) => resume(Effect.succeed(value)),
      (error: unknown) => resume(Effect.fail(error)),
    )
    return Effect.promise(async () => {
      controller.abort()
      let timer: NodeJS.Timeout | undefined
      const patience = new Promise<void>((resolve) => (timer = setTimeout(resolve, PATIENCE)))
      await Promise.race([ended, patience])
      clearTimeout(timer)
    })
  })
