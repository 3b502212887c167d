import type { RunFunction } from "../../runtime/node.ts"
import type { Reject } from "../../schema/sample.ts"
import { readCsv } from "./csv.ts"
import { listed, mmiLabels, tally } from "./labels.ts"
import type { inputs, outputs, Params } from "./mmi.ts"
import { pictureOf, withLabel, type LabelledSample } from "./picture.ts"
import { ImportError, openSource, type Source, type SourceFile } from "./source.ts"

/** One recording: neutral, onset, apex, offset, neutral. */
export interface Clip {
  readonly id: string
  readonly subject: string | undefined
  /** As stated: a number from 1, or a class's name. */
  readonly emotion: string
  readonly view: number | undefined
  /** Paths, first frame first. */
  readonly frames: ReadonlyArray<string>
}

/** Order of names with numbers in them: frame9 before frame10. */
const natural = new Intl.Collator("en", { numeric: true })
const inOrder = (a: string, b: string): number => natural.compare(a, b) || (a < b ? -1 : 1)

/** The class of a stated emotion; undefined for MMI's displays that are no basic expression. */
export const emotionOf = (text: string): string | undefined =>
  /^\d+$/.test(text) ? mmiLabels[Number(text)] : mmiLabels.find((label) => label === text.toLowerCase())

/**
 * The places of the `count` frames nearest to the apex of a clip of `length` frames, in order.
 * @param apex 0 = first frame, 1 = last
 */
export const framesAround = (length: number, apex: number, count: number): ReadonlyArray<number> => {
  const middle = apex * (length - 1)
  return Array.from({ length }, (_, i) => i)
    .sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle) || a - b)
    .slice(0, count)
    .sort((a, b) => a - b)
}

interface Frame {
  readonly path: string
  readonly index: number | undefined
}

const clipsOfManifest = async (file: SourceFile, rejected: Array<Reject>, set: string) => {
  const clips = new Map<string, { clip: Omit<Clip, "frames">; frames: Array<Frame> }>()
  const folder = file.path.slice(0, file.path.lastIndexOf("/") + 1)
  const rows = readCsv(file.pieces(), {
    name: file.path,
    columns: ["frame", "session", "subject", "emotion"],
  })
  for await (const { line, fields } of rows) {
    const { frame = "", session = "", subject = "", emotion = "", clip = "", index, view } = fields
    if (frame === "" || session === "") {
      const detail = `${file.path}, line ${line}: frame or session is empty`
      rejected.push({ id: `${set}-line-${line}`, reason: "malformed-row", detail })
      continue
    }
    const id = clip === "" ? session : `${session}-${clip}`
    let entry = clips.get(id)
    if (entry === undefined) {
      const camera = view === undefined || view === "" ? undefined : Number(view)
      entry = { clip: { id, subject: subject || undefined, emotion, view: camera }, frames: [] }
      clips.set(id, entry)
    }
    entry.frames.push({
      path: `${folder}${frame}`,
      index: index === undefined || index === "" ? undefined : Number(index),
    })
  }
  return [...clips.values()].map(({ clip, frames }): Clip => ({
    ...clip,
    frames: frames
      .sort((a, b) => (a.index ?? 0) - (b.index ?? 0) || inOrder(a.path, b.path))
      .map(({ path }) => path),
  }))
}

/** The value of an attribute in XML text, wherever it stands first. */
const attribute = (xml: string, tag: RegExp, name: string): string | undefined => {
  const element = tag.exec(xml)?.[0]
  return element === undefined
    ? undefined
    : new RegExp(`\\b${name}\\s*=\\s*["']([^"']*)["']`, "i").exec(element)?.[1]
}

/** What the XML files of a session say; sizes are capped where they are read. */
export const readSessionXml = (xml: string) => ({
  subject: attribute(xml, /<Subject\b[^>]*>/i, "id"),
  view: attribute(xml, /<Track\b[^>]*>/i, "view"),
  emotion: attribute(xml, /<Metatag\b[^>]*\bName\s*=\s*["']Emotion["'][^>]*>/i, "Value"),
})

/** Sessions/<n>/: session.xml, <clip>.xml with the emotion, and the clip's frames in a folder or with its name in front. */
const clipsOfSessions = async (source: Source): Promise<ReadonlyArray<Clip>> => {
  const sessions = new Map<string, { xml: Map<string, string>; frames: Array<string> }>()
  for await (const file of source.files()) {
    const match = /(?:^|\/)Sessions\/([^/]+)\/(.+)$/i.exec(file.path)
    if (match === null) continue
    const [, number, rest] = match
    let session = sessions.get(number)
    if (session === undefined) sessions.set(number, (session = { xml: new Map(), frames: [] }))
    if (/\.xml$/i.test(rest)) {
      if (file.bytes <= 1_000_000) session.xml.set(rest, new TextDecoder().decode(await file.read()))
    } else if (/\.(png|jpe?g|tiff?|webp)$/i.test(rest)) session.frames.push(file.path)
  }
  return [...sessions].flatMap(([number, { xml, frames }]) => {
    const about = readSessionXml(xml.get("session.xml") ?? "")
    return [...xml].flatMap(([name, text]): ReadonlyArray<Clip> => {
      const { emotion } = readSessionXml(text)
      if (name === "session.xml" || emotion === undefined) return []
      const stem = name.replace(/\.xml$/i, "")
      const own = frames.filter((path) => {
        const rest = path
          .slice(path.search(/Sessions\//i))
          .split("/")
          .slice(2)
          .join("/")
        return rest.startsWith(`${stem}/`) || rest.startsWith(`${stem}_`) || rest.startsWith(`${stem}-`)
      })
      // A session of one clip may hold its frames plainly.
      const clips = [...xml.keys()].filter((name) => name !== "session.xml").length
      return [
        {
          id: stem === number ? number : `${number}-${stem}`,
          subject: about.subject,
          emotion,
          view: about.view === undefined ? undefined : Number(about.view),
          frames: (own.length === 0 && clips === 1 ? frames : own).sort(inOrder),
        },
      ]
    })
  })
}

const run = async ({
  inputs: { files },
  params,
  context,
}: Parameters<RunFunction<typeof inputs, typeof outputs, Params>>[0]) => {
  const { set, apex, views, neutral, generated } = params
  const source = await openSource(context.files["data"], files)
  const rejected: Array<Reject> = []
  let clips: ReadonlyArray<Clip> | undefined
  for await (const file of source.files())
    if (file.path === params.manifest || file.path.endsWith(`/${params.manifest}`)) {
      clips = await clipsOfManifest(file, rejected, set)
      break
    }
  clips ??= await clipsOfSessions(source)
  if (clips.length === 0)
    throw new ImportError(
      `neither ${params.manifest} nor labelled clips under Sessions/ found; frames must be extracted from the clips first`,
    )

  interface Wanted {
    readonly id: string
    readonly subject: string | undefined
    readonly label: string
  }
  const wanted = new Map<string, Wanted>()
  for (const { id: name, subject, emotion, view, frames } of clips) {
    const id = `${set}-${name}`
    const label = emotionOf(emotion)
    if (view !== undefined && !views.includes(view)) continue
    if (label === undefined)
      rejected.push({ id, reason: "unknown-label", detail: `the emotion is ${emotion}` })
    else if (frames.length === 0)
      rejected.push({ id, reason: "no-frames", detail: "no extracted frames beside the clip" })
    else {
      const want = (i: number, label: string): void => {
        wanted.set(frames[i], { id: `${id}-${String(i).padStart(5, "0")}`, subject, label })
      }
      if (neutral === "first-frame") want(0, "neutral")
      for (const i of framesAround(frames.length, apex, params.frames)) want(i, label)
    }
  }

  const images: Array<LabelledSample> = []
  for await (const file of source.files()) {
    const want = wanted.get(file.path)
    if (want === undefined) continue
    wanted.delete(file.path)
    const { label, id, subject } = want
    const row = await pictureOf(
      file,
      { id, set, generated, ...(subject === undefined ? {} : { subject }) },
      context.blobs,
    )
    if ("reason" in row) rejected.push(row)
    else images.push(withLabel(row, label))
  }
  for (const [path, { id }] of wanted) rejected.push({ id, reason: "missing-file", detail: path, url: path })
  context.log(
    `${set}: ${images.length} pictures of ${clips.length} clips: ${listed(tally(images.map(({ label }) => label)))}`,
  )
  return { images, rejected }
}

export default run satisfies RunFunction<typeof inputs, typeof outputs, Params>
