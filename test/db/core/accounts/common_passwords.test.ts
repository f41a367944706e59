/** what is tried first is refused, what people can remember is not. */
import { randomInt } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dictionary } from '@zxcvbn-ts/language-common'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { renderCommonPasswords } from '../../../../seeds/render-common-passwords.ts'
import { PROJECT_DIR } from '../../../../stack/project-dir.ts'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { signUp } from '../../../setup/story.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
  await db.owner.query(await readFile(`${PROJECT_DIR}/seeds/reference/core.common_passwords.sql`, 'utf8'))
})
afterAll(() => db.drop())

/** Asks the rule itself for many at once; null where it lets a password pass. */
async function judged(passwords: string[], email = 'someone@example.com'): Promise<(string | null)[]> {
  const client = await db.owner.connect()
  try {
    await client.query(`create or replace function pg_temp.judge(password text, email text) returns text language plpgsql as $$
      begin perform private.require_password(password, email); return null;
      exception when others then return sqlerrm; end $$`)
    const { rows } = await client.query<{ verdict: string | null }>(
      'select pg_temp.judge(g.password, $2) as verdict from unnest($1::text[]) with ordinality as g (password, n) order by n',
      [passwords, email],
    )
    return rows.map(({ verdict }) => verdict)
  } finally {
    client.release()
  }
}

test('the seed is what the list gives', async () => {
  expect(await readFile(`${PROJECT_DIR}/seeds/reference/core.common_passwords.sql`, 'utf8')).toBe(
    renderCommonPasswords(),
  )
})

test('3,000 of the 3,000 most common are refused, however they are written', async () => {
  const most = dictionary['passwords-common']
    .map(String)
    .filter((word) => [...word].length >= 8 && Buffer.byteLength(word) <= 72)
    .slice(0, 3000)
  const refused = async (list: string[]) =>
    (await judged(list)).filter((verdict) => verdict === 'password_too_common').length
  expect(await refused(most)).toBe(3000)
  expect(await refused(most.map((word) => word.toUpperCase()))).toBe(3000)
})

test('1,000 of 1,000 random passphrases are taken', async () => {
  const words = dictionary['diceware-common'].map(String)
  const word = () => words[randomInt(words.length)] ?? ''
  const phrases = Array.from({ length: 1000 }, () => [word(), word(), word(), word()].join(' '))
  expect(words.length).toBeGreaterThan(1000)
  expect((await judged(phrases)).filter(Boolean)).toEqual([])
})

test('the passwords of our own demo, docs and tests are taken', async () => {
  const ours = [
    'correct horse battery',
    'wrong horse battery',
    'an entirely new one',
    'another horse battery',
  ]
  expect(await judged(ours)).toEqual(ours.map(() => null))
})

test.each([
  'jane.doe@example.com',
  'JANE.DOE@Example.com',
  'jane.doe1990',
  '!!Jane.Doe!!',
  '2024jane.doe',
  'Howdah2026!',
  'howdah--',
])('%s is refused for jane.doe@example.com', async (password) => {
  expect(await judged([password], 'jane.doe@example.com')).toEqual(['password_too_common'])
})

test('an address of digits and signs alone forbids nothing more', async () => {
  expect(await judged(['849201736452', 'jane of the howdah'], '1234@example.com')).toEqual([null, null])
})

test('sign-up, change and reset refuse them, and a refused one does not cost the link', async () => {
  const person = await signUp(api, { email: 'wilhelmina@example.com' })
  const weak = ['iloveyou', 'wilhelmina99']
  for (const password of weak) {
    const signed = await api.rpc('sign_up', { email: 'wilhelmina@example.org', password })
    expect([signed.status, signed.body.message]).toEqual([400, 'password_too_common'])
    const args = { current_password: person.password, new_password: password }
    expect((await api.rpc('change_password', args, person.token)).body.message).toBe('password_too_common')
  }
  const { rows } = await db.owner.query(
    `select private.issue_one_time_token('reset_password', $1, null, $2) as token`,
    [person.id, person.email],
  )
  const reset = (new_password: string) => api.rpc('reset_password', { token: rows[0].token, new_password })
  for (const password of weak) expect((await reset(password)).body.message).toBe('password_too_common')
  expect((await reset('an entirely new one')).status).toBe(200)
})
