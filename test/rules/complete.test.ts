/** Law "complete", the half that needs a database: what is alive stands in a fixture, and the other way round. */
import { afterAll, describe, expect, it } from 'vitest'
import { type Definition, definitionsIn } from '../check/sql/definitions.ts'
import { parseFile } from '../check/sql/parse.ts'
import { readSqlFiles } from '../check/sql/sql-file.ts'
import { testDatabase } from '../setup/database.ts'
import { OUR_FUNCTION, OUR_SCHEMA, OUR_TABLE } from './catalog/ours.ts'
import { rolledBack } from './catalog/rolled-back.ts'
import type { Queryable } from './catalog/rule.ts'

const db = await testDatabase()
afterAll(() => db.drop())

const defined = definitionsIn(
  readSqlFiles()
    .filter(({ kind }) => kind === 'fixture')
    .map(parseFile),
)

/** Functions are named by what Postgres calls the types, so that `int` and `integer` are one. */
async function definedNames(client: Queryable, definitions: Definition[]): Promise<string[]> {
  const functions = definitions.filter(({ kind }) => kind === 'function').map(({ name }) => name)
  const { rows } = await client.query<{ name: string }>(
    `select coalesce(to_regprocedure(written)::text, written) as name from unnest($1::text[]) written`,
    [functions],
  )
  const others = definitions
    .filter(({ kind }) => kind !== 'function')
    .map(({ kind, name }) => `${kind} ${name}`)
  return [...rows.map(({ name }) => `function ${name}`), ...others].sort()
}

async function liveNames(client: Queryable): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(`
    select 'function ' || p.oid::regprocedure as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace where ${OUR_FUNCTION}
    union all
    select format('view %s.%s', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where ${OUR_SCHEMA} and c.relkind = 'v'
    union all
    select format('trigger %s.%s %s', n.nspname, c.relname, t.tgname) from pg_trigger t join pg_class c on c.oid = t.tgrelid
    join pg_namespace n on n.oid = c.relnamespace where ${OUR_SCHEMA} and not t.tgisinternal and t.tgparentid = 0
      -- Attached by declarations, whose laws are catalog/audit.ts and catalog/privacy.ts; partitions get copies of what their parent has.
      and not c.relispartition and t.tgfoid not in ('core.tg__audit_row()'::regprocedure, 'core.tg__audit_truncate()'::regprocedure,
        'gdpr.tg__refuse_erased()'::regprocedure)
    union all
    select format('policy %s.%s %s', n.nspname, c.relname, p.polname) from pg_policy p join pg_class c on c.oid = p.polrelid
    join pg_namespace n on n.oid = c.relnamespace where ${OUR_TABLE}
      -- Attached by gdpr.declare_readers(), whose law is catalog/readers.ts.
      and not p.polroles <@ (select array_agg(r.role::regrole::oid) from gdpr.reader_rules() r)`)
  return rows.map(({ name }) => name).sort()
}

describe('every function, view, trigger and policy', () => {
  it('that is alive is defined in a fixture, and every defined one is alive', async () => {
    await rolledBack(db, async (client) => {
      const live = await liveNames(client)
      console.log(`complete: ${live.length} objects alive, ${defined.length} defined`)
      expect(live.length).toBeGreaterThan(100)
      expect(live).toEqual(await definedNames(client, defined))
    })
  })

  const STRAYS = {
    'a function': `create function core.seed() returns int language sql return 1`,
    'an overload': `create function api.me(seed int) returns int language sql return 1`,
    'a view': 'create view api.seed as select 1 as id',
    'a trigger':
      'create trigger seed before update on core.users for each row execute function core.tg__touch_updated_at()',
    'a policy': 'create policy seed on core.users for select to howdah_user using (false)',
    'one that went': 'drop function api.sign_out()',
  }
  it.each(Object.entries(STRAYS))('finds %s', async (_what, sql) => {
    await rolledBack(db, async (client) => {
      await client.query(sql)
      expect(await liveNames(client)).not.toEqual(await definedNames(client, defined))
    })
  })
})
