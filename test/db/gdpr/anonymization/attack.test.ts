/**
 * G-12: somebody holds the whole old database and looks at the new one. Of 1,000 people a quarter was anonymized; who
 * stands behind what is left cannot be told better than by guessing. Two careless ways are the control.
 */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'

/** A thousand by npm run test:erasure. */
const PEOPLE = process.env['HOWDAH_ERASURE_ROUNDS'] ? 1000 : 400
const LEAVING = PEOPLE / 4
/** Few have some events, and days differ, so that plenty of people are the only ones of their kind. */
const KINDS = 40
const DAYS = 25
const K = 5

type Fact = { person: string; name: string; label: string; day: string }

let db: TestDatabase
let old: Fact[]
let leaving: Set<string>

/** What the attacker keeps of the old database: who did what on which day. */
const facts = async (): Promise<Fact[]> => {
  const { rows } = await db.owner.query(`
    select distinct user_id as person, 'events' as name, name as label, (occurred_at at time zone 'UTC')::date::text as day
    from core.analytics_events where user_id is not null
    union select distinct user_id, 'reactions', kind, briefing_date::text from briefing.user_feedback`)
  return rows
}
const cell = ({ name, label, day }: Pick<Fact, 'name' | 'label' | 'day'>) => `${name} ${label} ${day}`

beforeAll(async () => {
  db = await testDatabase()
  await db.owner.query(
    `insert into core.users (email) select 'person-' || n || '@example.com' from generate_series(1, $1::int) n`,
    [PEOPLE],
  )
  await db.owner.query(`
    do $$ begin perform setseed(0.42); end $$;
    insert into core.analytics_events (visitor_id, id, filed_at, user_id, name, occurred_at, properties)
    select gen_random_uuid(), made.id, core.id_instant(made.id), u.id,
      -- The higher, the rarer.
      'event_' || trunc(power(random(), 3) * ${KINDS}), date_trunc('month', now()) - interval '2 days' + trunc(random() * ${DAYS}) * interval '1 day'
        + random() * interval '1 day', jsonb_build_object('screen', md5(u.id::text))
    from core.users u cross join lateral generate_series(1, 6 + (hashtext(u.id::text) & 7)) n
    cross join lateral (select core.new_id() as id where n is not null) made;
    insert into briefing.user_feedback (user_id, card_id, kind, briefing_date, weight)
    select u.id, gen_random_uuid(), (array['like', 'dislike', 'save', 'share'])[1 + trunc(power(random(), 2) * 4)::int],
      current_date - trunc(random() * 20)::int, 1
    from core.users u cross join generate_series(1, 3) n`)
  old = await facts()
  const { rows } = await db.owner.query(
    'select id, email from core.users order by hashtext(id::text) limit $1',
    [LEAVING],
  )
  leaving = new Set(rows.map(({ id }) => id))
  for (const { email } of rows) {
    await db.owner.query(
      // What it is about; the samples of 250 erasures are another test's.
      `with gone as materialized (
         select u.id, gdpr.count_people() as counted from core.users u where u.email = $1
       ) select gdpr.erase_account(id, false) from gone`,
      [email],
    )
  }
}, 180_000)
afterAll(() => db.drop())

test('control: people left with their facts, under a hash or a random name, are nearly all found', () => {
  // What a new table of one row a fact would keep: the pseudonym's facts against everybody's old facts.
  const byPerson = new Map<string, Set<string>>()
  for (const fact of old) byPerson.set(fact.person, (byPerson.get(fact.person) ?? new Set()).add(cell(fact)))
  const profiles = new Map<string, number>()
  for (const set of byPerson.values()) {
    const key = [...set].sort().join()
    profiles.set(key, (profiles.get(key) ?? 0) + 1)
  }
  const found = [...leaving].filter(
    (person) => profiles.get([...(byPerson.get(person) ?? [])].sort().join()) === 1,
  )
  console.log(`control: ${found.length} of ${LEAVING} found by the days on which they did what`)
  expect(found.length).toBeGreaterThan(LEAVING * 0.95)
})

test('what is left holds no id, no instant and no word of anybody', async () => {
  const { rows } = await db.owner.query(
    `select column_name || ' ' || data_type as column from information_schema.columns
     where table_schema = 'gdpr' and table_name = 'anonymous_counts' order by 1`,
  )
  expect(rows.map(({ column }) => column)).toEqual([
    'day date',
    'label text',
    'name text',
    'people_count bigint',
  ])
  const left = await facts()
  expect(left.filter(({ person }) => leaving.has(person))).toEqual([])
  const emails = await db.owner.query(
    `select email from core.users where id = any ($1) and email !~ '^erased-'`,
    [[...leaving]],
  )
  expect(emails.rows).toEqual([])
})

test('an attacker who joins everything that is left with the old tables: nobody of 1,000 found, guesses at chance', async () => {
  const { rows: counts } = await db.owner.query(
    `select name, label, day::text, people_count::int as people from gdpr.anonymous_counts`,
  )
  const candidates = new Map<string, Set<string>>()
  for (const fact of old)
    candidates.set(cell(fact), (candidates.get(cell(fact)) ?? new Set()).add(fact.person))
  // 1. Is any count about so few that it points at them?
  const smallest = Math.min(...counts.map((one) => candidates.get(cell(one))?.size ?? 0))
  const pointing = counts.filter((one) => (candidates.get(cell(one))?.size ?? 0) < K)
  // 2. Do the numbers tell anything that the old tables did not? Then they are what anybody counts in those.
  const today = new Date().toISOString().slice(0, 10)
  const known = [...candidates]
    .filter(([key, people]) => people.size >= K && (key.split(' ').at(-1) ?? '') < today)
    .map(([key, people]) => `${key} ${people.size}`)
  expect(counts.map((one) => `${cell(one)} ${one.people}`).sort()).toEqual(known.sort())
  // 3. Those who left would be in every cell that has a place for them: rank a cell's people by how well the counts fit
  //    all that they did, and name the first.
  const share = new Map(counts.map((one) => [cell(one), one.people / (candidates.get(cell(one))?.size ?? 1)]))
  const fits = new Map<string, number[]>()
  for (const fact of old)
    fits.set(fact.person, [...(fits.get(fact.person) ?? []), share.get(cell(fact)) ?? 1])
  const match = (person: string) => Math.min(...(fits.get(person) ?? [0]))
  let hits = 0
  let chance = 0
  let spread = 0
  for (const one of counts) {
    const among = [...(candidates.get(cell(one)) ?? [])]
    const lot = (person: string) =>
      createHash('sha256')
        .update(`${cell(one)} ${person}`)
        .digest('hex')
    const [guess = ''] = among.sort((a, b) => match(b) - match(a) || lot(a).localeCompare(lot(b)))
    if (leaving.has(guess)) hits++
    const odds = among.filter((person) => leaving.has(person)).length / among.length
    chance += odds
    spread += odds * (1 - odds)
  }
  console.log(
    `attack: ${counts.length} counts left, the smallest of ${smallest} people; ${pointing.length} point at fewer than ${K}; ` +
      `guesses ${hits} right of ${counts.length}, ${chance.toFixed(0)} by chance`,
  )
  expect(counts.length).toBeGreaterThan(100)
  expect(pointing).toEqual([])
  expect(smallest).toBeGreaterThanOrEqual(K)
  expect(hits).toBeLessThan(chance + 3 * Math.sqrt(spread))
})

test('anonymizing counts everybody first, erasing does not; everything else is the same', async () => {
  const { rows } = await db.owner.query(
    `select email from core.users where status <> 'erased' order by hashtext(id::text) limit 2`,
  )
  const total = async () =>
    (await db.owner.query('select count(*)::int as n from gdpr.anonymous_counts')).rows[0].n
  await db.owner.query(
    'truncate gdpr.anonymous_counts; update gdpr.anonymous_sources set counted_until = null',
  )
  const erased = (await db.owner.query('select erase_user($1) as done', [rows[0].email])).rows[0].done
  expect(await total()).toBe(0)
  const anonymized = (await db.owner.query('select anonymize_user($1) as done', [rows[1].email])).rows[0].done
  expect(await total()).toBeGreaterThan(100)
  expect(Object.keys(anonymized.row_counts).sort()).toEqual(Object.keys(erased.row_counts).sort())
  // What was counted stays as it was: a second look would show who has gone since.
  await db.owner.query('select gdpr.count_people()')
  const kinds = await db.owner.query(
    'select is_anonymization, count(*)::int from gdpr.erasures group by 1 order by 1',
  )
  expect(kinds.rows).toEqual([
    { is_anonymization: false, count: LEAVING + 1 },
    { is_anonymization: true, count: 1 },
  ])
})
