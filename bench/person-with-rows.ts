/** Somebody of whom much is held: what years of use leave, in every table that grows with use. */
import type pg from 'pg'

/** How the rows are spread, in percent. The rest of the tables get a few each. */
const SPREAD = { events: 50, notifications: 16, mails: 10, sessions: 10, feedback: 10, cards: 4 } as const

const CARD = `jsonb_build_object(
  'id', core.new_id(), 'type', 'article', 'title', 'A title of some words, number ' || n, 'url', 'https://example.com/' || n,
  'summary', repeat('A sentence of a summary with the number ' || n || '. ', 6), 'topics', '[]'::jsonb, 'image', null,
  'source', jsonb_build_object('id', core.new_id(), 'title', 'A source'), 'published_at', '2026-01-01T00:00:00Z',
  'score', 1, 'reason', 'You follow Space', 'position', 1)`

/** Statements by the table they fill: $1 is the account, $2 how many rows. */
const STATEMENTS: readonly { share: number; sql: string }[] = [
  {
    share: SPREAD.events,
    sql: `insert into core.analytics_events (visitor_id, id, filed_at, user_id, name, occurred_at, properties)
      select gen_random_uuid(), k.id, core.id_instant(k.id), $1, 'page.viewed', now(),
        jsonb_build_object('path', '/reader/' || n, 'card', n % 40, 'is_first', n % 5 = 0)
      from generate_series(1, $2::int) as n, lateral (select core.new_id() as id where n > 0) as k`,
  },
  {
    share: SPREAD.notifications,
    sql: `insert into core.notifications (user_id, kind, title, body, channels, not_before, expires_at)
      select $1, 'announcement', 'Number ' || n, repeat('Words of a message with the number ' || n || '. ', 8), '{inbox}',
        now(), now() + interval '1 day' from generate_series(1, $2::int) as n`,
  },
  {
    share: SPREAD.mails,
    sql: `insert into core.mails (kind, user_id, recipient, state, finished_at)
      select 'new_device', $1, 'much-' || n || '@example.com', 'sent', now() from generate_series(1, $2::int) as n`,
  },
  {
    share: SPREAD.sessions,
    sql: `insert into core.sessions (user_id, device_name, user_agent, client_address, expires_at)
      select $1, 'Phone ' || n, 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', '192.0.2.7',
        now() + interval '1 day' from generate_series(1, $2::int) as n`,
  },
  {
    share: SPREAD.feedback,
    sql: `insert into briefing.user_feedback (user_id, card_id, kind, briefing_date, weight)
      select $1, core.new_id(), 'like', current_date, 1 from generate_series(1, $2::int) as n where n > 0`,
  },
  {
    share: SPREAD.cards,
    sql: `insert into briefing.saved_cards (user_id, card_id, card, note)
      select $1, core.new_id(), ${CARD}, 'A note on number ' || n from generate_series(1, $2::int) as n`,
  },
]

/** In every table that does not grow with use. */
const FEW = [
  `insert into core.quiet_hours (user_id, starts_at, ends_at) values ($1, '22:00', '07:00')`,
  `insert into core.notification_preferences (user_id, kind, channels) values ($1, 'announcement', '{inbox}')`,
  `insert into core.notification_tokens (user_id, platform, token) values ($1, 'ios', repeat(replace(gen_random_uuid()::text, '-', ''), 2))`,
  `insert into briefing.briefings (user_id, briefing_date, edition, cards, timezone, generated_at)
   select $1, current_date, e.edition, (select jsonb_agg(${CARD}) from generate_series(1, 30) as n), 'UTC', now()
   from unnest(array['daily', 'morning', 'evening']) as e (edition)`,
]

/** Makes the account with about so many rows; answers with its id. */
export async function makePersonWithRows(
  client: pg.Client,
  email: string,
  rowCount: number,
): Promise<string> {
  const { rows } = await client.query<{ id: string }>(
    `insert into core.users (email, display_name, email_verified_at) values ($1, 'Much', now()) returning id`,
    [email],
  )
  const id = rows[0]?.id ?? ''
  for (const { share, sql } of STATEMENTS) await client.query(sql, [id, Math.round((rowCount * share) / 100)])
  for (const sql of FEW) await client.query(sql, [id])
  await client.query('analyze')
  return id
}
