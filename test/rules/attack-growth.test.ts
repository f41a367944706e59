/** The matrix grows by itself: a table nobody told it about is seeded, attacked and controlled with every verb. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { owedControls, runMatrix } from './matrix/run.ts'

const NEW_TABLE = `
  create table core.planted_notes (
    id uuid primary key default core.new_id(),
    user_id uuid not null references core.users (id) on delete cascade,
    kind text not null default 'plain' constraint kind_is_valid check (kind in ('plain', 'list')),
    body text not null constraint body_is_valid check (char_length(body) between 1 and 200),
    colour text constraint colour_is_valid check (colour ~ '^#[0-9a-f]{6}$')
  );
  alter table core.planted_notes enable row level security;
  create policy select_own on core.planted_notes for select to howdah_user using (user_id = (select core.current_user_id()));
  create policy insert_own on core.planted_notes for insert to howdah_user with check (user_id = (select core.current_user_id()));
  create policy update_own on core.planted_notes for update to howdah_user
    using (user_id = (select core.current_user_id())) with check (user_id = (select core.current_user_id()));
  create policy delete_own on core.planted_notes for delete to howdah_user using (user_id = (select core.current_user_id()));
  grant select, delete, insert (user_id, body), update (user_id, body) on core.planted_notes to howdah_user;
  create trigger _900_refuse_filterless_update before update on core.planted_notes
    for each statement execute function core.tg__refuse_filterless_write();
  create trigger _900_refuse_filterless_delete before delete on core.planted_notes
    for each statement execute function core.tg__refuse_filterless_write();
  create view api.planted_notes with (security_invoker = true) as select id, user_id, kind, body, colour from core.planted_notes;
  grant select, delete, insert (user_id, body), update (user_id, body) on api.planted_notes to howdah_user;`

const db = await testDatabase()
afterAll(() => db.drop())
await db.owner.query(NEW_TABLE)
const api = await testApi(db, { settings: FIELD_SETTINGS })
const field = await makeField(db, api)
const views = field.surfaces.views.filter(({ name }) => name === 'planted_notes')
const attackers = field.world.identities.filter(({ owesControls }) => owesControls)

async function attack() {
  const report = await runMatrix(field, { views, identities: attackers, tables: ['core.planted_notes'] })
  const missing = owedControls(attackers, views).filter((control) => !report.controls.has(control))
  return { ...report, missing }
}

describe('a new table', () => {
  it('is attacked, and holds', async () => {
    const { cells, unexpected, missing, controls } = await attack()
    expect(cells).toBeGreaterThan(100)
    expect(unexpected).toEqual([])
    expect(missing).toEqual([])
    expect([...controls].filter((control) => control.startsWith('user A')).length).toBe(4)
  })

  const HOLES = {
    'reading for all': 'alter policy select_own on core.planted_notes using (true)',
    'inserting for others': 'alter policy insert_own on core.planted_notes with check (true)',
    'changing what is others’': 'alter policy update_own on core.planted_notes using (true)',
    'giving away': 'alter policy update_own on core.planted_notes with check (true)',
    'deleting what is others’': 'alter policy delete_own on core.planted_notes using (true)',
    'no policy for inserts': 'drop policy insert_own on core.planted_notes',
    'no security': 'alter table core.planted_notes disable row level security',
    'a view of its owner’s': 'alter view api.planted_notes set (security_invoker = false)',
    'everything at once': 'drop trigger _900_refuse_filterless_delete on core.planted_notes',
    'a column too many':
      'grant update (kind) on core.planted_notes to howdah_user; grant update (kind) on api.planted_notes to howdah_user',
  }
  it.each(Object.entries(HOLES))('with a hole is noticed: %s', async (_what, sql) => {
    await db.owner.query(`${sql}; notify pgrst, 'reload schema'`)
    await sleep(100)
    const { unexpected, missing } = await attack()
    expect(unexpected.length + missing.length).toBeGreaterThan(0)
    await db.owner.query(`drop view api.planted_notes; alter table core.planted_notes rename to planted_notes_before;
      ${NEW_TABLE} insert into core.planted_notes select * from core.planted_notes_before; drop table core.planted_notes_before;
      notify pgrst, 'reload schema'`)
    await sleep(100)
  })
})
