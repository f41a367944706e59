/**
 * a plan made for one identity must not answer another. Every view and every reading function of the API, seven
 * times and more for each of three identities in turn on one connection: past the five executions after which Postgres
 * may keep one plan for all. Each answer is compared with what the same identity got on a connection of its own.
 */
import { afterAll, expect, it } from 'vitest'
import { type TestApi, testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { FIELD_SETTINGS, makeField } from './matrix/field.ts'
import { functionCells } from './matrix/function-cells.ts'
import type { Identity } from './matrix/identities.ts'

const ROUNDS = 8

const db = await testDatabase()
afterAll(() => db.drop())
const api = await testApi(db, { settings: FIELD_SETTINGS })
const { surfaces, world } = await makeField(db, api)
const one = await testApi(db, { settings: { PGRST_DB_POOL: '1' } })
const identities = world.identities.filter(({ name }) => ['user A', 'user B', 'admin'].includes(name))
/** No plan is older than one request here. */
const fresh = await testApi(db, { settings: { PGRST_DB_PREPARED_STATEMENTS: 'false' } })

type Shape = { name: string; path: string; isForAll: boolean }

const NOBODY: Identity = { name: '', role: undefined, victim: '', forbidden: [] }
const shapes: Shape[] = [
  ...surfaces.views.flatMap(({ name, columns, seesAll }) => {
    const first = columns[0]?.name ?? ''
    const isForAll = seesAll.length > 0
    return [
      { name, path: `/${name}`, isForAll },
      { name, path: `/${name}?select=${first}&order=${first}&limit=50`, isForAll },
      { name, path: `/${name}?${first}=not.is.null`, isForAll },
    ]
  }),
  ...surfaces.functions
    .filter(({ isVolatile }) => !isVolatile)
    .flatMap((fn) =>
      functionCells(NOBODY, fn, { all: [world.victim.id], named: new Map() })
        .filter(({ method }) => method === 'GET')
        .map(({ path }) => ({ name: fn.name, path, isForAll: false })),
    ),
]

async function answer(through: TestApi, path: string, identity: Identity): Promise<string> {
  const { status, body } = await through.get(path, identity.token)
  return JSON.stringify([status, body])
}

it('every query shape answers each identity as on a connection of its own', async () => {
  let executions = 0
  let rows = 0
  const wrong: string[] = []
  for (const { path, isForAll } of shapes) {
    const expected = new Map<Identity, string>()
    for (const identity of identities) expected.set(identity, await answer(fresh, path, identity))
    for (let round = 0; round < ROUNDS; round++) {
      for (const identity of identities) {
        const found = await answer(one, path, identity)
        executions++
        if (round === 0) rows += Math.max(0, found.split('},{').length)
        const leaked = isForAll
          ? undefined
          : identity.forbidden.find(
              (word) => found.includes(word) && !decodeURIComponent(path).includes(word),
            )
        if (leaked) wrong.push(`${identity.name} ${path}: shows ${leaked}`)
        if (withoutClock(found) !== withoutClock(expected.get(identity) ?? ''))
          wrong.push(`${identity.name} ${path}, round ${round}: another answer`)
      }
    }
  }
  console.log(
    `plan reuse: ${shapes.length} shapes, ${identities.length} identities, ${executions} executions on one connection, ${wrong.length} foreign answers`,
  )
  expect(identities).toHaveLength(3)
  expect(shapes.length).toBeGreaterThan(30)
  expect(rows).toBeGreaterThan(shapes.length)
  expect(wrong).toEqual([])
}, 120_000)

it('also inside functions that run as their owner, on one session', async () => {
  const { rows: functions } = await db.superuser.query<{ name: string }>(`
    select p.proname as name from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = 'api' and p.prosecdef and p.pronargs = p.pronargdefaults
      and has_function_privilege('howdah_user', p.oid, 'execute') and p.prorettype <> 'void'::regtype order by 1`)
  const people = identities.filter(({ role }) => role === 'howdah_user')
  const session = await db.as('howdah_authenticator').connect()
  const wrong: string[] = []
  let executions = 0
  try {
    for (const { name } of functions) {
      const seen = new Map<Identity, string>()
      for (let round = 0; round < ROUNDS; round++) {
        for (const identity of people) {
          const claims = Buffer.from(identity.token?.split('.')[1] ?? '', 'base64url').toString()
          await session.query('begin')
          await session.query(
            `select set_config('role', 'howdah_user', true), set_config('request.jwt.claims', $1, true)`,
            [claims],
          )
          const text = await session
            .query({ name: `call ${name}`, text: `select api.${name}()::text as answer` })
            .then(
              ({ rows }) => JSON.stringify(rows),
              (error: Error) => error.message,
            )
          await session.query('rollback')
          executions++
          const leaked = identity.forbidden.find((word) => text.includes(word))
          if (leaked) wrong.push(`${identity.name} ${name}: shows ${leaked}`)
          seen.set(identity, text)
        }
      }
    }
  } finally {
    session.release()
  }
  console.log(
    `plan reuse: ${functions.length} definer functions, ${executions} executions, ${wrong.length} foreign answers`,
  )
  expect(functions.length).toBeGreaterThan(0)
  expect(wrong).toEqual([])
})

it('what is left on a connection after a request identifies nobody', async () => {
  const session = await db.as('howdah_authenticator').connect()
  try {
    const claims = Buffer.from(identities[0]?.token?.split('.')[1] ?? '', 'base64url').toString()
    const asUser = `select set_config('role', 'howdah_user', true)`
    await session.query('begin')
    await session.query(`${asUser}, set_config('request.jwt.claims', $1, true)`, [claims])
    const during = await session.query('select count(*)::int as n from api.users')
    await session.query('commit')
    const left = await session.query(
      `select current_setting('request.jwt.claims', true) as claims, current_user::text as role`,
    )
    await session.query('begin')
    await session.query(asUser)
    const after = await session.query(
      'select core.current_user_id() as id, core.current_session_id() as sid, (select count(*)::int from api.users) as n',
    )
    await session.query('rollback')
    expect(during.rows[0].n).toBe(1)
    expect(left.rows).toEqual([{ claims: '', role: 'howdah_authenticator' }])
    expect(after.rows).toEqual([{ id: null, sid: null, n: 0 }])
  } finally {
    session.release()
  }
})

/** Some answers tell the time, and metrics are another measurement each time: of them the status. */
function withoutClock(text: string): string {
  if (text.includes('# HELP howdah_')) return text.slice(0, 5)
  return text.replace(/\d{4}-\d\d-\d\dT[\d:.]+/g, '')
}
