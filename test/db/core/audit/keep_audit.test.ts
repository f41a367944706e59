/** T-03: what the owner of the database cannot do to the audit log either, and what they still can. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sealAll } from '../../../setup/audit.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
let month: string
beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(`
    create table ops.things (id int primary key);
    select core.audit_table('ops.things');
    insert into ops.things values (1)`)
  await sealAll(db)
  const { rows } = await db.owner.query(
    `select distinct 'core.' || c.relname as name from core.audit_log e join pg_class c on c.oid = e.tableoid`,
  )
  month = rows[0].name
})
afterAll(() => db.drop())

const REFUSED = [
  'alter table core.audit_log disable trigger _000_refuse_change',
  'alter table %s disable trigger _000_refuse_change',
  'alter table %s disable trigger all',
  'alter table core.audit_seals disable trigger user',
  'alter table core.audit_seals enable replica trigger _000_refuse_change',
  'alter table core.audit_log rename to audit_log_old',
  'alter table core.audit_log set schema ops',
  'alter table %s rename to other',
  'alter table core.audit_seals set schema ops',
  'alter table core.audit_log owner to howdah_worker',
  'alter table core.audit_log disable row level security',
  'alter table core.audit_log add column note text',
  'alter table core.audit_seals rename column hash to digest',
  'alter table core.audit_seals set unlogged',
  'alter table core.audit_log drop column request_id cascade',
  'alter table core.audit_log drop constraint audit_log_pkey',
  'alter table core.audit_log detach partition %s',
  'alter schema core rename to heart',
  'alter trigger _000_refuse_change on core.audit_seals rename to _z',
  'create or replace trigger _000_refuse_truncate before truncate on core.audit_seals for each statement when (false) execute function core.tg__refuse_audit_change()',
  'create trigger _a before insert on core.audit_log for each row execute function core.tg__touch_updated_at()',
  'create rule quiet as on insert to core.audit_seals do instead nothing',
  'drop table core.audit_log cascade',
  'drop table core.audit_seals cascade',
  'drop table %s',
  'drop trigger _000_refuse_change on core.audit_log',
  'drop trigger _000_refuse_truncate on %s',
  'drop function core.tg__refuse_audit_change() cascade',
  'drop function core.tg__audit_row() cascade',
  'drop schema core cascade',
  'drop owned by howdah_migrations cascade',
  'alter table core.users disable trigger _900_audit_row',
  'alter table core.users disable trigger user',
  'alter table ops.things disable trigger _900_audit_truncate',
  'drop trigger _900_audit_row on core.users',
  `create or replace trigger _900_audit_truncate before truncate on core.users for each statement when (false) execute function core.tg__audit_truncate()`,
  'alter event trigger howdah_keep_audit_sql_drop disable',
  'drop event trigger howdah_keep_audit_ddl_command_end',
  `create or replace function extensions.tg__keep_audit() returns event_trigger language plpgsql as 'begin end'`,
]

test.each(REFUSED)('the owner is refused: %s', async (sql) => {
  const client = await db.owner.connect()
  try {
    await client.query('begin')
    const attempt = client.query(sql.replace('%s', month))
    await expect(attempt).rejects.toMatchObject({ code: expect.stringMatching(/^(PT403|42501|42P16)$/) })
  } finally {
    await client.query('rollback')
    client.release()
  }
})

const ALLOWED = [
  'alter table core.audit_log enable row level security',
  'create or replace trigger _000_refuse_change before update or delete on core.audit_seals for each row execute function core.tg__refuse_audit_change()',
  `select ops.create_monthly_partitions('core.audit_log', 20)`,
  'drop table ops.things',
  'alter table ops.things add column name text',
  'alter table core.users disable trigger _100_touch_updated_at',
  `select core.declare_unaudited_table('ops.things', 'Nobody asks for it any more.'); drop trigger _900_audit_row on ops.things`,
  'create temp table gone (id int); drop table gone',
]

test.each(ALLOWED)('the owner goes on with: %s', async (sql) => {
  const client = await db.owner.connect()
  try {
    await client.query('begin')
    await client.query(sql)
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test('a superuser is above it, and what they switch off is noticed (guard_missing)', async () => {
  const client = await db.superuser.connect()
  try {
    await client.query('begin; alter event trigger howdah_keep_audit_sql_drop disable')
    expect((await client.query('select * from ops.verify_audit()')).rows[0].problem).toBe('guard_missing')
    await client.query(`drop table ${month}`)
  } finally {
    await client.query('rollback')
    client.release()
  }
})
