/** Markup that is safe to stand in the page. Only `html` and the drawing functions make it. */
export class Markup {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = Markup | string | number | undefined | false | ReadonlyArray<Part>

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}
/** Not allowed in HTML, or able to turn the order of what follows (Trojan Source, CVE-2021-42574). */
const UNWANTED = /[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu

/** Text as it must stand between tags or in a quoted attribute. */
export const escape = (text: string): string =>
  text
    .toWellFormed()
    .replace(UNWANTED, (c) => (c === "\n" || c === "\t" ? c : "\ufffd"))
    .replace(/[&<>"']/g, (c) => ENTITIES[c] ?? c)

const write = (part: Part): string => {
  if (part === undefined || part === false) return ""
  if (part instanceof Markup) return part.text
  if (typeof part === "string") return escape(part)
  if (typeof part === "number") return String(part)
  return part.map(write).join("")
}

/**
 * A piece of HTML or SVG: every value put in is escaped unless it is markup itself; lists are joined; undefined and
 * false vanish. Attribute values must be quoted in the template.
 */
export const html = (strings: TemplateStringsArray, ...parts: ReadonlyArray<Part>): Markup => {
  let text = strings[0] ?? ""
  for (const [i, part] of parts.entries()) text += write(part) + (strings[i + 1] ?? "")
  return new Markup(text)
}

/** An address that may stand in a link: http and https only, else none (`javascript:`, `data:` …). */
export const safeLink = (url: string | undefined): string | undefined => {
  if (url === undefined || !URL.canParse(url)) return undefined
  const { protocol, href } = new URL(url)
  return protocol === "http:" || protocol === "https:" ? href : undefined
}

/** A link where the address allows one, else the plain text. */
export const link = (url: string | undefined, text: string): Markup => {
  const href = safeLink(url)
  return href === undefined
    ? html`${text}`
    : html`<a href="${href}" rel="noopener noreferrer nofollow">${text}</a>`
}
