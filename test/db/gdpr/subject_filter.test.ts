/** A person inside a document (G-02): export, erasure, retention and holds find the rows by the id that stands there. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { type Person, signUp } from '../../setup/story.ts'

let db: TestDatabase
let ada: Person
let bob: Person
beforeAll(async () => {
  db = await testDatabase()
  const api = await testApi(db)
  ada = await signUp(api)
  bob = await signUp(api)
  await db.owner.query(`
    create table core.hooks (id int primary key, sent_at timestamptz not null default now(), payload jsonb not null);
    alter table core.hooks enable row level security;
    select gdpr.declare_columns('core.hooks', $$payload->'user'->>'id'$$,
      '{"class": "personal", "on_export": "include", "on_erase": "delete", "purpose": "operations", "retention": "hooks"}',
      '{"id": {}, "sent_at": {}, "payload": {}}');
    select core.declare_unaudited_table('core.hooks', 'A test.');
    select gdpr.declare_retention_policy('hooks', 'core.hooks', 'A day.', '1 day', 'r.sent_at')`)
  await db.owner.query(
    `insert into core.hooks (id, payload) values (1, jsonb_build_object('user', jsonb_build_object('id', $1::text))),
      (2, jsonb_build_object('user', jsonb_build_object('id', $2::text))), (3, '{"user": "nobody"}'), (4, '{}')`,
    [ada.id, bob.id],
  )
})
afterAll(() => db.drop())

const ids = async () =>
  (await db.owner.query('select id from core.hooks order by id')).rows.map(({ id }) => id)

test('the inventory says how a row leads to a person', async () => {
  const { rows } = await db.owner.query(
    `select leads_to_person_by, is_free_text from generate_user_data_inventory() where column_name = 'payload'`,
  )
  expect(rows).toEqual([
    { leads_to_person_by: `(payload #>> '{user,id}') = the account::text`, is_free_text: true },
  ])
})

test('an export hands out one’s own', async () => {
  const { rows } = await db.owner.query(
    `select content ->> 'id' as id from gdpr.export_rows($1) where relation = 'core.hooks'`,
    [ada.id],
  )
  expect(rows).toEqual([{ id: '1' }])
})

test('a hold keeps it from the cleaner, an erasure takes it', async () => {
  await db.owner.query(`update core.hooks set sent_at = now() - interval '2 days' where id <> 4`)
  await db.owner.query(`select place_legal_hold($1, 'Case 7')`, [bob.email])
  await db.owner.query(`select erase_user($1)`, [ada.email])
  expect(await ids()).toEqual([2, 3, 4])
  await db.owner.query(`select gdpr.clean_up_batch('hooks')`)
  expect(await ids()).toEqual([2, 4])
})
