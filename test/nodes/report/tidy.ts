import type { Markup } from "../../../src/nodes/report/markup.ts"

/** The text of markup with white space as a browser reads it: runs are one space, none inside of tags' ends. */
export const tidy = (markup: Markup | string): string =>
  (typeof markup === "string" ? markup : markup.text).replace(/[ \n\t]+/g, " ").replace(/ (?=\/?>)/g, "")
