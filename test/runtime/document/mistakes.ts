import type { LoadOptions } from "./catalogue.ts"

/** A document with one mistake; `nodes` is put behind a head and a crawl node that are right. */
export interface Mistake {
  readonly name: string
  /** The whole text; or only the further nodes of a right document. */
  readonly text?: string
  readonly nodes?: string
  readonly options?: LoadOptions
}

export const head = `pipeline: fer
params:
  seed: 7
  sizes: [32, 64]
  keywords: { anger: [rage, fury] }
env:
  REGION: {}
  TOKEN: { secret: true }
profiles:
  paper: { params: { seed: 8 } }
nodes:
  crawl: { uses: crawl.search, with: { engine: gallery, keywords: "\${params.keywords}" } }
`

export const mistakes: ReadonlyArray<Mistake> = [
  { name: "misspelt node type", nodes: "  faces: { uses: face.detct, in: { images: crawl } }" },
  { name: "unknown node type of a known family", nodes: "  x: { uses: model.serialize }" },
  { name: "misspelt node", nodes: "  raw: { uses: dataset.merge, in: { sets: [crawl, crwl] } }" },
  { name: "not a reference", nodes: '  raw: { uses: dataset.merge, in: { sets: "a b.c.d[" } }' },
  { name: "unknown output port", nodes: "  raw: { uses: dataset.merge, in: { sets: crawl.imgs } }" },
  { name: "unknown input port", nodes: "  raw: { uses: dataset.merge, in: { sets: crawl, set: crawl } }" },
  { name: "port not fed", nodes: "  raw: { uses: dataset.merge }" },
  { name: "wrong port type", nodes: "  blur: { uses: face.blur, in: { faces: crawl } }" },
  {
    name: "wrong kind of artifact",
    nodes:
      "  ev: { uses: model.evaluate, in: { models: crawl, sets: set } }\n  set: { uses: dataset.label, in: { images: crawl } }",
  },
  {
    name: "several on one port",
    nodes: "  d: { uses: face.detect, in: { images: [crawl, crawl] }, with: { minFaceSize: 20 } }",
  },
  {
    name: "all instances on one port",
    nodes:
      '  set: { uses: dataset.label, in: { images: crawl } }\n  t: { uses: model.train, in: { dataset: set }, matrix: { m: [a, b] }, with: { model: "${matrix.m}" } }\n  e: { uses: model.explain, in: { model: t } }',
  },
  {
    name: "the same artifact twice",
    nodes: "  raw: { uses: dataset.merge, in: { sets: [crawl, crawl.images] } }",
  },
  { name: "empty list for a port", nodes: "  raw: { uses: dataset.merge, in: { sets: [] } }" },
  {
    name: "cycle",
    nodes:
      "  a: { uses: dataset.merge, in: { sets: [crawl, c] } }\n  b: { uses: dataset.merge, in: { sets: a } }\n  c: { uses: dataset.merge, in: { sets: b } }",
  },
  { name: "a node that feeds itself", nodes: "  a: { uses: dataset.merge, in: { sets: a } }" },
  {
    name: "unknown parameter",
    nodes: "  d: { uses: face.detect, in: { images: crawl }, with: { minFaceSze: 20, minFaceSize: 20 } }",
  },
  {
    name: "missing parameter",
    nodes: "  d:\n    uses: face.detect\n    in: { images: crawl }\n    with: {}",
  },
  { name: "missing parameters altogether", nodes: "  d:\n    uses: face.detect\n    in: { images: crawl }" },
  {
    name: "mistyped parameter",
    nodes: '  d: { uses: face.detect, in: { images: crawl }, with: { minFaceSize: "20" } }',
  },
  {
    name: "parameter that is a map",
    nodes: "  d: { uses: face.detect, in: { images: crawl }, with: { minFaceSize: { px: 20 } } }",
  },
  {
    name: "parameter out of range",
    nodes: "  c: { uses: crawl.search, with: { engine: gallery, keywords: {}, perKeyword: 5000 } }",
  },
  { name: "misspelt choice", nodes: "  c: { uses: crawl.search, with: { engine: galery, keywords: {} } }" },
  {
    name: "yes for true",
    nodes: "  c: { uses: crawl.search, with: { engine: gallery, keywords: {}, polite: yes } }",
  },
  {
    name: "deep in a parameter",
    nodes:
      "  c:\n    uses: crawl.search\n    with:\n      engine: gallery\n      keywords:\n        fear: [dread]\n        disgust: [1, yuck]",
  },
  {
    name: "wrong value by reference",
    nodes: '  c: { uses: crawl.search, with: { engine: gallery, keywords: { fear: "${params.sizes}" } } }',
  },
  {
    name: "list too long",
    nodes:
      "  set: { uses: dataset.label, in: { images: crawl } }\n  t: { uses: model.train, in: { dataset: set }, with: { model: a, sizes: [1, 2, 3] } }",
  },
  { name: "misspelt key of a node", nodes: "  d: { uses: dataset.merge, in: { sets: crawl }, retires: 3 }" },
  { name: "wrong duration", nodes: "  d: { uses: dataset.merge, in: { sets: crawl }, timeout: 30 minutes }" },
  { name: "too many retries", nodes: "  d: { uses: dataset.merge, in: { sets: crawl }, retries: 1000 }" },
  {
    name: "unknown resource",
    nodes: "  d: { uses: dataset.merge, in: { sets: crawl }, resources: { gpus: 1 } }",
  },
  { name: "node without a type", nodes: "  d: { in: { sets: crawl } }" },
  { name: "empty node", nodes: "  d:" },
  { name: "unsafe node name", nodes: "  ../../etc/passwd: { uses: dataset.merge, in: { sets: crawl } }" },
  {
    name: "unknown parameter reference",
    nodes: '  d: { uses: face.detect, in: { images: crawl }, with: { minFaceSize: "${params.sede}" } }',
  },
  {
    name: "reference to nothing",
    nodes:
      '  e: { uses: model.explain, in: { model: t }, with: { title: "at ${HOME}" } }\n  t: { uses: model.train, in: { dataset: set }, with: { model: a } }\n  set: { uses: dataset.label, in: { images: crawl } }',
  },
  { name: "reference not closed", nodes: '  d: { uses: dataset.merge, in: { sets: "${params.x" } }' },
  {
    name: "list inside of a text",
    nodes: '  c: { uses: crawl.search, with: { engine: gallery, keywords: {}, token: "x ${params.sizes}" } }',
  },
  {
    name: "secret inside of a text",
    nodes:
      '  c: { uses: crawl.search, with: { engine: gallery, keywords: {}, token: "Bearer ${env.TOKEN}" } }',
    options: { env: { TOKEN: "s3cret" } },
  },
  {
    name: "variable that is not set",
    nodes: '  c: { uses: crawl.search, with: { engine: gallery, keywords: {}, token: "${env.REGION}" } }',
  },
  {
    name: "variable that is not declared",
    nodes: '  c: { uses: crawl.search, with: { engine: gallery, keywords: {}, token: "${env.HOME}" } }',
  },
  {
    name: "matrix without matrix",
    nodes: '  d: { uses: face.detect, in: { images: crawl }, with: { minFaceSize: "${matrix.size}" } }',
  },
  {
    name: "misspelt axis",
    nodes:
      '  d: { uses: face.detect, in: { images: crawl }, matrix: { size: [1, 2] }, with: { minFaceSize: "${matrix.sise}" } }',
  },
  {
    name: "axis value twice",
    nodes:
      '  d: { uses: face.detect, in: { images: crawl }, matrix: { size: [1, "1"] }, with: { minFaceSize: 1 } }',
  },
  {
    name: "axis without values",
    nodes:
      "  d: { uses: face.detect, in: { images: crawl }, matrix: { size: [] }, with: { minFaceSize: 1 } }",
  },
  {
    name: "axis of maps",
    nodes:
      "  d: { uses: face.detect, in: { images: crawl }, matrix: { size: [{ a: 1 }] }, with: { minFaceSize: 1 } }",
  },
  { name: "each of nothing", nodes: "  d: { uses: dataset.merge, each: crwal, in: { sets: crawl } }" },
  {
    name: "instance that is not there",
    nodes:
      '  d: { uses: face.detect, in: { images: crawl }, matrix: { size: [1, 2] }, with: { minFaceSize: 1 } }\n  m: { uses: dataset.merge, in: { sets: "d[size=3]" } }',
  },
  { name: "unknown profile", nodes: "", options: { profile: ["papr"] } },
  { name: "--set without a value", nodes: "", options: { set: ["params.seed"] } },
  { name: "--set of an unknown parameter", nodes: "", options: { set: ["params.sede=3"] } },
  { name: "--set of a wrong type", nodes: "", options: { set: ["params.sizes=[1]", "params.seed=[1, 2]"] } },
  { name: "--set that is no YAML", nodes: "", options: { set: ["params.seed=[1, 2"] } },
  {
    name: "profile with a misspelt key",
    text: "pipeline: a\nprofiles:\n  p: { parms: {} }\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n",
  },
  {
    name: "misspelt top-level key",
    text: "pipeline: a\nnods: {}\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n",
  },
  { name: "no name and no nodes", text: "params: {}\n" },
  { name: "nodes is empty", text: "pipeline: a\nnodes: {}\n" },
  {
    name: "parameters in a circle",
    text: 'pipeline: a\nparams: { a: "${params.b}", b: "x${params.a}" }\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n',
  },
  {
    name: "seed that is none",
    text: "pipeline: a\nparams: { seed: one }\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n",
  },
  { name: "a list for a document", text: "- a\n- b\n" },
  { name: "empty document", text: "# nothing\n" },
  { name: "tab", text: "pipeline: a\nnodes:\n\tcrawl: { uses: x }\n" },
  {
    name: "duplicate key",
    text: "pipeline: a\npipeline: b\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n",
  },
  { name: "two documents", text: "pipeline: a\n---\npipeline: b\n" },
  { name: "quote that is not closed", text: 'pipeline: "a\nnodes: {}\n' },
  { name: "bracket that is not closed", text: "pipeline: a\nnodes: { c: [1, 2\n" },
  { name: "wrong indentation", text: "pipeline: a\nnodes:\n    c: { uses: x }\n  d: { uses: y }\n" },
  { name: "two keys on a line", text: "pipeline: a: b\nnodes: {}\n" },
  {
    name: "tag",
    text: "pipeline: !!js/function a\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n",
  },
  {
    name: "unknown alias",
    text: "pipeline: *a\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n",
  },
  {
    name: "not a number",
    text: "pipeline: a\nparams: { x: .nan, y: -.inf }\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n",
  },
  {
    name: "number too long",
    text: "pipeline: a\nparams: { id: 12345678901234567890 }\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n",
  },
  {
    name: "keys of JavaScript",
    text: "pipeline: a\nparams: { __proto__: { polluted: true }, constructor: 1 }\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n",
  },
  { name: "control character", text: "pipeline: a\u0007\n" },
  {
    name: "plugin that is not there",
    text: "pipeline: a\nplugins: [./nodes/mine.ts]\nnodes:\n  c: { uses: crawl.search, with: { engine: gallery, keywords: {} } }\n",
  },
  {
    name: "wide letters before the place",
    nodes:
      '  d: { uses: face.detect, description: "表情認識", in: { images: crwl }, with: { minFaceSize: 1 } }',
  },
]
