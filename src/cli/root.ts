import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"

/** The program, with what holds for every command. */
export const root = Command.make("dag").pipe(
  Command.withSharedFlags({
    file: Flag.String("file").pipe(
      Flag.withAlias("f"),
      Flag.withMetavar("FILE"),
      Flag.withDescription("The pipeline document"),
      Flag.withDefault("pipelines/fer.pipeline.yaml"),
    ),
    cache: Flag.String("cache").pipe(
      Flag.withMetavar("DIR"),
      Flag.withDescription("The store (default: cache/ in the project)"),
      Flag.withDefault(""),
    ),
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("One JSON document on standard output, everything else on standard error"),
      Flag.withDefault(false),
    ),
    quiet: Flag.Boolean("quiet").pipe(
      Flag.withAlias("q"),
      Flag.withDescription("No progress, only results and errors"),
      Flag.withDefault(false),
    ),
  }),
  Command.withDescription(
    "Runs machine-learning pipelines: one YAML document, and only what changed is computed.",
  ),
)

/** Flags that say how the document is to be read. */
export const documentFlags = {
  profile: Flag.String("profile").pipe(
    Flag.withMetavar("NAME"),
    Flag.withDescription("Lay a profile over the document (may be repeated)"),
    Flag.atLeast(0),
  ),
  set: Flag.String("set").pipe(
    Flag.withMetavar("params.x=v"),
    Flag.withDescription("Set a parameter; the value is YAML (may be repeated)"),
    Flag.atLeast(0),
  ),
}

/** Flags that say what is wanted of it. */
export const targetFlags = {
  ...documentFlags,
  target: Flag.String("target").pipe(
    Flag.withAlias("t"),
    Flag.withMetavar("NODE"),
    Flag.withDescription("Only this node and what it needs (may be repeated)"),
    Flag.atLeast(0),
  ),
  force: Flag.String("force").pipe(
    Flag.withMetavar("NODE"),
    Flag.withDescription("Compute this node again, whatever is cached (may be repeated)"),
    Flag.atLeast(0),
  ),
  refresh: Flag.String("refresh").pipe(
    Flag.withMetavar("NODE"),
    Flag.withDescription("Ask the outside world again for this node (may be repeated)"),
    Flag.atLeast(0),
  ),
}
