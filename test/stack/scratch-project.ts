/** A project of its own with a small open migration, for tests that commit and undo. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject } from 'vitest'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import type { Target } from '../../stack/provision/target.ts'

/** What every database needs so that it can be provisioned. */
export const FOUNDATION = `--! Message: foundation

create schema if not exists private;
create table if not exists private.secrets (name text primary key, value text not null);
--!include tell_jwt_secret.sql
`

const TELL_JWT_SECRET = `create or replace function private.tell_jwt_secret(secret text) returns void language sql as $$
  insert into private.secrets (name, value) values ('jwt_secret', $1) on conflict (name) do update set value = excluded.value
$$;
`

/** A folder that looks like a checkout to the database commands. */
export type ScratchProject = {
  dir: string
  write(path: string, text: string): void
  read(path: string): string
  committed(): string[]
  remove(): void
}

/** Makes the project; its roles and extensions are the real ones. */
export function scratchProject(): ScratchProject {
  const dir = mkdtempSync(join(tmpdir(), 'howdah-project-'))
  mkdirSync(join(dir, 'migrations', 'fixtures'), { recursive: true })
  for (const name of ['committed', 'rollback']) mkdirSync(join(dir, 'migrations', name))
  cpSync(join(PROJECT_DIR, '.gmrc'), join(dir, '.gmrc'))
  cpSync(join(PROJECT_DIR, 'migrations/after_reset.sql'), join(dir, 'migrations/after_reset.sql'))
  symlinkSync('../current.sql', join(dir, 'migrations', 'current.sql'))
  // The tool starts stack/cli/prepare-shadow.ts of the project it works on.
  symlinkSync(join(PROJECT_DIR, 'stack'), join(dir, 'stack'))
  const write = (path: string, text: string) => writeFileSync(join(dir, path), text)
  write('migrations/fixtures/tell_jwt_secret.sql', TELL_JWT_SECRET)
  write('current.sql', FOUNDATION)
  return {
    dir,
    write,
    read: (path) => readFileSync(join(dir, path), 'utf8'),
    committed: () => readdirSync(join(dir, 'migrations', 'committed')).sort(),
    remove: () => rmSync(dir, { recursive: true }),
  }
}

/** A database of this run that does not exist yet; it is dropped with the run. */
export function newTarget(name: string): Target {
  const server = inject('howdah')
  return { adminUrl: server.adminUrl, database: `${server.prefix}_${name}`, secrets: server.secrets }
}
