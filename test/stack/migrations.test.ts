/** The project's own migrations: each can be undone and done again. */
import { afterAll, describe, expect, it } from 'vitest'
import { committedMigrations } from '../../stack/db/committed.ts'
import { migrateTarget } from '../../stack/db/migrate.ts'
import { dropDatabase } from '../../stack/db/reset.ts'
import { newestApplied, rollback } from '../../stack/db/rollback.ts'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { provision } from '../../stack/provision/provision.ts'
import { readSettings } from '../../stack/settings.ts'
import { catalogText } from './catalog-text.ts'
import { newTarget } from './scratch-project.ts'

const target = newTarget('undo')
afterAll(() => dropDatabase(target))

describe('the migrations of this project', () => {
  it('can all be undone, newest first, and done again with the same catalog', async () => {
    const files = await committedMigrations(PROJECT_DIR)
    expect(files.length).toBeGreaterThan(0)
    await provision(target, PROJECT_DIR)
    const up = await catalogText(target)
    for (const { filename } of files.toReversed()) {
      expect(await newestApplied(target)).toBe(filename)
      await rollback(target, PROJECT_DIR, filename)
    }
    expect(await newestApplied(target)).toBeUndefined()
    await migrateTarget(target, readSettings({}))
    expect(await catalogText(target)).toBe(up)
  })
})
