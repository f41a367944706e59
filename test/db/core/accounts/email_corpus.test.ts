/** 200 pairs of addresses that look alike. Different mailboxes are never one account, and mail goes to the stored one. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestApi, testApi } from '../../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

let db: TestDatabase
let api: TestApi
beforeAll(async () => {
  db = await testDatabase()
  api = await testApi(db)
})
afterAll(() => db.drop())

/** An address somebody has, and one that a stranger sends. `same`: they are one mailbox to every mail server we know. */
type Pair = { stored: string; sent: string; same: boolean }

/** Ways to write a name differently. ASCII case is the only one that is the same mailbox. */
const VARIANTS: [name: string, from: string, to: string, same: boolean][] = [
  ['case', 'ada', 'ADA', true],
  ['case inside', 'ada', 'aDa', true],
  ['dots', 'ada.lovelace', 'adalovelace', false],
  ['another dot', 'ada.lovelace', 'a.da.lovelace', false],
  ['tag', 'ada', 'ada+tag', false],
  ['NFC and NFD', 'é', 'e\u0301', false],
  ['NFC and NFD of Angstrom', '\u00c5', 'A\u030a', false],
  ['case beyond ASCII', 'é', 'É', false],
  ['dotted I', 'i', 'İ', false],
  ['dotless i', 'i', 'ı', false],
  ['dotless i as I', 'I', 'ı', false],
  ['Kelvin sign', 'k', '\u212a', false],
  ['Angstrom sign', 'å', '\u212b', false],
  ['long s', 's', 'ſ', false],
  ['sharp s', 'ß', 'ss', false],
  ['capital sharp s', 'ß', 'ẞ', false],
  ['full width', 'ada', 'ａｄａ', false],
  ['Cyrillic a', 'ada', 'аda', false],
  ['Greek o', 'jo', 'jο', false],
  ['final sigma', 'σ', 'ς', false],
  ['ligature', 'fi', 'ﬁ', false],
  ['zero width joiner', 'ada', 'a\u200dda', false],
  ['soft hyphen', 'ada', 'a\u00adda', false],
  ['variation selector', 'ada', 'a\ufe0fda', false],
  ['superscript', '2', '²', false],
]
/** The same ways behind the @, besides what only a domain has. */
const DOMAINS: [from: string, to: string, same: boolean][] = [
  ['example.com', 'EXAMPLE.com', true],
  ['example.com', 'example.com.', false],
  ['example.com', 'exаmple.com', false],
  ['example.com', 'example。com', false],
  ['example.com', 'example．com', false],
  ['bücher.example', 'xn--bcher-kva.example', false],
  ['bücher.example', 'bu\u0308cher.example', false],
  ['faß.example', 'fass.example', false],
  ['faß.example', 'xn--fa-hia.example', false],
  ['mail.example', 'ｍail.example', false],
]
/** Other spellings of a whole address, which we take for no address at all. */
const SPELLINGS: ((name: string) => string)[] = [
  (name) => `"${name}"@example.com`,
  (name) => `${name}(comment)@example.com`,
  (name) => ` ${name}@example.com`,
  (name) => `${name}@example.com `,
  (name) => `<${name}@example.com>`,
  (name) => `${name}@example.com,other@example.com`,
  (name) => `${name}\\@example.com`,
  (name) => `${name}@[127.0.0.1]`,
  (name) => `${name}.@example.com`,
  (name) => `${name}@example.com\u0000`,
]

/** Each way with several names, so that no two pairs share a stored address. */
function pairs(): Pair[] {
  const made: Pair[] = []
  for (let round = 0; made.length < 200; round++) {
    for (const [, from, to, same] of VARIANTS) {
      const at = `n${made.length}r${round}`
      made.push({ stored: `${at}.${from}@example.com`, sent: `${at}.${to}@example.com`, same })
    }
    for (const [from, to, same] of DOMAINS) {
      const at = `n${made.length}r${round}`
      made.push({ stored: `${at}@${from}`, sent: `${at}@${to}`, same })
    }
    for (const spell of SPELLINGS) {
      const at = `n${made.length}r${round}`
      made.push({ stored: `${at}@example.com`, sent: spell(at), same: false })
    }
  }
  return made.slice(0, 200)
}

test('200 pairs through sign-up, sign-in and reset: 0 mismatches', async () => {
  const corpus = pairs()
  expect(new Set(corpus.map(({ stored }) => stored)).size).toBe(200)
  const mismatches: string[] = []
  const password = 'correct horse battery'
  for (const { stored, sent, same } of corpus) {
    const note = (what: string) => mismatches.push(`${JSON.stringify([stored, sent])}: ${what}`)
    const opened = await api.rpc('sign_up', { email: stored, password })
    if (opened.status !== 200) note(`sign_up answered ${opened.body.message}`)
    const id = opened.body.user?.id

    const signedIn = await api.rpc('sign_in', { email: sent, password })
    if (same !== (signedIn.body.user?.id === id)) note(`sign_in answered ${signedIn.status}`)
    if (!same && signedIn.status === 200) note('sign_in let in')

    const again = await api.rpc('sign_up', { email: sent, password: 'of somebody else' })
    if (same && again.body.message !== 'email_taken') note(`second sign_up answered ${again.status}`)
    if (!same && again.body.message === 'email_taken') note('sign_up took it for the same')
    if (again.status === 200 && again.body.user.id === id) note('sign_up joined them')

    const reset = await api.rpc('request_password_reset', { email: sent })
    if (reset.status !== 202) continue
    // What the worker would do: who gets the mail, and at which address?
    const { rows } = await db.as('howdah_worker').query(
      `select core.begin_mail((j.payload ->> 'mail_id')::uuid) as mail
       from graphile_worker._private_jobs as j where j.payload ->> 'mail_id' is not null order by j.id desc limit 1`,
    )
    const recipient = rows[0]?.mail?.recipient ?? null
    const expected = same ? stored : again.status === 200 ? sent : null
    if (recipient !== expected) note(`mail went to ${JSON.stringify(recipient)}`)
  }
  expect(mismatches).toEqual([])
})
