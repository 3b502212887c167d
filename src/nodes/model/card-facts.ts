import type { CardCount, CardFacts } from "../../learning/export/card.ts"
import { SOFTENING } from "../../learning/preprocess.ts"
import type { TableHandle } from "../../runtime/handles.ts"
import type { Sample } from "../../schema/sample.ts"
import type { EvaluationValue, ModelValue } from "./types.ts"

type Row = Sample & { readonly label: string }

/** Counts by name, most first, then by name. */
const tally = (counts: ReadonlyMap<string, number>, urls?: ReadonlyMap<string, string>): Array<CardCount> =>
  [...counts]
    .toSorted(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .map(([name, count]) => {
      const url = urls?.get(name)
      return { name, count, ...(url === undefined ? {} : { url }) }
    })

/** Sets and licences of the rows a model was trained on, copies apart; undefined where no table is that one. */
export const originsOf = async (
  dataset: string,
  tables: ReadonlyArray<Pick<TableHandle<Row>, "digest" | "stream">>,
): Promise<CardFacts["data"]> => {
  const table = tables.find(({ digest }) => digest === dataset)
  if (table === undefined) return undefined
  const [sets, licences, urls] = [
    new Map<string, number>(),
    new Map<string, number>(),
    new Map<string, string>(),
  ]
  const add = (counts: Map<string, number>, name: string): unknown =>
    counts.set(name, (counts.get(name) ?? 0) + 1)
  for await (const row of table.stream()) {
    if (row.split !== "train" || row.copy !== undefined) continue
    add(sets, row.set)
    const licence = row.licence?.name ?? "not stated"
    add(licences, licence)
    if (row.licence?.url !== undefined && !urls.has(licence)) urls.set(licence, row.licence.url)
  }
  return { sets: tally(sets), licences: tally(licences, urls) }
}

/** What an evaluation says of a model by its node's name, where the classes are the same. */
export const resultsOf = (
  node: string,
  { classes }: Pick<ModelValue, "classes">,
  evaluation: EvaluationValue | undefined,
): CardFacts["results"] =>
  (evaluation?.results ?? [])
    .filter((result) => result.model === node && result.classes.join("\n") === classes.join("\n"))
    .map(({ set, n, accuracy, interval, macroF1, perClass }) => ({
      set,
      n,
      accuracy,
      interval,
      macroF1,
      f1: classes.map((name) => perClass[name]?.f1 ?? 0),
    }))

/** Settings of the other architecture, which a network's description has too. */
const FOREIGN: Readonly<Record<string, ReadonlyArray<string>>> = {
  densenet: ["blocks", "width", "stemStride"],
  resnet: ["depth", "growth"],
}

const ownSettings = ({ network }: Pick<ModelValue, "network">): CardFacts["network"] => {
  const foreign = typeof network["name"] === "string" ? (FOREIGN[network["name"]] ?? []) : []
  return Object.fromEntries(Object.entries(network).filter(([key]) => !foreign.includes(key)))
}

/** What the model itself knows for its card. */
export const modelFacts = (
  value: ModelValue,
): Pick<
  CardFacts,
  | "network"
  | "parameters"
  | "input"
  | "preprocessing"
  | "classes"
  | "generated"
  | "seed"
  | "training"
  | "validation"
> => {
  const { size, channels, mean, std, perPicture = false } = value.preprocessing
  const best = value.history.find(({ epoch }) => epoch === value.bestEpoch)?.val
  return {
    network: ownSettings(value),
    parameters: value.parameters,
    input: { size, channels },
    preprocessing: { perPicture, softening: SOFTENING, mean, std },
    classes: value.classes.map((name) => ({
      name,
      ...(value.trainedOn[name] ?? { original: 0, resampled: 0, augmented: 0 }),
      validated: value.validatedOn[name] ?? 0,
    })),
    generated: value.generated,
    seed: value.seed,
    training: value.training,
    ...(best === undefined
      ? {}
      : {
          validation: {
            epoch: value.bestEpoch,
            accuracy: best.accuracy,
            ...(best.macroF1 === undefined ? {} : { macroF1: best.macroF1 }),
          },
        }),
  }
}
