/** Who is due by their own clock gets a briefing once; one person's trouble stays theirs. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testDatabase } from '../../setup/database.ts'
import { addSource, hoursAgo, importItems } from './newsroom.ts'
import { newReader } from './reader.ts'

const db = await testDatabase()
afterAll(() => db.drop())

beforeAll(async () => {
  const source = await addSource(db, 'Daily')
  const items = Array.from({ length: 20 }, (_, n) => ({ guid: `${n}`, published_at: hoursAgo(n) }))
  await importItems(db, source, items)
})

beforeEach(() => db.owner.query('delete from core.users'))

async function generateDue(batchSize = 100): Promise<number> {
  const { rows } = await db
    .as('howdah_worker')
    .query('select briefing.generate_due_briefings($1) as handled', [batchSize])
  return rows[0].handled
}

async function makeDue(...ids: string[]): Promise<void> {
  await db.owner.query(
    `update briefing.schedules set next_due_at = core.now() - interval '1 minute' where user_id = any($1)`,
    [ids],
  )
}

async function briefings(): Promise<{ user_id: string; day: string }[]> {
  const { rows } = await db.owner.query(
    'select user_id, briefing_date::text as day from briefing.briefings order by user_id, briefing_date',
  )
  return rows
}

async function schedule(id: string) {
  const { rows } = await db.owner.query(
    'select next_due_at, failure_count, failure_code from briefing.schedules where user_id = $1',
    [id],
  )
  return rows[0]
}

describe('generate_due_briefings', () => {
  it('serves who is due and nobody else, once', async () => {
    const [due, later] = [await newReader(db), await newReader(db)]
    await makeDue(due.id)
    expect(await generateDue()).toBe(1)
    expect(await generateDue()).toBe(0)
    expect((await briefings()).map(({ user_id }) => user_id)).toEqual([due.id])
    expect((await schedule(due.id)).next_due_at.getTime()).toBeGreaterThan(Date.now())
    expect((await schedule(later.id)).next_due_at.getTime()).toBeGreaterThan(Date.now())
  })

  it('shares the work between callers and keeps to the batch size', async () => {
    const readers = await Promise.all(Array.from({ length: 30 }, () => newReader(db)))
    await makeDue(...readers.map(({ id }) => id))
    expect(await generateDue(10)).toBe(10)
    const handled = await Promise.all(Array.from({ length: 5 }, () => generateDue(10)))
    expect(handled.reduce((sum, n) => sum + n, 0)).toBeLessThanOrEqual(20)
    while ((await generateDue(10)) > 0);
    expect(new Set((await briefings()).map(({ user_id }) => user_id)).size).toBe(30)
    expect((await briefings()).length).toBe(30)
    expect(await generateDue(-5)).toBe(0)
  })

  it('does not wait for someone another caller is busy with', async () => {
    const [busy, free] = [await newReader(db), await newReader(db)]
    await makeDue(busy.id, free.id)
    const other = await db.as('howdah_migrations').connect()
    try {
      await other.query('begin')
      await other.query('select 1 from briefing.schedules where user_id = $1 for update', [busy.id])
      expect(await generateDue()).toBe(1)
      expect((await briefings()).map(({ user_id }) => user_id)).toEqual([free.id])
    } finally {
      await other.query('rollback')
      other.release()
    }
  })

  it('makes the briefing of the day it was due, and today’s after a long pause', async () => {
    const [late, longLate] = [await newReader(db), await newReader(db)]
    await db.owner.query(
      `update briefing.schedules set next_due_at = core.now() - case user_id when $1 then interval '11 hours' else interval '3 days' end`,
      [late.id],
    )
    expect(await generateDue()).toBe(2)
    const { rows } = await db.owner.query(
      `select (core.now() - interval '11 hours')::date::text as late, core.now()::date::text as today`,
    )
    const made = new Map((await briefings()).map(({ user_id, day }) => [user_id, day]))
    expect(made.get(late.id)).toBe(rows[0].late)
    expect(made.get(longLate.id)).toBe(rows[0].today)
  })

  it('puts back who cannot be served, with a delay that grows, and serves the others', async () => {
    const [broken, fine] = [await newReader(db), await newReader(db)]
    // A preference that no longer fits the code, as a botched migration might leave one.
    await db.owner.query('alter table briefing.user_preferences drop constraint preferences_is_valid')
    await db.owner.query(
      `update briefing.user_preferences set preferences = '{"card_limit": "many"}' where user_id = $1`,
      [broken.id],
    )
    await makeDue(broken.id, fine.id)
    expect(await generateDue()).toBe(2)
    expect((await briefings()).map(({ user_id }) => user_id)).toEqual([fine.id])
    expect(await schedule(broken.id)).toMatchObject({ failure_count: 1, failure_code: '22P02' })
    const minutes = async () => ((await schedule(broken.id)).next_due_at.getTime() - Date.now()) / 60_000
    expect(await minutes()).toBeCloseTo(10, 0)
    await makeDue(broken.id)
    await generateDue()
    expect((await schedule(broken.id)).failure_count).toBe(2)
    expect(await minutes()).toBeCloseTo(20, 0)

    await db.owner.query(`update briefing.user_preferences set preferences = '{}' where user_id = $1`, [
      broken.id,
    ])
    await makeDue(broken.id)
    await generateDue()
    expect(await schedule(broken.id)).toMatchObject({ failure_count: 0, failure_code: null })
    expect((await briefings()).length).toBe(2)
  })

  it('makes none for suspended accounts', async () => {
    const reader = await newReader(db)
    await db.owner.query(`update core.users set status = 'suspended'`)
    await makeDue(reader.id)
    expect(await generateDue()).toBe(1)
    expect(await briefings()).toEqual([])
    expect(await generateDue()).toBe(0)
  })
})

describe('schedules', () => {
  it('exist from sign-up on and follow zone and briefing time', async () => {
    const reader = await newReader(db, {}, 'Asia/Tokyo')
    const localTime = async (zone: string) => {
      const { rows } = await db.owner.query(
        `select to_char(next_due_at at time zone $2, 'HH24:MI') as time, next_due_at > core.now() as is_ahead
        from briefing.schedules where user_id = $1`,
        [reader.id, zone],
      )
      expect(rows[0].is_ahead).toBe(true)
      return rows[0].time
    }
    expect(await localTime('Asia/Tokyo')).toBe('07:00')
    await reader.prefer({ briefing_time: '21:45' })
    expect(await localTime('Asia/Tokyo')).toBe('21:45')
    await db.owner.query(`update core.users set timezone = 'America/St_Johns' where id = $1`, [reader.id])
    expect(await localTime('America/St_Johns')).toBe('21:45')
    await reader.prefer({ briefing_time: null })
    expect(await localTime('America/St_Johns')).toBe('07:00')
  })

  it('stay as they are when something else is preferred', async () => {
    const reader = await newReader(db)
    await makeDue(reader.id)
    const before = await schedule(reader.id)
    await reader.prefer({ card_limit: 3 })
    expect(await schedule(reader.id)).toEqual(before)
  })
})
