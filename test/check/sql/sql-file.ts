/** The SQL files of the project, as text. Every lint gets them from here, or from a test that makes them up. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PROJECT_DIR } from '../../../stack/project-dir.ts'

/** Which rules a file answers to. */
export type SqlKind = 'fixture' | 'current' | 'committed' | 'rollback' | 'setup' | 'seed'

/** A file with its path from the project's root. */
export type SqlFile = { path: string; kind: SqlKind; text: string }

const FOLDERS: readonly (readonly [SqlKind, string])[] = [
  ['fixture', 'migrations/fixtures'],
  ['committed', 'migrations/committed'],
  ['rollback', 'migrations/rollback'],
  ['seed', 'seeds'],
]

/** Every SQL file we write by hand, in a stable order. */
export function readSqlFiles(projectDir: string = PROJECT_DIR): SqlFile[] {
  const read = (kind: SqlKind, path: string): SqlFile => ({
    path,
    kind,
    text: readFileSync(join(projectDir, path), 'utf8'),
  })
  return [
    read('setup', 'migrations/after_reset.sql'),
    read('current', 'current.sql'),
    ...FOLDERS.flatMap(([kind, folder]) => sqlPaths(projectDir, folder).map((path) => read(kind, path))),
  ]
}

function sqlPaths(projectDir: string, folder: string): string[] {
  const absolute = join(projectDir, folder)
  if (!existsSync(absolute)) return []
  return readdirSync(absolute, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.sql'))
    .map((name) => join(folder, name))
    .sort()
}
