/** no key, no call and no write leads from one organization into another, or tells what is there. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import {
  IDS,
  type Ids,
  MISSING,
  makeTenant,
  OTHER_ARGUMENTS,
  stateOf,
  type Tenant,
  VIEWS,
} from './two-tenants.ts'

let db: TestDatabase
let api: TestApi
let mine: Tenant
let theirs: Tenant
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  mine = await makeTenant(db, api)
  theirs = await makeTenant(db, api)
})
afterAll(() => db.drop())

const masked = ({ status, body }: Answer, id: string) =>
  `${status} ${JSON.stringify(body)}`.replaceAll(id, '<id>')

describe('R-09: a foreign id and a missing one answer alike', () => {
  test('in every function that takes the id of something inside a tenant', async () => {
    const { rows: functions } = await db.owner.query<{ name: string; args: string[]; types: string[] }>(
      `
      select p.proname as name, p.proargnames[:p.pronargs] as args,
        array(select format_type(t, null) from unnest(p.proargtypes::oid[]) as t) as types
      from pg_proc p where p.pronamespace = 'api'::regnamespace and p.proargnames && $1 order by 1`,
      [IDS],
    )
    const before = await stateOf(db)
    let pairs = 0
    for (const { name, args, types } of functions) {
      for (const wrong of IDS.filter((id) => args.includes(id))) {
        const call = (id: string) =>
          api.rpc(
            name,
            Object.fromEntries(
              args.map((arg, at) => [arg, arg === wrong ? id : goodValue(arg, types[at], name)]),
            ),
            mine.owner.token,
          )
        const foreign = await call(theirs.ids[wrong])
        const missing = await call(MISSING)
        expect(foreign.status, `${name} with a foreign ${wrong}`).toBe(404)
        expect(masked(foreign, theirs.ids[wrong]), `${name} ${wrong}`).toBe(masked(missing, MISSING))
        pairs++
      }
    }
    console.log(`R-09: ${functions.length} functions, ${pairs} pairs, 0 differences`)
    expect(pairs).toBeGreaterThan(15)
    expect(await stateOf(db)).toEqual(before)
  })

  test('in the keys themselves, whoever writes: each refuses a parent of another tenant as it refuses none', async () => {
    const { rows: edges } = await db.owner.query<{ child: string; columns: string[]; parent: string }>(
      `
      select f.conrelid::regclass::text as child, f.confrelid::regclass::text as parent,
        array(select a.attname::text from unnest(f.conkey) k join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k) as columns
      from pg_constraint f where f.contype = 'f' and f.conrelid = any ($1::regclass[]) and cardinality(f.conkey) > 1
      order by 1, 3`,
      [Object.keys(VIEWS).map((view) => `core.${view}`)],
    )
    expect(edges.map(({ child, columns }) => `${child}(${columns})`)).toEqual([
      'core.team_members(organization_id,team_id)',
      'core.team_members(organization_id,user_id)',
      'core.workspace_members(organization_id,user_id)',
      'core.workspace_members(organization_id,workspace_id)',
    ])
    for (const { child, columns } of edges) {
      const wrong = columns.find((column) => column !== 'organization_id') as keyof Ids
      const place = child === 'core.team_members' ? 'team_id' : 'workspace_id'
      const role = place === 'team_id' ? 'member' : 'viewer'
      const insert = async (id: string) => {
        // Somebody who may come in, so that only the key in question refuses.
        const row = { ...mine.ids, user_id: mine.owner.id, [wrong]: id }
        const sql = `with gone as (delete from ${child} where user_id = $3)
          insert into ${child} (organization_id, ${place}, user_id, role) values ($1, $2, $3, $4)`
        return db.owner.query(sql, [row.organization_id, row[place], row.user_id, role]).then(
          () => 'taken',
          ({ code, constraint }) => `${code} ${constraint}`,
        )
      }
      const table = child.split('.')[1]
      expect(await insert(theirs.ids[wrong])).toBe(`23503 ${table}_organization_id_${wrong}_fkey`)
      expect(await insert(MISSING)).toMatch(/^23503 /)
    }
  })

  test('in writes to views', async () => {
    let pairs = 0
    for (const [view, filter] of Object.entries(VIEWS)) {
      const [row] = (await api.get(`/${view}?${filter(mine.ids)}`, mine.owner.token)).body
      for (const wrong of IDS.filter((id) => id in row)) {
        const post = (id: string) =>
          api.request('POST', `/${view}`, { token: mine.owner.token, body: { ...row, [wrong]: id } })
        const foreign = await post(theirs.ids[wrong])
        // A view over several tables or with computed columns; Postgres says so before it asks who may write.
        const isUnwritable = ['55000', '0A000'].includes(foreign.body.code)
        expect(foreign.status === 403 || isUnwritable, JSON.stringify(foreign.body)).toBe(true)
        expect(masked(foreign, theirs.ids[wrong]), view).toBe(masked(await post(MISSING), MISSING))
        pairs++
      }
    }
    expect(pairs).toBeGreaterThan(10)
  })
})

test('R-22: 100 foreign ids and 100 missing ones of each table read, changed and called alike', async () => {
  const { rows } = await db.owner.query<{ team_id: string; workspace_id: string }>(
    `with t as (insert into core.teams (organization_id, name) select $1, 'Team ' || n from generate_series(1, 100) n
       returning id), w as (insert into core.workspaces (organization_id, name, slug)
       select $1, 'Space', 'space-' || n from generate_series(1, 100) n returning id)
     select t.id as team_id, w.id as workspace_id from (select id, row_number() over () as n from t) t
     join (select id, row_number() over () as n from w) w using (n)`,
    [theirs.ids.organization_id],
  )
  const answers = new Map<string, Set<string>>()
  const ask = async (what: string, id: string, answer: Promise<Answer>) => {
    const text = masked(await answer, id)
    answers.set(what, (answers.get(what) ?? new Set()).add(text))
  }
  const { token } = mine.owner
  const kinds = [
    ['teams', 'team_id', 'update_team'],
    ['workspaces', 'workspace_id', 'update_workspace'],
  ] as const
  for (const row of rows) {
    await Promise.all(
      kinds.flatMap(([view, key, fn]) =>
        [row[key], crypto.randomUUID()].flatMap((id) => [
          ask(`read ${view}`, id, api.get(`/${view}?id=eq.${id}`, token)),
          ask(`members of ${view}`, id, api.get(`/${view.slice(0, -1)}_members?${key}=eq.${id}`, token)),
          ask(fn, id, api.rpc(fn, { [key]: id, name: 'Mine' }, token)),
        ]),
      ),
    )
  }
  expect(rows).toHaveLength(100)
  expect(answers.size).toBe(6)
  for (const [what, different] of answers) expect([...different], what).toHaveLength(1)
})

test('R-08: nothing moves to another organization or person, by any verb', async () => {
  const before = await stateOf(db)
  const { token } = mine.owner
  let attempts = 0
  const refused = async (what: string, answer: Promise<Answer>) => {
    const { status, body } = await answer
    attempts++
    expect(status, `${what}: ${JSON.stringify(body)}`).toBeGreaterThanOrEqual(400)
  }
  for (const [view, filter] of Object.entries(VIEWS)) {
    const path = `/${view}?${filter(mine.ids)}`
    const [row] = (await api.get(path, token)).body
    const columns = Object.keys(row).filter((column) => column === 'id' || IDS.some((id) => id === column))
    for (const column of columns) {
      const value = column === 'id' ? crypto.randomUUID() : theirs.ids[column as keyof Ids]
      const change = { [column]: value }
      await refused(`PATCH ${view}.${column}`, api.request('PATCH', path, { token, body: change }))
      const upsert = { prefer: 'resolution=merge-duplicates' }
      await refused(
        `POST ${view}.${column}`,
        api.request('POST', `/${view}`, { token, body: { ...row, ...change }, headers: upsert }),
      )
      await refused(`PUT ${view}.${column}`, api.request('PUT', path, { token, body: { ...row, ...change } }))
      const sql = db.session({ role: 'howdah_user', claims: { sub: mine.owner.id } }, (client) =>
        client.query(`update core.${view} set ${column} = $1`, [value]),
      )
      await expect(sql, `update core.${view}.${column}`).rejects.toMatchObject({ code: '42501' })
      attempts++
    }
  }
  for (const fn of ['update_team', 'update_workspace', 'update_organization']) {
    for (const extra of ['organization_id', 'id', 'new_organization_id']) {
      const id = fn === 'update_organization' ? 'organization_id' : `${fn.slice(7)}_id`
      if (id === extra) continue
      const body = { [id]: mine.ids[id as keyof Ids], name: 'Moved', [extra]: theirs.ids.organization_id }
      await refused(`${fn} with ${extra}`, api.rpc(fn, body, token))
    }
  }
  console.log(`R-08: ${attempts} attempts, 0 succeeded`)
  expect(attempts).toBeGreaterThan(40)
  expect(await stateOf(db)).toEqual(before)
})

function goodValue(arg: string, type: string | undefined, fn: string): unknown {
  if (arg in mine.ids) return mine.ids[arg as keyof Ids]
  if (arg === 'role') return fn.includes('workspace') ? 'viewer' : 'member'
  const other = OTHER_ARGUMENTS[arg]
  if (!other) throw new Error(`Say in OTHER_ARGUMENTS what ${fn} gets for ${arg} (${type})`)
  return other(mine)
}
