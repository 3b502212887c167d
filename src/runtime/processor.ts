import { cpus } from "node:os"

let model: string | undefined

/** The model of this machine's processor. */
export const processor = (): string => (model ??= cpus()[0]?.model.trim() ?? "unknown")
