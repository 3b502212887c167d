import type { ComparisonValue } from "../model/comparison.ts"
import type { AttentionPicture, ClassCount, FeaturePicture, ModelValue, Result } from "../model/types.ts"
import type { ShownMaps, ShownNeighbours } from "./inside-data.ts"

/** A sweep or an ablation, with the id of its node. */
export interface NamedComparison extends ComparisonValue {
  readonly node: string
}

/** A small picture inside the page. */
export interface Thumb {
  /** data: address */
  readonly src: string
  readonly width: number
  readonly height: number
}

/** A thumbnail with what is known of its sample. */
export interface Shown {
  readonly thumb: Thumb
  readonly label: string
  readonly id: string
  readonly query?: string
  readonly page?: string
}

export type Generated = boolean | "partly"

export interface NamedModel {
  /** The node's id. */
  readonly node: string
  /** What readers see: `DenseNet-40`. */
  readonly title: string
  /** Whether it has the published size of its architecture. */
  readonly published: boolean
  readonly value: ModelValue
}

export interface QueryYield {
  readonly query: string
  readonly label: string
  readonly found: number
  readonly kept: number
}

/** Where pictures came from: counted over the tables of found pictures. */
export interface Origins {
  readonly found: number
  /** set → engine or file, pictures */
  readonly sources: ReadonlyArray<{ readonly set: string; readonly engine: string; readonly count: number }>
  readonly licences: ReadonlyArray<{ readonly name: string; readonly url?: string; readonly count: number }>
  readonly yields: ReadonlyArray<QueryYield>
  readonly generated: Generated
}

/** Rows per class and kind of copy. `other` = rows of other splits (validation, test), which balancing leaves alone. */
export interface ClassCounts {
  readonly rows: number
  /** Rows that are faces found by a detector. */
  readonly faces: number
  readonly train: Readonly<Record<string, ClassCount>>
  readonly other: Readonly<Record<string, number>>
  /** Mean loss weight of the training rows. */
  readonly weight: Readonly<Record<string, number>>
}

export interface RejectStage {
  readonly stage: string
  readonly total: number
  readonly reasons: ReadonlyArray<{ readonly reason: string; readonly count: number }>
  readonly examples: ReadonlyArray<{
    readonly id: string
    readonly thumb: Thumb
    readonly reason: string
    readonly detail?: string
  }>
}

export interface DuplicateCluster {
  readonly kept?: Shown
  readonly dropped: ReadonlyArray<Shown>
  /** Members in all, shown or not. */
  readonly size: number
  /** exact, near; undefined where the clusters were not given. */
  readonly kind?: string
  /** kept, conflict, protected. */
  readonly outcome?: string
  readonly labels: ReadonlyArray<string>
}
export interface Duplicates {
  /** Rows taken out. */
  readonly dropped: number
  readonly clusters: number
  readonly byOutcome: Readonly<Record<string, number>>
  readonly shown: ReadonlyArray<DuplicateCluster>
}

export interface Mistake {
  readonly thumb: Thumb
  readonly label: string
  readonly predicted: string
  readonly probability: number
  readonly model: string
  readonly set: string
  readonly id: string
}

export interface ShownFeature extends Omit<FeaturePicture, "image" | "examples"> {
  readonly thumb: Thumb
  readonly examples: ReadonlyArray<{ readonly thumb: Thumb; readonly label: string; readonly value: number }>
}
export interface ShownAttention extends Omit<AttentionPicture, "input" | "overlays"> {
  readonly input: Thumb
  readonly overlays: ReadonlyArray<{ readonly method: string; readonly thumb: Thumb }>
}

export interface Credit {
  readonly author: string
  readonly licence: string
  readonly licenceUrl?: string
  readonly pages: ReadonlyArray<string>
  readonly count: number
}

/** Everything the page says; plain data, so that sections are pure functions of it. */
export interface ReportData {
  readonly title: string
  readonly classes: ReadonlyArray<string>
  /** Of all pictures, those to learn from and those judged on. */
  readonly generated: Generated
  readonly results: ReadonlyArray<Result>
  /** Pictures of each held-out set before faces were looked for; empty where that was not given. */
  readonly tested: Readonly<Record<string, number>>
  readonly models: ReadonlyArray<NamedModel>
  readonly origins?: Origins
  readonly before?: ClassCounts
  readonly after?: ClassCounts
  readonly samples: ReadonlyArray<{ readonly label: string; readonly shown: ReadonlyArray<Shown> }>
  readonly rejects: ReadonlyArray<RejectStage>
  readonly duplicates?: Duplicates
  readonly mistakes: ReadonlyArray<Mistake>
  /** Wrong predictions in all. */
  readonly wrong: number
  readonly features: ReadonlyArray<ShownFeature>
  readonly attention: ReadonlyArray<ShownAttention>
  readonly neighbours: ReadonlyArray<ShownNeighbours>
  readonly maps: ShownMaps
  readonly comparisons: ReadonlyArray<NamedComparison>
  readonly credits: ReadonlyArray<Credit>
}

/** The reader's name of a model node, its id where it is not known. */
export const titleOf = (models: ReadonlyArray<NamedModel>, node: string): string =>
  models.find((model) => model.node === node)?.title ?? node
