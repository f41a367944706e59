/** The walls between organizations, each with a crack in it: statements of the matrix have to find every one. */
import { afterAll, describe, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { prepareSqlCells } from './matrix/sql-cell.ts'
import { noticedBySql } from './mutation/alarms.ts'
import { plannedCells } from './mutation/tribunal.ts'

const db = await testDatabase()
afterAll(() => db.drop())
const field = await makeField(db, await testApi(db, { settings: FIELD_SETTINGS }))
const cells = await plannedCells(field)
const objects = [...cells.keys()].filter((name) =>
  /^(api|core)\.(organization|team|workspace|invitation)/.test(name),
)
const client = await db.superuser.connect()
await prepareSqlCells(client)
afterAll(() => client.release())

const notice = (sql: string) => noticedBySql(client, { kind: 'planted', what: sql, sql, objects }, cells)

/** A function that answers what members' own would, and `more`. */
const myOrganizations = (
  more: string,
) => `create or replace function core.my_organization_ids() returns setof uuid
  language sql stable security definer set search_path = pg_catalog, pg_temp as $$
  select m.organization_id from core.organization_members m where m.user_id = core.current_user_id() union ${more} $$`

const CRACKS: Record<string, string> = {
  'a policy that asks nothing': 'alter policy select_member on core.organizations using (true)',
  'any organization at all': myOrganizations('select o.id from core.organizations o'),
  'an organization that the token names': myOrganizations(
    `select o.id from core.organizations o where o.id::text = current_setting('request.jwt.claims')::json ->> 'organization_id'`,
  ),
  'members who were removed': myOrganizations(
    `select a.organization_id from core.teams a join core.users u on u.id = core.current_user_id() where u.display_name ~ 'removed'`,
  ),
  'workspaces for all of the organization':
    'alter policy select_member on core.workspaces using (organization_id in (select core.my_organization_ids()))',
  'domains for every member':
    'alter policy select_manager on core.organization_domains using (organization_id in (select core.my_organization_ids()))',
  'another column compared':
    'alter policy select_member on core.teams using (id in (select core.my_organization_ids()))',
  'a policy that lets nobody in': 'alter policy select_member on core.team_members using (false)',
  'a view that asks as its owner': 'alter view api.team_members set (security_invoker = false)',
  'a team key without its organization': `alter table core.team_members drop constraint team_members_organization_id_team_id_fkey;
    create unique index on core.teams (id);
    alter table core.team_members add foreign key (team_id) references core.teams (id)`,
  'no key at all':
    'alter table core.workspace_members drop constraint workspace_members_organization_id_workspace_id_fkey',
  'a column to write': 'grant update (role) on core.organization_members to howdah_user',
}

describe('the walls between organizations', () => {
  it('hold as they are', async () => {
    const count = objects.reduce((sum, name) => sum + (cells.get(name)?.length ?? 0), 0)
    console.log(`walls between organizations: ${count} statements on ${objects.length} relations`)
    expect(count).toBeGreaterThan(200)
    expect(await notice('select')).toBeUndefined()
  })

  it.each(Object.entries(CRACKS))('do not hold with %s', async (_what, sql) => {
    expect(await notice(sql)).toBeDefined()
  })
})
