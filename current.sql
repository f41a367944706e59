--! Message: identity feeds briefings

-- Tables of the first vertical. Stateless objects live in fixtures; those a table needs for its own
-- checks and defaults (`primitives.sql`) come first, everything else (`index.sql`) last.

create schema if not exists core;
create schema if not exists private;
create schema if not exists ops;
create schema if not exists gdpr;
create schema if not exists briefing;
create schema if not exists api;

--!include primitives.sql

-- ---------------------------------------------------------------- core

create table if not exists core.settings (
  name text primary key
    constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{1,62}$'),
  value jsonb not null,
  updated_at timestamptz not null default now()
);

create table if not exists core.users (
  id uuid primary key default core.new_id(),
  email text not null
    constraint email_is_valid check (core.is_email(email)),
  -- Compared instead of the address; see core.email_key().
  email_key text not null generated always as (core.email_key(email)) stored,
  email_verified_at timestamptz,
  role text not null default 'user'
    constraint role_is_valid check (role in ('user', 'admin')),
  status text not null default 'active'
    constraint status_is_valid check (status in ('active', 'suspended', 'erased')),
  full_name text
    constraint full_name_is_valid check (char_length(full_name) between 1 and 200),
  display_name text
    constraint display_name_is_valid check (char_length(display_name) between 1 and 80),
  avatar_url text
    constraint avatar_url_is_valid check (avatar_url ~ '^https://' and char_length(avatar_url) <= 2000),
  timezone text not null default 'UTC'
    constraint timezone_is_valid check (core.is_time_zone(timezone)),
  locale text not null default 'en'
    constraint locale_is_valid check (locale ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$'),
  preferences jsonb not null default '{}'
    constraint preferences_is_valid
      check (jsonb_typeof(preferences) = 'object' and pg_column_size(preferences) <= 16384),
  has_onboarded boolean not null default false,
  trial_ends_at timestamptz,
  deleted_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint users_email_key_key unique (email_key)
);

create table if not exists core.sessions (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  device_fingerprint text
    constraint device_fingerprint_is_valid check (char_length(device_fingerprint) between 8 and 200),
  device_name text
    constraint device_name_is_valid check (char_length(device_name) between 1 and 120),
  user_agent text
    constraint user_agent_is_valid check (char_length(user_agent) <= 500),
  client_address inet,
  refreshed_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  revoked_reason text
    constraint revoked_reason_is_valid check (
      revoked_reason in ('signed_out', 'refresh_token_reused', 'password_changed', 'ended_by_admin', 'erased')
    ),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint expires_at_is_after_created_at check (expires_at > created_at),
  constraint revoked_reason_comes_with_revoked_at check ((revoked_at is null) = (revoked_reason is null))
);
create index if not exists sessions_user_id_idx on core.sessions (user_id, created_at desc);
-- The daily clean-up asks for what ended long ago.
create index if not exists sessions_expires_at_idx on core.sessions (expires_at);

-- ------------------------------------------------------------- private

create table if not exists private.secrets (
  name text primary key,
  value text not null,
  updated_at timestamptz not null default now()
);

create table if not exists private.passwords (
  user_id uuid primary key references core.users (id) on delete cascade,
  password_hash text not null
    constraint password_hash_is_valid check (password_hash ~ '^\$2[aby]\$[0-9]{2}\$.{53}$'),
  updated_at timestamptz not null default now()
);

-- One row for each refresh token ever issued in a living session. Only SHA-256 of a token is kept.
create table if not exists private.refresh_tokens (
  token_hash bytea primary key
    constraint token_hash_is_valid check (octet_length(token_hash) = 32),
  session_id uuid not null references core.sessions (id) on delete cascade,
  -- With the token that was traded in it yields the successor again, for a client that lost the answer.
  successor_nonce bytea
    constraint successor_nonce_is_valid check (octet_length(successor_nonce) = 32),
  rotated_at timestamptz,
  created_at timestamptz not null default now(),
  constraint successor_nonce_comes_with_rotated_at check ((rotated_at is null) = (successor_nonce is null))
);
-- A session has at most one token that can still be traded in: forks are impossible.
create unique index if not exists refresh_tokens_session_id_live_idx
  on private.refresh_tokens (session_id) where rotated_at is null;
create index if not exists refresh_tokens_session_id_idx on private.refresh_tokens (session_id);

-- Sliding counters of attempts; the bucket is a hash, never an address or a name.
create table if not exists private.attempts (
  bucket bytea primary key,
  attempt_count integer not null,
  window_started_at timestamptz not null
);
create index if not exists attempts_window_started_at_idx on private.attempts (window_started_at);

-- Keys the buckets' hashes; made here so that no database is ever without.
insert into private.secrets (name, value)
values ('attempt_key', encode(extensions.gen_random_bytes(32), 'hex'))
on conflict do nothing;

-- ------------------------------------------------------- gdpr, ops registries

create table if not exists gdpr.column_policies (
  schema_name name not null,
  table_name name not null,
  column_name name not null,
  class text not null
    constraint class_is_valid check (class in ('none', 'personal', 'sensitive', 'secret')),
  -- The column that leads to the person, for instance user_id; null where class is none.
  subject text,
  on_export text not null
    constraint on_export_is_valid check (on_export in ('include', 'exclude')),
  on_erase text not null
    constraint on_erase_is_valid check (on_erase in ('delete', 'null', 'anonymize', 'keep')),
  reason text,
  primary key (schema_name, table_name, column_name),
  constraint personal_column_has_subject check (class in ('none', 'secret') or subject is not null),
  constraint kept_personal_column_has_reason check (class = 'none' or on_erase <> 'keep' or reason is not null)
);

create table if not exists ops.partitioned_tables (
  schema_name name not null,
  table_name name not null,
  key_column name not null,
  months_ahead integer not null default 3
    constraint months_ahead_is_valid check (months_ahead between 1 and 24),
  retention_months integer not null default 24
    constraint retention_months_is_valid check (retention_months >= 1),
  primary key (schema_name, table_name)
);

-- ------------------------------------------------------------ briefing

create table if not exists briefing.topics (
  slug text primary key
    constraint slug_is_valid check (slug ~ '^[a-z][a-z0-9-]{1,39}$'),
  name text not null
    constraint name_is_valid check (char_length(name) between 1 and 80),
  description text
    constraint description_is_valid check (char_length(description) <= 500),
  -- Words and phrases that assign an item to the topic, in any language.
  keywords text[] not null default '{}',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists briefing.content_sources (
  id uuid primary key default core.new_id(),
  kind text not null default 'feed'
    constraint kind_is_valid check (kind in ('feed', 'file')),
  url text not null
    constraint url_is_valid check (url ~ '^(https?://[^\s/?#]|file:)\S*$' and octet_length(url) <= 2000),
  -- Two spellings of one address are one source. Bytes count where an index has to hold the value.
  canonical_url text not null
    constraint canonical_url_is_valid check (octet_length(canonical_url) between 1 and 2000),
  title text not null
    constraint title_is_valid check (char_length(title) between 1 and 300),
  site_url text
    constraint site_url_is_valid check (site_url ~ '^https?://[^\s/?#]\S*$' and octet_length(site_url) <= 2000),
  language text
    constraint language_is_valid check (language ~ '^[a-z]{2,3}$'),
  topics text[] not null default '{}'
    constraint topics_is_valid check (cardinality(topics) <= 20),
  weight numeric(4, 2) not null default 1
    constraint weight_is_valid check (weight between 0 and 5),
  is_active boolean not null default true,
  fetch_interval_seconds integer not null default 1800
    constraint fetch_interval_seconds_is_valid check (fetch_interval_seconds between 300 and 604800),
  next_fetch_at timestamptz not null default now(),
  last_fetched_at timestamptz,
  last_succeeded_at timestamptz,
  etag text
    constraint etag_is_valid check (char_length(etag) <= 1000),
  last_modified text
    constraint last_modified_is_valid check (char_length(last_modified) <= 200),
  failure_count integer not null default 0,
  last_error_key text
    constraint last_error_key_is_valid check (char_length(last_error_key) <= 80),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint content_sources_canonical_url_key unique (canonical_url)
);
-- The scheduler asks only for what it may fetch.
create index if not exists content_sources_next_fetch_at_idx
  on briefing.content_sources (next_fetch_at) where is_active and kind = 'feed';

create table if not exists briefing.content_items (
  id uuid primary key default core.new_id(),
  source_id uuid not null references briefing.content_sources (id) on delete cascade,
  -- What the publisher calls the item; unique in its source.
  guid text not null
    constraint guid_is_valid check (octet_length(guid) between 1 and 1000),
  kind text not null default 'article'
    constraint kind_is_valid check (kind in ('article', 'podcast', 'video')),
  -- As strict as the card's shape: an item that can be stored can be shown.
  url text
    constraint url_is_valid check (url ~ '^https?://[^\s/?#]\S*$' and octet_length(url) <= 2000),
  canonical_url text
    constraint canonical_url_is_valid check (octet_length(canonical_url) <= 2000),
  title text not null
    constraint title_is_valid check (char_length(title) between 1 and 300),
  summary text not null default ''
    constraint summary_is_valid check (char_length(summary) <= 1000),
  author text
    constraint author_is_valid check (char_length(author) <= 200),
  language text
    constraint language_is_valid check (language ~ '^[a-z]{2,3}$'),
  image_url text
    constraint image_url_is_valid check (image_url ~ '^https?://[^\s/?#]\S*$' and octet_length(image_url) <= 2000),
  topics text[] not null default '{}'
    constraint topics_is_valid check (cardinality(topics) <= 50),
  categories text[] not null default '{}',
  published_at timestamptz not null,
  -- Items that tell the same story, in whatever source, carry the id of the first of them.
  story_id uuid not null,
  -- Title without case, punctuation and marks: what near-duplicates are compared by.
  title_key text not null,
  content_hash bytea not null,
  search_vector tsvector not null generated always as (
    setweight(to_tsvector('simple', title), 'A') || setweight(to_tsvector('simple', summary), 'B')
  ) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint content_items_source_id_guid_key unique (source_id, guid)
);
create index if not exists content_items_source_id_published_at_idx
  on briefing.content_items (source_id, published_at desc);
create index if not exists content_items_published_at_idx on briefing.content_items (published_at desc);
-- Carries the source: "how many sources tell this story" is answered by the index alone.
create index if not exists content_items_story_id_idx on briefing.content_items (story_id) include (source_id);
create index if not exists content_items_canonical_url_idx on briefing.content_items (canonical_url);
create index if not exists content_items_search_vector_idx on briefing.content_items using gin (search_vector);
create index if not exists content_items_title_pairs_idx
  on briefing.content_items using gin (briefing.title_pairs(title_key));

-- One row for each topic of an item, ordered so that "the newest of a topic" is an index walk.
create table if not exists briefing.item_topics (
  topic text not null references briefing.topics (slug) on delete cascade,
  published_at timestamptz not null,
  item_id uuid not null references briefing.content_items (id) on delete cascade,
  primary key (topic, published_at, item_id)
);
create index if not exists item_topics_item_id_idx on briefing.item_topics (item_id);

create table if not exists briefing.followed_sources (
  user_id uuid not null references core.users (id) on delete cascade,
  source_id uuid not null references briefing.content_sources (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (user_id, source_id)
);
create index if not exists followed_sources_source_id_idx on briefing.followed_sources (source_id);

create table if not exists briefing.user_preferences (
  user_id uuid primary key references core.users (id) on delete cascade,
  preferences jsonb not null default '{}'
    constraint preferences_is_valid
      check (core.matches_json_schema(preferences, briefing.preferences_schema())),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- Apart from the preferences, so that planning a briefing neither checks nor locks what the person set.
create table if not exists briefing.schedules (
  user_id uuid primary key references core.users (id) on delete cascade,
  -- When the next scheduled briefing is made; computed from the user's own zone at every write.
  next_due_at timestamptz not null,
  -- Scheduled briefings that could not be made in a row, and the SQLSTATE of the last.
  failure_count integer not null default 0,
  failure_code text,
  updated_at timestamptz not null default now()
);
create index if not exists schedules_next_due_at_idx on briefing.schedules (next_due_at);

create table if not exists briefing.user_topic_weights (
  user_id uuid not null references core.users (id) on delete cascade,
  topic text not null references briefing.topics (slug) on delete cascade,
  -- As of weighed_at; it fades with time, see briefing.faded_weight().
  weight double precision not null
    constraint weight_is_valid check (weight between -5 and 5),
  -- Likes that stand: a reason may only say "you liked" where there is one.
  like_count integer not null default 0
    constraint like_count_is_valid check (like_count >= 0),
  weighed_at timestamptz not null,
  primary key (user_id, topic)
);
create index if not exists user_topic_weights_topic_idx on briefing.user_topic_weights (topic);

create table if not exists briefing.briefings (
  id uuid not null default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  briefing_date date not null,
  edition text not null default 'daily'
    constraint edition_is_valid check (edition in ('daily', 'morning', 'evening')),
  cards jsonb not null
    constraint cards_is_valid check (core.matches_json_schema(cards, briefing.cards_schema())),
  -- What the cards show, so that later briefings can leave it out without opening them.
  item_ids uuid[] not null default '{}',
  story_ids uuid[] not null default '{}',
  timezone text not null,
  generated_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (user_id, briefing_date, edition)
) partition by range (briefing_date);
create index if not exists briefings_id_idx on briefing.briefings (id);
create index if not exists briefings_cards_idx on briefing.briefings using gin (cards jsonb_path_ops);

-- At most one row for each kind of reaction to a card: a repeat updates it and never counts twice.
create table if not exists briefing.user_feedback (
  id uuid not null default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  card_id uuid not null,
  kind text not null
    constraint kind_is_valid check (kind in ('like', 'dislike', 'save', 'share', 'dismiss', 'click', 'dwell')),
  briefing_date date not null,
  source_id uuid references briefing.content_sources (id) on delete set null,
  topics text[] not null default '{}',
  weight double precision not null,
  dwell_seconds integer
    constraint dwell_seconds_is_valid check (dwell_seconds between 0 and 86400),
  event_count integer not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (user_id, card_id, kind),
  constraint dwell_has_seconds check ((kind = 'dwell') = (dwell_seconds is not null))
);
create index if not exists user_feedback_source_id_idx on briefing.user_feedback (source_id);
create index if not exists user_feedback_user_id_created_at_idx
  on briefing.user_feedback (user_id, created_at desc);

create table if not exists briefing.saved_cards (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users (id) on delete cascade,
  card_id uuid not null,
  -- A copy of its own: what was saved stays when its source goes.
  card jsonb not null
    constraint card_is_valid check (core.matches_json_schema(card, briefing.card_schema())),
  tags text[] not null default '{}'
    constraint tags_is_valid check (briefing.is_tag_list(tags)),
  note text
    constraint note_is_valid check (char_length(note) <= 2000),
  search_vector tsvector not null generated always as (
    setweight(to_tsvector('simple', coalesce(card ->> 'title', '')), 'A')
    || setweight(to_tsvector('simple', coalesce(note, '')), 'B')
    || setweight(to_tsvector('simple', coalesce(card ->> 'summary', '')), 'C')
  ) stored,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint saved_cards_user_id_card_id_key unique (user_id, card_id)
);
create index if not exists saved_cards_user_id_created_at_idx
  on briefing.saved_cards (user_id, created_at desc);
create index if not exists saved_cards_tags_idx on briefing.saved_cards using gin (tags);
create index if not exists saved_cards_search_vector_idx on briefing.saved_cards using gin (search_vector);

--!include index.sql

-- Partitions exist from the first minute on.
select ops.create_monthly_partitions();
