import { ref, type Draft, type Entity } from "./draft.ts"
import { engineId, LANGUAGE, LICENCES, ORGANIZE, PROFILES, RO_CRATE, RUN, WORKFLOW } from "./names.ts"
import type { Step } from "./steps.ts"

/** What every crate says of itself: its descriptor, its root and the entities that the root names. */
export const descriptors = (
  { lineage: { pipeline, ref: asked, run }, version }: Draft,
  {
    parts,
    steps,
    end,
  }: { readonly parts: Iterable<string>; readonly steps: ReadonlyArray<Step>; readonly end: string },
): ReadonlyArray<Entity> => [
  {
    "@id": "ro-crate-metadata.json",
    "@type": "CreativeWork",
    about: ref("./"),
    conformsTo: [ref(RO_CRATE), ref("https://w3id.org/workflowhub/workflow-ro-crate/1.0")],
  },
  {
    "@id": "./",
    "@type": "Dataset",
    name: run === undefined ? `Lineage of ${asked} (${pipeline})` : `Run ${run.id} of ${pipeline}`,
    description: `What was computed, of what, by what: ${asked} of the pipeline ${pipeline}, written by Facet ${version}.`,
    datePublished: end,
    license: ref(LICENCES),
    conformsTo: PROFILES.map(([id]) => ref(id)),
    mainEntity: ref(WORKFLOW),
    hasPart: [...new Set(parts)].map(ref),
    mentions: [RUN, ORGANIZE, ...steps.flatMap(({ action, control }) => [action, control])].map(ref),
  },
  {
    "@id": LICENCES,
    "@type": "CreativeWork",
    name: "Licences of the sources",
    description:
      "Every sample keeps the licence of its source, which its row names; no other licence is given.",
  },
  ...PROFILES.map(([id, name, profile]) => ({ "@id": id, "@type": "CreativeWork", name, version: profile })),
  {
    "@id": LANGUAGE,
    "@type": "ComputerLanguage",
    name: "Facet pipeline",
    alternateName: "facet",
    identifier: ref("urn:facet:language"),
    url: ref("urn:facet:language"),
    version,
  },
  { "@id": engineId(version), "@type": "SoftwareApplication", name: "Facet", softwareVersion: version },
]
