-- notifications: registered devices, the outbox of messages, one delivery a device, and what people want to get when.
create table if not exists core.notification_kinds (
  name text primary key,
  description text not null,
  default_channels text[] not null,
  is_urgent boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  constraint description_is_valid check (char_length(description) between 1 and 200),
  constraint default_channels_is_valid check (default_channels <@ array['inbox', 'push'])
);

create table if not exists core.notification_preferences (
  user_id uuid not null references core.users (id) on delete cascade,
  kind text not null references core.notification_kinds (name) on delete cascade,
  channels text[] not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (user_id, kind),
  constraint channels_is_valid check (channels <@ array['inbox', 'push'] and cardinality(channels) <= 2)
);
create index if not exists notification_preferences_kind_idx on core.notification_preferences (kind);

create table if not exists core.quiet_hours (
  user_id uuid primary key references core.users (id) on delete cascade,
  starts_at text not null,
  ends_at text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint starts_at_is_valid check (starts_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  constraint ends_at_is_valid check (ends_at ~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'),
  constraint ends_at_is_not_starts_at check (ends_at <> starts_at)
);

create table if not exists core.notification_tokens (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  session_id uuid,
  platform text not null,
  -- Web: the endpoint of the PushSubscription, and beside it the two keys that its messages are encrypted for.
  token text not null,
  token_hash bytea not null generated always as (extensions.digest(platform || ':' || token, 'sha256')) stored,
  web_p256dh bytea,
  web_auth bytea,
  device_name text,
  app_version text,
  locale text,
  disabled_reason text,
  disabled_at timestamptz,
  last_seen_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint notification_tokens_token_hash_key unique (token_hash),
  constraint notification_tokens_id_user_id_key unique (id, user_id),
  constraint notification_tokens_session_id_fkey foreign key (session_id, user_id)
    references core.sessions (id, user_id) on delete cascade,
  constraint platform_is_valid check (platform in ('ios', 'android', 'web')),
  constraint token_is_valid check (case platform
    when 'ios' then token ~ '^[0-9a-f]{64,200}$'
    when 'android' then token ~ '^[A-Za-z0-9_:.-]+$' and char_length(token) between 20 and 1000
    else token ~ '^https://[a-z0-9.-]+(:[0-9]{1,5})?/[!-~]*$' and char_length(token) <= 2000
  end),
  constraint web_keys_come_with_web check (
    (web_p256dh is not null) = (platform = 'web') and (web_auth is not null) = (platform = 'web')
  ),
  -- An uncompressed point of P-256, and 16 random bytes. Source: RFC 8291 sections 2 and 3.
  constraint web_p256dh_is_valid check (octet_length(web_p256dh) = 65 and get_byte(web_p256dh, 0) = 4),
  constraint web_auth_is_valid check (octet_length(web_auth) = 16),
  constraint device_name_is_valid check (char_length(device_name) between 1 and 120),
  constraint app_version_is_valid check (char_length(app_version) between 1 and 40),
  constraint locale_is_valid check (locale ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$'),
  constraint disabled_reason_is_valid check (disabled_reason in ('gone', 'invalid', 'session_ended', 'stale')),
  constraint disabled_reason_comes_with_disabled_at check ((disabled_reason is null) = (disabled_at is null))
);
create index if not exists notification_tokens_user_id_idx on core.notification_tokens (user_id);
create index if not exists notification_tokens_session_id_user_id_idx on core.notification_tokens (session_id, user_id);

create table if not exists core.notifications (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  kind text not null references core.notification_kinds (name) on delete restrict,
  title text not null,
  body text not null default '',
  data jsonb not null default '{}',
  -- What the person had switched on for this kind when it was made.
  channels text[] not null,
  dedupe_key text,
  collapse_key text,
  not_before timestamptz not null default now(),
  expires_at timestamptz not null,
  read_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint notifications_user_id_dedupe_key_key unique (user_id, dedupe_key),
  constraint notifications_id_user_id_key unique (id, user_id),
  constraint title_is_valid check (char_length(title) between 1 and 200 and title !~ '[[:cntrl:]]'),
  constraint body_is_valid check (char_length(body) <= 1000),
  constraint data_is_object check (jsonb_typeof(data) = 'object'),
  -- As JSON; the push services take 4,096 bytes with everything that comes around it.
  constraint message_is_small check (
    octet_length(to_jsonb(title)::text) + octet_length(to_jsonb(body)::text) + octet_length(data::text) <= 3000
  ),
  constraint channels_is_valid check (channels <@ array['inbox', 'push']),
  constraint dedupe_key_is_valid check (char_length(dedupe_key) between 1 and 200),
  constraint collapse_key_is_valid check (collapse_key ~ '^[A-Za-z0-9_-]{1,32}$'),
  constraint expires_at_is_after_not_before check (expires_at > not_before)
);
create index if not exists notifications_user_id_created_at_idx on core.notifications (user_id, created_at);
create index if not exists notifications_kind_idx on core.notifications (kind);
create index if not exists notifications_created_at_idx on core.notifications (created_at);

create table if not exists core.notification_deliveries (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  notification_id uuid not null,
  token_id uuid not null,
  state text not null default 'waiting',
  attempt_count integer not null default 0,
  last_error text,
  next_attempt_at timestamptz not null,
  started_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint notification_deliveries_notification_id_token_id_key unique (notification_id, token_id),
  constraint notification_deliveries_notification_id_fkey foreign key (notification_id, user_id)
    references core.notifications (id, user_id) on delete cascade,
  constraint notification_deliveries_token_id_fkey foreign key (token_id, user_id)
    references core.notification_tokens (id, user_id) on delete cascade,
  constraint state_is_valid check (
    state in ('waiting', 'sending', 'sent', 'failed', 'unknown', 'skipped', 'expired')
  ),
  constraint last_error_is_valid check (char_length(last_error) <= 500),
  constraint finished_at_comes_with_final_state check (
    (finished_at is not null) = (state in ('sent', 'failed', 'unknown', 'skipped', 'expired'))
  )
);
create index if not exists notification_deliveries_notification_id_user_id_idx
  on core.notification_deliveries (notification_id, user_id);
create index if not exists notification_deliveries_token_id_user_id_idx
  on core.notification_deliveries (token_id, user_id);
create index if not exists notification_deliveries_user_id_idx on core.notification_deliveries (user_id);
-- The sweep looks for what a dead worker left behind.
create index if not exists notification_deliveries_sending_idx
  on core.notification_deliveries (started_at) where state = 'sending';

--!include index.sql
