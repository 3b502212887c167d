/**
 * The node kinds of the random graphs: pure functions of rows and values. The engine runs them behind its node
 * definitions, the model calls them directly; nothing here knows of keys, caches or stores.
 */

export interface Row {
  readonly id: string
  readonly n: number
  readonly label?: string
  readonly parent?: string
}
export type Plain =
  | null
  | boolean
  | number
  | string
  | ReadonlyArray<Plain>
  | { readonly [name: string]: Plain }
export type Value =
  | { readonly kind: "table"; readonly rows: ReadonlyArray<Readonly<Record<string, Plain>>> }
  | { readonly kind: "json"; readonly value: Plain }
export type Params = Readonly<Record<string, Plain>>
/** By input port, in the order of the document; the name of the node is given where the port is `named`. */
export type Given = Readonly<Record<string, ReadonlyArray<{ readonly node: string; readonly value: Value }>>>

export interface Port {
  readonly many: "one" | "optional" | "list"
  readonly type: "table" | "json"
  readonly named?: boolean
}

/** What is outside of the graph and may change under it. */
export interface World {
  /** Rows of the pinned sources, by salt. */
  readonly sources: Map<string, ReadonlyArray<Row>>
  /** Files of the project, by path. */
  readonly files: Map<string, ReadonlyArray<Row>>
  /** Salts of nodes that throw, and `salt:n` of items that do. */
  readonly broken: Set<string>
}

/** What one item gives: patches to lay over it, and rejects. */
export interface Made {
  readonly rows: ReadonlyArray<Readonly<Record<string, Plain>>>
  readonly rejected: ReadonlyArray<Readonly<Record<string, Plain>>>
}

export interface Kind {
  readonly inputs: Readonly<Record<string, Port>>
  readonly outputs: Readonly<Record<string, "table" | "json">>
  /** Parameters besides the salt, as they are at first. */
  readonly params: Params
  readonly free?: ReadonlyArray<string>
  readonly path?: ReadonlyArray<string>
  readonly seeded?: boolean
  readonly map?: {
    readonly over?: string
    readonly reads?: ReadonlyArray<string>
    readonly items?: (
      params: Params,
    ) => ReadonlyArray<Readonly<Record<string, Plain>> & { readonly id: string }>
    readonly itemParams?: ReadonlyArray<string>
    readonly make: (item: Readonly<Record<string, Plain>>, params: Params) => Made
  }
  readonly run?: (call: {
    readonly given: Given
    readonly params: Params
    readonly seed: number
    readonly world: World
  }) => Readonly<Record<string, Value>>
}

const table = (rows: ReadonlyArray<unknown>): Value => ({
  kind: "table",
  rows: rows as ReadonlyArray<Readonly<Record<string, Plain>>>,
})
const json = (value: Plain): Value => ({ kind: "json", value })
const rowsOf = (value: Value | undefined): ReadonlyArray<Row> =>
  value?.kind === "table" ? (value.rows as unknown as ReadonlyArray<Row>) : []
const tables = (many: Port["many"], named = false): Port => ({
  many,
  type: "table",
  ...(named ? { named } : {}),
})
const sum = (rows: ReadonlyArray<Row>): number => rows.reduce((total, { n }) => total + n, 0)

/** Patches, drops, rejects and several results of one item. */
const scale = (item: Readonly<Record<string, Plain>>, params: Params): Made => {
  const n = item["n"] as number
  const result = (n * (params["factor"] as number)) % 97
  if (n % 11 === 5) return { rows: [], rejected: [] }
  if (n % 7 === 3) return { rows: [], rejected: [{ reason: "seven", detail: `n is ${n}` }] }
  if (n % 5 === 2) return { rows: [{ n: result }, { n: result + 1, label: null }], rejected: [] }
  if (n % 13 === 8) return { rows: [{ n: result }], rejected: [{ reason: "thirteen" }, { reason: "twice" }] }
  return { rows: [{ n: result }], rejected: [] }
}

export const kinds: Readonly<Record<string, Kind>> = {
  /** Rows written in the document. */
  literal: {
    inputs: {},
    outputs: { rows: "table" },
    params: { rows: [] },
    run: ({ params }) => ({ rows: table(params["rows"] as ReadonlyArray<Plain>) }),
  },
  /** Rows of the outside world: pinned until somebody asks. */
  pinned: {
    inputs: {},
    outputs: { rows: "table" },
    params: {},
    run: ({ params, world }) => ({ rows: table(world.sources.get(params["salt"] as string) ?? []) }),
  },
  /** Rows of a file of the project, by content. */
  file: {
    inputs: {},
    outputs: { rows: "table" },
    params: { path: "" },
    path: ["path"],
    run: ({ params, world }) => ({ rows: table(world.files.get(params["path"] as string) ?? []) }),
  },
  /** A source that makes its items from its parameters. */
  queries: {
    inputs: {},
    outputs: { rows: "table" },
    params: { queries: [], depth: 1, polite: 0, hint: 0 },
    free: ["hint"],
    map: {
      items: ({ queries }) => (queries as ReadonlyArray<number>).map((n) => ({ id: `q${n}`, n })),
      itemParams: ["depth", "salt"],
      make: ({ n }, { depth }) => ({
        rows: Array.from({ length: (depth as number) + 1 }, (_, k) => ({
          id: `q${n as number}.${k}`,
          n: (n as number) * 3 + k,
        })),
        rejected: [],
      }),
    },
  },
  /** Sees one field of its items. */
  scale: {
    inputs: { rows: tables("one") },
    outputs: { rows: "table" },
    params: { factor: 2, hint: 0 },
    free: ["hint"],
    map: { over: "rows", reads: ["n"], make: scale },
  },
  /** Sees whole items, and has another input, whose content enters the key of every item. */
  whole: {
    inputs: { rows: tables("one"), scale: { many: "optional", type: "json" } },
    outputs: { rows: "table" },
    params: { factor: 3 },
    map: { over: "rows", make: scale },
  },
  total: {
    inputs: { sets: tables("list") },
    outputs: { sum: "json" },
    params: { plus: 0, hint: 0 },
    free: ["hint"],
    run: ({ given, params }) => ({
      sum: json({
        sum: given["sets"].reduce((all, { value }) => all + sum(rowsOf(value)), params["plus"] as number),
      }),
    }),
  },
  /** Early cutoff: many inputs, few results. */
  parity: {
    inputs: { sets: tables("list") },
    outputs: { odd: "json" },
    params: {},
    run: ({ given }) => ({
      odd: json(given["sets"].reduce((all, { value }) => all + sum(rowsOf(value)), 0) % 2),
    }),
  },
  constant: {
    inputs: { rows: tables("one") },
    outputs: { rows: "table" },
    params: { rows: 2 },
    run: ({ params }) => ({
      rows: table(Array.from({ length: params["rows"] as number }, (_, n) => ({ id: `c${n}`, n }))),
    }),
  },
  merge: {
    inputs: { sets: tables("list"), extra: tables("optional") },
    outputs: { rows: "table", sizes: "json" },
    params: {},
    run: ({ given }) => {
      const sets = [...given["sets"], ...(given["extra"] ?? [])].map(({ value }) => rowsOf(value))
      return {
        rows: table(sets.flatMap((rows, at) => rows.map((row) => ({ ...row, id: `${at}.${row.id}` })))),
        sizes: json(sets.map((rows) => rows.length)),
      }
    },
  },
  split: {
    inputs: { rows: tables("one") },
    outputs: { even: "table", odd: "table" },
    params: {},
    run: ({ given }) => {
      const rows = rowsOf(given["rows"][0].value)
      return {
        even: table(rows.filter(({ n }) => n % 2 === 0)),
        odd: table(rows.filter(({ n }) => n % 2 !== 0)),
      }
    },
  },
  /** Shows the names of the nodes that feed it. */
  roster: {
    inputs: { sets: tables("list", true) },
    outputs: { roster: "json" },
    params: {},
    run: ({ given }) => ({
      roster: json(given["sets"].map(({ node, value }) => [node, rowsOf(value).length])),
    }),
  },
  shuffled: {
    inputs: { rows: tables("one") },
    outputs: { rows: "table" },
    params: {},
    seeded: true,
    run: ({ given, seed }) => ({
      rows: table(rowsOf(given["rows"][0].value).map((row) => ({ ...row, n: row.n + seed }))),
    }),
  },
}
