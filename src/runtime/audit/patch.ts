/** Any function of the platform. */
export type Callable = (this: unknown, ...args: ReadonlyArray<unknown>) => unknown

type Holder = Record<PropertyKey, unknown>

/** Puts something in the place of a property, whatever it was: own or inherited, writable or not. */
export const replace = (holder: object, name: PropertyKey, value: unknown): void => {
  const old = Object.getOwnPropertyDescriptor(holder, name)
  Object.defineProperty(holder, name, {
    configurable: true,
    writable: true,
    enumerable: old?.enumerable ?? true,
    value,
  })
}

/** Calls `before` in front of a function of an object, if there is such a function. Its own properties stay. */
export const precede = (
  holder: object,
  name: PropertyKey,
  before: (args: ReadonlyArray<unknown>, wrapper: Callable) => void,
): void => {
  const original = (holder as Holder)[name]
  if (typeof original !== "function") return
  const wrapper: Callable = function (...args) {
    before(args, wrapper)
    return Reflect.apply(original as Callable, this, args)
  }
  for (const key of Reflect.ownKeys(original)) {
    if (key === "prototype" || key === "length") continue
    const property = Object.getOwnPropertyDescriptor(original, key)
    if (property !== undefined) Object.defineProperty(wrapper, key, property)
  }
  replace(holder, name, wrapper)
}

/** The same for a class: `before` is called in front of `new`, and of the function where it can be called bare. */
export const precedeNew = <C extends object>(
  original: C,
  before: (args: ReadonlyArray<unknown>, trap: (...args: ReadonlyArray<never>) => unknown) => void,
): C => {
  const construct = (target: C, args: Array<unknown>, newTarget: object): object => {
    before(args, construct)
    return Reflect.construct(target as never, args, newTarget as never) as object
  }
  const apply = (target: C, self: unknown, args: Array<unknown>): unknown => {
    before(args, apply)
    return Reflect.apply(target as never, self, args)
  }
  return new Proxy(original, { construct, apply })
}
