import type { NodeDefinition } from "../runtime/node.ts"
import commandRun from "./command/run.ts"
import crawlSearch from "./crawl/search.ts"
import datasetBalance from "./dataset/balance.ts"
import datasetCounts from "./dataset/counts.ts"
import datasetMerge from "./dataset/merge.ts"
import datasetSplit from "./dataset/split.ts"
import detectorEvaluate from "./detector/evaluate.ts"
import detectorExport from "./detector/export.ts"
import detectorSamples from "./detector/samples.ts"
import detectorScenes from "./detector/scenes.ts"
import detectorTrain from "./detector/train.ts"
import faceAlign from "./face/align.ts"
import faceDetect from "./face/detect.ts"
import imageCheck from "./image/check.ts"
import imageDedupe from "./image/dedupe.ts"
import imageHash from "./image/hash.ts"
import importCkplus from "./import/ckplus.ts"
import importFer2013 from "./import/fer2013.ts"
import importFolder from "./import/folder.ts"
import galleryHeldout from "./import/gallery-heldout.ts"
import importMmi from "./import/mmi.ts"
import modelCompare from "./model/compare.ts"
import modelEmbed from "./model/embed.ts"
import modelEvaluate from "./model/evaluate.ts"
import modelExport from "./model/export.ts"
import modelMap from "./model/map.ts"
import modelNeighbours from "./model/neighbours.ts"
import modelTrain from "./model/train.ts"
import modelVisualize from "./model/visualize.ts"
import reportHtml from "./report/html.ts"
import sourcePath from "./source/path.ts"

/** The node types that come with the program. `file` is the definition's file, relative to src: its code is what the fingerprint starts from. */
export const builtin: ReadonlyArray<{ readonly definition: NodeDefinition; readonly file: string }> = [
  { definition: sourcePath, file: "nodes/source/path.ts" },
  { definition: commandRun, file: "nodes/command/run.ts" },
  { definition: crawlSearch, file: "nodes/crawl/search.ts" },
  { definition: importFolder, file: "nodes/import/folder.ts" },
  { definition: importFer2013, file: "nodes/import/fer2013.ts" },
  { definition: importCkplus, file: "nodes/import/ckplus.ts" },
  { definition: importMmi, file: "nodes/import/mmi.ts" },
  { definition: galleryHeldout, file: "nodes/import/gallery-heldout.ts" },
  { definition: datasetMerge, file: "nodes/dataset/merge.ts" },
  { definition: imageCheck, file: "nodes/image/check.ts" },
  { definition: imageHash, file: "nodes/image/hash.ts" },
  { definition: imageDedupe, file: "nodes/image/dedupe.ts" },
  { definition: faceDetect, file: "nodes/face/detect.ts" },
  { definition: faceAlign, file: "nodes/face/align.ts" },
  { definition: datasetSplit, file: "nodes/dataset/split.ts" },
  { definition: datasetBalance, file: "nodes/dataset/balance.ts" },
  { definition: datasetCounts, file: "nodes/dataset/counts.ts" },
  { definition: modelTrain, file: "nodes/model/train.ts" },
  { definition: modelEvaluate, file: "nodes/model/evaluate.ts" },
  { definition: modelCompare, file: "nodes/model/compare.ts" },
  { definition: modelExport, file: "nodes/model/export.ts" },
  { definition: modelEmbed, file: "nodes/model/embed.ts" },
  { definition: modelNeighbours, file: "nodes/model/neighbours.ts" },
  { definition: modelMap, file: "nodes/model/map.ts" },
  { definition: modelVisualize, file: "nodes/model/visualize.ts" },
  { definition: reportHtml, file: "nodes/report/html.ts" },
  { definition: detectorScenes, file: "nodes/detector/scenes.ts" },
  { definition: detectorSamples, file: "nodes/detector/samples.ts" },
  { definition: detectorTrain, file: "nodes/detector/train.ts" },
  { definition: detectorEvaluate, file: "nodes/detector/evaluate.ts" },
  { definition: detectorExport, file: "nodes/detector/export.ts" },
]
