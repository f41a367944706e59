/** the backend dies inside a trade, at five points, twenty times each. There is always exactly one usable token. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'
import { sessionState } from '../support/session-state.ts'

const TIMES = 20
const TRIES = 40

/** Where in core/accounts/refresh_session.sql it dies. The last one is in the commit itself. */
const POINTS = {
  'before the old token is marked': 'before update on private.refresh_tokens',
  'after the old token is marked': 'after update on private.refresh_tokens',
  'after the successor is written': 'after insert on private.refresh_tokens',
  'after the session is touched': 'after update on core.sessions',
  'while it commits': 'constraint after update on core.sessions deferrable initially deferred',
}

let db: TestDatabase
let api: TestApi
let healthy: TestApi
beforeAll(async () => {
  db = await testDatabase()
  healthy = await testApi(db)
  // One doomed request at a time, and as many backends to lose.
  api = await testApi(db, { settings: { PGRST_DB_POOL: '2' } })
  await db.superuser.query(`
    create sequence core.probe_deaths;
    -- security definer: only a superuser may end a session that was begun as howdah_authenticator.
    create function core.tg__probe_die() returns trigger language plpgsql security definer as $$
    begin
      if current_setting('request.headers', true)::jsonb ? 'x-die' then
        perform nextval('core.probe_deaths');
        perform pg_terminate_backend(pg_backend_pid());
        perform pg_sleep(1);
      end if;
      return coalesce(new, old);
    end $$`)
})
afterAll(() => db.drop())

test.each(Object.entries(POINTS))('%s', async (point, when) => {
  const isConstraint = when.startsWith('constraint ')
  const [, timing, table, rest = ''] = /^(?:constraint )?(.+) on (\S+)(.*)$/.exec(when) ?? []
  await db.superuser.query(
    `create ${isConstraint ? 'constraint ' : ''}trigger _999_probe_die ${timing} on ${table}${rest} for each row execute function core.tg__probe_die()`,
  )
  let deaths = 0
  for (let n = 0; n < TIMES; n++) {
    const person = await signUp(healthy)
    const dead = await api.request('POST', '/rpc/refresh_session', {
      body: { refresh_token: person.refreshToken },
      headers: { 'x-die': 'now' },
    })
    expect(dead.status, point).toBeGreaterThanOrEqual(500)
    deaths++
    const between = await sessionState(db, person.id)
    expect(between, point).toEqual({ revoked: 0, live: 1 })
    // PostgREST connects anew; a client tries again until it answers.
    let again = await api.rpc('refresh_session', { refresh_token: person.refreshToken })
    for (let tries = 0; again.status >= 500 && tries < TRIES; tries++) {
      again = await api.rpc('refresh_session', { refresh_token: person.refreshToken })
    }
    expect(again.status, point).toBe(200)
    expect(await sessionState(db, person.id), point).toEqual({ revoked: 0, live: 1 })
  }
  const { rows } = await db.superuser.query('select last_value::int as died from core.probe_deaths')
  await db.superuser.query(`drop trigger _999_probe_die on ${table}`)
  console.log(
    `A-13: ${point}: ${deaths} requests died (${rows[0].died} backends so far), one usable token each time`,
  )
  expect(rows[0].died).toBeGreaterThanOrEqual(TIMES)
})
