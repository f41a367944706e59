/** Texts and JSON that JavaScript has and Postgres cannot keep. */
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { columns, createClient, orThrow, updates } from '../../sdk/src/index.ts'
import { json } from '../../sdk/src/schema/json.ts'
import { uniqueItems } from '../../sdk/src/schema/unique-items.ts'
import { testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import { openNewsroom } from './news.ts'

const db = await testDatabase()
const api = await testApi(db)
await (await openNewsroom(db)).publish(0)
afterAll(() => db.drop())

const client = createClient({ url: api.url })
await orThrow(client.auth.signUp({ email: 'ada@example.com', password: 'correct horse battery' }))
const [card] = (await orThrow(client.briefings.today())).cards
const kept = await orThrow(client.savedCards.save(card?.id ?? ''))

describe('a text', () => {
  it.each([
    ['a NUL character', 'a\0b'],
    ['half of a surrogate pair', 'a\ud83d'],
    ['the other half', '\ude00b'],
  ])(
    'with %s is refused by the validator and by the API (value_malformed, request_malformed)',
    async (_, note) => {
      expect(updates.saved_cards.safeParse({ note }).success).toBe(false)
      const error = await orThrow(client.from('saved_cards').update({ note }).eq('id', kept.id)).catch(
        (e) => e,
      )
      expect(['value_malformed', 'request_malformed']).toContain(error.key)
      expect(error.status).toBe(400)
    },
  )

  it.each(['', '\n', '\u0001', '😀'.repeat(2000), '\u{10ffff}', '\ufeff', '\u0085', '\\u0000'])(
    'that both take comes back as it was',
    async (note) => {
      expect(updates.saved_cards.safeParse({ note }).success).toBe(true)
      const changed = client.from('saved_cards').update({ note }).eq('id', kept.id).select('note').single()
      expect((await orThrow(changed)).note).toBe(note)
    },
  )
})

describe('JSON', () => {
  it('is what jsonb can hold', () => {
    for (const value of [null, 1.5, 'a', [], [[{ a: [null] }]], { a: { b: false } }]) {
      expect(json().safeParse(value).success).toBe(true)
    }
    for (const value of [
      undefined,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      'a\0',
      { 'a\0': 1 },
      [undefined],
      () => 1,
      1n,
      new Date(),
    ]) {
      expect(json().safeParse(value).success).toBe(false)
    }
  })

  it('with a key named __proto__ changes nothing else', () => {
    const hostile = JSON.parse(
      '{"__proto__": {"isPolluted": true}, "constructor": {"prototype": {"isPolluted": true}}}',
    )
    const read = columns.users.preferences.safeParse(hostile)
    expect(read.success).toBe(true)
    expect(({} as Record<string, unknown>)['isPolluted']).toBeUndefined()
    expect((read.data as Record<string, unknown>)['isPolluted']).toBeUndefined()
  })

  it('has unique items when no two are equal as JSON', () => {
    const set = z.array(json()).check(uniqueItems())
    for (const value of [
      [],
      [1, '1'],
      [{ a: 1 }, { a: 2 }],
      [null, false, 0, ''],
      [
        [1, 2],
        [2, 1],
      ],
    ]) {
      expect(set.safeParse(value).success, JSON.stringify(value)).toBe(true)
    }
    for (const value of [
      [1, 1.0],
      ['a', 'a'],
      [
        { a: 1, b: { c: 2, d: 3 } },
        { b: { d: 3, c: 2 }, a: 1 },
      ],
      [0, -0],
    ]) {
      expect(set.safeParse(value).success, JSON.stringify(value)).toBe(false)
    }
  })
})
