import { resolve } from "node:path"

/**
 * Something a program used of the world: it opened a file to read it, listed a folder, ran a program, only asked
 * whether something is there, or spoke to a host (`host:port`, or `unix:PATH`).
 */
export interface Use {
  readonly kind: "read" | "list" | "run" | "look" | "network"
  /** Absolute path, or the address. */
  readonly what: string
}

/** The options that make strace write what `usesOf` reads: one file a process, descriptors with their paths. */
export const straceOptions = (out: string): ReadonlyArray<string> => [
  ..."-ff -y -qq -s 256 -e signal=none -e trace=%file,fchdir,connect,sendto,sendmsg,sendmmsg".split(" "),
  "-o",
  out,
]

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "))
const OPEN = words("open openat openat2 creat")
const RUN = words("execve execveat")
const LOOK = words(
  "stat lstat stat64 lstat64 newfstatat fstatat64 statx statfs statfs64 access faccessat faccessat2 readlink readlinkat getxattr lgetxattr listxattr",
)

const call = /^(\w+)\((.*)\)\s+= (-?\d+|\?|0x[0-9a-f]+)(?:<((?:[^>\\]|\\.)*)>)?/u
const folderArgument = /^(?:AT_FDCWD|\d+)<((?:[^>\\]|\\.)*)>, /u
const text = /"((?:[^"\\]|\\.)*)"/u

const escapes: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", v: "\v", f: "\f" }

/** A string as strace writes it: C escapes, bytes beyond ASCII in octal. */
const unescape = (written: string): string => {
  if (!written.includes("\\")) return written
  const bytes: Array<number> = []
  const pattern = /\\([0-7]{1,3})|\\x([0-9a-f]{2})|\\(.)|([^\\]+)/gu
  for (const [, octal, hex, letter, plain] of written.matchAll(pattern)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8))
    else if (hex !== undefined) bytes.push(Number.parseInt(hex, 16))
    else bytes.push(...Buffer.from(plain ?? escapes[letter] ?? letter))
  }
  return Buffer.from(bytes).toString("utf8")
}

/** What one process used, by what strace wrote of it. `folder` is where it started, where the text does not tell. */
export function* usesOf(lines: Iterable<string>, folder: string): Generator<Use> {
  const all = [...lines]
  let here = startOf(all) ?? folder
  for (const line of all) {
    const match = call.exec(line)
    if (match === null) continue
    const [, name, args, result, opened] = match
    if (/^(connect|send)/u.test(name)) {
      const address = addressOf(args, result)
      if (address !== undefined) yield { kind: "network", what: address }
      continue
    }
    if (result === "?" || result.startsWith("-")) continue
    if (name === "fchdir") here = pathOf(/<((?:[^>\\]|\\.)*)>/u.exec(args)?.[1]) ?? here
    const at = folderArgument.exec(args)
    const path = text.exec(at === null ? args : args.slice(at[0].length))?.[1]
    if (path === undefined) continue
    const base = pathOf(at?.[1]) ?? here
    const file = path === "" ? base : resolve(base, unescape(path))
    if (name === "chdir") here = file
    else if (OPEN.has(name)) {
      // What a link led to is what was read.
      const what = pathOf(opened) ?? file
      if (/O_DIRECTORY/u.test(args)) yield { kind: "list", what }
      else if (name !== "creat" && !/O_WRONLY|O_TRUNC|O_EXCL/u.test(args)) yield { kind: "read", what }
    } else if (RUN.has(name)) yield { kind: "run", what: file }
    // An empty path asks about a descriptor that is open already.
    else if (LOOK.has(name) && path !== "") yield { kind: "look", what: file }
  }
}

/** The folder a process starts in, where a call that tells it comes before it goes elsewhere. */
const startOf = (lines: ReadonlyArray<string>): string | undefined => {
  for (const line of lines) {
    if (/^f?chdir\(/u.test(line)) return undefined
    const found = /^\w+\(AT_FDCWD<((?:[^>\\]|\\.)*)>/u.exec(line)
    if (found !== null) return pathOf(found[1])
  }
  return undefined
}

/** What stands in <…>, where it is a path: pipes and sockets are none; a file that is gone by now has a mark. */
const pathOf = (written: string | undefined): string | undefined => {
  if (written === undefined || !written.startsWith("/")) return undefined
  return unescape(written).replace(/(?: \(deleted\))$/u, "")
}

/** Whom a call speaks to. A local socket that is not there is nobody; a host that does not answer is one. */
const addressOf = (args: string, result: string): string | undefined => {
  const internet = /sin6?_port=htons\((\d+)\).*?(?:inet_addr\(|inet_pton\(AF_INET6, )"([^"]+)"/u.exec(args)
  if (internet !== null)
    return internet[2].includes(":") ? `[${internet[2]}]:${internet[1]}` : `${internet[2]}:${internet[1]}`
  const local = /sa_family=AF_UNIX, sun_path=@?"((?:[^"\\]|\\.)*)"/u.exec(args)
  return local === null || result.startsWith("-") ? undefined : `unix:${unescape(local[1])}`
}
