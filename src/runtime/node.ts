import type * as Effect from "effect/Effect"
import type * as Schema from "effect/Schema"
import type { ArtifactType } from "../schema/artifact.ts"
import type { AmbientKind } from "../schema/audit.ts"
import type { BlobRef } from "../schema/blob.ts"
import type { Json } from "../schema/json.ts"
import type { Reject } from "../schema/sample.ts"
import type { NodeContext } from "./context.ts"
import type { FilesHandle, TableHandle } from "./handles.ts"
import type { InputPort, Inputs, Outputs, SameAs } from "./ports.ts"
import type { StoredFiles } from "./store/files.ts"

export type { Blobs, NodeContext, Recall } from "./context.ts"
export {
  list,
  optional,
  sameAs,
  without,
  type InputPort,
  type Inputs,
  type Outputs,
  type SameAs,
} from "./ports.ts"

/** What a node may use of the machine: weights against the pools of a run. */
export interface Resources {
  /** Worker processes or threads, default 1. */
  readonly cpu?: number
  readonly gpu?: number
  /** Requests in flight. */
  readonly net?: number
  /** Bytes, or "4GB". */
  readonly memory?: number | string
}

/**
 * A reject of a mapping node. Of what is left out, `id`, `image`, `label` and `url` (of its source) are the item's,
 * so that an implementation need not read them.
 */
export type MapReject = Omit<Reject, "id"> & { readonly id?: string }

/** What a mapping implementation makes of one item. `rows` hold what is new: see `MapSpec.over`. */
export interface MapResult<Row = Readonly<Record<string, unknown>>> {
  readonly rows: ReadonlyArray<Row>
  readonly rejected?: ReadonlyArray<MapReject>
}

/** What a node with `openInputs` gets at a port that the document named: the artifact, and of which kind it is. */
export type OpenInput =
  | { readonly kind: "files"; readonly value: FilesHandle }
  | { readonly kind: "table"; readonly value: TableHandle<{ readonly id: string }> }
  | { readonly kind: "json"; readonly value: unknown }
/** One artifact of a port that takes several, with the node and port it comes from. */
export interface OpenMember {
  readonly node: string
  readonly port: string
  readonly value: OpenInput
}
/** By port: the artifact, or a list where the document gave one or meant the instances of a matrix. */
export type OpenInputs = Readonly<Record<string, OpenMember["value"] | ReadonlyArray<OpenMember>>>

/** Something wrong with a node's parameters and ports taken together; the path starts with `with` or `in`. */
export interface Objection {
  readonly path: readonly ["with" | "in", ...ReadonlyArray<string | number>]
  readonly message: string
  readonly hint?: string
}

/** Parameters whose value was left to the machine, with what it makes of them. */
export interface Settled {
  readonly params: Readonly<Record<string, Json>>
  /** For the node's log. */
  readonly why: string
}

type Awaitable<A> = A | Promise<A> | Effect.Effect<A, unknown>

/**
 * The function of a mapping node. May return one row (or patch), several, null for "drop it silently", or a
 * `MapResult` with what was rejected and why. A thrown error fails this item alone; it is tried again next time.
 */
export type MapFunction<Item, Params, Row = Readonly<Record<string, unknown>>> = (call: {
  readonly item: Item
  readonly params: Params
  readonly context: NodeContext
}) => Awaitable<Row | ReadonlyArray<Row> | MapResult<Row> | null>

type RowOf<T> = T extends ArtifactType<infer A> ? A : T extends InputPort<infer A> ? A : never
type KindOf<A> = [A] extends [never] ? FilesHandle : A extends { readonly id: string } ? TableHandle<A> : A
/** One artifact of a list port, with the node and port it came from (empty unless the port is `named`). */
export interface Named<A> {
  readonly node: string
  readonly value: A
}
/** What an implementation receives for its input ports. */
export type InputValues<I extends Inputs> = {
  readonly [P in keyof I]: I[P] extends InputPort<infer A, infer M>
    ? M extends "list"
      ? ReadonlyArray<Named<KindOf<A>>>
      : M extends "optional"
        ? KindOf<A> | undefined
        : KindOf<A>
    : KindOf<RowOf<I[P]>>
}
/**
 * What an implementation returns for its output ports: rows for a table (any order; the engine sorts by id), the
 * value for JSON; for Files `{ path: bytes }`, the absolute path of a file or folder (in the scratch folder), or what
 * `context.capture` gave.
 */
export type OutputValues<O extends Outputs> = {
  readonly [P in keyof O]: O[P] extends SameAs
    ? Iterable<{ readonly id: string }> | AsyncIterable<{ readonly id: string }>
    : [RowOf<O[P]>] extends [never]
      ? string | Readonly<Record<string, Uint8Array>> | StoredFiles
      : RowOf<O[P]> extends { readonly id: string }
        ? Iterable<RowOf<O[P]>> | AsyncIterable<RowOf<O[P]>>
        : RowOf<O[P]>
}
/** The function of a whole-input node. */
export type RunFunction<I extends Inputs, O extends Outputs, Params> = (call: {
  readonly inputs: InputValues<I>
  readonly params: Params
  readonly context: NodeContext
}) => Awaitable<OutputValues<O>>

/** A module whose default export is the implementation; loaded when first used. */
export type LoadImplementation = () => Promise<{ readonly default: unknown }>

export interface MapSpec {
  /**
   * Name of the input table whose rows are the items. Each result row is laid over its item (`{...item, ...row}`,
   * a row `null` field removes it), so that labels, sources and licences travel along untouched; several results
   * of one item get ids `id#0`, `id#1` … and `parent` unless they bring their own.
   */
  readonly over?: string
  /** In place of `over`, for sources: the items, made of the parameters (say, one per query), each with an id. */
  readonly items?: (params: never) => ReadonlyArray<{ readonly id: string }>
  /** Sources: the parameters that each item depends on besides itself; default all. Others do not enter its key. */
  readonly itemParams?: ReadonlyArray<string>
  /**
   * The fields of a row the implementation may see. It gets no others, so a result can depend on no others, and a
   * change of any other field (a label, say) reruns nothing. Default: all.
   */
  readonly reads?: ReadonlyArray<string>
  /** "cpu": items go to worker processes. "io": one process, `net` items at a time. Default "cpu". */
  readonly bound?: "cpu" | "io"
  /** The function (light) or its module (heavy). */
  readonly run?: unknown
  readonly impl?: LoadImplementation
}

/** What a node type may leave to the document. */
interface DocumentPorts<Params> {
  /** Whether there may be input ports of any further name, for artifacts of any type: see `OpenInputs`. */
  readonly openInputs?: boolean
  /** Output ports that the parameters name, besides `outputs`. Must bear parameters that are secrets. */
  readonly outputsOf?: (params: Params) => Outputs
  /** Those of them that are laid out for a person to open, besides `present`. */
  readonly presentOf?: (params: Params) => ReadonlyArray<string>
  /** Parameters that a secret may be a part of; default: all. */
  readonly secretParams?: ReadonlyArray<string>
  /** What is wrong with parameters and fed ports taken together: told with the other mistakes of the document. */
  readonly check?: (params: Params, ports: ReadonlyArray<string>) => ReadonlyArray<Objection>
}

/**
 * A node type, as the catalogue holds it. A `GraphNode` has one of its own where the document decides about ports:
 * there `inputs` and `outputs` are complete.
 */
export interface NodeDefinition extends DocumentPorts<never> {
  readonly type: string
  readonly description: string
  readonly inputs: Inputs
  readonly outputs: Outputs
  readonly params: Schema.Codec<unknown, unknown>
  readonly map?: MapSpec
  /** Whole-input node, light: the function itself, run in the engine's process. */
  readonly run?: unknown
  /** Whole-input node, heavy: a module run in a process of its own. */
  readonly impl?: LoadImplementation
  /** Files of the project that the node reads: name → path (relative to the project). They enter by content. */
  readonly files?: (params: never) => Readonly<Record<string, string>>
  /** Parameters that are only the paths of `files`: their text stays out of the key. */
  readonly pathParams?: ReadonlyArray<string>
  /** Parameters that cannot change the result (timeouts, concurrency): out of the key. */
  readonly freeParams?: ReadonlyArray<string>
  /**
   * Parameters that leave a choice to the machine (`auto`), as this one makes it. Asked before anything is decided, so
   * that keys hold the choice: cheap, and the same for the same machine.
   */
  readonly settle?: (params: never) => Settled | undefined
  /**
   * Whether the result depends on `context.seed`. Only then does the seed enter the key; a definition without it
   * gets the seed 0, so that another `params.seed` reruns no node that draws nothing.
   */
  readonly seeded?: boolean
  /**
   * What of the world the implementation reads by design (a downloader: the network; a measurement: the clock). An
   * audit lets it pass. It enters no key: such a result stays until somebody asks for a new one. `bound: "io"`
   * stands for the network.
   */
  readonly ambient?: ReadonlyArray<AmbientKind>
  /**
   * `same-machine`: floating-point sums in an order that depends on the processor, so that only the same kind of
   * machine gives the same bits. Default: the same bits everywhere.
   */
  readonly exact?: "everywhere" | "same-machine"
  /** Output ports of type Files that are laid under `out/` of the store for a person to open. */
  readonly present?: ReadonlyArray<string>
  readonly resources?: Resources
}

interface Shape<
  I extends Inputs,
  O extends Outputs,
  P extends Schema.Codec<unknown, unknown>,
> extends DocumentPorts<P["Type"]> {
  readonly type: string
  readonly description: string
  readonly inputs?: I
  readonly outputs: O
  readonly params?: P
  readonly files?: (params: P["Type"]) => Readonly<Record<string, string>>
  readonly pathParams?: ReadonlyArray<string>
  readonly freeParams?: ReadonlyArray<string>
  readonly settle?: (params: P["Type"]) => Settled | undefined
  readonly seeded?: boolean
  readonly ambient?: ReadonlyArray<AmbientKind>
  readonly exact?: "everywhere" | "same-machine"
  /** Output ports of type Files that are laid under `out/` of the store for a person to open. */
  readonly present?: ReadonlyArray<string>
  readonly resources?: Resources
}
type MapShape<I extends Inputs, P extends Schema.Codec<unknown, unknown>> = {
  readonly map: {
    readonly reads?: ReadonlyArray<string>
    readonly bound?: "cpu" | "io"
    readonly itemParams?: ReadonlyArray<string>
  } & (
    | { readonly over: keyof I & string; readonly items?: never }
    | { readonly items: (params: P["Type"]) => ReadonlyArray<{ readonly id: string }>; readonly over?: never }
  ) &
    (
      | { readonly run: MapFunction<never, P["Type"], never>; readonly impl?: never }
      | { readonly impl: LoadImplementation; readonly run?: never }
    )
  readonly run?: never
  readonly impl?: never
}
type RunShape<I extends Inputs, O extends Outputs, P extends Schema.Codec<unknown, unknown>> =
  | { readonly run: RunFunction<I, O, P["Type"]>; readonly impl?: never; readonly map?: never }
  | { readonly impl: LoadImplementation; readonly run?: never; readonly map?: never }

/**
 * Declares a node type. Exactly one of `map` (per item, incremental to the item), `run` (whole inputs, light) and
 * `impl` (whole inputs, heavy).
 */
export const defineNode = <
  const I extends Inputs = Record<never, never>,
  const O extends Outputs = Outputs,
  P extends Schema.Codec<unknown, unknown> = Schema.Codec<unknown, unknown>,
>(
  definition: Shape<I, O, P> & (MapShape<I, P> | RunShape<I, O, P>),
): NodeDefinition => definition as unknown as NodeDefinition

export type { BlobRef, Json }
