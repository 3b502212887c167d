type Sharp = (typeof import("sharp"))["default"]

let loaded: Promise<Sharp> | undefined

/**
 * Loads sharp on first use, so that a module which only might decode stays light. One libvips thread and no
 * operation cache: pictures are worked on in parallel by processes, and no picture is read twice.
 */
export function loadSharp(): Promise<Sharp> {
  loaded ??= import("sharp").then(({ default: sharp }) => {
    sharp.concurrency(1)
    sharp.cache(false)
    return sharp
  })
  return loaded
}
