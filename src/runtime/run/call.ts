import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { NodeDefinition } from "../node.ts"

export type Callable = (call: unknown) => unknown

/** The function of a definition, loaded if it is in a module of its own. */
export const implementation = async (definition: NodeDefinition): Promise<Callable> => {
  const source = definition.map ?? definition
  const found = source.run ?? (await source.impl?.())?.default
  if (typeof found !== "function") {
    throw new Error(`the implementation of ${definition.type} has no function as its default export`)
  }
  return found as Callable
}

/** A value, a promise or an Effect: the value. */
export const settle = async (result: unknown, signal: AbortSignal): Promise<unknown> => {
  const value = await result
  if (!Effect.isEffect(value)) return value
  const exit = await Effect.runPromiseExit(value as Effect.Effect<unknown, unknown>, { signal })
  if (exit._tag === "Success") return exit.value
  throw Cause.squash(exit.cause)
}

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)
