import { Readable } from "node:stream"
import { parse, CsvError } from "csv-parse"
import { ImportError } from "./source.ts"

export interface CsvRow {
  /** Line of the file on which the record ends, from 1. */
  readonly line: number
  /** Number of the record after the header, from 0. */
  readonly index: number
  readonly fields: Readonly<Record<string, string | undefined>>
}

export interface CsvOptions {
  /** How errors call the file. */
  readonly name: string
  readonly delimiter?: string
  /** Columns without which nothing can be read. */
  readonly columns: ReadonlyArray<string>
  /** Longest record in characters; default 1,000,000. */
  readonly longest?: number
}

interface Parsed {
  readonly record: Readonly<Record<string, string>>
  readonly info: { readonly lines: number }
}

/**
 * Streams the records of a csv file with a header (RFC 4180, blanks around fields dropped, any line ends, a BOM
 * allowed). A record with too few fields lacks the last ones; one too long to be true, or an open quote, is an error.
 * @throws ImportError naming file and line
 */
export async function* readCsv(
  pieces: AsyncIterable<Uint8Array>,
  { name, delimiter = ",", columns, longest = 1_000_000 }: CsvOptions,
): AsyncGenerator<CsvRow> {
  let missing: ReadonlyArray<string> = []
  const parser = parse({
    bom: true,
    columns: (header: ReadonlyArray<string>) => {
      missing = columns.filter((column) => !header.includes(column))
      if (missing.length > 0)
        throw new ImportError(
          `${name}: no column ${missing.map((column) => JSON.stringify(column)).join(", ")}; there are ${header.map((column) => JSON.stringify(column)).join(", ")}`,
        )
      return [...header]
    },
    delimiter,
    info: true,
    max_record_size: longest,
    relax_column_count: true,
    skip_empty_lines: true,
    trim: true,
  })
  const source = Readable.from(pieces)
  source.on("error", (error) => parser.destroy(error))
  source.pipe(parser)
  let index = 0
  try {
    for await (const { record, info } of parser as AsyncIterable<Parsed>)
      yield { line: info.lines, index: index++, fields: record }
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw new ImportError(`${name}, line ${parser.info.lines}: ${cause.message}`, { cause })
  } finally {
    source.destroy()
  }
}
