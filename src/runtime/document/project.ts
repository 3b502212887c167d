import { basename, dirname, resolve } from "node:path"

/** The project a document belongs to: the folder that holds `pipelines/`, or the document's own folder. */
export const projectOf = (file: string): string => {
  const folder = dirname(resolve(file))
  return basename(folder) === "pipelines" ? dirname(folder) : folder
}
