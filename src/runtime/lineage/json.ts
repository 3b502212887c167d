import type { OpenStore } from "../store/store.ts"
import type { ArtifactLineage } from "./artifacts.ts"
import { edgesOf, nodesOf } from "./members.ts"

/**
 * One JSON object as text, piece by piece: `head` first, then each list, an item a line. What the lists hold is
 * never in memory at once.
 */
export async function* jsonDocument(
  head: Readonly<Record<string, unknown>>,
  lists: Readonly<Record<string, AsyncIterable<unknown> | Iterable<unknown>>>,
): AsyncGenerator<string> {
  const fields = Object.entries(head).map(
    ([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`,
  )
  yield `{\n${fields.join(",\n")}`
  let first = fields.length === 0
  for (const [name, items] of Object.entries(lists)) {
    yield `${first ? "" : ",\n"}  ${JSON.stringify(name)}: [`
    first = false
    let any = false
    for await (const item of items) {
      yield `${any ? ",\n" : "\n"}    ${JSON.stringify(item)}`
      any = true
    }
    yield any ? "\n  ]" : "]"
  }
  yield "\n}\n"
}

/** A lineage as `{"ref", "nodes", "edges"}`, samples and their sources among the nodes. */
export const lineageJson = (store: OpenStore, lineage: ArtifactLineage): AsyncGenerator<string> =>
  jsonDocument({ ref: lineage.ref }, { nodes: nodesOf(store, lineage), edges: edgesOf(store, lineage) })
