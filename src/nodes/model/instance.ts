/** A node instance by its id: its name and what its matrix set, `train[lr=0.1,model=resnet50]`. */
export interface InstanceName {
  readonly node: string
  /** Axis → value as text, in the order of the id. */
  readonly settings: Readonly<Record<string, string>>
}

/** Reads the id of an instance; percent-encoded values are decoded. An id without brackets has no settings. */
export const parseInstance = (id: string): InstanceName => {
  const found = /^([^[\]]*)\[(.+)\]$/u.exec(id)
  if (found === null) return { node: id, settings: {} }
  const parts = found[2].split(",").map((part) => {
    const at = part.indexOf("=")
    return [part.slice(0, at), decodeURIComponent(part.slice(at + 1))] as const
  })
  return { node: found[1], settings: Object.fromEntries(parts) }
}
