/** A database in which reading from end to end would show: readers with months of briefings, reactions and saved cards. */

import { runReferenceSeeds } from '../../stack/seeds/demo.ts'
import { runPerfSeeds } from '../../stack/seeds/perf.ts'
import { readSettings } from '../../stack/settings.ts'
import type { TestApi } from '../setup/api.ts'
import type { TestDatabase } from '../setup/database.ts'
import { type Person, signUp } from '../setup/story.ts'

/** Fewer, and reading all of a small table would be right. */
const READERS = 600

/** Fills the database. @returns somebody who is signed in and has as much as the others */
export async function busyProduct(db: TestDatabase, api: TestApi): Promise<Person> {
  const settings = readSettings({})
  await runReferenceSeeds(db.target, settings)
  const person = await signUp(api, { timezone: 'UTC' })
  await runPerfSeeds(db.target, settings, READERS)
  // The person is a reader like the others: topics and sources are copied from one of them.
  await db.owner.query(
    `update briefing.user_preferences as p set preferences = other.preferences
     from briefing.user_preferences as other join core.users as u on u.id = other.user_id
     where p.user_id = $1 and u.email = 'perf-7@perf.example.com'`,
    [person.id],
  )
  await db.owner.query(
    `insert into briefing.followed_sources (user_id, source_id)
     select $1, f.source_id from briefing.followed_sources as f
     join core.users as u on u.id = f.user_id and u.email = 'perf-7@perf.example.com'`,
    [person.id],
  )
  // From the first month that has a partition on; the months made ahead are as good as those gone by.
  await db.owner.query(`
    insert into briefing.briefings (user_id, briefing_date, cards, item_ids, timezone, generated_at)
    select u.id, day::date, '[]', array[u.id], 'UTC', day
    from core.users as u, generate_series(
      date_trunc('month', now()) - interval '1 month', date_trunc('month', now()) + interval '2 months', '1 day'
    ) as day
    where day::date <> current_date`)
  await db.owner.query(`
    insert into briefing.user_feedback (user_id, card_id, kind, briefing_date, topics, weight, created_at)
    select u.id, i.id, 'like', i.published_at, i.topics, 1, i.published_at
    from core.users as u, lateral (
      select * from briefing.content_items as any_item
      where any_item.published_at < now() - interval '1 day' order by any_item.published_at desc limit 60
    ) as i`)
  await db.owner.query(`
    insert into briefing.saved_cards (user_id, card_id, card, tags)
    select u.id, i.id, jsonb_build_object(
      'id', i.id, 'type', i.kind, 'title', i.title, 'summary', i.summary, 'url', i.url,
      'source', jsonb_build_object('id', i.source_id, 'title', 'Source'), 'topics', to_jsonb(i.topics), 'image', null,
      'published_at', '2026-01-01T00:00:00Z', 'score', 1, 'reason', 'New', 'position', 1
    ), array['tag-' || i.place % 7]
    from core.users as u, lateral (
      select row_number() over () as place, any_item.*
      from (select * from briefing.content_items order by published_at desc limit 30) as any_item
    ) as i`)
  await db.owner.query(`
    insert into briefing.user_topic_weights (user_id, topic, weight, weighed_at)
    select u.id, t.slug, 1, now() from core.users as u, briefing.topics as t on conflict do nothing`)
  await db.owner.query('vacuum analyze')
  return person
}
