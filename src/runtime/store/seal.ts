import { digestOf } from "../../schema/digest.ts"

/** Layout: what SQLite itself would not notice, a bit turned in a record, is told by the record's seal. */
export const SEALS = `
  ALTER TABLE traces ADD COLUMN seal TEXT;
  ALTER TABLE items ADD COLUMN seal TEXT;
  ALTER TABLE chunk_results ADD COLUMN seal TEXT;
  ALTER TABLE runs ADD COLUMN seal TEXT;
`

/** 64 bits of a digest of a record and of what it stands for. */
export const seal = (key: string, at: number, text: string): string =>
  digestOf(`${key} ${at} ${text}`).slice(0, 16)

/** Whether a record is as it was written; one of before there were seals can not be told. */
const isSealed = (key: string, at: number, text: string, found: unknown): boolean =>
  found === null || found === seal(key, at, text)

export type Row = Readonly<Record<string, unknown>>

/**
 * What a row of `key`, `at` and `seal` holds as JSON in `text`; undefined for a damaged one, which is as if it were
 * not there.
 */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller says what it wrote
export const unsealed = <A>(row: Row, text: unknown): A | undefined =>
  typeof text === "string" && isSealed(String(row["key"]), Number(row["at"]), text, row["seal"])
    ? (JSON.parse(text) as A)
    : undefined
