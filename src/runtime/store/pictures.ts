import { asBuffer, digestsIn } from "./references.ts"
import type { OpenStore } from "./store.ts"

/** The pictures of all tables that were fetched or imported, each once: what nodes without inputs gave. */
export function* picturesOfSources(store: OpenStore): Generator<string> {
  const seen = new Set<string>()
  const chunks = new Set<string>()
  for (const { inputs, outputs } of store.traces.all()) {
    if (Object.keys(inputs).length > 0) continue
    for (const { digest, rows } of Object.values(outputs)) {
      if (rows === undefined || !store.blobs.has(digest)) continue
      for (const chunk of digestsIn(asBuffer(store.blobs.get(digest)))) {
        if (chunks.has(chunk)) continue
        chunks.add(chunk)
        for (const picture of digestsIn(asBuffer(store.blobs.get(chunk)))) {
          if (seen.has(picture)) continue
          seen.add(picture)
          yield picture
        }
      }
    }
  }
}
