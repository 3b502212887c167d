import type { Random } from "./random.ts"

/** The seven classes of the framework's ontology. */
export const expressions = [
  "anger",
  "disgust",
  "fear",
  "happiness",
  "sadness",
  "surprise",
  "neutral",
] as const
export type Expression = (typeof expressions)[number]

/** What a face can show: the seven classes, and contempt, which CK+ also labels. */
export type ShownExpression = Expression | "contempt"

/**
 * Action units of the Facial Action Coding System (Ekman, Friesen & Hager 2002) that the renderer can show:
 * 1 inner brow raiser, 2 outer brow raiser, 4 brow lowerer, 5 upper lid raiser, 6 cheek raiser, 7 lid
 * tightener, 9 nose wrinkler, 10 upper lip raiser, 12 lip corner puller, 14 dimpler, 15 lip corner depressor,
 * 16 lower lip depressor, 17 chin raiser, 18 lip pucker, 20 lip stretcher, 23 lip tightener, 24 lip pressor,
 * 25 lips part, 26 jaw drop, 27 mouth stretch, 43 eyes closed.
 */
export const actionUnits = [
  1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 16, 17, 18, 20, 23, 24, 25, 26, 27, 43,
] as const
export type ActionUnit = (typeof actionUnits)[number]

/** Strength of each action unit, 0 (absent) to 1 (FACS intensity E); absent keys are 0. */
export type Activation = { readonly [unit in ActionUnit]?: number }

/** A face's state: symmetric activations plus how the left and right half differ. */
export interface FacialAction {
  readonly units: Activation
  /** −1..1: which mouth corner and brow moves more; 0 is symmetric, +1 the image-right half only. */
  readonly asymmetry: number
}

/**
 * Prototypes and major variants of the basic emotions in action units: FACS Investigator's Guide (2002),
 * table 10-2, with the strengths chosen here. The number after each is how often the variant is drawn.
 */
const prototypes: Readonly<
  Record<Exclude<ShownExpression, "neutral">, readonly (readonly [Activation, number])[]>
> = {
  happiness: [
    [{ 6: 0.8, 12: 0.95, 25: 0.65 }, 6],
    [{ 6: 0.6, 12: 0.9 }, 3],
    [{ 6: 0.95, 12: 1, 25: 0.8, 26: 0.5 }, 4],
    [{ 2: 0.2, 12: 0.8, 25: 0.4 }, 1],
  ],
  sadness: [
    [{ 1: 0.95, 4: 0.5, 15: 0.9, 17: 0.5 }, 5],
    [{ 1: 0.85, 4: 0.6, 15: 0.8 }, 3],
    [{ 1: 1, 4: 0.4, 15: 0.7, 20: 0.2, 25: 0.25 }, 1],
    [{ 1: 0.9, 4: 0.6, 6: 0.4, 15: 0.9, 17: 0.9, 43: 0.5 }, 1],
    [{ 1: 0.7, 15: 0.8, 43: 0.55 }, 1],
  ],
  surprise: [
    [{ 1: 0.9, 2: 0.95, 5: 0.85, 25: 0.5, 26: 0.9 }, 5],
    [{ 1: 1, 2: 1, 5: 0.95, 25: 0.5, 27: 0.9 }, 3],
    [{ 1: 0.9, 2: 0.95, 5: 0.6, 18: 0.4, 25: 0.4, 26: 0.4 }, 2],
  ],
  fear: [
    [{ 1: 0.95, 2: 0.55, 4: 0.75, 5: 0.95, 7: 0.5, 20: 0.95, 25: 0.6, 26: 0.3 }, 5],
    [{ 1: 0.9, 2: 0.5, 4: 0.7, 5: 1, 20: 0.8, 25: 0.35 }, 3],
    [{ 1: 0.9, 2: 0.6, 4: 0.6, 5: 1, 7: 0.4, 16: 0.5, 20: 0.7, 25: 0.6, 26: 0.7 }, 2],
  ],
  anger: [
    [{ 4: 1, 5: 0.5, 7: 0.8, 23: 0.8, 24: 0.6 }, 5],
    [{ 4: 0.95, 7: 0.8, 17: 0.6, 24: 0.9 }, 3],
    [{ 4: 1, 5: 0.6, 7: 0.7, 10: 0.5, 16: 0.7, 23: 0.5, 25: 0.7, 26: 0.4 }, 3],
  ],
  disgust: [
    [{ 4: 0.4, 6: 0.3, 7: 0.5, 9: 0.95, 10: 0.6, 17: 0.4 }, 4],
    [{ 4: 0.3, 7: 0.5, 9: 0.8, 10: 0.8, 15: 0.4, 16: 0.4, 25: 0.45 }, 4],
    [{ 7: 0.4, 9: 0.5, 10: 1, 15: 0.5, 17: 0.6 }, 2],
    [{ 4: 0.3, 7: 0.6, 9: 0.9, 10: 0.8, 16: 0.8, 25: 0.6, 26: 0.5 }, 1],
  ],
  contempt: [[{ 2: 0.15, 12: 0.55, 14: 0.95 }, 1]],
}

/** Small movements that any face makes, whatever it feels: what makes classes overlap. */
const idle: Activation = {
  1: 0.12,
  2: 0.12,
  4: 0.12,
  5: 0.1,
  7: 0.14,
  12: 0.1,
  15: 0.1,
  17: 0.12,
  24: 0.15,
  25: 0.1,
}

/** Share of a variant's units that a face leaves out. */
const omission = 0.03

/**
 * Draws a facial action: one of the expression's variants scaled by the intensity, each unit with its own
 * variation (people differ in which muscles they use), plus idle movements.
 * @param intensity 0 (nothing to see) to 1 (apex); ignored for neutral
 */
export const drawAction = (expression: ShownExpression, intensity: number, random: Random): FacialAction => {
  const units: { [unit in ActionUnit]?: number } = {}
  for (const unit of actionUnits) {
    const strength = idle[unit]
    if (strength !== undefined && random.chance(0.3)) units[unit] = strength * random.next()
  }
  if (expression !== "neutral") {
    const variant = random.weighted(prototypes[expression])
    for (const unit of actionUnits) {
      const strength = variant[unit]
      if (strength === undefined || random.chance(omission)) continue
      const own = strength * intensity * Math.max(0.35, random.normal(1, 0.14))
      units[unit] = Math.min(1, Math.max(units[unit] ?? 0, own))
    }
  } else if (random.chance(0.04)) units[43] = 1
  const lopsided = expression === "contempt" ? (random.chance(0.5) ? 0.9 : -0.9) : random.normal(0, 0.1)
  return { units, asymmetry: Math.max(-1, Math.min(1, lopsided)) }
}

/** The action of a face at rest, exactly. */
export const restAction: FacialAction = { units: {}, asymmetry: 0 }
