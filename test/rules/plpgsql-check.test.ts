/** plpgsql_check, where the server has it: unknown columns, wrong types, dead variables, in every plpgsql body. */
import { afterAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../setup/database.ts'
import { OUR_FUNCTION } from './catalog/ours.ts'
import { rolledBack } from './catalog/rolled-back.ts'
import type { Queryable } from './catalog/rule.ts'

const db = await testDatabase()
afterAll(() => db.drop())
const { rowCount } = await db.superuser.query(
  `select from pg_available_extensions where name = 'plpgsql_check'`,
)

/** What may be said, and why it is no mistake. */
const KNOWN: Record<string, string> = {
  'core.new_id(): error: function uuidv7() does not exist':
    'it asks for the server’s version before it calls that',
  'core.tg__audit_row(): warning: target type is different type than source type':
    'a row is kept as JSON on purpose, whatever its table',
  'core.tg__refuse_audit_change(): error: record "new" has no field "blanked_by"':
    'it asks for the name of the table first; the seals have no such column',
  'core.tg__refuse_audit_change(): warning: target type is different type than source type':
    'likewise: only rows of the log get there',
  'core.tg__refuse_audit_change(): warning: too few attributes for composite variable':
    'likewise: only rows of the log get there',
  'core.tg__refuse_audit_change(): warning extra: control reached end of function without RETURN':
    'it ends with core.raise_error(), which never returns',
  'ops.verify_audit(jsonb,bigint): error: record "v_found" has no field "first_bad_event"':
    'the fields are the out parameters of ops.audit_digest(), which the check does not look into',
  'ops.drop_audit_months(jsonb,timestamp with time zone): error: record "v_kept" has no field "is_ok"':
    'likewise those of ops.verify_audit()',
  'api.join_organization_by_domain(): error: not_signed_in':
    'the check works out what the first values of variables are, and nobody is signed in then',
  'private.take_invitation(text,uuid): error: not_signed_in': 'likewise',
  'gdpr.renew_statistics(name,name): error: function pg_catalog.pg_clear_attribute_stats(text, text, text, boolean) does not exist':
    'it asks for the server’s version before it calls that',
  'gdpr.export_rows(uuid): warning extra: OUT variable "relation" is maybe unmodified':
    'it answers with return query',
  'gdpr.export_rows(uuid): warning extra: OUT variable "content" is maybe unmodified': 'likewise',
  'gdpr.find_traces(text[]): warning extra: OUT variable "relation" is maybe unmodified': 'likewise',
  'gdpr.find_traces(text[]): warning extra: OUT variable "word" is maybe unmodified': 'likewise',
  'gdpr.find_traces(text[]): warning extra: OUT variable "row_count" is maybe unmodified': 'likewise',
  'gdpr.erase_account_at_once(uuid): warning extra: control reached end of function without RETURN':
    'its last round returns or raises',
  'ops.drop_month(regclass,regclass): warning extra: control reached end of function without RETURN':
    'it goes round until it returns or raises',
  'private.events_of_csv(text): warning: target type is different type than source type':
    'aggregates of texts, cast on assignment',
}

/** Warnings by function; a trigger function is checked for each table it is attached to. */
async function warnings(client: Queryable): Promise<{ looked: number; said: string[] }> {
  await client.query('create extension if not exists plpgsql_check')
  const { rows } = await client.query<{ name: string; level: string | null; message: string | null }>(`
    select p.oid::regprocedure::text as name, w.level, w.message
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace join pg_language l on l.oid = p.prolang
    left join pg_trigger t on t.tgfoid = p.oid and not t.tgisinternal
    left join lateral plpgsql_check_function_tb(
      p.oid, coalesce(t.tgrelid, 0), oldtable => t.tgoldtable, newtable => t.tgnewtable
    ) w on true
    where ${OUR_FUNCTION} and l.lanname = 'plpgsql' and (p.prorettype <> 'trigger'::regtype or t.oid is not null)`)
  const said = rows
    .filter(({ level }) => level !== null)
    .map(({ name, level, message }) => `${name}: ${level}: ${message}`)
  return { looked: new Set(rows.map(({ name }) => name)).size, said: [...new Set(said)].sort() }
}

describe.skipIf(!rowCount)('plpgsql_check', () => {
  it('has nothing to say', async () => {
    const { looked, said } = await rolledBack(db, warnings)
    console.log(`plpgsql_check: ${looked} functions`)
    expect(looked).toBeGreaterThan(10)
    expect(said.filter((sentence) => !(sentence in KNOWN))).toEqual([])
  })

  it('finds a column that is not there', async () => {
    const { said } = await rolledBack(db, async (client) => {
      await client.query(`create function core.seed() returns void language plpgsql set search_path = pg_catalog, pg_temp
        as 'begin perform u.seed from core.users as u; end'`)
      return warnings(client)
    })
    expect(said.join('\n')).toContain('core.seed()')
  })
})
