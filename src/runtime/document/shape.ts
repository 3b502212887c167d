import * as Schema from "effect/Schema"

/** Names of nodes and ports: they become parts of ids, references (`node.port`) and file names. */
export const namePattern = /^[A-Za-z][A-Za-z0-9_-]*$/u
/** What a duration looks like; `parseDuration` reads it. */
export const durationPattern = /^(\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*)+$/u
const memoryPattern = /^\d+(\.\d+)?\s*([KMGT]i?)?B$/u

const Name = Schema.String.pipe(
  Schema.check(
    Schema.isPattern(namePattern, { expected: "a name of letters, digits, _ and -, a letter first" }),
  ),
)
const Duration = Schema.String.pipe(
  Schema.check(
    Schema.isMaxLength(40),
    Schema.isPattern(durationPattern, { expected: "a duration such as 90s, 30m, 1h30m or 7d" }),
  ),
)
const Pool = Schema.Finite.pipe(Schema.check(Schema.isGreaterThanOrEqualTo(0)))

export const ResourcesShape = Schema.Struct({
  cpu: Schema.optionalKey(Pool.annotate({ description: "Worker processes or threads." })),
  gpu: Schema.optionalKey(Pool),
  net: Schema.optionalKey(Pool.annotate({ description: "Requests in flight." })),
  memory: Schema.optionalKey(
    Schema.Union([
      Pool,
      Schema.String.pipe(Schema.check(Schema.isPattern(memoryPattern, { expected: 'a size such as "4GB"' }))),
    ]).annotate({ description: "Bytes, or a size such as 4GB." }),
  ),
})

/** A node of the document, its references filled in. */
export const NodeShape = Schema.Struct({
  uses: Schema.String.annotate({ description: "The node type: see `dag nodes`." }),
  description: Schema.optionalKey(Schema.String),
  in: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Array(Schema.String)])).annotate({
      description: "Per port: a node, `node.port`, or a list of them.",
    }),
  ),
  with: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Unknown).annotate({ description: "Parameters." }),
  ),
  matrix: Schema.optionalKey(
    Schema.Record(Name, Schema.Unknown).annotate({
      description: "Axes: one instance of the node for every combination of their values, `${matrix.AXIS}`.",
    }),
  ),
  each: Schema.optionalKey(
    Schema.String.annotate({
      description: "A node with a matrix: one instance of this node for each of its own.",
    }),
  ),
  optional: Schema.optionalKey(
    Schema.Boolean.annotate({
      description: "What needs it runs without it when its files are missing.",
    }),
  ),
  retries: Schema.optionalKey(
    Schema.Int.pipe(Schema.check(Schema.isBetween({ minimum: 0, maximum: 100 }))).annotate({
      description: "Further tries after a failure.",
    }),
  ),
  timeout: Schema.optionalKey(Duration.annotate({ description: "Time a try may take: 90s, 30m, 2h." })),
  refresh: Schema.optionalKey(
    Duration.annotate({
      description: "Age after which a result from the outside world is fetched again: 7d.",
    }),
  ),
  resources: Schema.optionalKey(ResourcesShape),
})
export type NodeShape = typeof NodeShape.Type

const VariableShape = Schema.Struct({
  secret: Schema.optionalKey(Schema.Boolean.annotate({ description: "Kept out of keys, logs and traces." })),
  default: Schema.optionalKey(Schema.String),
  description: Schema.optionalKey(Schema.String),
})
export const EnvironmentShape = Schema.Record(
  Schema.String.pipe(
    Schema.check(
      Schema.isPattern(/^[A-Za-z_][A-Za-z0-9_]*$/u, { expected: "the name of an environment variable" }),
    ),
  ),
  Schema.Union([VariableShape, Schema.String, Schema.Null]),
)

/** The whole document. `params` and the nodes are looked at more closely once references are filled in. */
export const DocumentShape = Schema.Struct({
  pipeline: Schema.String.pipe(
    Schema.check(
      Schema.isPattern(/^[A-Za-z][A-Za-z0-9_.-]*$/u, {
        expected: "a name of letters, digits, _, - and ., a letter first",
      }),
    ),
  ).annotate({ description: "Name of the pipeline." }),
  description: Schema.optionalKey(Schema.String),
  params: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Unknown).annotate({
      description: "Values to refer to: `${params.NAME}`.",
    }),
  ),
  profiles: Schema.optionalKey(
    Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Unknown)).annotate({
      description: "Overlays, chosen with --profile and laid over the document.",
    }),
  ),
  plugins: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({
      description: "Modules with node types of one's own, relative to the project.",
    }),
  ),
  env: Schema.optionalKey(
    EnvironmentShape.annotate({ description: "Environment variables the pipeline may use: `${env.NAME}`." }),
  ),
  nodes: Schema.Record(Name, Schema.Unknown).annotate({ description: "The nodes, by name." }),
})
export type DocumentShape = typeof DocumentShape.Type
