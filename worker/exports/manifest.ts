/** The table of contents of an export: what its owner, or a regulator, compares the files with. */

/** One file in the ZIP. */
export type FileFacts = { name: string; size_bytes: number; sha256: string }

/** A table that was read. Without rows it has no files. */
export type TableFacts = {
  name: string
  columns: string[]
  row_count: number
  json: FileFacts | null
  csv: FileFacts | null
}

/** manifest.json of the ZIP, and what the API shows. */
export type Manifest = {
  format: 'howdah-export-zip-1'
  user_id: string
  /** ISO 8601: the one moment at which all of it was true. */
  data_as_of: string
  row_count: number
  tables: TableFacts[]
}
