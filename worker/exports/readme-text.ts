/** What stands in README.txt of an export: how to read it, for somebody who has nothing but the file. */

/** The text. */
export function readmeText(dataAsOf: string): string {
  return `A copy of what is held about you, as of ${dataAsOf}.

manifest.json lists every table that was read, how many rows of yours it had, and the size and SHA-256 of its files.
A table without rows of yours has no files.

<table>.json   an array of objects, one row a line, exact. UTF-8.
<table>.csv    the same rows for a spreadsheet (RFC 4180, UTF-8, comma, all values quoted).
               Lists and objects stand in a cell as JSON. An empty cell without quotes is a missing value.
               A value that begins with = + - @ ' or a control character has an apostrophe before it, so that no
               program takes it for a formula. To read a value back, take one leading apostrophe away.

Times are UTC or say their zone. Left out are secrets (password and token hashes) and what belongs to other people.
`
}
