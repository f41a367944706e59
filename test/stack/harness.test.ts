/** The test database itself: what every other test file relies on. */
import { afterAll, describe, expect, it } from 'vitest'
import { testApi } from '../setup/api.ts'
import { setClock } from '../setup/clock.ts'
import { testDatabase } from '../setup/database.ts'
import { signUp } from '../setup/story.ts'

const db = await testDatabase()
const api = await testApi(db)
afterAll(() => db.drop())

describe('a test database', () => {
  it('is owned by howdah_migrations and carries the privileges of the template', async () => {
    const { rows } = await db.superuser.query(
      `select pg_get_userbyid(datdba) as owner, has_database_privilege('howdah_worker', datname, 'connect') as worker,
         exists (select from aclexplode(datacl) where grantee = 0) as public
       from pg_database where datname = current_database()`,
    )
    expect(rows).toEqual([{ owner: 'howdah_migrations', worker: true, public: false }])
  })

  it('gives sessions of each role, also of those that cannot log in', async () => {
    for (const role of [
      'howdah_worker',
      'howdah_anon',
      'howdah_user',
      'howdah_admin',
      'howdah_readonly',
    ] as const) {
      const { rows } = await db.as(role).query('select current_user::text as name')
      expect(rows).toEqual([{ name: role }])
    }
  })

  it('rolls a session back and sets the claims it was given', async () => {
    const seen = await db.session({ role: 'howdah_migrations', claims: { sub: 'x' } }, async (client) => {
      await client.query('create table core.left_behind ()')
      const { rows } = await client.query(
        `select current_setting('request.jwt.claims')::json ->> 'sub' as sub`,
      )
      return rows[0].sub
    })
    expect(seen).toBe('x')
    const { rows } = await db.superuser.query(`select to_regclass('core.left_behind') as relation`)
    expect(rows[0].relation).toBeNull()
  })

  it('serves through a real PostgREST, where somebody can sign up', async () => {
    const person = await signUp(api)
    expect((await api.rpc('me', {}, person.token)).status).toBe(200)
    expect((await api.rpc('me')).status).toBe(401)
  })

  it('moves the clock for SQL sessions and for the API, and back', async () => {
    const ahead = async () => {
      const { rows } = await db.owner.query('select extract(epoch from core.now() - now())::int as seconds')
      return rows[0].seconds
    }
    await db.owner.query('select 1')
    await setClock(db, '1 day')
    expect(await ahead()).toBe(86_400)
    expect((await signUp(api)).token).not.toBe('')
    await setClock(db, '0')
    expect(await ahead()).toBe(0)
  })
})
