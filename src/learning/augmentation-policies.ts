import { type Augmentation, DEFAULT_AUGMENTATION, NO_AUGMENTATION } from "./augment.ts"

/** The augmentations of the source paper one by one, none and all of them: the rows of its ablation. */
export const AUGMENTATION_POLICIES = ["none", "flip", "rotation", "saturation", "brightness", "all"] as const

export type AugmentationPolicy = (typeof AUGMENTATION_POLICIES)[number]

/** A policy by its name, or ranges as they are. */
export const augmentationOf = (policy: AugmentationPolicy | Augmentation): Augmentation => {
  if (typeof policy !== "string") return policy
  if (policy === "none") return NO_AUGMENTATION
  if (policy === "all") return DEFAULT_AUGMENTATION
  return { ...NO_AUGMENTATION, [policy]: DEFAULT_AUGMENTATION[policy] }
}
