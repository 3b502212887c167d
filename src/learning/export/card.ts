/** What is said of one class of the training data. */
export interface CardClass {
  readonly name: string
  readonly original: number
  readonly resampled: number
  readonly augmented: number
  readonly validated: number
}

/** What a model did on one set. Rates in [0, 1]; F1 in the order of the classes. */
export interface CardResult {
  readonly set: string
  readonly n: number
  readonly accuracy: number
  readonly interval: readonly [number, number]
  readonly macroF1: number
  readonly f1: ReadonlyArray<number>
}

/** A count by name, such as pictures per licence. */
export interface CardCount {
  readonly name: string
  readonly count: number
  readonly url?: string
}

/** Everything a model card says. */
export interface CardFacts {
  readonly title: string
  readonly network: Readonly<Record<string, unknown>>
  readonly parameters: number
  readonly input: { readonly size: number; readonly channels: 1 | 3 }
  readonly preprocessing: {
    readonly perPicture: boolean
    readonly softening: number
    readonly mean: ReadonlyArray<number>
    readonly std: ReadonlyArray<number>
  }
  readonly onnx: { readonly opset: number; readonly type: string; readonly layout: string }
  readonly classes: ReadonlyArray<CardClass>
  readonly generated: boolean | "partly"
  /** Unknown where the training rows were not handed over. */
  readonly data?: { readonly sets: ReadonlyArray<CardCount>; readonly licences: ReadonlyArray<CardCount> }
  readonly results: ReadonlyArray<CardResult>
  readonly validation?: { readonly epoch: number; readonly accuracy: number; readonly macroF1?: number }
  readonly use?: string
  readonly licence?: string
  readonly seed: number
  readonly training: Readonly<Record<string, unknown>>
  /** Name → digest. */
  readonly digests: Readonly<Record<string, string>>
  /** Name → version. */
  readonly versions: Readonly<Record<string, string>>
}

/** Names come from people's data: nothing in them may open a table cell, a tag or a link. */
const text = (value: string): string =>
  value.replaceAll(/\s+/gu, " ").replaceAll(/[\\`*_[\]<>|]/gu, (c) => `\\${c}`)

const code = (value: string): string => `\`${value.replaceAll("`", "'")}\``

const table = (head: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [head, head.map((_, i) => (i === 0 ? "---" : "---:")), ...rows]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n")

const settings = (record: Readonly<Record<string, unknown>>): string =>
  table(
    ["setting", "value"],
    Object.entries(record).map(([key, value]) => [text(key), code(JSON.stringify(value))]),
  )

const rate = (value: number): string => value.toFixed(3)

const counted = ({ name, count, url }: CardCount): string =>
  `- ${text(name)}: ${count}${url === undefined ? "" : ` (${text(url)})`}`

const origin = (generated: CardFacts["generated"]): string =>
  generated === true
    ? "**All training pictures were drawn by a program**; none shows a real person, and licences are part of that drawn world. Figures say little about photographs."
    : generated === "partly"
      ? "A part of the training pictures was drawn by a program."
      : "The training pictures were collected, not drawn by a program."

const dataSection = ({ classes, data, generated }: CardFacts): string => {
  const sum = (key: "original" | "resampled" | "augmented" | "validated"): string =>
    String(classes.reduce((total, c) => total + c[key], 0))
  const rows = classes.map((c) => [
    text(c.name),
    ...[c.original, c.resampled, c.augmented, c.validated].map(String),
  ])
  const total = ["all", sum("original"), sum("resampled"), sum("augmented"), sum("validated")]
  const origins =
    data === undefined
      ? "Sources and licences: **not stated** (the training rows were not given to the export)."
      : [
          `Training pictures by set:\n\n${data.sets.map(counted).join("\n")}`,
          `By licence, as their sources state it:\n\n${data.licences.map(counted).join("\n")}`,
        ].join("\n\n")
  return [
    origin(generated),
    table(["class", "originals", "plain copies", "augmented copies", "for validation"], [...rows, total]),
    origins,
  ].join("\n\n")
}

const figures = ({ results, classes, validation }: CardFacts): string => {
  const inTraining =
    validation === undefined
      ? "No validation split was watched during training."
      : `In training, on the validation split (a split that chooses the epoch flatters): accuracy ${rate(validation.accuracy)}${validation.macroF1 === undefined ? "" : `, macro-F1 ${rate(validation.macroF1)}`} in epoch ${validation.epoch}.`
  if (results.length === 0) return `**Not evaluated** on a test set where it was exported.\n\n${inTraining}`
  const rows = results.map((r) => [
    text(r.set),
    String(r.n),
    rate(r.accuracy),
    `${rate(r.interval[0])} to ${rate(r.interval[1])}`,
    rate(r.macroF1),
    ...r.f1.map(rate),
  ])
  const head = ["set", "n", "accuracy", "95 % interval", "macro-F1"]
  return `${table([...head, ...classes.map((c) => `F1 ${text(c.name)}`)], rows)}\n\n${inTraining}`
}

const preprocessing = ({ preprocessing: p, input, onnx }: CardFacts): string => {
  const scaling = p.perPicture
    ? `Each picture by its own mean m and standard deviation s over all its values: (v − m) / (s + ${p.softening * 255}).`
    : `Each channel by the training split's statistics on values / 255: (v / 255 − mean) / std with mean [${p.mean.join(", ")}], std [${p.std.join(", ")}].`
  return `Inside both files; **feed pixels 0 to 255 and normalise nothing**.

1. ONNX only: the largest square in the middle of the picture; ${input.channels === 1 ? "RGB to grey (BT.601 luma, rounded)" : "grey to RGB (three equal channels)"} where needed; resampling to ${input.size} × ${input.size} (area means where it shrinks, bilinear where it grows, rounded).
2. ${scaling}

- \`model.onnx\`: input \`pixels\`, ${onnx.type}, ${onnx.layout === "nhwc" ? "[batch, height, width, 1 or 3]" : "[batch, 1 or 3, height, width]"}; any batch, any picture size (one per batch).
- \`tfjs/model.json\`: input [batch, ${input.size}, ${input.size}, ${input.channels}], int32 or float32; step 1 is the caller's.
- Outputs of both: \`logits\` and \`probabilities\` [batch, classes], then the \`embedding\` where the network has one.`
}

/** The model card as Markdown: same facts, same text. */
export const modelCard = (facts: CardFacts): string => {
  const names = facts.classes.map((c) => text(c.name)).join(", ")
  const sections: ReadonlyArray<readonly [string, string]> = [
    [
      "What it is",
      `A classifier of pictures, one of ${facts.classes.length} classes: ${names}. ${facts.parameters.toLocaleString("en-US")} trainable numbers; input ${facts.input.size} × ${facts.input.size}, ${facts.input.channels === 1 ? "grey" : "RGB"}.\n\n${settings(facts.network)}\n\nLicence of the model: ${facts.licence === undefined ? "not stated" : text(facts.licence)}.`,
    ],
    [
      "Classes",
      `In the order of the outputs:\n\n${facts.classes.map((c, i) => `${i}. ${text(c.name)}`).join("\n")}`,
    ],
    ["Figures", figures(facts)],
    ["Preprocessing", preprocessing(facts)],
    ["Training data", dataSection(facts)],
    [
      "Intended use and limits",
      [
        ...(facts.use === undefined ? [] : [text(facts.use)]),
        "For research on, and comparison of, methods. It knows pictures prepared as those of its training (faces as face.align cuts them, in the usual pipeline); other crops give other results. It always answers with one of its classes, whatever the picture shows. Probabilities are not calibrated. Classes with few originals above were learnt from little.",
        "Where the classes are expressions: it says how a face looks to those who labelled the pictures, not what a person feels. Expressions differ between people, ages, cultures and situations.",
        "Not for decisions about people: hiring, schooling, policing, insurance, health, or watching anyone without their consent.",
      ].join("\n\n"),
    ],
    [
      "How it was made",
      `Seed ${facts.seed}.\n\n${settings(facts.training)}\n\n${Object.entries(facts.versions)
        .map(([name, version]) => `- ${name} ${version}`)
        .join("\n")}\n\n${Object.entries(facts.digests)
        .map(([name, digest]) => `- ${name}: ${code(digest)}`)
        .join("\n")}`,
    ],
  ]
  return `# ${text(facts.title)}\n\n${sections.map(([title, body]) => `## ${title}\n\n${body}\n`).join("\n")}`
}
