/** api.update_profile: what may stand in a profile, and that nothing else can be changed with it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type Person, signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
let ada: Person
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  ada = await signUp(api, { display_name: 'Ada' })
})
afterAll(() => db.drop())

const update = (args: Record<string, unknown>, token: string | undefined = ada.token) =>
  api.rpc('update_profile', args, token)

test('changes what is sent, leaves what is not, and takes away what is empty', async () => {
  const all = {
    full_name: 'Ada Lovelace',
    avatar_url: 'https://pictures.example/ada.png',
    timezone: 'Europe/London',
    locale: 'en-GB',
    has_onboarded: true,
  }
  const answer = await update(all)
  expect(answer.status).toBe(200)
  expect(answer.body).toMatchObject([{ ...all, id: ada.id, display_name: 'Ada' }])
  const cleared = await update({ full_name: '', avatar_url: '', display_name: null })
  expect(cleared.body).toMatchObject([
    { full_name: null, avatar_url: null, display_name: 'Ada', locale: 'en-GB' },
  ])
})

test('preferences are merged key by key; null takes a key away', async () => {
  await update({ preferences: { theme: 'dark', digest: { hour: 7, days: [1, 2] } } })
  await update({ preferences: { digest: { hour: 8 }, sound: false } })
  const answer = await update({ preferences: { theme: null } })
  expect(answer.body[0].preferences).toEqual({ digest: { hour: 8 }, sound: false })
})

test('twenty merges at once lose nothing', async () => {
  const bob = await signUp(api)
  await Promise.all(
    Array.from({ length: 20 }, (_, n) => update({ preferences: { [`key_${n}`]: n } }, bob.token)),
  )
  const { body } = await api.rpc('me', {}, bob.token)
  expect(Object.keys(body[0].preferences)).toHaveLength(20)
})

const big = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`key_${n}`, 'x'.repeat(500)]))
const refusals: [string, Record<string, unknown>, string][] = [
  ['a name of 81 characters', { display_name: 'x'.repeat(81) }, 'display_name_invalid'],
  ['a full name of 201', { full_name: 'x'.repeat(201) }, 'full_name_invalid'],
  ['a picture over http', { avatar_url: 'http://pictures.example/a.png' }, 'avatar_url_invalid'],
  ['a picture that is a script', { avatar_url: 'javascript:alert(1)' }, 'avatar_url_invalid'],
  ['a picture with a line break', { avatar_url: 'https://a.example/\nx' }, 'avatar_url_invalid'],
  ['a huge picture address', { avatar_url: `https://a.example/${'x'.repeat(2000)}` }, 'avatar_url_invalid'],
  ['a zone that is none', { timezone: 'Mars/Base' }, 'timezone_invalid'],
  ['an empty zone', { timezone: '' }, 'timezone_invalid'],
  ['an odd locale', { locale: 'English' }, 'locale_invalid'],
  ['an empty locale', { locale: '' }, 'locale_invalid'],
  ['preferences that are a list', { preferences: ['dark'] }, 'user_preferences_invalid'],
  ['preferences that are text', { preferences: '"dark"' }, 'user_preferences_invalid'],
  ['a key with capitals', { preferences: { Theme: 'dark' } }, 'user_preferences_invalid'],
  ['__proto__ as key', { preferences: '{"__proto__": 1}' }, 'user_preferences_invalid'],
  ['more than 16 KiB', { preferences: big }, 'user_preferences_invalid'],
]
test.each(refusals)('refuses %s', async (_what, args, key) => {
  const before = await api.rpc('me', {}, ada.token)
  const answer = await update(args)
  expect([answer.status, answer.body.message]).toEqual([400, key])
  expect(answer.body.details.length).toBeGreaterThan(10)
  expect((await api.rpc('me', {}, ada.token)).body).toEqual(before.body)
})

test.each(['role', 'status', 'email', 'email_verified_at', 'id', 'trial_ends_at'])(
  'has no way to change %s',
  async (name) => {
    const answer = await update({ [name]: 'admin' })
    expect([answer.status, answer.body.code]).toEqual([404, 'PGRST202'])
  },
)

test('needs someone who is signed in', async () => {
  expect((await api.rpc('update_profile', { display_name: 'x' })).status).toBe(401)
})
