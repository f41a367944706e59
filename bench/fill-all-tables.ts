/** Rows of one person in every table that grows with use: evenly, so that no table is left out and none is all of it. */
import type pg from 'pg'

/** $1 is the person, $2 how many rows. Parents before those that point at them. */
const FILLS = [
  `insert into core.sessions (user_id, device_name, user_agent, expires_at)
   select $1::uuid, 'Device ' || n, 'Browser/' || n, now() + interval '1 day' from generate_series(1, $2::int) n`,
  `insert into private.refresh_tokens (token_hash, session_id, rotated_at, successor_nonce)
   select sha256(s.id::text::bytea), s.id, now(), extensions.gen_random_bytes(32) from core.sessions s where s.user_id = $1::uuid limit $2`,
  `insert into private.one_time_tokens (token_hash, purpose, user_id, email, expires_at, used_at)
   select extensions.gen_random_bytes(32), 'verify_email', $1::uuid, 'leaving@example.com', now() + interval '1 day', now()
   from generate_series(1, $2::int)`,
  `insert into private.recovery_codes (user_id, code_hash)
   select $1::uuid, extensions.gen_random_bytes(32) from generate_series(1, $2::int)`,
  `insert into core.identities (user_id, issuer, subject, email)
   select $1::uuid, 'https://issuer.example', $1::uuid::text || '-' || n, 'leaving@example.com' from generate_series(1, $2::int) n`,
  `insert into core.analytics_events (visitor_id, id, filed_at, user_id, name, occurred_at, properties)
   select gen_random_uuid(), m.id, core.id_instant(m.id), $1::uuid, 'screen_opened', now(), jsonb_build_object('screen', n)
   from generate_series(1, $2::int) n cross join lateral (select core.new_id() as id where n > 0) m`,
  `insert into core.notification_tokens (user_id, platform, token)
   select $1::uuid, 'ios', encode(sha256(($1::uuid::text || n)::bytea), 'hex') from generate_series(1, $2::int) n`,
  `insert into core.notifications (user_id, kind, title, channels, expires_at)
   select $1::uuid, 'announcement', 'Hello ' || n, '{inbox,push}', now() + interval '1 day' from generate_series(1, $2::int) n`,
  `insert into core.notification_deliveries (user_id, notification_id, token_id, next_attempt_at)
   select $1::uuid, n.id, t.id, now()
   from (select id, row_number() over () as at from core.notifications where user_id = $1::uuid limit $2) n
   join (select id, row_number() over () as at from core.notification_tokens where user_id = $1::uuid) t using (at)`,
  `insert into core.mails (kind, user_id, recipient, state, finished_at)
   select 'new_device', $1::uuid, 'leaving@example.com', 'sent', now() from generate_series(1, $2::int)`,
  `insert into core.billing_events (provider, provider_event_id, kind, occurred_at, facts, user_id, outcome)
   select 'stripe', $1::uuid::text || '-' || n, 'customer.updated', now(), '{}', $1::uuid, 'processed' from generate_series(1, $2::int) n`,
  `insert into briefing.saved_cards (user_id, card_id, card, tags)
   select $1::uuid, gen_random_uuid(), jsonb_build_object('id', gen_random_uuid(), 'type', 'article', 'title', 'Title ' || n,
     'summary', 'Some words', 'url', null, 'source', jsonb_build_object('id', gen_random_uuid(), 'title', 'Paper'),
     'topics', '[]'::jsonb, 'image', null, 'published_at', '2026-01-01T00:00:00Z', 'score', 1, 'reason', 'You follow it',
     'position', 1), '{tag}' from generate_series(1, $2::int) n`,
  `insert into briefing.user_feedback (user_id, card_id, kind, briefing_date, weight)
   select $1::uuid, gen_random_uuid(), 'like', current_date, 1 from generate_series(1, $2::int)`,
]

/** What a person has one of, or a few. */
const SINGLES = [
  `insert into core.invitations (organization_id, organization_name, email, role, state, expires_at)
   select o.id, o.name, u.email, 'member', 'expired', now() from core.organizations o, core.users u
   where u.id = $1::uuid and o.slug = 'bench'`,
  `insert into core.organization_members (organization_id, user_id, role)
   select id, $1::uuid, 'member' from core.organizations where slug = 'bench'`,
  `insert into core.quiet_hours (user_id, starts_at, ends_at) values ($1::uuid, '22:00', '07:00')`,
  `insert into core.notification_preferences (user_id, kind, channels) values ($1::uuid, 'announcement', '{inbox}')`,
  `insert into briefing.user_preferences (user_id, preferences) values ($1::uuid, '{}') on conflict do nothing`,
]

/** Fills them and says what the person has now. */
export async function fillAllTables(
  client: pg.Client,
  person: string,
  rows: number,
): Promise<{ rows: number; tables: number }> {
  await client.query(
    `insert into core.organizations (name, slug) values ('Bench', 'bench') on conflict do nothing`,
  )
  await client.query(
    `insert into core.identity_issuers (issuer, audiences, jwks_url)
     values ('https://issuer.example', '{howdah}', 'https://issuer.example/jwks') on conflict do nothing`,
  )
  for (const sql of SINGLES) await client.query(sql, [person])
  for (const sql of FILLS) await client.query(sql, [person, Math.ceil(rows / FILLS.length)])
  const plan = await client.query(
    `select format('%I.%I', schema_name, table_name) as name, filter from gdpr.tables_to_erase()`,
  )
  let held = 0
  let tables = 0
  for (const { name, filter } of plan.rows) {
    const { rows: found } = await client.query(`select count(*)::int as count from ${name} where ${filter}`, [
      person,
    ])
    held += found[0].count
    if (found[0].count > 0) tables++
  }
  return { rows: held, tables }
}
