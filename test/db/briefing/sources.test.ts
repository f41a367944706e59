/** Adding sources, handing them out once, and planning the next fetch. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testDatabase } from '../../setup/database.ts'
import { addSource, addTopic, importItems } from './newsroom.ts'

const db = await testDatabase()
afterAll(() => db.drop())
beforeAll(() => addTopic(db, 'space'))

const worker = () => db.as('howdah_worker')
const url = (name: string) => `https://${name}.example/feed`

async function row(id: string) {
  const { rows } = await db.owner.query(
    `select *, extract(epoch from next_fetch_at - core.now())::float as wait_seconds
    from briefing.content_sources where id = $1`,
    [id],
  )
  return rows[0]
}

async function record(id: string, outcome: string, more: Record<string, unknown> = {}): Promise<void> {
  const names = Object.keys(more)
  const args = names.map((name, n) => `, ${name} => $${n + 3}`).join('')
  await worker().query(`select briefing.record_fetch($1, $2${args})`, [
    id,
    outcome,
    ...names.map((n) => more[n]),
  ])
}

describe('add_source', () => {
  it('finds an address again, switches it on and adds topics', async () => {
    const first = await addSource(db, 'Again')
    await db.owner.query('update briefing.content_sources set is_active = false where id = $1', [first])
    expect(await addSource(db, 'Again', ['space'])).toBe(first)
    expect(await row(first)).toMatchObject({ is_active: true, topics: ['space'] })
  })

  it('refuses what is no address (source_url_invalid) and topics nobody knows (unknown_topic)', async () => {
    for (const address of [
      '',
      'javascript:alert(1)',
      'ftp://a.example',
      'https://',
      `https://a.example/${'x'.repeat(2000)}`,
      null,
    ]) {
      await expect(worker().query('select briefing.add_source($1, $1)', [address])).rejects.toMatchObject({
        code: 'PT400',
        message: 'source_url_invalid',
      })
    }
    await expect(addSource(db, 'Unknown', ['nonsense'])).rejects.toMatchObject({ message: 'unknown_topic' })
  })

  it('takes its title from the feed when it has none', async () => {
    const { rows } = await worker().query('select briefing.add_source($1, $1) as id', [url('untitled')])
    expect((await row(rows[0].id)).title).toBe('untitled.example')
    await importItems(db, rows[0].id, [])
    expect(await row(rows[0].id)).toMatchObject({ title: 'A feed', language: 'en' })
    const named = await addSource(db, 'Named')
    await importItems(db, named, [])
    expect((await row(named)).title).toBe('Named')
  })
})

describe('claim_due_sources', () => {
  it('hands each due source to one caller only', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => addSource(db, `Due ${n}`)))
    await db.owner.query('update briefing.content_sources set next_fetch_at = core.now()')
    const { rows: due } = await db.owner.query('select id from briefing.content_sources')
    const claimed: string[] = []
    for (let round = 0; round < 20; round++) {
      const batches = await Promise.all(
        Array.from({ length: 4 }, () => worker().query('select id from briefing.claim_due_sources(3) as id')),
      )
      claimed.push(...batches.flatMap(({ rows }) => rows.map(({ id }) => id)))
    }
    expect(claimed.length).toBe(due.length)
    expect(new Set(claimed).size).toBe(due.length)
  })
})

describe('record_fetch', () => {
  it('doubles the wait with each failure, up to a day, and begins anew with a 304', async () => {
    const id = await addSource(db, 'Flaky')
    for (const expected of [1800, 3600, 7200, 14400, 28800, 57600, 86400, 86400]) {
      await record(id, 'failed', { error_key: 'feed_unreachable' })
      const { wait_seconds } = await row(id)
      expect(wait_seconds).toBeGreaterThan(expected * 0.94)
      expect(wait_seconds).toBeLessThan(expected * 1.06)
    }
    expect(await row(id)).toMatchObject({
      failure_count: 8,
      last_error_key: 'feed_unreachable',
      last_succeeded_at: null,
    })
    await record(id, 'not_modified')
    const after = await row(id)
    expect(after).toMatchObject({
      failure_count: 0,
      last_error_key: null,
      last_succeeded_at: expect.any(Date),
    })
    expect(after.wait_seconds).toBeLessThan(1900)
  })

  it('keeps validators over a 304 and a failure, and replaces them with content', async () => {
    const id = await addSource(db, 'Validators')
    await record(id, 'imported', { etag: '"a"', last_modified: 'then' })
    await record(id, 'not_modified')
    await record(id, 'failed', { error_key: 'feed_unreachable' })
    expect(await row(id)).toMatchObject({ etag: '"a"', last_modified: 'then' })
    await record(id, 'imported')
    expect(await row(id)).toMatchObject({ etag: null, last_modified: null })
  })

  it('is patient when asked, within a week', async () => {
    const id = await addSource(db, 'Patient')
    await record(id, 'failed', { error_key: 'feed_refused', retry_after_seconds: 50_000 })
    expect((await row(id)).wait_seconds).toBeCloseTo(50_000, -1)
    await record(id, 'failed', { error_key: 'feed_refused', retry_after_seconds: 2_000_000_000 })
    expect((await row(id)).wait_seconds).toBeCloseTo(604_800, -1)
  })

  it('moves once, never onto another source, and is found under both addresses', async () => {
    const [mover, owner] = [await addSource(db, 'Mover'), await addSource(db, 'Owner')]
    await record(mover, 'imported', { moved_to: url('moved') })
    await record(mover, 'imported', { moved_to: url('moved') })
    expect((await row(mover)).url).toBe(url('moved'))
    expect(await addSource(db, 'Moved')).toBe(mover)
    expect(await addSource(db, 'Mover')).toBe(mover)
    await record(mover, 'imported', { moved_to: url('owner') })
    expect(await row(mover)).toMatchObject({
      url: url('moved'),
      last_error_key: 'source_moved_to_known',
      failure_count: 0,
    })
    expect((await row(owner)).url).toBe(url('owner'))
    await record(mover, 'imported', { moved_to: 'javascript:alert(1)' })
    expect((await row(mover)).url).toBe(url('moved'))
  })

  it('refuses unknown sources (source_not_found) and outcomes (fetch_outcome_unknown)', async () => {
    const id = await addSource(db, 'Outcome')
    await expect(record(id, 'lost')).rejects.toMatchObject({ message: 'fetch_outcome_unknown' })
    await expect(record('00000000-0000-0000-0000-000000000000', 'imported')).rejects.toMatchObject({
      message: 'source_not_found',
    })
  })

  it('is for the worker only', async () => {
    for (const role of ['howdah_user', 'howdah_admin', 'howdah_anon'] as const) {
      await expect(db.as(role).query('select * from briefing.list_sources()')).rejects.toMatchObject({
        code: '42501',
      })
    }
    const { rows } = await worker().query('select * from briefing.list_sources()')
    expect(rows.length).toBeGreaterThan(20)
  })
})
