/** Layout: what was found to hold nothing forgotten, under which set of requests. */
export const CLEARED = `
  CREATE TABLE cleared (
    digest BLOB PRIMARY KEY,
    state BLOB NOT NULL
  ) WITHOUT ROWID;
`
