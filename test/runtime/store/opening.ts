import { join } from "node:path"
import { openDatabase } from "../../../src/runtime/store/database.ts"

/** Opens each of the stores, at the same moments as its siblings, and says what failed. */
const [root, stores, start, beat] = process.argv.slice(2)
for (let at = 0; at < Number(stores); at++) {
  while (Date.now() < Number(start) + at * Number(beat));
  try {
    openDatabase(join(root, String(at))).close()
  } catch (error) {
    console.error(`store ${at}: ${String(error)}`)
  }
}
