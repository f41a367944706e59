/** the answer to a committed trade is lost on its way; the client tries again, in time or too late. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../setup/api.ts'
import { setClock } from '../../setup/clock.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { signUp } from '../../setup/story.ts'
import { sessionState } from '../support/session-state.ts'

const LOSSES = 100
const LATE = 20

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

/** Passes a request on, waits for the whole answer, which means that it is committed, and hangs up. */
const swallower = createServer(async (request, response) => {
  const body = await new Response(request as unknown as ReadableStream).text()
  const answer = await api.request('POST', request.url ?? '', { body: JSON.parse(body) })
  if (answer.status === 200) passedOn++
  response.destroy()
})
let passedOn = 0
beforeAll(() => new Promise<void>((resolve) => swallower.listen(0, '127.0.0.1', resolve)))
afterAll(() => {
  swallower.close()
})

async function lose(token: string): Promise<void> {
  const { port } = swallower.address() as AddressInfo
  const sent = fetch(`http://127.0.0.1:${port}/rpc/refresh_session`, {
    method: 'POST',
    body: JSON.stringify({ refresh_token: token }),
  })
  await expect(sent).rejects.toThrow()
}

test('a second try within the window succeeds, a hundred times of a hundred', async () => {
  const person = await signUp(api)
  let token = person.refreshToken
  let recovered = 0
  for (let n = 0; n < LOSSES; n++) {
    await lose(token)
    const again = await api.rpc('refresh_session', { refresh_token: token })
    if (again.status === 200) recovered++
    token = again.body.refresh_token
  }
  const state = await sessionState(db, person.id)
  console.log(`A-12: ${passedOn} answers lost after commit, ${recovered} second tries succeeded`)
  expect([passedOn, recovered, state]).toEqual([LOSSES, LOSSES, { revoked: 0, live: 1 }])
})

test('after the window it fails, and the session ends', async () => {
  const people = await Promise.all(Array.from({ length: LATE }, () => signUp(api)))
  for (const { refreshToken } of people) await lose(refreshToken)
  await setClock(db, '11 seconds')
  const messages = []
  for (const { refreshToken } of people) {
    messages.push((await api.rpc('refresh_session', { refresh_token: refreshToken })).body.message)
  }
  const states = await Promise.all(people.map(({ id }) => sessionState(db, id)))
  console.log(
    `A-12: ${LATE} second tries after 11 s: ${new Set(messages).size} kind of answer: ${messages[0]}`,
  )
  expect(new Set(messages)).toEqual(new Set(['refresh_token_reused']))
  expect(states).toEqual(people.map(() => ({ revoked: 1, live: 0 })))
})
