/** The second factor through the SDK: a challenge instead of a session, typed, and kept out of logs. */
import { inspect } from 'node:util'
import { afterAll, expect, it } from 'vitest'
import { createClient, isApiError, isSecondFactorRequired, orThrow } from '../../sdk/src/index.ts'
import { authenticator } from '../db/core/second_factor/authenticator.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'

const db = await testDatabase()
const api = await testApi(db)
afterAll(() => db.drop())

const credentials = { email: 'ada@example.com', password: 'correct horse battery' }

it('signs in with password and code, with a recovery code, and turns it off again', async () => {
  const client = createClient({ url: api.url })
  await orThrow(client.auth.signUp(credentials))
  await db.owner.query('update core.users set email_verified_at = now()')
  const { uri } = await orThrow(client.auth.startTotpEnrollment(credentials.password))
  const app = authenticator(uri)
  const { recovery_codes } = await orThrow(client.auth.confirmTotpEnrollment(app()))
  expect((await orThrow(client.auth.secondFactorState())).recovery_code_count).toBe(10)

  const other = createClient({ url: api.url })
  const events: string[] = []
  other.auth.onStateChange((event) => events.push(event))
  const { data, error } = await other.auth.signIn(credentials)
  if (!isSecondFactorRequired(error)) throw new Error(`No challenge but ${inspect(data ?? error)}`)
  expect(isApiError(error)).toBe(true)
  expect([error.key, error.status, data]).toEqual(['second_factor_required', 202, null])
  expect(error.challenge.expiresAt - Date.now()).toBeGreaterThan(290_000)
  for (const printed of [inspect(error), JSON.stringify(error), String(error)]) {
    expect(printed).not.toContain(error.challenge.secret)
  }
  expect([await other.auth.getSession(), events]).toEqual([null, []])

  const wrong = await other.auth.signInWithTotp(error.challenge, '000000')
  expect(wrong.error?.key).toBe('second_factor_wrong')
  const session = await orThrow(other.auth.signInWithTotp(error.challenge, app(30)))
  expect([(await other.auth.getSession())?.accessToken, events]).toEqual([session.accessToken, ['signed_in']])

  const third = createClient({ url: api.url })
  const again = (await third.auth.signIn(credentials)).error
  if (!isSecondFactorRequired(again)) throw new Error('No challenge the second time')
  await orThrow(third.auth.signInWithRecoveryCode(again.challenge, recovery_codes[0] ?? ''))
  const fresh = await orThrow(
    third.auth.regenerateRecoveryCodes(credentials.password, recovery_codes[1] ?? ''),
  )
  await orThrow(third.auth.disableTotp(credentials.password, fresh.recovery_codes[0] ?? ''))
  await orThrow(createClient({ url: api.url }).auth.signIn(credentials))
})
