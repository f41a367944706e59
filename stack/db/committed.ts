/** The committed migrations as files and as the database has them. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'

/** One file of migrations/committed. */
export type CommittedMigration = {
  /** As the database notes it: without the message, for instance 000002.sql. */
  filename: string
  /** The file's real name. */
  file: string
  hash: string | undefined
}

/** Reads migrations/committed, oldest first. */
export async function committedMigrations(projectDir: string): Promise<CommittedMigration[]> {
  const folder = join(projectDir, 'migrations', 'committed')
  const files = (await readdir(folder)).filter((file) => /^\d{6}(-.*)?\.sql$/.test(file)).sort()
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(folder, file), 'utf8')
      return { file, filename: `${file.slice(0, 6)}.sql`, hash: /^--! Hash: (\S+)$/m.exec(text)?.[1] }
    }),
  )
}

/** The migrations this database has, oldest first. */
export async function appliedMigrations(
  client: pg.ClientBase,
): Promise<{ filename: string; hash: string }[]> {
  const { rows } = await client.query<{ filename: string; hash: string }>(
    'select filename, hash from graphile_migrate.migrations order by filename',
  )
  return rows
}
