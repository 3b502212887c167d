import type { DatabaseSync } from "node:sqlite"

/** How often something was forgotten since the last complete purge; 0: there is nothing to do. */
export const purgeAsked = (db: DatabaseSync): number =>
  Number(db.prepare("SELECT value FROM counters WHERE name = 'purge'").get()?.["value"] ?? 0)

/** The next collection has to see to it that freed bytes are gone from the disk. */
export const askForPurge = (db: DatabaseSync): void => {
  db.exec(
    "INSERT INTO counters (name, value) VALUES ('purge', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
  )
}

/** All that was asked for until then is done. */
export const purgeDone = (db: DatabaseSync, asked: number): void => {
  db.prepare("DELETE FROM counters WHERE name = 'purge' AND value = ?").run(asked)
}
