/** Saved cards are copies of one's own, found again by words and tags. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../setup/database.ts'
import { addSource, hoursAgo, importItems } from './newsroom.ts'
import { type Card, newReader, type Reader } from './reader.ts'

const db = await testDatabase()
afterAll(() => db.drop())

let source = ''
let reader: Reader
let cards: Card[] = []

beforeAll(async () => {
  source = await addSource(db, 'Shelf')
  await importItems(db, source, [
    { guid: 'a', title: 'Bread without yeast', summary: 'Flour, water, patience.' },
    { guid: 'b', title: 'Yeast for bakers' },
    { guid: 'c', title: 'Sailing by stars', published_at: hoursAgo(1) },
  ])
  reader = await newReader(db)
  cards = await reader.today()
})

const cardCalled = (title: string) => cards.find((card) => card.title === title)?.id ?? ''
const save = (who: Reader, id: string, tags: unknown = [], note: string | null = null) =>
  who.query('select * from api.save_card($1, $2, $3)', [id, tags, note])
const found = async (query: string | null, tags: string[] | null = null) => {
  const rows = await reader.query(`select card ->> 'title' as title from api.search_saved_cards($1, $2)`, [
    query,
    tags,
  ])
  return rows.map(({ title }) => title)
}

describe('save_card', () => {
  it('keeps one copy, counts as feedback, and forgets no tags when saved again', async () => {
    const id = cardCalled('Bread without yeast')
    const [first] = await save(reader, id, ['baking'], 'try on Sunday')
    expect(first).toMatchObject({
      card_id: id,
      tags: ['baking'],
      note: 'try on Sunday',
      card: { title: 'Bread without yeast' },
    })
    const [again] = await save(reader, id)
    expect(again).toEqual(first)
    const [changed] = await save(reader, id, ['baking', 'flour'])
    expect(changed).toMatchObject({ id: first?.['id'], tags: ['baking', 'flour'], note: 'try on Sunday' })
    expect(await reader.query(`select kind from api.user_feedback`)).toEqual([{ kind: 'save' }])
  })

  it('refuses other people’s cards (card_not_found), odd tags (tags_invalid) and long notes (note_too_long)', async () => {
    const stranger = await newReader(db)
    const id = cardCalled('Yeast for bakers')
    await expect(save(stranger, id)).rejects.toMatchObject({ code: 'PT404', message: 'card_not_found' })
    for (const tags of [
      [''],
      [' a'],
      ['a', 'a'],
      ['x'.repeat(41)],
      ['a\nb'],
      [null],
      Array.from({ length: 21 }, String),
      '{{a},{b}}',
    ]) {
      await expect(save(reader, id, tags)).rejects.toMatchObject({ code: 'PT400', message: 'tags_invalid' })
    }
    await expect(save(reader, id, [], 'x'.repeat(2001))).rejects.toMatchObject({ message: 'note_too_long' })
    expect(await stranger.query('select id from api.saved_cards')).toEqual([])
  })

  it('is found by words of title, note and summary and by all of its tags', async () => {
    await save(reader, cardCalled('Yeast for bakers'), ['baking'])
    await save(reader, cardCalled('Sailing by stars'), ['sea'], 'Ask Grace — 漢字 💥')
    expect(await found('yeast')).toEqual(expect.arrayContaining(['Bread without yeast', 'Yeast for bakers']))
    expect(await found('patience')).toEqual(['Bread without yeast'])
    expect(await found('yeast -bread')).toEqual(['Yeast for bakers'])
    expect(await found('漢字')).toEqual(['Sailing by stars'])
    expect(await found(null, ['baking'])).toHaveLength(2)
    expect(await found(null, ['baking', 'flour'])).toEqual(['Bread without yeast'])
    expect(await found(null)).toHaveLength(3)
    for (const query of ['', '!!!', 'x'.repeat(201)]) {
      await expect(found(query)).rejects.toMatchObject({ code: 'PT400', message: 'search_query_invalid' })
    }
  })

  it('can be changed in tags and note only, and by nobody else', async () => {
    const stranger = await newReader(db)
    const change = (who: Reader) =>
      who.query(`update api.saved_cards set note = 'mine' where tags @> '{sea}' returning note`)
    expect(await change(stranger)).toEqual([])
    expect(await change(reader)).toEqual([{ note: 'mine' }])
    for (const set of [`card = '{}'`, `user_id = '${stranger.id}'`, 'created_at = now()']) {
      await expect(
        reader.query(`update api.saved_cards set ${set} where note = 'mine'`),
      ).rejects.toMatchObject({ code: '42501' })
    }
    await expect(reader.query(`insert into api.saved_cards (card) values ('{}')`)).rejects.toMatchObject({
      code: '42501',
    })
    const refused = reader.query(`update api.saved_cards set tags = '{" a"}' where note = 'mine'`)
    await expect(refused).rejects.toMatchObject({ code: '23514', detail: undefined })
    expect(await stranger.query('delete from api.saved_cards where true returning id')).toEqual([])
    // Reads no column, so that nothing but the policy for deleting stands in the way.
    await stranger.query('delete from api.saved_cards')
    expect(await found(null)).toHaveLength(3)
  })

  it('outlives its source', async () => {
    await db.owner.query('delete from briefing.content_sources where id = $1', [source])
    expect(await found(null)).toHaveLength(3)
    expect(await reader.query('select source_id from api.user_feedback')).toContainEqual({ source_id: null })
    expect((await reader.query('delete from api.saved_cards where true returning id')).length).toBe(3)
  })
})
