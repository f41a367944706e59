/** twenty parallel trades of one token, fifty rounds, through two PostgRESTs, also behind PgBouncer. */
import { afterAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'
import { pgbouncer } from '../support/pgbouncer.ts'
import { sessionState } from '../support/session-state.ts'

const ROUNDS = 50
const PARALLEL = 20

const db = await testDatabase()
const pooler = await pgbouncer(db)
afterAll(async () => {
  await Promise.all([...db.apis].map((api) => api.close()))
  await pooler?.stop()
  await db.drop()
})

async function race(apis: TestApi[]) {
  const person = await signUp(apis[0] as TestApi)
  let token = person.refreshToken
  let received = 0
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await Promise.all(
      Array.from({ length: PARALLEL }, (_, n) =>
        (apis[n % apis.length] as TestApi).rpc('refresh_session', { refresh_token: token }),
      ),
    )
    received += answers.filter(({ status }) => status === 200).length
    const successors = new Set(answers.map(({ body }) => body.refresh_token))
    expect([round, successors.size]).toEqual([round, 1])
    token = String([...successors][0])
  }
  return { received, ...(await sessionState(db, person.id)) }
}

test('two PostgRESTs: one successor a round, nobody revoked, no fork', async () => {
  const found = await race([await testApi(db), await testApi(db)])
  console.log(
    `A-11: ${ROUNDS} rounds of ${PARALLEL}: ${found.received} answered, ${found.revoked} revoked, ${found.live} live`,
  )
  expect(found).toEqual({ received: ROUNDS * PARALLEL, revoked: 0, live: 1 })
})

test('two PostgRESTs behind PgBouncer: the same', async ({ skip }) => {
  if (!pooler) return skip('no PgBouncer on this machine: apt-get install pgbouncer')
  const settings = {
    PGRST_DB_URI: pooler.url,
    PGRST_DB_PREPARED_STATEMENTS: 'false',
    PGRST_DB_CHANNEL_ENABLED: 'false',
  }
  const found = await race([await testApi(db, { settings }), await testApi(db, { settings })])
  console.log(
    `A-11, PgBouncer: ${ROUNDS} rounds of ${PARALLEL}: ${found.received} answered, ${found.revoked} revoked, ${found.live} live`,
  )
  expect(found).toEqual({ received: ROUNDS * PARALLEL, revoked: 0, live: 1 })
})
