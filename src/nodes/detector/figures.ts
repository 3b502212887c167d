import { type FoundFace, landmarkError, matchFaces } from "../../learning/mtcnn/detection-score.ts"
import type { DetectorFigures, Group, Scene } from "./types.ts"

/** A scene and what a detector found in it, in the coordinates of the scene's faces. */
export interface Judged {
  readonly scene: Pick<Scene, "kind" | "faces">
  readonly found: ReadonlyArray<FoundFace>
}

const bounds = [20, 28, 40, 80, 160] as const

/** The name of the group of sizes a face belongs to, by its box's longer side in pixels. */
export const sizeGroup = (longer: number): string => {
  const above = bounds.findIndex((bound) => longer < bound)
  if (above === 0) return `below ${bounds[0]}`
  return above === -1 ? `${bounds[bounds.length - 1]} and more` : `${bounds[above - 1]} to ${bounds[above]}`
}

class Tally {
  faces = 0
  found = 0
  private errors = 0
  private measured = 0

  add(error: number | undefined): void {
    this.faces++
    if (error === undefined) return
    this.found++
    if (Number.isFinite(error)) {
      this.errors += error
      this.measured++
    }
  }

  group(): Group {
    const { faces, found, errors, measured } = this
    return {
      faces,
      found,
      recall: faces === 0 ? null : found / faces,
      landmarkError: measured === 0 ? null : (100 * errors) / measured,
    }
  }
}

/**
 * Figures at one least score. True faces whose longer side is below `minFaceSize` count in their group of sizes only:
 * missing one is no miss, finding one is not wrong.
 */
export const detectorFigures = (
  detector: string,
  judged: ReadonlyArray<Judged>,
  options: { readonly minScore: number; readonly overlap: number; readonly minFaceSize: number },
): DetectorFigures => {
  const all = new Tally()
  const bySize = new Map<string, Tally>()
  const byKind = new Map<string, Tally>()
  const tally = (map: Map<string, Tally>, key: string): Tally => {
    const known = map.get(key) ?? new Tally()
    map.set(key, known)
    return known
  }
  let wrong = 0
  let emptyScenes = 0
  let emptyWithFace = 0
  for (const { scene, found } of judged) {
    const kept = found.filter(({ score }) => score >= options.minScore)
    const matching = matchFaces(scene.faces, kept, options.overlap)
    wrong += matching.wrong.length
    if (scene.faces.length === 0) {
      emptyScenes++
      if (kept.length > 0) emptyWithFace++
    }
    for (const [i, face] of scene.faces.entries()) {
      const place = matching.found[i]
      const error = place === -1 ? undefined : landmarkError(face.landmarks, kept[place].landmarks)
      const longer = Math.max(face.box[2] - face.box[0], face.box[3] - face.box[1])
      tally(bySize, sizeGroup(longer)).add(error)
      if (longer < options.minFaceSize) continue
      all.add(error)
      tally(byKind, scene.kind).add(error)
    }
  }
  const groups = (map: Map<string, Tally>): Record<string, Group> =>
    Object.fromEntries(
      [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, value]) => [key, value.group()]),
    )
  const right = all.found
  return {
    detector,
    minScore: options.minScore,
    scenes: judged.length,
    ...all.group(),
    wrong,
    precision: right + wrong === 0 ? null : right / (right + wrong),
    emptyScenes,
    emptyWithFace,
    bySize: groups(bySize),
    byKind: groups(byKind),
  }
}
