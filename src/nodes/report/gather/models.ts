import type { Named } from "../../../runtime/node.ts"
import type { ModelValue } from "../../model/types.ts"
import type { NamedModel } from "../data.ts"

const TITLES: Readonly<Record<string, string>> = { densenet40: "DenseNet-40", resnet50: "ResNet-50" }

/** `train[lr=0.1,model=resnet50]` → `lr 0.1`: what tells it from another of the same architecture. */
const variant = (node: string): string => {
  const inside = /\[(.*)\]$/.exec(node)?.[1] ?? ""
  const parts = inside.split(",").filter((part) => part !== "" && !part.startsWith("model="))
  return parts.map((part) => part.replace("=", " ")).join(", ")
}

/** Depth as the number of layers with weights, where the architecture was changed by its parameters. */
const architecture = ({ name, network }: ModelValue): string => {
  const { depth, growth, width, blocks } = network
  const say = (value: unknown): string => (typeof value === "number" ? String(value) : "?")
  if (name === "densenet40" && (depth !== 40 || growth !== 12))
    return `DenseNet-${say(depth)} (growth ${say(growth)})`
  if (name === "resnet50") {
    const layers = Array.isArray(blocks) ? 2 + 3 * blocks.reduce<number>((n, b) => n + Number(b), 0) : 50
    return `ResNet-${layers}${width === 1 ? "" : ` (width ×${say(width)})`}`
  }
  return TITLES[name] ?? name
}

/** Gives models the names readers see, each once. */
export const nameModels = (models: ReadonlyArray<Named<ModelValue>>): ReadonlyArray<NamedModel> => {
  const titles = models.map(({ value }) => architecture(value))
  const full = titles.map((title, i) =>
    titles.some((other, j) => i !== j && other === title)
      ? [title, variant(models[i].node)].filter((part) => part !== "").join(", ")
      : title,
  )
  return models.map(({ node, value }, i) => ({
    node,
    value,
    published: architecture(value) === TITLES[value.name],
    title: full.some((other, j) => i !== j && other === full[i]) ? `${full[i]} (${node})` : full[i],
  }))
}
