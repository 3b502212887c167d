import { execFileSync, spawnSync } from "node:child_process"
import { join } from "node:path"

/** Readers made by others: what each needs is a Python package. */
const READERS = {
  prov: { script: "read-prov.py", module: "prov.model" },
  openlineage: { script: "read-openlineage.py", module: "openlineage.client" },
  crate: { script: "read-crate.py", module: "rocrate_validator" },
} as const

/** `python3`, and before it those that FACET_PYTHON names, parted by colons. */
const pythons = [...(process.env["FACET_PYTHON"] ?? "").split(":").filter((name) => name !== ""), "python3"]

const importable = (python: string, module: string): boolean =>
  spawnSync(python, ["-c", `import ${module}`], { stdio: "ignore" }).status === 0

/** Runs a reader on files and gives what it prints; undefined where no Python here has it. Throws what it refuses. */
export const readerOf = (
  name: keyof typeof READERS,
): ((...files: ReadonlyArray<string>) => string) | undefined => {
  const { script, module } = READERS[name]
  const python = pythons.find((one) => importable(one, module))
  return python === undefined
    ? undefined
    : (...files) =>
        execFileSync(python, [join(import.meta.dirname, script), ...files], { encoding: "utf8" }).trim()
}
