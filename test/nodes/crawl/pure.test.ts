import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { isPublicAddress } from "../../../src/nodes/crawl/address.ts"
import { textOf } from "../../../src/nodes/crawl/engines/mediawiki.ts"
import { allowedLicence } from "../../../src/nodes/crawl/licence.ts"
import { queriesOf } from "../../../src/nodes/crawl/queries.ts"
import { refusedByTag } from "../../../src/nodes/crawl/robots.ts"

describe("isPublicAddress", () => {
  it.each([
    "127.0.0.1",
    "127.255.0.3",
    "10.0.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fd00::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:192.168.0.1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "2001:db8::1",
    "localhost",
    "",
  ])("%s is not", (address) => expect(isPublicAddress(address)).toBe(false))
  it.each(["8.8.8.8", "172.32.0.1", "100.128.0.1", "91.198.174.192", "2620:0:862:ed1a::1", "::ffff:8.8.8.8"])(
    "%s is",
    (address) => expect(isPublicAddress(address)).toBe(true),
  )
  it("no address of 10.0.0.0/8, however it is wrapped", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xff_ffff }), (n) => {
        const address = `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`
        expect(isPublicAddress(address) || isPublicAddress(`::ffff:${address}`)).toBe(false)
      }),
    )
  })
})

describe("refusedByTag", () => {
  it.each([
    ["noindex", "noindex"],
    ["noai, noimageai", "noai"],
    ["nofollow, NoImageAI", "noimageai"],
    ["none", "none"],
    ["facet: noindex", "noindex"],
    ["*: noai", "noai"],
    ["max-image-preview: large, noai", "noai"],
    ["unavailable_after: 25 Jun 2030 15:00:00 PST, noindex", "noindex"],
    ["otherbot: noindex, facet: noai", "noai"],
  ])("%s refuses", (header, directive) => expect(refusedByTag(header, "facet/0.1 (me)")).toBe(directive))
  it.each(["nofollow", "otherbot: noindex, noai", "max-snippet: 20", "index, follow", "notanoai"])(
    "%s does not",
    (header) => expect(refusedByTag(header, "facet/0.1 (me)")).toBeUndefined(),
  )
  it("each of several headers counts", () =>
    expect(refusedByTag(["otherbot: noindex", "noai"], "facet/0.1")).toBe("noai"))
  it("no header refuses nothing", () => expect(refusedByTag(undefined, "facet/0.1")).toBeUndefined())
})

describe("allowedLicence", () => {
  it.each([
    ["CC BY 4.0", ["CC BY"], true],
    ["CC BY-SA 4.0", ["CC BY"], false],
    ["CC BY-SA 3.0 de", ["cc by-sa"], true],
    ["CC-BY-2.0", ["CC BY-2.0"], true],
    ["CC BY 2.0", ["CC BY 4.0"], false],
    ["CC0", ["CC0"], true],
    ["Public domain", ["Public Domain"], true],
    ["CC BY-SA 3.0,2.5,2.0", ["CC BY-SA"], true],
    ["All rights reserved", ["CC0", "CC BY"], false],
  ])("%s among %s: %s", (name, allowed, expected) => expect(allowedLicence(name, allowed)).toBe(expected))
  it("none stated is none allowed", () => expect(allowedLicence(undefined, ["CC0"])).toBe(false))
})

describe("queriesOf", () => {
  it("one search per class and word, repeated and empty words left out", () => {
    const queries = queriesOf(
      { anger: ["rage", " rage ", "", "outrage"], disgust: ["outrage"] },
      "{keyword} face",
    )
    expect(queries.map(({ id, label, query }) => [id, label, query])).toEqual([
      ["anger/rage", "anger", "rage face"],
      ["anger/outrage", "anger", "outrage face"],
      ["disgust/outrage", "disgust", "outrage face"],
    ])
  })
  it("takes words as they are, also those that a replacement would interpret", () => {
    expect(queriesOf({ a: ["$& $1"] }, "<{keyword}>")[0].query).toBe("<$& $1>")
  })
})

describe("textOf", () => {
  it("gives the words of an author's HTML", () => {
    expect(
      textOf('<a href="x" title="a > b">Ann &amp; Bob</a>&nbsp;<script>alert(1)</script>&#233;&#x41;'),
    ).toContain("Ann & Bob")
    expect(textOf("&#233;&#x41; &unknown; &#0;")).toBe("éA &unknown;")
    expect(textOf("<b>x</b>")).toBe("x")
  })
})
