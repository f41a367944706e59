/** Errors of the real API as the SDK shows them: key, status, sentence, remedy. */
import { afterAll, describe, expect, it } from 'vitest'
import {
  ApiError,
  createClient,
  ERROR_CATALOGUE,
  ERROR_CODES,
  isApiError,
  orThrow,
  toApiError,
} from '../../sdk/src/index.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { signUp } from '../setup/story.ts'

const db = await testDatabase()
const api = await testApi(db)
const client = createClient({ url: api.url })
const anonymous = createClient({ url: api.url })
const person = await signUp(api)
await orThrow(client.auth.signIn({ email: person.email, password: person.password }))
afterAll(() => db.drop())

/** What orThrow throws. */
async function thrown(
  answer: PromiseLike<{ data: unknown; error: unknown; status?: number }>,
): Promise<ApiError> {
  const error: unknown = await orThrow(answer).catch((caught: unknown) => caught)
  if (!isApiError(error)) throw new Error(`no ApiError but ${String(error)}`)
  return error
}

describe('orThrow', () => {
  it('throws what the API refuses, with its key, status, sentence and remedy', async () => {
    const error = await thrown(client.rpc('follow_topic', { topic: 'no-such-topic' }))
    expect(error.toJSON()).toEqual({
      name: 'ApiError',
      key: 'unknown_topic',
      status: 400,
      detail: 'There is no topic "no-such-topic".',
      hint: ERROR_CATALOGUE.unknown_topic.hint,
    })
    expect(error.message).toBe('unknown_topic (400): There is no topic "no-such-topic".')
    expect(error.cause).toMatchObject({ code: 'PT400' })
    expect(JSON.parse(JSON.stringify(error))).toEqual(error.toJSON())
  })

  it('gives what Postgres and PostgREST refuse by themselves a key, too', async () => {
    expect(await thrown(anonymous.from('users').select('id'))).toMatchObject({
      key: 'not_allowed',
      status: 401,
    })
    expect(await thrown(client.from('users').select('id').eq('id', 'x'))).toMatchObject({
      key: 'value_malformed',
      status: 400,
      hint: ERROR_CATALOGUE.value_malformed.hint,
    })
    const missing = client.from('users').select('id').eq('email', 'nobody@example.com').single()
    expect(await thrown(missing)).toMatchObject({ key: 'row_not_found', status: 406 })
    expect(await thrown(client.from('nowhere' as 'users').select())).toMatchObject({
      key: 'endpoint_not_found',
      status: 404,
    })
    const tooLong = client
      .from('saved_cards')
      .update({ note: 'x' })
      .eq('nothing' as 'id', person.id)
    expect(await thrown(tooLong)).toMatchObject({ key: 'request_malformed', status: 400 })
  })

  it('gives data where there is some', async () => {
    expect(await orThrow(client.from('users').select('id'))).toEqual([{ id: person.id }])
    expect(await orThrow(client.from('users').select('id').maybeSingle())).toEqual({ id: person.id })
    const [health] = await orThrow(anonymous.rpc('health'))
    expect(health?.status).toBe('ok')
  })
})

describe('a write without a filter', () => {
  it('is not even sent (write_without_filter)', async () => {
    let requests = 0
    const counting = createClient({
      url: api.url,
      fetch: (input, init) => {
        requests++
        return fetch(input, init)
      },
    })
    for (const answer of [
      counting.from('saved_cards').delete().select('id').order('id').limit(1),
      counting.from('saved_cards').update({ note: 'mine' }),
    ]) {
      expect(await thrown(answer)).toMatchObject({ key: 'write_without_filter', status: 400 })
    }
    expect(requests).toBe(0)
    await orThrow(client.from('saved_cards').delete().eq('id', person.id))
  })
})

describe('toApiError', () => {
  it('knows the key of every code the database names', () => {
    expect(Object.keys(ERROR_CODES).length).toBeGreaterThan(20)
    for (const [code, key] of Object.entries(ERROR_CODES)) {
      const error = toApiError(
        { code, message: 'in the words of Postgres', details: 'and more', hint: null },
        400,
      )
      expect(error).toMatchObject({
        key,
        detail: 'in the words of Postgres and more',
        hint: ERROR_CATALOGUE[key].hint,
      })
    }
  })

  it('takes a key that only a newer server knows', () => {
    const error = toApiError(
      { code: 'PT418', message: 'teapot_refused', details: 'Short and stout.', hint: 'Tip.' },
      418,
    )
    expect(error.toJSON()).toMatchObject({
      key: 'teapot_refused',
      status: 418,
      detail: 'Short and stout.',
      hint: 'Tip.',
    })
  })

  it.each([[undefined], ['text'], [42], [{}], [{ message: 5 }], [[]]])(
    'makes an error of %j (unknown_error)',
    (value) => {
      expect(toApiError(value, 500)).toMatchObject({ key: 'unknown_error', status: 500, cause: value })
    },
  )

  it('takes no key from the prototype of its tables', () => {
    for (const message of ['constructor', '__proto__', 'toString']) {
      expect(toApiError({ message, code: message }, 400).key).toBe('unknown_error')
    }
  })
})

describe('isApiError', () => {
  it('knows errors of another copy of the package, and nothing else', async () => {
    const copy = '../../sdk/src/errors/api-error.ts?copy'
    const { ApiError: Copy } = await import(copy)
    expect(Copy).not.toBe(ApiError)
    expect(isApiError(new Copy({ key: 'timeout', status: 0 }))).toBe(true)
    expect(isApiError(new Error('timeout'))).toBe(false)
    expect(isApiError({ key: 'timeout', status: 0 })).toBe(false)
    expect(isApiError(null)).toBe(false)
  })
})

describe('createClient', () => {
  it.each(['', 'localhost:3000', 'ftp://example.com', '/api'])(
    'refuses %j as the address of an API',
    (url) => {
      expect(() => createClient({ url })).toThrow(TypeError)
    },
  )
})
