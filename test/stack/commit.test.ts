/** Committing and undoing migrations, on a project of its own. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commitMigration } from '../../stack/db/commit.ts'
import { migrateTarget } from '../../stack/db/migrate.ts'
import { dropDatabase } from '../../stack/db/reset.ts'
import { newestApplied, rollback } from '../../stack/db/rollback.ts'
import { runSql } from '../../stack/db/sql.ts'
import { provision } from '../../stack/provision/provision.ts'
import { readSettings } from '../../stack/settings.ts'
import { catalogText } from './catalog-text.ts'
import { FOUNDATION, newTarget, type ScratchProject, scratchProject } from './scratch-project.ts'

const target = newTarget('commit')
let project: ScratchProject
beforeEach(() => {
  project = scratchProject()
})
afterEach(async () => {
  await dropDatabase(target)
  project.remove()
})

const SHELVES = `create schema if not exists library;
create table if not exists library.shelves (id int primary key, label text not null);
comment on table library.shelves is $$Where books stand.$$;
`

describe('db:commit', () => {
  it('writes the migration, leaves current.sql blank and drops its shadow', async () => {
    expect(await commitMigration(target, project.dir, 'lay the foundation')).toBe(
      '000001-lay-the-foundation.sql',
    )
    expect(project.read('migrations/committed/000001-lay-the-foundation.sql')).toContain(
      '--! Included tell_jwt_secret.sql',
    )
    expect(
      project
        .read('current.sql')
        .replace(/^--.*$/gm, '')
        .trim(),
    ).toBe('')
    expect(await newestApplied(target)).toBe('000001.sql')
    const { results } = await runSql(target, `select datname from pg_database where datname like '%_shadow'`)
    expect(results[0]?.rows).toEqual([])
  })

  it('puts current.sql back byte for byte when the migration fails on an empty database (migration_failed)', async () => {
    await provision(target, project.dir)
    await runSql(target, 'create schema only_here; create table only_here.things ()')
    const broken = `${FOUNDATION}alter table only_here.things add column if not exists id int;\n`
    project.write('current.sql', broken)
    await expect(commitMigration(target, project.dir, 'x')).rejects.toMatchObject({
      code: 'migration_failed',
    })
    expect(project.read('current.sql')).toBe(broken)
    expect(project.committed()).toEqual([])
    await expect(commitMigration(target, project.dir, 'x')).rejects.toThrow(/only_here/)
  })

  it('takes apostrophes and quotes inside dollar quotes as they come', async () => {
    project.write('current.sql', `${FOUNDATION}comment on schema private is $$It's 3" odd.$$;\n`)
    await commitMigration(target, project.dir, 'x')
    expect(project.read(`migrations/committed/${project.committed()[0]}`)).toContain(`$$It's 3" odd.$$`)
    expect(
      (await runSql(target, `select obj_description('private'::regnamespace)`)).results[0]?.rows,
    ).toEqual([[`It's 3" odd.`]])
  })

  it('refuses a blank current.sql (refused)', async () => {
    project.write('current.sql', '-- nothing\n/* yet */\n')
    await expect(commitMigration(target, project.dir, 'x')).rejects.toMatchObject({ code: 'refused' })
  })
})

describe('db:rollback', () => {
  it('undoes the newest migration; up, down, up gives the same catalog', async () => {
    const settings = { ...readSettings({}), projectDir: project.dir }
    await commitMigration(target, project.dir, 'foundation')
    const before = await catalogText(target)
    project.write('current.sql', SHELVES)
    await commitMigration(target, project.dir, 'shelves')
    const up = await catalogText(target)
    expect(up).toContain('library.shelves')

    project.write('migrations/rollback/000002.sql', 'drop schema library cascade;\n')
    await rollback(target, project.dir, '000002.sql')
    expect(await newestApplied(target)).toBe('000001.sql')
    expect(await catalogText(target)).toBe(before)

    await migrateTarget(target, settings)
    expect(await catalogText(target)).toBe(up)
  })

  it('changes nothing when its file fails (migration_failed) or is missing (refused)', async () => {
    await commitMigration(target, project.dir, 'foundation')
    const before = await catalogText(target)
    await expect(rollback(target, project.dir, '000001.sql')).rejects.toMatchObject({ code: 'refused' })
    project.write(
      'migrations/rollback/000001.sql',
      'drop table private.secrets;\ndrop table private.nonsense;\n',
    )
    await expect(rollback(target, project.dir, '000001.sql')).rejects.toThrow(
      /rollback\/000001\.sql.*nonsense/,
    )
    expect(await catalogText(target)).toBe(before)
    expect(await newestApplied(target)).toBe('000001.sql')
  })
})
