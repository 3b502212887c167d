import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { escape, html, link, Markup, safeLink } from "../../../src/nodes/report/markup.ts"
import { capital, count, percent, sentence, shorten } from "../../../src/nodes/report/format.ts"

const unescape = (text: string): string =>
  text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&")

describe("html", () => {
  it("escapes every text that is put in", () => {
    expect(html`<b title="${'" onload="x'}">${"<script>&"}</b>`.text).toBe(
      '<b title="&quot; onload=&quot;x">&lt;script&gt;&amp;</b>',
    )
  })
  it("keeps markup, joins lists, leaves out undefined and false, writes zero", () => {
    expect(html`${[html`<i>1</i>`, "<", undefined, false, 0]}`.text).toBe("<i>1</i>&lt;0")
  })
  it("leaves nothing that could end a text or an attribute, and loses nothing", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const safe = escape(text)
        expect(safe).not.toMatch(/[<>"']|&(?!amp;|lt;|gt;|quot;|#39;)/)
        const shown = text.replace(/[\p{Cc}\u202a-\u202e\u2066-\u2069\ufffe\uffff]/gu, "\ufffd")
        expect(unescape(safe).replace(/[\n\t]/g, "\ufffd")).toBe(shown)
      }),
    )
  })
  it("shows control characters, halves of characters and changes of writing direction as what they are", () => {
    expect(escape("a\u0000b\u202ec\ud800d\ne")).toBe("a\ufffdb\ufffdc\ufffdd\ne")
  })
})

describe("link", () => {
  it.each([
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "//x",
    "",
    " ",
  ])("makes no link of %s", (url) => {
    expect(safeLink(url)).toBeUndefined()
    expect(link(url, "<x>").text).toBe("&lt;x&gt;")
  })
  it("links http and https, quotes escaped", () => {
    const made = link('https://a.b/?q="><script>', "x")
    expect(made).toBeInstanceOf(Markup)
    expect(made.text).toContain('<a href="https://a.b/?q=%22%3E%3Cscript%3E"')
  })
})

describe("format", () => {
  it("groups thousands", () =>
    expect([0, 999, 1000, 1234567].map(count)).toEqual(["0", "999", "1,000", "1,234,567"]))
  it("writes shares", () => expect(percent(0.8333)).toBe("83.3\u202f%"))
  it("shortens in the middle, never in the middle of a character", () => {
    expect(shorten("abcdefgh", 5)).toBe("ab…gh")
    expect(shorten("😀😀😀😀", 3)).toBe("😀…😀")
    expect(shorten("short", 5)).toBe("short")
  })
  it("joins as a sentence", () =>
    expect([[], ["a"], ["a", "b"], ["a", "b", "c"]].map(sentence)).toEqual([
      "",
      "a",
      "a and b",
      "a, b and c",
    ]))
  it("capitalizes", () => expect(capital("fear")).toBe("Fear"))
})
