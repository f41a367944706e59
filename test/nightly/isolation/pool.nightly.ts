/** three identities in a shuffled queue, ten thousand requests through few connections: nobody is taken for another. */
import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { type Person, signUp } from '../../setup/story.ts'

const REQUESTS = 10_000
const AT_ONCE = 30

let db: TestDatabase
let people: Person[]
beforeAll(async () => {
  db = await testDatabase()
  const api = await testApi(db)
  people = [await signUp(api), await signUp(api), await signUp(api)]
  await api.close()
})
afterAll(() => db.drop())

test.each([2, 10])('db-pool %i', async (pool) => {
  const api = await testApi(db, { settings: { PGRST_DB_POOL: String(pool) } })
  let sent = 0
  let mismatches = 0
  let nobody = 0
  const work = async () => {
    while (sent++ < REQUESTS) {
      // Every fourth is nobody: what the last one left behind would show.
      const person = people[randomInt(4)]
      if (!person) {
        nobody++
        const { status } = await api.rpc('me')
        if (status !== 401) mismatches++
      } else if (sent % 2) {
        const { status, body } = await api.rpc('me', {}, person.token)
        if (status !== 200 || body.length !== 1 || body[0].id !== person.id) mismatches++
      } else {
        const { status, body } = await api.get('/users?select=id', person.token)
        if (status !== 200 || body.length !== 1 || body[0].id !== person.id) mismatches++
      }
    }
  }
  const from = performance.now()
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  console.log(
    `R-14: db-pool ${pool}: ${REQUESTS} requests in ${Math.round((performance.now() - from) / 1000)} s, ${nobody} of nobody, ${mismatches} mismatches`,
  )
  await api.close()
  expect(mismatches).toBe(0)
})
