import { readdirSync, realpathSync, statSync, type BigIntStats } from "node:fs"
import { join, relative, sep } from "node:path"

/** A file of a folder. */
export interface FoundFile {
  /** Where it is on the disk. */
  readonly file: string
  /** Relative to the folder, with `/`; empty where the folder is a single file. */
  readonly path: string
  readonly stat: BigIntStats
}

/** A folder that holds something that no content can be taken of. */
export class WalkError extends Error {
  readonly _tag = "WalkError"
  override readonly name = "WalkError"
}

/**
 * The files of a folder (or the one file), with everything hidden, in no particular order. A symbolic link stands
 * for what it points at, wherever that lies: what counts is content. `within` refuses links that lead out of a
 * folder.
 * @throws WalkError for a link that leads nowhere, back to a folder above it, or out of `within`, and for sockets,
 * pipes and devices; whatever `stat` throws where there is nothing at `root`
 */
export function* walk(root: string, options: { readonly within?: string } = {}): Generator<FoundFile> {
  const within = options.within === undefined ? undefined : realpathSync.native(options.within)
  const check = (link: string): string => {
    const target = realOf(link, root)
    if (within !== undefined && target !== within && !target.startsWith(within + sep))
      throw new WalkError(`${name(link)} is a link that leads out of the folder, to ${target}`)
    return target
  }
  const name = (file: string): string => (file === root ? root : relative(root, file))
  function* folder(at: string, as: string, above: ReadonlyArray<string>): Generator<FoundFile> {
    for (const entry of readdirSync(at, { withFileTypes: true })) {
      const file = join(at, entry.name)
      const path = as === "" ? entry.name : `${as}/${entry.name}`
      if (entry.isDirectory()) {
        yield* folder(file, path, above)
        continue
      }
      const target = entry.isSymbolicLink() ? check(file) : undefined
      const stat = statSync(file, { bigint: true })
      if (stat.isFile()) yield { file, path, stat }
      else if (!stat.isDirectory() || target === undefined) throw notPlain(name(file))
      else {
        const here = realpathSync.native(at)
        const loop = [...above, here].some((one) => one === target || one.startsWith(target + sep))
        if (loop) throw new WalkError(`${name(file)} is a link back to a folder that it lies in`)
        yield* folder(file, path, [...above, here])
      }
    }
  }
  if (within !== undefined) check(root)
  const stat = statSync(root, { bigint: true })
  if (stat.isFile()) yield { file: root, path: "", stat }
  else if (stat.isDirectory()) yield* folder(root, "", [])
  else throw notPlain(root)
}

const notPlain = (name: string): WalkError => new WalkError(`${name} is neither a file nor a folder`)

const realOf = (link: string, root: string): string => {
  try {
    return realpathSync.native(link)
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? cause.code : undefined
    if (code !== "ENOENT" && code !== "ELOOP") throw cause
    throw new WalkError(`${relative(root, link) || link} is a link that leads nowhere`)
  }
}
