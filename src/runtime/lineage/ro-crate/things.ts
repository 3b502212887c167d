import type { BlobRef } from "../../../schema/blob.ts"
import type { Digest } from "../../../schema/digest.ts"
import type { LineageNode } from "../../../schema/lineage.ts"
import { readJson } from "../../store/artifacts.ts"
import { textOf } from "../words.ts"
import { ref, type Draft } from "./draft.ts"

/** An artifact, or a file that was read, as data of the crate; gives the id of its entity. */
export const addThing = (draft: Draft, { id, kind, digest = "", label, attributes }: LineageNode): string => {
  if (kind === "source")
    return draft.add({
      "@id": `urn:facet:file:${digest}`,
      "@type": "File",
      name: textOf(attributes["path"]) || label,
      identifier: `urn:facet:sha256:${digest}`,
    })
  const { node, port, type, rows, bytes } = attributes
  const name = `${textOf(node)}.${textOf(port)}`
  const shared = {
    name,
    description: `${textOf(type)} that ${textOf(node)} gave${typeof rows === "number" ? `, ${rows} rows` : ""}`,
    identifier: `urn:facet:artifact:${digest}`,
    ...(typeof bytes === "number" ? { contentSize: String(bytes) } : {}),
  }
  if (!draft.store.blobs.has(digest))
    return draft.add({ "@id": `urn:facet:artifact:${encodeURIComponent(id)}`, "@type": "File", ...shared })
  if (type === "Files") {
    const path = draft.path("data", name, "/")
    draft.files.push({ path, kind: "files", digest: digest as Digest })
    return draft.add({ "@id": path, "@type": "Dataset", ...shared })
  }
  const table = typeof rows === "number"
  const path = draft.path("data", name, table ? ".jsonl" : ".json")
  draft.files.push({ path, kind: table ? "table" : "blob", digest: digest as Digest })
  const blobs = table ? [] : addBlobs(draft, digest as Digest)
  return draft.add({
    "@id": path,
    "@type": "File",
    ...shared,
    encodingFormat: table ? "application/jsonl" : "application/json",
    ...(blobs.length === 0 ? {} : { mentions: blobs.map(ref) }),
  })
}

/** Blobs that a JSON artifact names (the weights of a model) are files of the crate. */
const addBlobs = (draft: Draft, digest: Digest): ReadonlyArray<string> =>
  [...blobRefs(readJson(draft.store.blobs, digest))]
    .filter(({ $blob }) => draft.store.blobs.has($blob))
    .map(({ $blob, bytes, media }) =>
      draft.add({
        "@id": draft.blob($blob),
        "@type": "File",
        name: $blob,
        contentSize: String(bytes),
        encodingFormat: media ?? "application/octet-stream",
      }),
    )

function* blobRefs(value: unknown): Generator<BlobRef> {
  if (Array.isArray(value)) for (const part of value) yield* blobRefs(part)
  else if (typeof value === "object" && value !== null) {
    if ("$blob" in value) yield value as BlobRef
    else for (const part of Object.values(value)) yield* blobRefs(part)
  }
}
