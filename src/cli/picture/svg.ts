import type { Graph } from "../../runtime/graph.ts"
import { layered } from "./layout.ts"
import { edgesOf } from "./text.ts"

const boxHeight = 44
const gap = { x: 56, y: 18 }
const margin = 16
/** Width of a letter of the two lines, in pixels, near enough for a sans-serif face of 13 and 11 px. */
const letter = { title: 7.4, uses: 6.2 }

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

/** A drawing of the graph that stands on its own, from left to right. */
export const svg = (graph: Graph): string => {
  const edges = edgesOf(graph)
  const placed = layered(
    graph.nodes.map((node) => node.id),
    edges,
  )
  const byId = new Map(graph.nodes.map((node) => [node.id, node]))
  const layers = Math.max(...placed.map(({ layer }) => layer)) + 1
  const widths = Array.from({ length: layers }, (_, layer) =>
    Math.max(
      ...placed
        .filter((box) => box.layer === layer)
        .map(({ id }) => Math.max(id.length * letter.title, byId.get(id)!.uses.length * letter.uses) + 24),
    ),
  )
  const lefts = widths.map(
    (_, layer) => margin + widths.slice(0, layer).reduce((sum, width) => sum + width + gap.x, 0),
  )
  const top = Math.min(...placed.map(({ slot }) => slot))
  const bottom = Math.max(...placed.map(({ slot }) => slot))
  const boxes = new Map(
    placed.map(({ id, layer, slot }) => [
      id,
      { x: lefts[layer], y: margin + (slot - top) * (boxHeight + gap.y), width: widths[layer] },
    ]),
  )
  const width = Math.ceil(lefts.at(-1)! + widths.at(-1)! + margin)
  const height = Math.ceil((bottom - top) * (boxHeight + gap.y) + boxHeight + 2 * margin)
  const drawEdge = ({ from, to, ports }: (typeof edges)[number]): string => {
    const a = boxes.get(from)!
    const b = boxes.get(to)!
    const [x1, y1, x2, y2] = [a.x + a.width, a.y + boxHeight / 2, b.x, b.y + boxHeight / 2]
    const bend = Math.max(gap.x / 2, (x2 - x1) / 2)
    return `<path d="M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2 - 1} ${y2}" marker-end="url(#tip)"><title>${escape(`${from} → ${to}: ${ports.join(", ")}`)}</title></path>`
  }
  const drawNode = (id: string): string => {
    const { x, y, width } = boxes.get(id)!
    const { uses, definition } = byId.get(id)!
    return `<g transform="translate(${x} ${y})"><title>${escape(definition.description)}</title><rect width="${width}" height="${boxHeight}" rx="6"/><text x="12" y="19" class="id">${escape(id)}</text><text x="12" y="35" class="uses">${escape(uses)}</text></g>`
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" font-family="system-ui, sans-serif">`,
    `<title>${escape(graph.pipeline)}</title>`,
    `<style>rect{fill:#f6f8fa;stroke:#8c959f}path{fill:none;stroke:#8c959f;stroke-width:1.4}.id{font-size:13px;font-weight:600;fill:#1f2328}.uses{font-size:11px;fill:#59636e}</style>`,
    `<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" style="fill:#8c959f;stroke:none"/></marker></defs>`,
    ...edges.map(drawEdge),
    ...graph.nodes.map(({ id }) => drawNode(id)),
    "</svg>",
  ].join("\n")
}
