/** What the SDK and the docs ask of the briefing module costs what it gives back, and not what others have. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type TestApi, testApi } from '../setup/api.ts'
import { testDatabase } from '../setup/database.ts'
import type { Person } from '../setup/story.ts'
import { type Budget, overBudget, readInAll } from './budget.ts'
import { busyProduct } from './busy-product.ts'
import { PLAN_SETTINGS, plansOfCall, plansOfGet } from './explain.ts'

const db = await testDatabase()
let api: TestApi
let person: Person
beforeAll(async () => {
  api = await testApi(db, { settings: PLAN_SETTINGS })
  person = await busyProduct(db, api)
}, 120_000)
afterAll(() => db.drop())

const SMALL = ['briefing.topics', 'core.settings']

const GETS: Record<string, Budget> = {
  '/briefings?order=briefing_date.desc&limit=14': { rows: 20, partitions: 6 },
  [`/briefings?briefing_date=eq.${today()}`]: { rows: 2, partitions: 1 },
  '/user_feedback?order=created_at.desc&limit=20': { rows: 25 },
  '/saved_cards?order=created_at.desc&limit=20': { rows: 35 },
  '/content_items?topics=cs.{space}&select=title,published_at&order=published_at.desc&limit=3': { rows: 200 },
  '/content_items?order=published_at.desc&limit=20': { rows: 25 },
  '/followed_sources': { rows: 12 },
  '/briefing_preferences': { rows: 4 },
  '/topics': { rows: 100, wholeTables: SMALL },
  '/content_sources?order=title&limit=50': { rows: 200, wholeTables: ['briefing.content_sources'] },
}

const CALLS: Record<string, Budget> = {
  'select * from api.today_briefing()': { rows: 3000, partitions: 6, wholeTables: SMALL },
  // The briefing is there: fetching it makes nothing.
  [`select * from api.generate_briefing((now() at time zone 'UTC')::date + 1)`]: { rows: 20, partitions: 3 },
  'select * from api.generate_briefing(refresh => true)': { rows: 3000, partitions: 6, wholeTables: SMALL },
  [`select * from api.search_saved_cards(query => 'harbour')`]: { rows: 70, wholeTables: SMALL },
  [`select * from api.search_saved_cards(tags => '{tag-3}')`]: { rows: 40, wholeTables: SMALL },
  [`select * from api.search_content('harbour')`]: { rows: 3000, wholeTables: SMALL },
}

/** What goes wrong unnoticed: the answers stay right, and every reader pays for all the others. */
const DEFECTS: Record<string, [path: string, defect: string, problem: RegExp]> = {
  'a dropped index': [
    '/user_feedback?order=created_at.desc&limit=20',
    'drop index briefing.user_feedback_user_id_created_at_idx',
    /read \d+ rows|end to end/,
  ],
  'a dropped index of a search': [
    '/content_items?order=published_at.desc&limit=20',
    'drop index briefing.content_items_published_at_idx',
    /end to end/,
  ],
  'a policy that asks for each row': [
    '/saved_cards?order=created_at.desc&limit=20',
    'alter policy select_own on briefing.saved_cards using (user_id = core.current_user_id())',
    /asks for each row/,
  ],
  'a policy that the index does not know': [
    '/saved_cards?order=created_at.desc&limit=20',
    'alter policy select_own on briefing.saved_cards using (user_id::text = (select core.current_user_id())::text)',
    /read \d+ rows|end to end/,
  ],
  'a view that keeps partitions from being left out': [
    `/briefings?briefing_date=eq.${today()}`,
    `create or replace view api.briefings with (security_invoker = true) as
     select id, user_id, (briefing_date + 0) as briefing_date, edition, cards, timezone, generated_at, created_at, updated_at
     from briefing.briefings`,
    /partitions/,
  ],
}

function today(): string {
  return new Date().toISOString().slice(0, 10)
}

describe('within its budget', () => {
  it.each(Object.entries(GETS))('GET %s', async (path, budget) => {
    const plans = await plansOfGet(api, path, person)
    console.log(`${String(readInAll(plans)).padStart(6)} rows read: ${path}`)
    expect(overBudget(plans, budget)).toEqual([])
  })

  it.each(Object.entries(CALLS))('%s', async (sql, budget) => {
    const plans = await plansOfCall(db, sql, person)
    expect(plans.length).toBeGreaterThan(1)
    console.log(`${String(readInAll(plans)).padStart(6)} rows read: ${sql}`)
    expect(overBudget(plans, budget)).toEqual([])
  })
})

// Last: the database stays as broken as each leaves it.
describe('over its budget, and noticed', () => {
  it.each(Object.entries(DEFECTS))('%s', async (_what, [path, defect, problem]) => {
    await db.owner.query(defect)
    const problems = overBudget(await plansOfGet(api, path, person), GETS[path] as Budget)
    expect(problems.join('; ')).toMatch(problem)
  })

  it('a dropped index of a statement inside a function', async () => {
    await db.owner.query('drop index briefing.content_items_source_id_published_at_idx')
    const sql = 'select * from api.generate_briefing(refresh => true)'
    expect(overBudget(await plansOfCall(db, sql, person), CALLS[sql] as Budget)).not.toEqual([])
  })
})
