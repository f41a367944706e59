/** Sets up everything an attack needs. */
import type { TestApi } from '../../setup/api.ts'
import type { TestDatabase } from '../../setup/database.ts'
import { OUR_FUNCTION } from '../catalog/ours.ts'
import { makeWorld, type World } from './identities.ts'
import { type Surfaces, surfacesOf } from './surfaces.ts'

/** The battlefield. */
export type Field = {
  db: TestDatabase
  api: TestApi
  world: World
  surfaces: Surfaces
  hiddenFunctions: string[]
}

/**
 * Controls change one's own rows and ask PostgREST to undo it; attacks are meant to stay. The deployed settings do not
 * allow that.
 */
export const FIELD_SETTINGS = { PGRST_DB_TX_END: 'commit-allow-override' }

/** Postgres' own that would help an attacker most. */
const DANGEROUS = [
  'current_setting',
  'dblink',
  'lo_import',
  'pg_read_file',
  'pg_sleep',
  'pg_terminate_backend',
  'query',
  'set_config',
]

/** People with rows, and what the catalog offers to attack. */
export async function makeField(db: TestDatabase, api: TestApi): Promise<Field> {
  const world = await makeWorld(db, api)
  const surfaces = await surfacesOf(db.superuser)
  const inApi = new Set(surfaces.functions.map(({ name }) => name))
  const { rows } = await db.superuser.query<{ name: string }>(
    `select distinct p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OUR_FUNCTION}`,
  )
  const names = [...rows.map(({ name }) => name), ...DANGEROUS]
  return { db, api, world, surfaces, hiddenFunctions: names.filter((name) => !inApi.has(name)).sort() }
}
