--! Previous: -
--! Hash: sha1:9956f76e7d1c90e58a04848548b1819eab585d85
--! Message: identity, feeds, briefings

-- Tables of the first vertical. Stateless objects live in fixtures; those a table needs for its own
-- checks and defaults (`primitives.sql`) come first, everything else (`index.sql`) last.

create schema if not exists core;
create schema if not exists private;
create schema if not exists ops;
create schema if not exists gdpr;
create schema if not exists briefing;
create schema if not exists api;

--! Included primitives.sql
-- Functions that tables need for their defaults, generated columns and checks.
-- They look at no table. Included before the tables, and again through each module's list.
--! Included core/new_id.sql
-- Keys that sort by time: UUID version 7, from Postgres 18 itself or, on older servers, made here.
create or replace function core.new_id()
  returns uuid
  language plpgsql
  volatile
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('server_version_num')::integer >= 180000 then
    return uuidv7();
  end if;
  -- 48 bits of milliseconds over a random version 4, then the version nibble turned from 4 into 7.
  return encode(
    set_bit(set_bit(
      overlay(
        uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6
      ),
      52, 1), 53, 1),
    'hex')::uuid;
end
$$;
comment on function core.new_id() is
$$A new time-ordered key (UUIDv7).

Source: RFC 9562 section 5.7.$$;
revoke all on function core.new_id() from public;
grant execute on function core.new_id() to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/new_id.sql
--! Included core/id_instant.sql
-- The instant inside a UUIDv7. Postgres has uuid_extract_timestamp() only from 17 on.
-- A plain SQL body, so that checks and inserts of many rows inline it.
create or replace function core.id_instant(id uuid)
  returns timestamptz
  language sql
  immutable
  strict
  parallel safe
return to_timestamp(
  ('x0000' || left(id_instant.id::text, 8) || substr(id_instant.id::text, 10, 4))::bit(64)::bigint / 1000.0::float8
);
comment on function core.id_instant(uuid) is
$$The instant a UUIDv7 carries, to the millisecond. Of any other UUID it means nothing.

Source: RFC 9562 section 5.7.$$;
revoke all on function core.id_instant(uuid) from public;
grant execute on function core.id_instant(uuid) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/id_instant.sql
--! Included core/now.sql
-- The clock that tests may move. Only whoever may alter the database can set the offset.
create or replace function core.now()
  returns timestamptz
  language sql
  stable
  parallel safe
return now() + coalesce(nullif(current_setting('howdah.clock_offset', true), '')::interval, interval '0');
comment on function core.now() is
$$The current instant, plus the database's setting howdah.clock_offset (an interval; unset in production).$$;
revoke all on function core.now() from public;
grant execute on function core.now() to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/now.sql
--! Included core/is_email.sql
-- What we accept as an address: one mailbox in plain spelling, nothing a mail server would read differently.
create or replace function core.is_email(address text)
  returns boolean
  language sql
  immutable
  parallel safe
return octet_length(is_email.address) between 3 and 254
  and is_email.address ~ '^[^\s@"(),:;<>\[\]\\[:cntrl:]]{1,64}@([^][!-,/:-@\\^_`{-~.\s[:cntrl:]]{1,63}\.)+[^][!-,/:-@\\^_`{-~.\s[:cntrl:]]{2,63}$'
  and is_email.address !~ '(^\.|\.\.|\.@|@-|-@|-\.|\.-)';
comment on function core.is_email(text) is
$$Whether a text is one mailbox in plain spelling (at most 254 bytes).

Quoted local parts, comments, address literals and trailing dots are refused: each is a second spelling of some mailbox.
Source: RFC 5321 sections 4.1.2 and 4.5.3.1.$$;
revoke all on function core.is_email(text) from public;
grant execute on function core.is_email(text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/is_email.sql
--! Included core/email_key.sql
-- Two mailboxes that are different must never share a key: only ASCII letters are folded.
-- lower() would turn the Kelvin sign into k and I with a dot into i, and hand one person's account to another.
create or replace function core.email_key(address text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return translate(email_key.address, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');
comment on function core.email_key(text) is
$$What addresses are compared by: the address with its ASCII letters in lower case, nothing else changed.$$;
revoke all on function core.email_key(text) from public;
grant execute on function core.email_key(text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/email_key.sql
--! Included core/is_time_zone.sql
-- Postgres takes any "Name5" for a zone of its own making (POSIX rules); people mean IANA names.
create or replace function core.is_time_zone(name text)
  returns boolean
  language plpgsql
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  if is_time_zone.name !~ '^(UTC|GMT|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_-]+){1,2}|Etc/(UTC|GMT([+-][0-9]{1,2})?))$'
    or is_time_zone.name ~ '^Etc/GMT(\+(1[3-9]|[2-9][0-9])|-(1[5-9]|[2-9][0-9]))$' then
    return false;
  end if;
  perform timestamptz '2000-01-01 00:00:00+00' at time zone is_time_zone.name;
  return true;
exception when invalid_parameter_value then
  return false;
end
$$;
comment on function core.is_time_zone(text) is
$$Whether a text is an IANA zone name in its usual spelling, for instance Europe/Berlin.

Abbreviations (EST), offsets (+02:00) and POSIX rules (Foo5) are refused: they know no daylight saving.$$;
revoke all on function core.is_time_zone(text) from public;
grant execute on function core.is_time_zone(text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/is_time_zone.sql
--! Included core/is_calendar_date.sql
-- A text that is a day of the calendar, found out without raising (Postgres 15 has no pg_input_is_valid).
create or replace function core.is_calendar_date(day text)
  returns boolean
  language sql
  immutable
  strict
  parallel safe
return case
  when is_calendar_date.day !~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then false
  when is_calendar_date.day ~ '^0000' then false
  else right(is_calendar_date.day, 2)::integer <= extract(
    day from make_date(left(is_calendar_date.day, 4)::integer, substr(is_calendar_date.day, 6, 2)::integer, 1)
      + interval '1 month' - interval '1 day'
  )
end;
comment on function core.is_calendar_date(text) is $$Whether a text is a day that exists, written YYYY-MM-DD.$$;
revoke all on function core.is_calendar_date(text) from public;
grant execute on function core.is_calendar_date(text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/is_calendar_date.sql
--! Included core/is_event_name.sql
-- What an event may be called. Two cheap tests: a counted repeat ({0,63}) would be the costliest part of an insert.
create or replace function core.is_event_name(name text)
  returns boolean
  language sql
  immutable
  parallel safe
return is_event_name.name ~ '^[a-z][a-z0-9_.]*$' and char_length(is_event_name.name) <= 64;
comment on function core.is_event_name(text) is
$$Whether a text begins with a to z and has at most 64 of a to z, 0 to 9, underscore and dot; null for null.$$;
revoke all on function core.is_event_name(text) from public;
grant execute on function core.is_event_name(text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/is_event_name.sql
--! Included core/matches_json_schema.sql
-- One shape, said once: CHECK constraints call this, and the SDK prints its validators from the same schema.
create or replace function core.matches_json_schema(value jsonb, schema jsonb)
  returns boolean
  language plpgsql
  immutable
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_type text := jsonb_typeof(matches_json_schema.value);
  v_rule jsonb;
  v_text text;
  v_number numeric;
  v_key text;
  v_element jsonb;
begin
  if v_type is null then
    return null;
  end if;

  v_rule := schema -> 'type';
  if v_rule is not null and not (
    v_rule @> to_jsonb(v_type)
    or (v_type = 'number' and v_rule @> '"integer"' and (value #>> '{}')::numeric % 1 = 0)
  ) then
    return false;
  end if;
  if schema ? 'enum' and not schema -> 'enum' @> jsonb_build_array(value) then
    return false;
  end if;
  if schema ? 'const' and schema -> 'const' <> value then
    return false;
  end if;

  case v_type
  when 'string' then
    v_text := value #>> '{}';
    if char_length(v_text) < coalesce((schema ->> 'minLength')::integer, 0)
      or char_length(v_text) > coalesce((schema ->> 'maxLength')::integer, 2147483647)
      or (schema ? 'pattern' and v_text !~ (schema ->> 'pattern'))
    then
      return false;
    end if;
    v_rule := schema -> 'format';
    if v_rule is not null then
      return case v_rule #>> '{}'
        when 'uuid' then v_text ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'
        when 'date' then core.is_calendar_date(v_text)
        when 'date-time' then
          v_text ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$'
          and core.is_calendar_date(left(v_text, 10))
        when 'uri' then v_text ~ '^https?://[^\s/?#][^\s]*$'
        else false
      end;
    end if;
  when 'number' then
    v_number := (value #>> '{}')::numeric;
    return v_number >= coalesce((schema ->> 'minimum')::numeric, v_number)
      and v_number <= coalesce((schema ->> 'maximum')::numeric, v_number);
  when 'object' then
    -- Counted loops, because a query for each object and list was half of the cost.
    v_rule := schema -> 'required';
    for v_place in 0 .. coalesce(jsonb_array_length(v_rule), 0) - 1 loop
      if not value ? (v_rule ->> v_place) then
        return false;
      end if;
    end loop;
    for v_key, v_element in select * from jsonb_each(value) loop
      v_rule := schema -> 'properties' -> v_key;
      if v_rule is null then
        if schema -> 'additionalProperties' = 'false' then
          return false;
        end if;
      elsif not core.matches_json_schema(v_element, v_rule) then
        return false;
      end if;
    end loop;
  when 'array' then
    if jsonb_array_length(value) < coalesce((schema ->> 'minItems')::integer, 0)
      or jsonb_array_length(value) > coalesce((schema ->> 'maxItems')::integer, 2147483647)
    then
      return false;
    end if;
    v_rule := schema -> 'items';
    if v_rule is not null then
      for v_place in 0 .. jsonb_array_length(value) - 1 loop
        if not core.matches_json_schema(value -> v_place, v_rule) then
          return false;
        end if;
      end loop;
    end if;
    if schema -> 'uniqueItems' = 'true' and exists (
      select from jsonb_array_elements(value) as element group by element having count(*) > 1
    ) then
      return false;
    end if;
  else
    null;
  end case;
  return true;
end
$$;
comment on function core.matches_json_schema(jsonb, jsonb) is
$$Whether a JSON value has the shape that a JSON Schema describes.

Knows this subset, and the SDK's generator refuses any other keyword: type (one or a list), enum, const, properties,
required, additionalProperties (boolean), items, minItems, maxItems, uniqueItems, minLength and maxLength (code points),
pattern, minimum, maximum, format (uuid, date, date-time, uri), description.
Source: JSON Schema 2020-12.$$;
revoke all on function core.matches_json_schema(jsonb, jsonb) from public;
grant execute on function core.matches_json_schema(jsonb, jsonb)
  to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/matches_json_schema.sql
--! Included briefing/card_schema.sql
-- The shape of a card, said once: the checks of briefings and saved cards ask it, and the SDK prints its
-- validators from it. A card is a copy: it stays readable when its item or source is gone.
create or replace function briefing.card_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return $${
  "description": "One card of a briefing.",
  "type": "object",
  "required": [
    "id", "type", "title", "summary", "url", "source", "topics", "image", "published_at", "score", "reason", "position"
  ],
  "additionalProperties": false,
  "properties": {
    "id": {"type": "string", "format": "uuid", "description": "Key of the content item the card shows."},
    "type": {"enum": ["article", "podcast", "video"], "description": "What opens behind the card."},
    "title": {"type": "string", "minLength": 1, "maxLength": 300, "description": "Headline as published."},
    "summary": {"type": "string", "maxLength": 1000, "description": "Plain text; may be empty."},
    "url": {"type": ["string", "null"], "format": "uri", "maxLength": 2000, "description": "Where to read on."},
    "source": {
      "description": "Who published it.",
      "type": "object",
      "required": ["id", "title"],
      "additionalProperties": false,
      "properties": {
        "id": {"type": "string", "format": "uuid", "description": "Key of the content source."},
        "title": {"type": "string", "minLength": 1, "maxLength": 300, "description": "Name of the source."}
      }
    },
    "topics": {
      "description": "Slugs of the topics of the item.",
      "type": "array",
      "maxItems": 50,
      "items": {"type": "string", "pattern": "^[a-z][a-z0-9-]{1,39}$"}
    },
    "image": {"type": ["string", "null"], "format": "uri", "maxLength": 2000, "description": "Address of a picture."},
    "published_at": {"type": "string", "format": "date-time", "description": "When it was published."},
    "score": {"type": "number", "description": "What the card was ranked by; comparable within one briefing only."},
    "reason": {"type": "string", "minLength": 1, "maxLength": 300, "description": "Why this card is here."},
    "position": {"type": "integer", "minimum": 1, "maximum": 50, "description": "Place in the briefing, from 1."}
  }
}$$::jsonb;
comment on function briefing.card_schema() is
$$JSON Schema of one card of a briefing.$$;
revoke all on function briefing.card_schema() from public;
grant execute on function briefing.card_schema() to howdah_user, howdah_admin, howdah_worker;

create or replace function briefing.cards_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return jsonb_build_object(
  'description', 'The cards of a briefing, best first.',
  'type', 'array',
  'maxItems', 50,
  'items', briefing.card_schema()
);
comment on function briefing.cards_schema() is
$$JSON Schema of a whole briefing: at most 50 cards.$$;
revoke all on function briefing.cards_schema() from public;
grant execute on function briefing.cards_schema() to howdah_user, howdah_admin, howdah_worker;
--! EndIncluded briefing/card_schema.sql
--! Included briefing/preferences_schema.sql
-- What a person may set about their briefings, said once: the table's check, the error that names the wrong
-- path, and the SDK's validator all come from here.
create or replace function briefing.preferences_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return $${
  "description": "What someone wants in their briefings. Everything is optional.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "topics": {
      "description": "Slugs of the followed topics.",
      "type": "array",
      "maxItems": 50,
      "uniqueItems": true,
      "items": {"type": "string", "pattern": "^[a-z][a-z0-9-]{1,39}$"}
    },
    "muted_sources": {
      "description": "Keys of sources that never appear.",
      "type": "array",
      "maxItems": 500,
      "uniqueItems": true,
      "items": {"type": "string", "format": "uuid"}
    },
    "muted_words": {
      "description": "Words or phrases; an item that has one in its title or summary never appears.",
      "type": "array",
      "maxItems": 100,
      "uniqueItems": true,
      "items": {"type": "string", "minLength": 1, "maxLength": 60}
    },
    "languages": {
      "description": "Languages to read (ISO 639); empty means all. Items of unknown language always pass.",
      "type": "array",
      "maxItems": 20,
      "uniqueItems": true,
      "items": {"type": "string", "pattern": "^[a-z]{2,3}$"}
    },
    "card_limit": {"description": "Most cards in a briefing.", "type": "integer", "minimum": 1, "maximum": 50},
    "briefing_time": {
      "description": "Local time at which the day's briefing is made.",
      "type": "string",
      "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"
    }
  }
}$$::jsonb;
comment on function briefing.preferences_schema() is
$$JSON Schema of a person's briefing preferences.$$;
revoke all on function briefing.preferences_schema() from public;
grant execute on function briefing.preferences_schema() to howdah_user, howdah_admin, howdah_worker;
--! EndIncluded briefing/preferences_schema.sql
--! Included briefing/is_tag_list.sql
-- Tags as people type them: few, short, each once, no blanks around them, nothing invisible.
create or replace function briefing.is_tag_list(tags text[])
  returns boolean
  language sql
  immutable
  strict
  parallel safe
return cardinality(is_tag_list.tags) <= 20
  and coalesce(array_ndims(is_tag_list.tags), 1) = 1
  and array_position(is_tag_list.tags, null) is null
  and (
    select count(distinct tag) = count(*)
      and coalesce(bool_and(char_length(tag) between 1 and 40 and tag = btrim(tag) and tag !~ '[[:cntrl:]]'), true)
    from unnest(is_tag_list.tags) as tag
  );
comment on function briefing.is_tag_list(text[]) is
$$Whether a list of tags can be kept: at most 20, each 1 to 40 characters, trimmed, unique, no control characters.$$;
revoke all on function briefing.is_tag_list(text[]) from public;
grant execute on function briefing.is_tag_list(text[]) to howdah_user, howdah_admin, howdah_worker;
--! EndIncluded briefing/is_tag_list.sql
--! Included briefing/title_pairs.sql
-- What near-duplicate titles are found by before they are compared: reworded headlines still share two words in a row.
-- An index over these is asked in a millisecond where one over trigrams needs a hundred.
create or replace function briefing.title_pairs(title_key text)
  returns text[]
  language sql
  immutable
  strict
  parallel safe
return (
  select coalesce(array_agg(distinct left(pair.words, 60)), array[left(title_pairs.title_key, 60)])
  from (
    select w.word || ' ' || lead(w.word) over (order by w.place)
    from unnest(string_to_array(title_pairs.title_key, ' ')) with ordinality as w (word, place)
  ) as pair (words)
  -- "in the" and "of a" are in every other title.
  where pair.words ~ '[^ ]{4}'
);
comment on function briefing.title_pairs(text) is
$$The pairs of neighbouring words of a title key, without pairs of short words; the title itself where it has none.$$;
revoke all on function briefing.title_pairs(text) from public;
--! EndIncluded briefing/title_pairs.sql
--! EndIncluded primitives.sql

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
      revoked_reason in (
        'signed_out', 'signed_out_everywhere', 'ended_by_user', 'refresh_token_reused', 'password_changed',
        'password_reset', 'suspended', 'role_changed', 'ended_by_admin', 'erased'
      )
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

-- Accounts beyond signing in: pending sign-ups, one-time tokens, and the mails that carry them.

-- For keys that carry the owner along: a mail about a session is about its own account's.
create unique index if not exists sessions_id_user_id_idx on core.sessions (id, user_id);

-- Someone who asked for an account where a mail decides. No account exists before the mail's link is opened.
create table if not exists private.sign_up_requests (
  id uuid primary key default core.new_id(),
  email text not null,
  email_key text not null generated always as (core.email_key(email)) stored,
  password_hash text not null,
  display_name text,
  timezone text not null,
  locale text not null,
  created_at timestamptz not null default now(),
  constraint email_is_valid check (core.is_email(email)),
  constraint password_hash_is_valid check (password_hash ~ '^\$2[aby]\$[0-9]{2}\$.{53}$'),
  constraint display_name_is_valid check (char_length(display_name) between 1 and 80),
  constraint timezone_is_valid check (core.is_time_zone(timezone)),
  constraint locale_is_valid check (locale ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$')
);
create index if not exists sign_up_requests_email_key_idx on private.sign_up_requests (email_key);
create index if not exists sign_up_requests_created_at_idx on private.sign_up_requests (created_at);

create table if not exists private.one_time_tokens (
  token_hash bytea primary key,
  purpose text not null,
  user_id uuid references core.users (id) on delete cascade,
  sign_up_request_id uuid references private.sign_up_requests (id) on delete cascade,
  email text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  used_at timestamptz,
  constraint token_hash_is_valid check (octet_length(token_hash) = 32),
  constraint purpose_is_valid check (purpose in ('sign_up', 'verify_email', 'reset_password', 'change_email')),
  constraint email_is_valid check (core.is_email(email)),
  constraint expires_at_is_after_created_at check (expires_at > created_at),
  constraint token_has_one_subject check (num_nonnulls(user_id, sign_up_request_id) = 1)
);
-- One living token an account and purpose: a new one takes the place of the old one.
create unique index if not exists one_time_tokens_user_id_purpose_idx
  on private.one_time_tokens (user_id, purpose) where used_at is null;
create index if not exists one_time_tokens_user_id_idx on private.one_time_tokens (user_id);
create index if not exists one_time_tokens_sign_up_request_id_idx on private.one_time_tokens (sign_up_request_id);
create index if not exists one_time_tokens_expires_at_idx on private.one_time_tokens (expires_at);

-- The outbox. Holds what a mail is about, never its text and never a token.
create table if not exists core.mails (
  id uuid primary key default core.new_id(),
  kind text not null,
  user_id uuid references core.users (id) on delete cascade,
  session_id uuid,
  sign_up_request_id uuid references private.sign_up_requests (id) on delete set null,
  recipient text,
  state text not null default 'waiting',
  last_error text,
  started_at timestamptz,
  finished_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint mails_session_id_fkey foreign key (session_id, user_id)
    references core.sessions (id, user_id) on delete set null (session_id),
  constraint kind_is_valid check (kind in (
    'sign_up', 'account_exists', 'verify_email', 'reset_password', 'password_changed',
    'change_email', 'email_change_requested', 'email_changed', 'new_device'
  )),
  constraint recipient_is_valid check (core.is_email(recipient)),
  constraint state_is_valid check (state in ('waiting', 'sending', 'sent', 'failed', 'unknown', 'skipped')),
  constraint last_error_is_valid check (char_length(last_error) <= 500),
  constraint finished_at_comes_with_final_state check (
    (finished_at is not null) = (state in ('sent', 'failed', 'unknown', 'skipped'))
  )
);
create index if not exists mails_user_id_idx on core.mails (user_id);
create index if not exists mails_session_id_user_id_idx on core.mails (session_id, user_id);
create index if not exists mails_sign_up_request_id_idx on core.mails (sign_up_request_id);
create index if not exists mails_created_at_idx on core.mails (created_at);

-- Analytics events: the log, the schemas registered for it, and its roll-ups.

-- The id is made by the client and carries its instant (UUIDv7). filed_at is that instant and nothing else, so a
-- repeat meets the row of the first try in the same partition whenever it comes, and can never count twice.
create table if not exists core.analytics_events (
  visitor_id uuid not null,
  id uuid not null
    constraint id_is_time_ordered check (substr(id::text, 15, 1) = '7'),
  filed_at timestamptz not null,
  user_id uuid references core.users (id) on delete cascade,
  session_id uuid,
  name text not null
    constraint name_is_valid check (core.is_event_name(name)),
  occurred_at timestamptz not null,
  received_at timestamptz not null default core.now(),
  properties jsonb not null default '{}'
    constraint properties_is_valid check (jsonb_typeof(properties) = 'object' and octet_length(properties::text) <= 8192),
  primary key (visitor_id, id, filed_at),
  constraint filed_at_is_instant_of_id check (filed_at = core.id_instant(id))
) partition by range (filed_at);
create index if not exists analytics_events_user_id_idx on core.analytics_events (user_id, filed_at);

create table if not exists core.analytics_event_schemas (
  event_name text primary key
    constraint event_name_is_valid check (core.is_event_name(event_name)),
  json_schema jsonb not null
    constraint json_schema_is_valid check (jsonb_typeof(json_schema) = 'object' and octet_length(json_schema::text) <= 65536),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

-- What an insert added, committed together with it; the roll-up takes rows out of here and nowhere else.
create table if not exists core.analytics_deltas (
  id bigint generated always as identity primary key,
  event_name text not null,
  hour timestamptz not null,
  event_count integer not null,
  signed_in_count integer not null
);

create table if not exists core.analytics_hourly (
  event_name text not null,
  hour timestamptz not null,
  event_count bigint not null,
  signed_in_count bigint not null,
  primary key (event_name, hour)
);
create index if not exists analytics_hourly_hour_idx on core.analytics_hourly (hour);

create table if not exists core.analytics_daily (
  event_name text not null,
  day date not null,
  event_count bigint not null,
  signed_in_count bigint not null,
  primary key (event_name, day)
);
create index if not exists analytics_daily_day_idx on core.analytics_daily (day);

-- The audit log: what was changed by whom, sealed in batches. docs/audit.md tells how it works.

create sequence if not exists core.audit_log_id_seq;

create table if not exists core.audit_log (
  id bigint not null default nextval('core.audit_log_id_seq'),
  occurred_at timestamptz not null,
  transaction_id xid8 not null,
  kind text not null,
  relation text,
  operation text not null,
  actor_user_id uuid,
  actor_session_id uuid,
  subject_id uuid,
  tenant_id uuid,
  database_role text not null,
  acting_role text not null,
  job_id bigint,
  request_id text not null,
  key jsonb,
  old_values jsonb,
  new_values jsonb,
  salt bytea,
  payload_hash bytea not null,
  row_hash bytea not null,
  blanked_by bigint,
  -- Leads with what seals and their verification read by; the partition key has to be part of it.
  constraint audit_log_pkey primary key (transaction_id, id, occurred_at),
  constraint kind_is_valid check (kind in ('data', 'security')),
  constraint data_has_relation check ((kind = 'data') = (relation is not null)),
  constraint operation_is_valid check (operation ~ '^[a-z][a-z_]{1,62}$'),
  constraint payload_hash_is_valid check (octet_length(payload_hash) = 32),
  constraint row_hash_is_valid check (octet_length(row_hash) = 32)
) partition by range (occurred_at);
-- The log only grows, so a few bytes a block find an event by its number.
create index if not exists audit_log_id_idx on core.audit_log using brin (id) with (pages_per_range = 16);
-- By a hash: a key may be longer than an entry of an index.
create index if not exists audit_log_relation_key_idx on core.audit_log (relation, hashtextextended(key::text, 0));
-- Many events are about no person and by no person.
create index if not exists audit_log_subject_id_idx on core.audit_log (subject_id) where subject_id is not null;
create index if not exists audit_log_actor_user_id_idx on core.audit_log (actor_user_id)
  where actor_user_id is not null and actor_user_id is distinct from subject_id;
alter table core.audit_log enable row level security;

create table if not exists core.audit_seals (
  number bigint not null,
  from_transaction xid8 not null,
  until_transaction xid8 not null,
  first_event bigint not null,
  event_count bigint not null,
  sealed_at timestamptz not null,
  previous_hash bytea not null,
  hash bytea not null,
  constraint audit_seals_pkey primary key (number),
  constraint number_is_valid check (number >= 1),
  constraint event_count_is_valid check (event_count >= 1),
  constraint until_transaction_is_after_from_transaction check (until_transaction > from_transaction),
  constraint previous_hash_is_valid check (octet_length(previous_hash) = 32),
  constraint hash_is_valid check (octet_length(hash) = 32)
);

create table if not exists core.audited_tables (
  schema_name name not null,
  table_name name not null,
  is_audited boolean not null,
  reason text,
  constraint audited_tables_pkey primary key (schema_name, table_name),
  constraint unaudited_table_has_reason check (is_audited = (reason is null))
);

-- The months exist before the first audited write, which comes with the declarations below.
insert into ops.partitioned_tables (schema_name, table_name, key_column, months_ahead, retention_months)
values ('core', 'audit_log', 'occurred_at', 12, 84)
on conflict on constraint partitioned_tables_pkey do nothing;
--! Included ops/create_monthly_partitions.sql
-- Months exist before they are written to. Bounds are UTC whatever the session's zone, so two sessions never
-- disagree; each partition gets RLS and no grants: nobody may go round the parent's policies through a leaf.
-- security definer: the worker creates no tables by right; it can only ask for what the registry lists.
create or replace function ops.create_monthly_partitions(
  table_name text default null,
  months_ahead integer default null
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  v_table ops.partitioned_tables;
  v_month date;
  v_partition text;
  v_leaf record;
  v_created_count integer := 0;
begin
  if create_monthly_partitions.months_ahead not between 1 and 120 then
    perform core.raise_error('months_ahead_invalid', format('The number was %s.', create_monthly_partitions.months_ahead));
  end if;
  -- Two workers at once: the second finds everything made.
  perform pg_advisory_xact_lock(hashtextextended('howdah:create_monthly_partitions', 0));

  for v_table in
    select p.* from ops.partitioned_tables as p
    where create_monthly_partitions.table_name is null
      or create_monthly_partitions.table_name in (p.table_name, p.schema_name || '.' || p.table_name)
  loop
    -- From last month on: it is still yesterday somewhere.
    for v_month in
      select generate_series(
        date_trunc('month', core.now()) - interval '1 month',
        date_trunc('month', core.now())
          + make_interval(months => coalesce(create_monthly_partitions.months_ahead, v_table.months_ahead)),
        interval '1 month'
      )::date
    loop
      v_partition := v_table.table_name || to_char(v_month, '_YYYY_MM');
      continue when to_regclass(format('%I.%I', v_table.schema_name, v_partition)) is not null;
      execute format(
        'create table %I.%I partition of %I.%I for values from (%L) to (%L)',
        v_table.schema_name, v_partition, v_table.schema_name, v_table.table_name,
        v_month, (v_month + interval '1 month')::date
      );
      execute format('alter table %I.%I enable row level security', v_table.schema_name, v_partition);
      v_created_count := v_created_count + 1;
    end loop;

    -- Postgres hands triggers for each row down to partitions, and none for a TRUNCATE of the partition itself.
    for v_leaf in
      select n.nspname as schema_name, c.relname as table_name, t.tgname, fn.nspname as function_schema, f.proname
      from pg_inherits as i
      join pg_class as c on c.oid = i.inhrelid
      join pg_namespace as n on n.oid = c.relnamespace
      -- 34: before, truncate.
      join pg_trigger as t on t.tgrelid = i.inhparent and t.tgtype = 34 and t.tgnargs = 0
      join pg_proc as f on f.oid = t.tgfoid
      join pg_namespace as fn on fn.oid = f.pronamespace
      where i.inhparent = format('%I.%I', v_table.schema_name, v_table.table_name)::regclass
        and not exists (select from pg_trigger as own where own.tgrelid = c.oid and own.tgname = t.tgname)
    loop
      execute format(
        'create trigger %I before truncate on %I.%I for each statement execute function %I.%I()',
        v_leaf.tgname, v_leaf.schema_name, v_leaf.table_name, v_leaf.function_schema, v_leaf.proname
      );
    end loop;
  end loop;
  if create_monthly_partitions.table_name is not null and v_table.table_name is null then
    perform core.raise_error('table_not_partitioned',
      format('The table was %s.', to_json(create_monthly_partitions.table_name)));
  end if;
  return v_created_count;
end
$$;
comment on function ops.create_monthly_partitions(text, integer) is
$$Makes the partitions of last month, this month and the months ahead; returns how many were missing.

Without a table: every table of ops.partitioned_tables; without a number: as many months as the registry says.
Safe to repeat. Errors: table_not_partitioned (404), months_ahead_invalid (400).$$;
revoke all on function ops.create_monthly_partitions(text, integer) from public;
grant execute on function ops.create_monthly_partitions(text, integer) to howdah_worker;
--! EndIncluded ops/create_monthly_partitions.sql
select ops.create_monthly_partitions('core.audit_log');

--! Included index.sql
-- Every stateless object of the database, module by module, in the order in which they know each other.
--! Included core/_module.sql
-- core: who someone is, and what every module needs. Knows no module.
--! Included core/schemas.sql
-- Who may enter which schema. `private` and the libraries' schemas open to no web role, ever.
comment on schema api is $$Howdah's public API: views and functions only.$$;
comment on schema core is $$Users, sessions, settings, and what every module needs.$$;
comment on schema private is $$Secrets: password hashes, refresh-token hashes, signing secret. Definer functions only.$$;
comment on schema ops is $$What operators type and the worker runs.$$;
comment on schema gdpr is $$Which column holds what about whom.$$;

revoke all on schema api, core, private, ops, gdpr from public;
grant usage on schema api to howdah_anon, howdah_user, howdah_admin;
grant usage on schema core to howdah_anon, howdah_user, howdah_admin, howdah_worker;
grant usage on schema ops to howdah_worker;
--! EndIncluded core/schemas.sql
--! Included core/new_id.sql
-- Keys that sort by time: UUID version 7, from Postgres 18 itself or, on older servers, made here.
create or replace function core.new_id()
  returns uuid
  language plpgsql
  volatile
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('server_version_num')::integer >= 180000 then
    return uuidv7();
  end if;
  -- 48 bits of milliseconds over a random version 4, then the version nibble turned from 4 into 7.
  return encode(
    set_bit(set_bit(
      overlay(
        uuid_send(gen_random_uuid())
        placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
        from 1 for 6
      ),
      52, 1), 53, 1),
    'hex')::uuid;
end
$$;
comment on function core.new_id() is
$$A new time-ordered key (UUIDv7).

Source: RFC 9562 section 5.7.$$;
revoke all on function core.new_id() from public;
grant execute on function core.new_id() to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/new_id.sql
--! Included core/id_instant.sql
-- The instant inside a UUIDv7. Postgres has uuid_extract_timestamp() only from 17 on.
-- A plain SQL body, so that checks and inserts of many rows inline it.
create or replace function core.id_instant(id uuid)
  returns timestamptz
  language sql
  immutable
  strict
  parallel safe
return to_timestamp(
  ('x0000' || left(id_instant.id::text, 8) || substr(id_instant.id::text, 10, 4))::bit(64)::bigint / 1000.0::float8
);
comment on function core.id_instant(uuid) is
$$The instant a UUIDv7 carries, to the millisecond. Of any other UUID it means nothing.

Source: RFC 9562 section 5.7.$$;
revoke all on function core.id_instant(uuid) from public;
grant execute on function core.id_instant(uuid) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/id_instant.sql
--! Included core/now.sql
-- The clock that tests may move. Only whoever may alter the database can set the offset.
create or replace function core.now()
  returns timestamptz
  language sql
  stable
  parallel safe
return now() + coalesce(nullif(current_setting('howdah.clock_offset', true), '')::interval, interval '0');
comment on function core.now() is
$$The current instant, plus the database's setting howdah.clock_offset (an interval; unset in production).$$;
revoke all on function core.now() from public;
grant execute on function core.now() to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/now.sql
--! Included core/is_email.sql
-- What we accept as an address: one mailbox in plain spelling, nothing a mail server would read differently.
create or replace function core.is_email(address text)
  returns boolean
  language sql
  immutable
  parallel safe
return octet_length(is_email.address) between 3 and 254
  and is_email.address ~ '^[^\s@"(),:;<>\[\]\\[:cntrl:]]{1,64}@([^][!-,/:-@\\^_`{-~.\s[:cntrl:]]{1,63}\.)+[^][!-,/:-@\\^_`{-~.\s[:cntrl:]]{2,63}$'
  and is_email.address !~ '(^\.|\.\.|\.@|@-|-@|-\.|\.-)';
comment on function core.is_email(text) is
$$Whether a text is one mailbox in plain spelling (at most 254 bytes).

Quoted local parts, comments, address literals and trailing dots are refused: each is a second spelling of some mailbox.
Source: RFC 5321 sections 4.1.2 and 4.5.3.1.$$;
revoke all on function core.is_email(text) from public;
grant execute on function core.is_email(text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/is_email.sql
--! Included core/email_key.sql
-- Two mailboxes that are different must never share a key: only ASCII letters are folded.
-- lower() would turn the Kelvin sign into k and I with a dot into i, and hand one person's account to another.
create or replace function core.email_key(address text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return translate(email_key.address, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz');
comment on function core.email_key(text) is
$$What addresses are compared by: the address with its ASCII letters in lower case, nothing else changed.$$;
revoke all on function core.email_key(text) from public;
grant execute on function core.email_key(text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/email_key.sql
--! Included core/is_time_zone.sql
-- Postgres takes any "Name5" for a zone of its own making (POSIX rules); people mean IANA names.
create or replace function core.is_time_zone(name text)
  returns boolean
  language plpgsql
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  if is_time_zone.name !~ '^(UTC|GMT|[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_-]+){1,2}|Etc/(UTC|GMT([+-][0-9]{1,2})?))$'
    or is_time_zone.name ~ '^Etc/GMT(\+(1[3-9]|[2-9][0-9])|-(1[5-9]|[2-9][0-9]))$' then
    return false;
  end if;
  perform timestamptz '2000-01-01 00:00:00+00' at time zone is_time_zone.name;
  return true;
exception when invalid_parameter_value then
  return false;
end
$$;
comment on function core.is_time_zone(text) is
$$Whether a text is an IANA zone name in its usual spelling, for instance Europe/Berlin.

Abbreviations (EST), offsets (+02:00) and POSIX rules (Foo5) are refused: they know no daylight saving.$$;
revoke all on function core.is_time_zone(text) from public;
grant execute on function core.is_time_zone(text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/is_time_zone.sql
--! Included core/is_calendar_date.sql
-- A text that is a day of the calendar, found out without raising (Postgres 15 has no pg_input_is_valid).
create or replace function core.is_calendar_date(day text)
  returns boolean
  language sql
  immutable
  strict
  parallel safe
return case
  when is_calendar_date.day !~ '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' then false
  when is_calendar_date.day ~ '^0000' then false
  else right(is_calendar_date.day, 2)::integer <= extract(
    day from make_date(left(is_calendar_date.day, 4)::integer, substr(is_calendar_date.day, 6, 2)::integer, 1)
      + interval '1 month' - interval '1 day'
  )
end;
comment on function core.is_calendar_date(text) is $$Whether a text is a day that exists, written YYYY-MM-DD.$$;
revoke all on function core.is_calendar_date(text) from public;
grant execute on function core.is_calendar_date(text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/is_calendar_date.sql
--! Included core/is_uuid.sql
-- A text that the cast to uuid takes in the form everybody writes, found out without raising.
-- Counted repeats ({8}) would make the regular expression ten times as slow; this runs for every event.
create or replace function core.is_uuid(value text)
  returns boolean
  language sql
  immutable
  parallel safe
return is_uuid.value like '________-____-____-____-____________'
  and char_length(replace(is_uuid.value, '-', '')) = 32
  and is_uuid.value ~ '^[0-9a-fA-F-]*$';
comment on function core.is_uuid(text) is $$Whether a text is a UUID with its four hyphens, in any case; null for null.$$;
revoke all on function core.is_uuid(text) from public;
--! EndIncluded core/is_uuid.sql
--! Included core/is_event_name.sql
-- What an event may be called. Two cheap tests: a counted repeat ({0,63}) would be the costliest part of an insert.
create or replace function core.is_event_name(name text)
  returns boolean
  language sql
  immutable
  parallel safe
return is_event_name.name ~ '^[a-z][a-z0-9_.]*$' and char_length(is_event_name.name) <= 64;
comment on function core.is_event_name(text) is
$$Whether a text begins with a to z and has at most 64 of a to z, 0 to 9, underscore and dot; null for null.$$;
revoke all on function core.is_event_name(text) from public;
grant execute on function core.is_event_name(text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/is_event_name.sql
--! Included core/matches_json_schema.sql
-- One shape, said once: CHECK constraints call this, and the SDK prints its validators from the same schema.
create or replace function core.matches_json_schema(value jsonb, schema jsonb)
  returns boolean
  language plpgsql
  immutable
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_type text := jsonb_typeof(matches_json_schema.value);
  v_rule jsonb;
  v_text text;
  v_number numeric;
  v_key text;
  v_element jsonb;
begin
  if v_type is null then
    return null;
  end if;

  v_rule := schema -> 'type';
  if v_rule is not null and not (
    v_rule @> to_jsonb(v_type)
    or (v_type = 'number' and v_rule @> '"integer"' and (value #>> '{}')::numeric % 1 = 0)
  ) then
    return false;
  end if;
  if schema ? 'enum' and not schema -> 'enum' @> jsonb_build_array(value) then
    return false;
  end if;
  if schema ? 'const' and schema -> 'const' <> value then
    return false;
  end if;

  case v_type
  when 'string' then
    v_text := value #>> '{}';
    if char_length(v_text) < coalesce((schema ->> 'minLength')::integer, 0)
      or char_length(v_text) > coalesce((schema ->> 'maxLength')::integer, 2147483647)
      or (schema ? 'pattern' and v_text !~ (schema ->> 'pattern'))
    then
      return false;
    end if;
    v_rule := schema -> 'format';
    if v_rule is not null then
      return case v_rule #>> '{}'
        when 'uuid' then v_text ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$'
        when 'date' then core.is_calendar_date(v_text)
        when 'date-time' then
          v_text ~ '^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$'
          and core.is_calendar_date(left(v_text, 10))
        when 'uri' then v_text ~ '^https?://[^\s/?#][^\s]*$'
        else false
      end;
    end if;
  when 'number' then
    v_number := (value #>> '{}')::numeric;
    return v_number >= coalesce((schema ->> 'minimum')::numeric, v_number)
      and v_number <= coalesce((schema ->> 'maximum')::numeric, v_number);
  when 'object' then
    -- Counted loops, because a query for each object and list was half of the cost.
    v_rule := schema -> 'required';
    for v_place in 0 .. coalesce(jsonb_array_length(v_rule), 0) - 1 loop
      if not value ? (v_rule ->> v_place) then
        return false;
      end if;
    end loop;
    for v_key, v_element in select * from jsonb_each(value) loop
      v_rule := schema -> 'properties' -> v_key;
      if v_rule is null then
        if schema -> 'additionalProperties' = 'false' then
          return false;
        end if;
      elsif not core.matches_json_schema(v_element, v_rule) then
        return false;
      end if;
    end loop;
  when 'array' then
    if jsonb_array_length(value) < coalesce((schema ->> 'minItems')::integer, 0)
      or jsonb_array_length(value) > coalesce((schema ->> 'maxItems')::integer, 2147483647)
    then
      return false;
    end if;
    v_rule := schema -> 'items';
    if v_rule is not null then
      for v_place in 0 .. jsonb_array_length(value) - 1 loop
        if not core.matches_json_schema(value -> v_place, v_rule) then
          return false;
        end if;
      end loop;
    end if;
    if schema -> 'uniqueItems' = 'true' and exists (
      select from jsonb_array_elements(value) as element group by element having count(*) > 1
    ) then
      return false;
    end if;
  else
    null;
  end case;
  return true;
end
$$;
comment on function core.matches_json_schema(jsonb, jsonb) is
$$Whether a JSON value has the shape that a JSON Schema describes.

Knows this subset, and the SDK's generator refuses any other keyword: type (one or a list), enum, const, properties,
required, additionalProperties (boolean), items, minItems, maxItems, uniqueItems, minLength and maxLength (code points),
pattern, minimum, maximum, format (uuid, date, date-time, uri), description.
Source: JSON Schema 2020-12.$$;
revoke all on function core.matches_json_schema(jsonb, jsonb) from public;
grant execute on function core.matches_json_schema(jsonb, jsonb)
  to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/matches_json_schema.sql
--! Included core/json_schema_problem.sql
-- Whether core.matches_json_schema() can judge by a schema. A keyword it does not know would be a rule nobody keeps,
-- and a limit that is no number would fail at every event instead of once, here.
create or replace function core.json_schema_problem(schema jsonb, path text default '$')
  returns text
  language plpgsql
  immutable
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_key text;
  v_value jsonb;
  v_problem text;
begin
  if jsonb_typeof(schema) is distinct from 'object' then
    return format('%s is no object', path);
  end if;
  for v_key, v_value in select * from jsonb_each(schema) loop
    if not coalesce(case
      when v_key = 'type' then
        to_jsonb(array['object', 'array', 'string', 'number', 'integer', 'boolean', 'null']) @> v_value
        and v_value not in ('[]', '""')
      when v_key = 'enum' then jsonb_typeof(v_value) = 'array'
      when v_key = 'const' then true
      when v_key = 'properties' then jsonb_typeof(v_value) = 'object'
      when v_key = 'items' then jsonb_typeof(v_value) = 'object'
      when v_key = 'required' then
        core.matches_json_schema(v_value, '{"type": "array", "items": {"type": "string"}}')
      when v_key in ('additionalProperties', 'uniqueItems') then jsonb_typeof(v_value) = 'boolean'
      when v_key in ('minItems', 'maxItems', 'minLength', 'maxLength') then
        core.matches_json_schema(v_value, '{"type": "integer", "minimum": 0, "maximum": 2147483647}')
      when v_key in ('minimum', 'maximum') then jsonb_typeof(v_value) = 'number'
      when v_key = 'format' then v_value in ('"uuid"', '"date"', '"date-time"', '"uri"')
      when v_key in ('pattern', 'description') then jsonb_typeof(v_value) = 'string'
      else false
    end, false) then
      return format('%s.%s is unknown or has a value it cannot have', path, left(v_key, 60));
    end if;
  end loop;

  if schema ? 'pattern' then
    begin
      perform '' ~ (schema ->> 'pattern');
    exception when invalid_regular_expression then
      return format('%s.pattern is no regular expression', path);
    end;
  end if;
  for v_key, v_value in select * from jsonb_each(schema -> 'properties') loop
    v_problem := core.json_schema_problem(v_value, format('%s.properties.%s', path, left(v_key, 60)));
    if v_problem is not null then
      return v_problem;
    end if;
  end loop;
  return case when schema ? 'items' then core.json_schema_problem(schema -> 'items', path || '.items') end;
end
$$;
comment on function core.json_schema_problem(jsonb, text) is
$$Where a JSON Schema leaves the subset that core.matches_json_schema() knows; null when it does not.$$;
revoke all on function core.json_schema_problem(jsonb, text) from public;
--! EndIncluded core/json_schema_problem.sql
--! Included core/error_catalogue.sql
-- Every error key the API can answer with, said once: HTTP status, summary, remedy.
-- The SDK's union of keys and docs/errors.md are printed from here.
create or replace function core.error_catalogue()
  returns table (key text, status integer, summary text, hint text)
  language sql
  immutable
  parallel safe
begin atomic
  select e.key, e.status, e.summary, e.hint
  from (values
    -- identity
    ('account_not_found', 404, 'No such account.', 'Check the address; operators find accounts in core.users.'),
    ('call_not_plain', 400, 'This function is called without select, filter, order or preference.', 'Send the arguments only, and pick what you need from the answer yourself.'),
    ('avatar_url_invalid', 400, 'The address of the picture cannot be kept.', 'Send an https address of at most 2,000 characters.'),
    ('audit_append_only', 403, 'The audit log and its seals only grow.', 'Erasure blanks payloads through core.blank_audit_payload().'),
    ('audit_history_incomplete', 409, 'The audit log does not tell enough to rebuild the row.', 'Restore a backup of that time beside this database.'),
    ('audit_key_missing', 400, 'A table without a primary key cannot be audited.', 'Give it one, or say with core.declare_unaudited_table() why it is not audited.'),
    ('audit_payload_gone', 410, 'Events that may have been this row''s were erased.', 'Nothing to do: that is what the erasure was for.'),
    ('audit_transactions_restarted', 409, 'Transactions here have lower numbers than the audit log has sealed.', 'Raise the server''s next transaction with pg_resetwal -x and -e, as docs/audit.md says.'),
    ('device_invalid', 400, 'The device fingerprint or name has a length no session can hold.', 'Send 8 to 200 characters of fingerprint and 1 to 120 of name, or leave them out.'),
    ('display_name_invalid', 400, 'The display name is empty or too long.', 'Send 1 to 80 characters.'),
    ('email_already_verified', 409, 'The e-mail address is confirmed.', 'Nothing is left to do.'),
    ('email_invalid', 400, 'The e-mail address is not one we can write to.', 'Send one plain address such as ada@example.com, at most 254 bytes.'),
    ('email_taken', 409, 'An account with this e-mail address exists.', 'Sign in, or use another address.'),
    ('full_name_invalid', 400, 'The full name is empty or too long.', 'Send 1 to 200 characters.'),
    ('invalid_credentials', 401, 'E-mail address and password do not belong together.', 'Check both; passwords are compared exactly as sent.'),
    ('link_invalid', 400, 'The link does not work (any more).', 'Links work once and for a short time, and a newer one voids the older; ask for a new mail.'),
    ('locale_invalid', 400, 'The locale is not a language tag we understand.', 'Send a tag such as en or de-AT.'),
    ('months_ahead_invalid', 400, 'The number of months is out of range.', 'Send 1 to 120.'),
    ('not_signed_in', 401, 'This needs someone who is signed in.', 'Call sign_in and send its access_token as Authorization: Bearer.'),
    ('password_too_long', 400, 'The password is longer than 72 bytes.', 'Use at most 72 bytes; bcrypt would ignore the rest, so we refuse it.'),
    ('password_too_short', 400, 'The password is shorter than 8 characters.', 'Use at least 8 characters; several words make a good password.'),
    ('password_wrong', 403, 'This needs your password, and it was another one.', 'Send the password of the account; passwords are compared exactly as sent.'),
    ('refresh_token_invalid', 401, 'The refresh token is not one of ours.', 'Sign in again.'),
    ('refresh_token_reused', 401, 'The refresh token was used before; its session has been ended.', 'Sign in again. If you did not use it twice, someone else may have.'),
    ('refresh_token_superseded', 409, 'A newer refresh token of this session is already in use.', 'Use the newest token you hold.'),
    ('role_unknown', 400, 'There is no such role.', 'Send user or admin.'),
    ('session_ended', 401, 'The session has ended.', 'Sign in again.'),
    ('session_not_found', 404, 'You have no such living session.', 'The view sessions lists them.'),
    ('timezone_invalid', 400, 'The time zone is not an IANA name.', 'Send a name such as Europe/Berlin.'),
    ('token_expired', 401, 'The access token has expired.', 'Call refresh_session with the refresh token.'),
    ('token_incomplete', 401, 'The access token is not one this API has made.', 'Use the access_token that sign_in or refresh_session answered with.'),
    ('too_many_attempts', 429, 'Too many attempts in a short time.', 'Wait as long as the header Retry-After says, then try again.'),
    ('user_preferences_invalid', 400, 'The preferences are no object that can be kept.', 'Send an object; keys are snake_case, and the whole may take 16 KiB.'),
    -- analytics
    ('csv_malformed', 400, 'The text is no CSV that can be read, or its first line names other columns.', 'Quote fields with commas, quotes or line breaks, and double quotes inside them; details say what was found.'),
    ('event_name_invalid', 400, 'This cannot be the name of an event.', 'Begin with a to z; use at most 64 of a to z, 0 to 9, underscore and dot.'),
    ('event_quota_exceeded', 429, 'Too many events in a short time.', 'Keep the events and send them again when the header Retry-After says.'),
    ('event_schema_invalid', 400, 'Events cannot be judged by this JSON Schema.', 'core.matches_json_schema() lists the keywords it knows.'),
    ('events_invalid', 400, 'This is no list of events that one call can take.', 'Send an array of at most 1,000 events, and sent_at by the client''s clock or not at all.'),
    -- every module
    ('setting_invalid', 400, 'The value does not fit the setting.', 'core.setting_catalogue() lists every setting with its type.'),
    ('setting_unknown', 404, 'There is no setting of this name.', 'core.setting_catalogue() lists every setting.'),
    ('table_not_audited', 404, 'Changes to this table are not in the audit log.', 'core.audited_tables lists every table, and why some are not audited.'),
    ('table_not_partitioned', 404, 'No table of this name is declared as partitioned.', 'ops.partitioned_tables lists them.'),
    ('write_without_filter', 400, 'A write without a filter would change every row you may see.', 'Add a filter, for instance ?id=eq.… .'),
    -- what PostgREST and Postgres refuse by themselves, see core.error_codes()
    ('already_exists', 409, 'A row with this key exists.', 'Read it, or send another key.'),
    ('endpoint_not_found', 404, 'There is no such view or function, or no function with these arguments.', 'Check name and arguments against the API''s description at /.'),
    ('not_allowed', 403, 'You may not do this. Without a token the status is 401.', 'Sign in, or ask someone who may.'),
    ('range_not_satisfiable', 416, 'The page lies behind the last row.', 'Start again at offset 0.'),
    ('reference_not_found', 409, 'A row that this one points at does not exist.', 'Create it first, or send another id.'),
    ('request_malformed', 400, 'Body, filter or column cannot be understood.', 'Send JSON, and columns that the view has.'),
    ('row_not_found', 406, 'Not exactly one row answers.', 'Check the filter.'),
    ('server_busy', 504, 'No database connection became free in time.', 'Try again in a few seconds.'),
    ('token_invalid', 401, 'The access token is expired or not signed by this API.', 'Call refresh_session, or sign in again.'),
    ('took_too_long', 500, 'The request ran into its time limit and was undone.', 'Ask for less at once, or try again later.'),
    ('value_malformed', 400, 'A value cannot be read as the type it should have.', 'Compare it with the API''s description at /.'),
    ('value_missing', 400, 'A value that must be there is missing.', 'Send it.'),
    ('value_refused', 400, 'A value breaks a rule of its column.', 'The SDK''s validators know the rules; details name the constraint.'),
    -- briefing
    ('briefing_date_out_of_range', 400, 'Briefings are made for yesterday, today and tomorrow of your own zone.', 'Send such a date, or none for today; older ones are in the view briefings.'),
    ('briefing_edition_unknown', 400, 'There is no such edition.', 'Send daily, morning or evening.'),
    ('card_not_found', 404, 'None of your recent briefings has this card.', 'Send the id of a card from a briefing of the last 31 days.'),
    ('feed_invalid', 400, 'The feed has no list of items.', 'Send an object with an array named items.'),
    ('feed_forbidden_entities', 422, 'The feed declares entities in its DOCTYPE; such documents can blow up or read files.', 'Ask the publisher to remove the declarations; feeds need none.'),
    ('feed_http_status', 424, 'The feed''s server refuses the request.', 'Open the address in a browser: the server refuses it or the feed has moved.'),
    ('feed_malformed', 422, 'The feed is damaged beyond what can be read.', 'Ask the publisher to repair it: a feed validator names the line.'),
    ('feed_not_recognised', 422, 'What the address leads to is no feed.', 'The address must lead to an RSS, Atom, RDF or JSON feed. On a web page look for its feed link.'),
    ('feed_timeout', 424, 'The feed''s server is too slow or stalls.', 'It is tried again later by itself.'),
    ('feed_too_large', 422, 'The feed has more than 5 MB after decompression.', 'Ask the publisher for a shorter feed.'),
    ('feed_too_many_redirects', 424, 'The feed''s address leads from one redirect to the next.', 'Give the address where the redirects end.'),
    ('feed_unreachable', 424, 'The feed''s server cannot be reached.', 'Check the address and whether the server is up; it is tried again later by itself.'),
    ('feed_url_forbidden', 403, 'The feed''s address does not lead to the public internet.', 'Only public http and https addresses on ports 80 and 443 are fetched. If this host is yours, name it in HOWDAH_FETCH_ALLOW.'),
    ('feed_url_invalid', 400, 'This is no address of a feed.', 'Give the full address, such as https://example.com/feed.xml.'),
    ('feedback_dwell_invalid', 400, 'Dwell comes with 0 to 86400 seconds, every other reaction without.', 'Send dwell_seconds with kind dwell only.'),
    ('feedback_kind_unknown', 400, 'There is no such reaction.', 'Send like, dislike, save, share, dismiss, click or dwell.'),
    ('fetch_outcome_unknown', 400, 'There is no such outcome of a fetch.', 'Send imported, not_modified or failed.'),
    ('note_too_long', 400, 'The note is longer than 2,000 characters.', 'Shorten it.'),
    ('preferences_invalid', 400, 'The preferences do not have the right shape.', 'The details name the path and what it must match.'),
    ('search_query_invalid', 400, 'The search has no word in it or is too long.', 'Send at most 200 characters with at least one word.'),
    ('source_not_found', 404, 'There is no such source.', 'The view content_sources lists them.'),
    ('source_url_invalid', 400, 'This cannot be the address of a source.', 'Send an http or https address of at most 2,000 bytes.'),
    ('tags_invalid', 400, 'The tags cannot be kept.', 'Send at most 20 different tags of 1 to 40 characters without blanks around them.'),
    ('too_many_follows', 409, 'You follow as many as one can.', 'Unfollow something first: 500 sources and 50 topics are the limit.'),
    ('unknown_topic', 400, 'There is no such topic.', 'The view topics lists them.')
  ) as e (key, status, summary, hint);
end;
comment on function core.error_catalogue() is
$$Every error key of the API with its HTTP status, a summary and what the caller can do.$$;
revoke all on function core.error_catalogue() from public;
grant execute on function core.error_catalogue() to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/error_catalogue.sql
--! Included core/error_codes.sql
-- What PostgREST and Postgres refuse by themselves carries a code and no key of ours.
-- The SDK gives such an answer the key that stands here, so that a program branches on keys alone.
create or replace function core.error_codes()
  returns table (code text, key text)
  language sql
  immutable
  parallel safe
begin atomic
  select c.code, c.key
  from (values
    ('22001', 'value_malformed'),
    ('22003', 'value_malformed'),
    ('22007', 'value_malformed'),
    ('22008', 'value_malformed'),
    ('22023', 'token_invalid'),
    ('22P02', 'value_malformed'),
    ('22P05', 'value_malformed'),
    ('23502', 'value_missing'),
    ('23503', 'reference_not_found'),
    ('23505', 'already_exists'),
    ('23514', 'value_refused'),
    ('42501', 'not_allowed'),
    ('42703', 'request_malformed'),
    ('42P01', 'endpoint_not_found'),
    ('57014', 'took_too_long'),
    ('PGRST003', 'server_busy'),
    ('PGRST100', 'request_malformed'),
    ('PGRST102', 'request_malformed'),
    ('PGRST103', 'range_not_satisfiable'),
    ('PGRST106', 'endpoint_not_found'),
    ('PGRST116', 'row_not_found'),
    ('PGRST202', 'endpoint_not_found'),
    ('PGRST204', 'request_malformed'),
    ('PGRST205', 'endpoint_not_found'),
    ('PGRST301', 'token_invalid'),
    ('PGRST303', 'token_invalid')
  ) as c (code, key);
end;
comment on function core.error_codes() is
$$Codes that PostgREST and Postgres answer with by themselves, and the key of core.error_catalogue() for each.$$;
revoke all on function core.error_codes() from public;
--! EndIncluded core/error_codes.sql
--! Included core/raise_error.sql
-- The one way to refuse. The message is the key and nothing else: PostgREST puts it into the status line.
create or replace function core.raise_error(key text, detail text default null)
  returns void
  language plpgsql
  stable
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_status integer;
  v_hint text;
begin
  select e.status, e.hint into v_status, v_hint
  from core.error_catalogue() as e
  where e.key = raise_error.key;
  if not found then
    raise exception 'error key % is not in core.error_catalogue()', raise_error.key;
  end if;
  raise exception using
    errcode = 'PT' || v_status,
    message = raise_error.key,
    detail = coalesce(raise_error.detail, ''),
    hint = v_hint;
end
$$;
comment on function core.raise_error(text, text) is
$$Refuses with a key of core.error_catalogue(): SQLSTATE PTxxx carries the HTTP status, the message is the key.

The detail is a sentence with the values; never a secret, never another person's data.$$;
revoke all on function core.raise_error(text, text) from public;
grant execute on function core.raise_error(text, text) to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded core/raise_error.sql
--! Included core/error_response.sql
-- Refuses without raising, for functions whose work must stay although they say no:
-- a counted attempt or a revoked session would be rolled back with an exception. Such a function begins with
-- core.require_plain_call(), or the client could have it rolled back.
create or replace function core.error_response(key text, detail text default null, retry_after_seconds integer default null)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_status integer;
  v_hint text;
begin
  select e.status, e.hint into strict v_status, v_hint
  from core.error_catalogue() as e
  where e.key = error_response.key;
  perform set_config('response.status', v_status::text, true);
  if error_response.retry_after_seconds is not null then
    perform set_config(
      'response.headers',
      jsonb_build_array(jsonb_build_object('Retry-After', error_response.retry_after_seconds::text))::text,
      true
    );
  end if;
  return jsonb_build_object(
    'code', 'PT' || v_status,
    'message', error_response.key,
    'details', coalesce(error_response.detail, ''),
    'hint', v_hint
  );
end
$$;
comment on function core.error_response(text, text, integer) is
$$An error as a result: sets the HTTP status and returns the body that PostgREST would send for a raised error.$$;
revoke all on function core.error_response(text, text, integer) from public;
--! EndIncluded core/error_response.sql
--! Included core/blank_quoted.sql
-- PostgREST builds one statement from a request. Values travel as parameters; names the client makes up (aliases, keys
-- of JSON) stand in it quoted. Without them what is left is PostgREST's own grammar, and can be looked at.
create or replace function core.blank_quoted(statement text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return regexp_replace(blank_quoted.statement, $$"([^"]|"")*"|'([^']|'')*'$$, '""', 'g');
comment on function core.blank_quoted(text) is
$$A statement with every quoted name and text emptied, so that nothing in it was chosen by a client.$$;
revoke all on function core.blank_quoted(text) from public;
grant execute on function core.blank_quoted(text) to howdah_user, howdah_admin;
--! EndIncluded core/blank_quoted.sql
--! Included core/require_plain_call.sql
-- Some functions do work that must stay although they refuse: they count an attempt, they end a session. PostgREST lets
-- the client wrap a call in casts and filters of the answer, and a cast that fails only for one answer
-- (?select=pgrst_scalar:pgrst_scalar->>message::int) would undo that work, tell the answer all the same, and write it
-- into the server's log. So these functions are called plainly or not at all.
create or replace function core.require_plain_call()
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- SQL typed by an operator has no request.
  if coalesce(current_setting('request.method', true), '') = '' then
    return;
  end if;
  if core.blank_quoted(current_query())
      !~ ' FROM \(\s*SELECT (""\.)?\* FROM ""( AS "")?\s*(LIMIT (ALL|\$?[0-9]+) OFFSET \$?[0-9]+)?\s*\) _postgrest_t\s*$'
    -- These run the call many times in one transaction, or undo it by the number of its rows.
    or coalesce(current_setting('request.headers', true)::jsonb ->> 'prefer', '') ~* 'multiple-objects|max-affected|tx='
  then
    perform core.raise_error('call_not_plain', 'The call came with a select, a filter, an order or a preference.');
  end if;
end
$$;
comment on function core.require_plain_call() is
$$Refuses a call whose answer the client wants selected, cast, filtered or ordered by the server.

The first statement of every function that answers with core.error_response(). Errors: call_not_plain (400).$$;
revoke all on function core.require_plain_call() from public;
--! EndIncluded core/require_plain_call.sql
--! Included core/setting_catalogue.sql
-- Every setting, its default and its type, said once. core.settings holds only what differs.
create or replace function core.setting_catalogue()
  returns table (name text, default_value jsonb, json_schema jsonb, description text)
  language sql
  immutable
  parallel safe
begin atomic
  select s.name, s.default_value, s.json_schema, s.description
  from (values
    ('app_name', '"Howdah"'::jsonb, '{"type": "string", "minLength": 1, "maxLength": 80, "pattern": "^[^<>[:cntrl:]]+$"}'::jsonb,
      'What the product is called in its mails.'),
    ('app_url', '"http://127.0.0.1:3000"', '{"type": "string", "maxLength": 500, "pattern": "^https?://[^[:space:]#?]+[^[:space:]#?/]$"}',
      'Where the client application lives, without a slash at the end: the links in mails start with it.'),
    ('analytics_accept_unregistered', 'true'::jsonb, '{"type": "boolean"}'::jsonb,
      'Whether events without a registered schema are taken.'),
    ('analytics_event_quota', '20000', '{"type": "integer", "minimum": 1, "maximum": 100000000}',
      'Events an account, or a visitor who is not signed in, may send in 10 minutes; an address ten times as many.'),
    ('client_address_header', 'null', '{"type": ["string", "null"], "pattern": "^[a-z0-9-]+$"}',
      'Header in which the proxy in front of PostgREST writes the caller''s address (lower case); null: address unknown.'),
    ('jwt_audience', '"howdah"', '{"type": "string", "minLength": 1}', 'Claim aud of access tokens.'),
    ('jwt_issuer', '"howdah"', '{"type": "string", "minLength": 1}', 'Claim iss of access tokens.'),
    ('mail_sender', '"no-reply@localhost"', '{"type": "string", "maxLength": 254, "pattern": "^[^[:space:]@<>,;]+@[^[:space:]@<>,;]+$"}',
      'Address that mails come from.'),
    ('password_hash_cost', '11', '{"type": "integer", "minimum": 4, "maximum": 15}',
      'bcrypt cost of new password hashes; below 10 only for tests.'),
    ('sign_up_mode', '"open"', '{"type": "string", "enum": ["open", "verify"]}',
      'open: sign_up signs in at once and tells when an address is taken; verify: one answer for all, a mail decides.')
  ) as s (name, default_value, json_schema, description);
end;
comment on function core.setting_catalogue() is
$$Every setting with its default, its JSON Schema and what it is for.$$;
revoke all on function core.setting_catalogue() from public;
--! EndIncluded core/setting_catalogue.sql
--! Included core/setting.sql
-- Reads one setting. Runs as whoever asks: only definer functions and operators get through to the table.
create or replace function core.setting(name text)
  returns jsonb
  language sql
  stable
  strict
  parallel safe
return coalesce(
  (select s.value from core.settings as s where s.name = setting.name),
  (select c.default_value from core.setting_catalogue() as c where c.name = setting.name)
);
comment on function core.setting(text) is $$The value of a setting, or its default.$$;
revoke all on function core.setting(text) from public;
--! EndIncluded core/setting.sql
--! Included core/current_user_id.sql
-- Who is asking. A plain SQL body without a set clause, so that it is inlined into every policy.
create or replace function core.current_user_id()
  returns uuid
  language sql
  stable
  parallel safe
return (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub')::uuid;
comment on function core.current_user_id() is $$The signed-in user's id; null for anyone else.$$;
revoke all on function core.current_user_id() from public;
grant execute on function core.current_user_id() to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/current_user_id.sql
--! Included core/require_user.sql
-- The first line of whatever acts for someone: an operator's session without act_as has nobody.
create or replace function core.require_user()
  returns uuid
  language plpgsql
  stable
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.current_user_id();
begin
  if v_user_id is null then
    perform core.raise_error('not_signed_in', 'This acts for whoever is signed in, and nobody is.');
  end if;
  return v_user_id;
end
$$;
comment on function core.require_user() is
$$The signed-in user's id. Errors: not_signed_in (401).$$;
revoke all on function core.require_user() from public;
grant execute on function core.require_user() to howdah_user, howdah_admin;
--! EndIncluded core/require_user.sql
--! Included core/current_session_id.sql
-- Through which session.
create or replace function core.current_session_id()
  returns uuid
  language sql
  stable
  parallel safe
return (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sid')::uuid;
comment on function core.current_session_id() is $$The id of the session of the access token; null without one.$$;
revoke all on function core.current_session_id() from public;
grant execute on function core.current_session_id() to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/current_session_id.sql
--! Included core/is_admin.sql
-- The database role decides, not a claim: PostgREST may only become howdah_admin for a token that says so,
-- and core.check_request() compares that with core.users at each request.
create or replace function core.is_admin()
  returns boolean
  language sql
  stable
  parallel safe
return current_setting('role', true) = 'howdah_admin';
comment on function core.is_admin() is $$Whether the request runs as howdah_admin.$$;
revoke all on function core.is_admin() from public;
grant execute on function core.is_admin() to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/is_admin.sql
--! Included core/client_address.sql
-- PostgREST passes every header on, so an address is believed only from the header that our own proxy overwrites.
create or replace function core.client_address()
  returns inet
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_header text := core.setting('client_address_header') #>> '{}';
begin
  if v_header is null then
    return null;
  end if;
  return (nullif(current_setting('request.headers', true), '')::jsonb ->> v_header)::inet;
exception when invalid_text_representation then
  return null;
end
$$;
comment on function core.client_address() is
$$The caller's address as the proxy saw it; null where the setting client_address_header is not set.$$;
revoke all on function core.client_address() from public;
--! EndIncluded core/client_address.sql
--! Included core/base64url.sql
-- encode() wraps lines at 76 characters and uses the wrong alphabet for tokens.
create or replace function core.base64url(data bytea)
  returns text
  language sql
  immutable
  strict
  parallel safe
return translate(encode(base64url.data, 'base64'), E'+/=\n', '-_');
comment on function core.base64url(bytea) is $$Bytes as base64url without padding. Source: RFC 4648 section 5.$$;
revoke all on function core.base64url(bytea) from public;

create or replace function core.base64url_decode(encoded text)
  returns bytea
  language plpgsql
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
begin
  return decode(
    rpad(translate(encoded, '-_', '+/'), (char_length(encoded) + 3) / 4 * 4, '='),
    'base64'
  );
exception when invalid_parameter_value then
  return null;
end
$$;
comment on function core.base64url_decode(text) is $$The bytes of a base64url text; null for any other text.$$;
revoke all on function core.base64url_decode(text) from public;
--! EndIncluded core/base64url.sql
--! Included core/secrets.sql
-- Secrets come from outside (the stack, a deployment) and are read by definer functions only.
create or replace function private.secret(name text)
  returns text
  language sql
  stable
  strict
return (select s.value from private.secrets as s where s.name = secret.name);
comment on function private.secret(text) is $$A secret by its name; null when nobody has set it.$$;
revoke all on function private.secret(text) from public;

create or replace function private.set_secret(name text, value text)
  returns void
  language sql
  volatile
begin atomic
  insert into private.secrets as s (name, value)
  values (set_secret.name, set_secret.value)
  on conflict on constraint secrets_pkey do update
    set value = excluded.value
    where s.value <> excluded.value;
end;
comment on function private.set_secret(text, text) is
$$Stores a secret. Safe to repeat. Known names: jwt_secret, attempt_key.$$;
revoke all on function private.set_secret(text, text) from public;
--! EndIncluded core/secrets.sql
--! Included core/enqueue_job.sql
-- The one door from SQL to the worker. Payloads carry ids, never data.
-- security definer: API roles have no access to graphile_worker; no role but our own functions may call this.
-- It belongs to howdah_worker, who owns the jobs: a trigger that a captured worker planted on them runs with the
-- worker's rights, and not with those of the owner of everything.
create or replace function core.enqueue_job(
  task text,
  payload jsonb default '{}',
  job_key text default null,
  run_at timestamptz default null
)
  returns bigint
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_job_id bigint;
begin
  select j.id into v_job_id
  from graphile_worker.add_job(
    enqueue_job.task,
    enqueue_job.payload::json,
    run_at => enqueue_job.run_at,
    job_key => enqueue_job.job_key
  ) as j;
  return v_job_id;
end
$$;
comment on function core.enqueue_job(text, jsonb, text, timestamptz) is
$$Adds a job in the caller's own transaction and returns its id. With a job_key, a waiting job of that key is replaced.$$;
revoke all on function core.enqueue_job(text, jsonb, text, timestamptz) from public;
-- Whoever is to own a function must be allowed to create in its schema, for that moment.
grant create on schema core to howdah_worker;
alter function core.enqueue_job(text, jsonb, text, timestamptz) owner to howdah_worker;
revoke create on schema core from howdah_worker;
grant execute on function core.enqueue_job(text, jsonb, text, timestamptz) to howdah_migrations;
revoke execute on function core.enqueue_job(text, jsonb, text, timestamptz) from howdah_worker;
--! EndIncluded core/enqueue_job.sql
--! Included core/audit_hashes.sql
-- What is hashed, and how it is written down: every field as its length in bytes, a colon and its text; a missing one
-- as a dash. So no byte can move from one field to its neighbour, and no setting of a session has a say.
-- deploy/verify_audit.py writes the same form by itself: change neither alone.

create or replace function core.audit_field(value text)
  returns text
  language sql
  immutable
  parallel safe
-- The cast keeps it immutable, and so inlined: integer || text is a stable operator.
return coalesce(octet_length(audit_field.value)::text || ':' || audit_field.value, '-');
comment on function core.audit_field(text) is $$A field of a canonical form: length in bytes, colon, text; a dash for null.$$;
revoke all on function core.audit_field(text) from public;

create or replace function core.epoch_microseconds(instant timestamptz)
  returns bigint
  language sql
  immutable
  strict
  parallel safe
return (extract(epoch from epoch_microseconds.instant) * 1000000)::bigint;
comment on function core.epoch_microseconds(timestamptz) is $$An instant as microseconds since 1970 in UTC.$$;
revoke all on function core.epoch_microseconds(timestamptz) from public;

-- Salted, so that after an erasure nobody can find the erased values by trying likely ones.
create or replace function core.audit_payload_hash(salt bytea, key jsonb, old_values jsonb, new_values jsonb)
  returns bytea
  language sql
  stable
  parallel safe
return sha256(audit_payload_hash.salt || convert_to(
  core.audit_field(audit_payload_hash.key::text)
    || core.audit_field(audit_payload_hash.old_values::text)
    || core.audit_field(audit_payload_hash.new_values::text),
  'UTF8'
));
comment on function core.audit_payload_hash(bytea, jsonb, jsonb, jsonb) is
$$SHA-256 over salt, key, old and new values of an audit event.$$;
revoke all on function core.audit_payload_hash(bytea, jsonb, jsonb, jsonb) from public;

create or replace function core.audit_row_hash(event core.audit_log)
  returns bytea
  language sql
  stable
  parallel safe
return sha256(convert_to(
  core.audit_field((audit_row_hash.event).id::text)
    || core.audit_field(core.epoch_microseconds((audit_row_hash.event).occurred_at)::text)
    || core.audit_field((audit_row_hash.event).transaction_id::text)
    || core.audit_field((audit_row_hash.event).kind)
    || core.audit_field((audit_row_hash.event).relation)
    || core.audit_field((audit_row_hash.event).operation)
    || core.audit_field((audit_row_hash.event).actor_user_id::text)
    || core.audit_field((audit_row_hash.event).actor_session_id::text)
    || core.audit_field((audit_row_hash.event).subject_id::text)
    || core.audit_field((audit_row_hash.event).tenant_id::text)
    || core.audit_field((audit_row_hash.event).database_role)
    || core.audit_field((audit_row_hash.event).acting_role)
    || core.audit_field((audit_row_hash.event).job_id::text)
    || core.audit_field((audit_row_hash.event).request_id)
    || core.audit_field(encode((audit_row_hash.event).payload_hash, 'hex')),
  'UTF8'
));
comment on function core.audit_row_hash(core.audit_log) is
$$SHA-256 over an audit event. The payload stands in it by its own hash, so it survives when the payload is blanked.$$;
revoke all on function core.audit_row_hash(core.audit_log) from public;

create or replace function core.audit_seal_hash(seal core.audit_seals, events_hash bytea)
  returns bytea
  language sql
  stable
  parallel safe
return sha256(convert_to(
  core.audit_field((audit_seal_hash.seal).number::text)
    || core.audit_field((audit_seal_hash.seal).from_transaction::text)
    || core.audit_field((audit_seal_hash.seal).until_transaction::text)
    || core.audit_field((audit_seal_hash.seal).first_event::text)
    || core.audit_field((audit_seal_hash.seal).event_count::text)
    || core.audit_field(core.epoch_microseconds((audit_seal_hash.seal).sealed_at)::text)
    || core.audit_field(encode(audit_seal_hash.events_hash, 'hex'))
    || core.audit_field(encode((audit_seal_hash.seal).previous_hash, 'hex')),
  'UTF8'
));
comment on function core.audit_seal_hash(core.audit_seals, bytea) is
$$SHA-256 over a seal, the hash of its events' hashes one after the other, and the hash of the seal before.$$;
revoke all on function core.audit_seal_hash(core.audit_seals, bytea) from public;
--! EndIncluded core/audit_hashes.sql
--! Included core/write_audit_event.sql
-- Completes an event with who, when and on whose request, hashes it and writes it down.
-- The time is the server's real clock, never core.now(): a moved clock must not date events back. It is read when the
-- row is already locked, so that the events of one row are in order.
create or replace function core.write_audit_event(
  kind text,
  relation text,
  operation text,
  key jsonb,
  old_values jsonb,
  new_values jsonb,
  subject_id uuid,
  tenant_id uuid
)
  returns bigint
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
  v_headers jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
  v_event core.audit_log;
begin
  v_event.id := nextval('core.audit_log_id_seq');
  v_event.occurred_at := clock_timestamp();
  v_event.transaction_id := pg_current_xact_id();
  v_event.kind := write_audit_event.kind;
  v_event.relation := write_audit_event.relation;
  v_event.operation := write_audit_event.operation;
  v_event.actor_user_id := core.uuid_or_null(v_claims ->> 'sub');
  v_event.actor_session_id := core.uuid_or_null(v_claims ->> 'sid');
  v_event.subject_id := write_audit_event.subject_id;
  v_event.tenant_id := write_audit_event.tenant_id;
  -- current_user would be the owner of a definer function; the setting says who the session has become.
  v_event.database_role := session_user;
  v_event.acting_role := coalesce(nullif(current_setting('role', true), 'none'), session_user);
  -- Anybody can make up a setting; only the worker is believed.
  if session_user = 'howdah_worker' then
    v_event.job_id := substring(current_setting('howdah.job_id', true) from '^[0-9]{1,18}$')::bigint;
  end if;
  -- A client may name its request, but write nothing else into a log that is kept.
  v_event.request_id := coalesce(
    substring(v_headers ->> 'x-request-id' from '^[A-Za-z0-9._:/+=-]{1,100}$'),
    'tx-' || v_event.transaction_id
  );
  v_event.key := write_audit_event.key;
  v_event.old_values := write_audit_event.old_values;
  v_event.new_values := write_audit_event.new_values;
  v_event.salt := extensions.gen_random_bytes(16);
  v_event.payload_hash := core.audit_payload_hash(v_event.salt, v_event.key, v_event.old_values, v_event.new_values);
  v_event.row_hash := core.audit_row_hash(v_event);
  insert into core.audit_log values (v_event.*);
  return v_event.id;
end
$$;
comment on function core.write_audit_event(text, text, text, jsonb, jsonb, jsonb, uuid, uuid) is
$$Writes one event of the audit log and returns its number. Called by the audit triggers and core.record_security_event().$$;
revoke all on function core.write_audit_event(text, text, text, jsonb, jsonb, jsonb, uuid, uuid) from public;

create or replace function core.uuid_or_null(value text)
  returns uuid
  language sql
  immutable
  strict
  parallel safe
return case
  when uuid_or_null.value ~ '^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$' then uuid_or_null.value::uuid
end;
comment on function core.uuid_or_null(text) is $$A text as UUID; null when it is none.$$;
revoke all on function core.uuid_or_null(text) from public;
--! EndIncluded core/write_audit_event.sql
--! Included core/mask_secret.sql
-- Columns of class secret are never written into the log, not even as a hash that could be guessed at.
create or replace function core.secret_marker() returns text language sql immutable parallel safe
return '[secret]';
comment on function core.secret_marker() is $$What stands in the audit log in place of a secret.$$;
revoke all on function core.secret_marker() from public;

create or replace function core.mask_secret(image jsonb, column_name text)
  returns jsonb
  language sql
  immutable
  parallel safe
return case
  when mask_secret.image -> mask_secret.column_name <> 'null'
    then mask_secret.image || jsonb_build_object(mask_secret.column_name, core.secret_marker())
  else mask_secret.image
end;
comment on function core.mask_secret(jsonb, text) is $$A row image with one column replaced by the marker, where it has a value.$$;
revoke all on function core.mask_secret(jsonb, text) from public;
--! EndIncluded core/mask_secret.sql
--! Included core/audit_triggers.sql
-- What core.audit_table() hangs on a table. Arguments of the row trigger, worked out once when it is attached:
-- name of the table, columns of its key, columns of class secret, column that names the person (or nothing).
-- Row images are written under fixed settings, so that the same row gives the same text in every session.

-- security definer: nobody from outside may write the log; what is written is the row that was just changed.
create or replace function core.tg__audit_row()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set intervalstyle = 'iso_8601'
  set extra_float_digits = 1
  set bytea_output = 'hex'
as $$
declare
  v_old jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) end;
  v_new jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) end;
  v_row jsonb := coalesce(v_new, v_old);
  v_key jsonb := '{}';
  v_column text;
begin
  foreach v_column in array tg_argv[1]::text[] loop
    v_key := v_key || jsonb_build_object(v_column, coalesce(v_old, v_new) -> v_column);
  end loop;

  if tg_op = 'UPDATE' then
    -- As text: 1.0 and 1 are the same number to jsonb, but not the same value of a column.
    select
      coalesce(jsonb_object_agg(n.key, v_old -> n.key), '{}'),
      coalesce(jsonb_object_agg(n.key, n.value), '{}')
    into v_old, v_new
    from jsonb_each(v_new) as n
    where n.value::text is distinct from (v_old -> n.key)::text;
  end if;

  foreach v_column in array tg_argv[2]::text[] loop
    v_old := core.mask_secret(v_old, v_column);
    v_new := core.mask_secret(v_new, v_column);
    v_key := core.mask_secret(v_key, v_column);
  end loop;

  perform core.write_audit_event(
    'data', tg_argv[0], lower(tg_op), v_key, v_old, v_new,
    case when tg_argv[3] <> '' then (v_row ->> tg_argv[3])::uuid end,
    core.uuid_or_null(coalesce(v_row ->> 'workspace_id', v_row ->> 'organization_id'))
  );
  return null;
end
$$;
comment on function core.tg__audit_row() is $$Writes one event of the audit log for a row that was inserted, updated or deleted.$$;
revoke all on function core.tg__audit_row() from public;

-- Before, not after: partitions made later get a copy of exactly this kind of trigger (ops.create_monthly_partitions).
-- security definer: as above; truncating itself is the owner's.
create or replace function core.tg__audit_truncate()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_table regclass := coalesce(pg_partition_root(tg_relid), tg_relid);
begin
  if v_table <> tg_relid then
    -- Truncating the whole empties every partition, the parent first: that is one event.
    if exists (
      select from core.audit_log as e
      where e.transaction_id = pg_current_xact_id()
        and e.relation = v_table::text
        and e.operation = 'truncate'
        and e.new_values is null
        and e.occurred_at >= statement_timestamp()
    ) then
      return null;
    end if;
    perform core.write_audit_event(
      'data', v_table::text, 'truncate', null, null, jsonb_build_object('partition', tg_relid::regclass::text), null, null
    );
    return null;
  end if;
  perform core.write_audit_event('data', v_table::text, 'truncate', null, null, null, null, null);
  return null;
end
$$;
comment on function core.tg__audit_truncate() is $$Writes one event of the audit log for a TRUNCATE.$$;
revoke all on function core.tg__audit_truncate() from public;
--! EndIncluded core/audit_triggers.sql
--! Included core/audit_table.sql
-- A module says in its registry.sql of each table that it is audited, or why it is not. A table that nobody thought
-- about is in neither list, and the tests say so. Comes after gdpr.declare_columns: that says what is secret.
create or replace function core.audit_table(relation text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_table regclass := audit_table.relation::regclass;
  v_schema name;
  v_name name;
  v_arguments text[];
begin
  select n.nspname, c.relname into v_schema, v_name
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where c.oid = v_table;

  v_arguments := core.audit_arguments(v_table);
  if v_arguments[2] = '{}' then
    perform core.raise_error('audit_key_missing', format('The table was %s.', v_table));
  end if;

  insert into core.audited_tables as a (schema_name, table_name, is_audited, reason)
  values (v_schema, v_name, true, null)
  on conflict on constraint audited_tables_pkey do update set is_audited = true, reason = null
    where not a.is_audited;

  execute format(
    'create or replace trigger _900_audit_row after insert or update or delete on %I.%I '
      'for each row execute function core.tg__audit_row(%L, %L, %L, %L)',
    v_schema, v_name, v_arguments[1], v_arguments[2], v_arguments[3], v_arguments[4]
  );
  execute format(
    'create or replace trigger _900_audit_truncate before truncate on %I.%I '
      'for each statement execute function core.tg__audit_truncate()',
    v_schema, v_name
  );
end
$$;
comment on function core.audit_table(text) is
$$From here on every change to the table's rows, and every TRUNCATE, is an event of the audit log. Safe to repeat.

Partitions made later by ops.create_monthly_partitions() are audited as well.
Errors: audit_key_missing (400): a table without a primary key cannot be audited.$$;
revoke all on function core.audit_table(text) from public;

create or replace function core.audit_arguments(audited regclass)
  returns text[]
  language sql
  stable
begin atomic
  select array[
    format('%I.%I', n.nspname, c.relname),
    (
      select coalesce(array_agg(a.attname::text order by k.place), '{}')::text
      from pg_catalog.pg_index as i
      cross join lateral unnest(i.indkey::smallint[]) with ordinality as k (attnum, place)
      join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum = k.attnum
      where i.indrelid = c.oid and i.indisprimary
    ),
    (
      select coalesce(array_agg(p.column_name::text order by p.column_name), '{}')::text
      from gdpr.column_policies as p
      where p.schema_name = n.nspname and p.table_name = c.relname and p.class = 'secret'
    ),
    coalesce((
      -- The column itself has to hold the person's id; others lead there through a further table.
      select a.attname::text
      from pg_catalog.pg_attribute as a
      where a.attrelid = c.oid
        and a.attname = (
          select p.subject from gdpr.column_policies as p
          where p.schema_name = n.nspname and p.table_name = c.relname and p.subject is not null limit 1
        )
        and (c.oid = 'core.users'::regclass or exists (
          select from pg_catalog.pg_constraint as f
          where f.conrelid = c.oid and f.contype = 'f' and f.confrelid = 'core.users'::regclass
            and a.attnum = any (f.conkey)
        ))
    ), '')
  ]
  from pg_catalog.pg_class as c
  join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid = audit_arguments.audited;
end;
comment on function core.audit_arguments(regclass) is
$$What the audit trigger of a table is told: its name, key columns, secret columns, the column that names the person.$$;
revoke all on function core.audit_arguments(regclass) from public;

create or replace function core.declare_unaudited_table(relation text, reason text)
  returns void
  language sql
  volatile
begin atomic
  insert into core.audited_tables as a (schema_name, table_name, is_audited, reason)
  select n.nspname, c.relname, false, declare_unaudited_table.reason
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid = declare_unaudited_table.relation::regclass
  on conflict on constraint audited_tables_pkey do update set is_audited = false, reason = excluded.reason
    where (a.is_audited, a.reason) is distinct from (false, excluded.reason);
end;
comment on function core.declare_unaudited_table(text, text) is
$$Says why changes to a table are not events of the audit log. Safe to repeat.$$;
revoke all on function core.declare_unaudited_table(text, text) from public;
--! EndIncluded core/audit_table.sql
--! Included core/refuse_audit_change.sql
-- The log and its seals only grow, whoever asks: the owner and superusers are refused as well. One change is let
-- through, because the law demands it: a payload goes blank, and an event of the log says so.
create or replace function core.tg__refuse_audit_change()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_blanked core.audit_log;
begin
  if tg_op = 'UPDATE' and tg_table_name like 'audit\_log%' then
    v_blanked := old;
    v_blanked.key := null;
    v_blanked.old_values := null;
    v_blanked.new_values := null;
    v_blanked.salt := null;
    v_blanked.blanked_by := new.blanked_by;
    if old.blanked_by is null and new is not distinct from v_blanked and exists (
      select from core.audit_log as e
      where e.id = new.blanked_by
        and e.operation = 'audit_blanked'
        and e.new_values -> 'event_ids' @> to_jsonb(new.id)
    ) then
      return new;
    end if;
  end if;
  perform core.raise_error('audit_append_only', format('%s on %s.%s was refused.', tg_op, tg_table_schema, tg_table_name));
end
$$;
comment on function core.tg__refuse_audit_change() is
$$Refuses UPDATE, DELETE and TRUNCATE on the audit log and its seals; only blanking by core.blank_audit_payload() passes.

Errors: audit_append_only (403).$$;
revoke all on function core.tg__refuse_audit_change() from public;

create or replace trigger _000_refuse_change
  before update or delete on core.audit_log
  for each row execute function core.tg__refuse_audit_change();

create or replace trigger _000_refuse_truncate
  before truncate on core.audit_log
  for each statement execute function core.tg__refuse_audit_change();

create or replace trigger _000_refuse_change
  before update or delete on core.audit_seals
  for each row execute function core.tg__refuse_audit_change();

create or replace trigger _000_refuse_truncate
  before truncate on core.audit_seals
  for each statement execute function core.tg__refuse_audit_change();
--! EndIncluded core/refuse_audit_change.sql
--! Included core/record_security_event.sql
-- Events that are no change of a row: somebody came, was refused, left. Same log, same seals, a kind of their own.
create or replace function core.record_security_event(event text, user_id uuid, details jsonb default '{}')
  returns bigint
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_headers jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
begin
  return core.write_audit_event(
    'security', null, record_security_event.event, null, null,
    record_security_event.details || jsonb_strip_nulls(jsonb_build_object(
      'client_address', host(core.client_address()),
      'user_agent', left(v_headers ->> 'user-agent', 500)
    )),
    record_security_event.user_id, null
  );
end
$$;
comment on function core.record_security_event(text, uuid, jsonb) is
$$Writes an event of kind security about a user (null: nobody we know) and returns its number.

Never put a password, a token or what somebody typed as an address into the details.$$;
revoke all on function core.record_security_event(text, uuid, jsonb) from public;

-- security definer: whoever may change an account may not write the log; the event is that account's.
create or replace function core.tg_users__record_standing()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if old.role <> new.role then
    perform core.record_security_event('role_changed', new.id, jsonb_build_object('from', old.role, 'to', new.role));
  end if;
  if old.status <> new.status then
    perform core.record_security_event('status_changed', new.id, jsonb_build_object('from', old.status, 'to', new.status));
  end if;
  return null;
end
$$;
comment on function core.tg_users__record_standing() is $$A changed role or status is a security event, whoever changed it.$$;
revoke all on function core.tg_users__record_standing() from public;

create or replace trigger _500_record_standing
  after update of role, status on core.users
  for each row execute function core.tg_users__record_standing();
--! EndIncluded core/record_security_event.sql
--! Included core/blank_audit_payload.sql
-- The one door through which the log forgets, for erasure. What happened, when and by whom stays, and so do the hashes:
-- the seals still verify. Key, values and salt go, and the log says which events were blanked, when and by whom.

create or replace function core.audit_events_about(user_id uuid)
  returns setof bigint
  language sql
  stable
  strict
begin atomic
  select e.id from core.audit_log as e
  where e.subject_id = audit_events_about.user_id and e.blanked_by is null
  union
  select e.id from core.audit_log as e
  where e.actor_user_id = audit_events_about.user_id and e.actor_user_id is distinct from e.subject_id
    and e.blanked_by is null and e.kind = 'security';
end;
comment on function core.audit_events_about(uuid) is
$$Numbers of the events whose payload is about a person and not yet blank: their rows, and security events of theirs.$$;
revoke all on function core.audit_events_about(uuid) from public;

create or replace function core.blank_audit_payload(event_ids bigint[])
  returns bigint
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_event_ids bigint[];
  v_by bigint;
begin
  -- In order, so that two erasures that meet wait for each other instead of locking up.
  select array_agg(locked.id order by locked.id) into v_event_ids
  from (
    select e.id from core.audit_log as e
    where e.id = any (blank_audit_payload.event_ids) and e.blanked_by is null and e.operation <> 'audit_blanked'
    order by e.id
    for update
  ) as locked;
  if v_event_ids is null then
    return 0;
  end if;
  v_by := core.record_security_event('audit_blanked', null, jsonb_build_object('event_ids', to_jsonb(v_event_ids)));
  update core.audit_log as e
  set key = null, old_values = null, new_values = null, salt = null, blanked_by = v_by
  where e.id = any (v_event_ids);
  return cardinality(v_event_ids);
end
$$;
comment on function core.blank_audit_payload(bigint[]) is
$$Blanks key, values and salt of these events, and returns how many were not blank yet. Cannot be undone. Safe to repeat.

Usage: select core.blank_audit_payload(array(select core.audit_events_about(user_id))). ops.verify_audit() still says ok.$$;
revoke all on function core.blank_audit_payload(bigint[]) from public;
--! EndIncluded core/blank_audit_payload.sql
--! Included core/seal_audit.sql
-- A seal covers every event of the transactions from where the seal before ended up to the oldest one still running.
-- All of those are over: none can write any more, so an event that turns up later among them was put there. Writers
-- never wait, and the seal learns about them only when they are done.
-- security definer: the worker may not write seals by right; what a seal says follows from the log.
create or replace function core.seal_audit()
  returns setof core.audit_seals
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_last core.audit_seals;
  v_seal core.audit_seals;
  v_events_hash bytea;
begin
  -- Somebody else is at it: their seal is as good as ours.
  if not pg_try_advisory_xact_lock(hashtextextended('howdah:seal_audit', 0)) then
    return;
  end if;
  select s.* into v_last from core.audit_seals as s order by s.number desc limit 1;
  v_seal.number := coalesce(v_last.number, 0) + 1;
  v_seal.from_transaction := coalesce(v_last.until_transaction, '0'::xid8);
  v_seal.until_transaction := pg_snapshot_xmin(pg_current_snapshot());
  v_seal.first_event := coalesce(v_last.first_event + v_last.event_count, 1);
  v_seal.previous_hash := coalesce(v_last.hash, decode(repeat('00', 32), 'hex'));
  v_seal.sealed_at := clock_timestamp();
  if v_seal.until_transaction < v_seal.from_transaction then
    perform core.raise_error('audit_transactions_restarted',
      format('Seal %s ends at transaction %s, and this server is at %s.',
        v_last.number, v_last.until_transaction, v_seal.until_transaction));
  end if;

  select count(*), sha256(string_agg(e.row_hash, ''::bytea order by e.transaction_id, e.id))
  into v_seal.event_count, v_events_hash
  from core.audit_log as e
  where e.transaction_id >= v_seal.from_transaction and e.transaction_id < v_seal.until_transaction;
  if v_seal.event_count = 0 then
    return;
  end if;
  v_seal.hash := core.audit_seal_hash(v_seal, v_events_hash);
  insert into core.audit_seals values (v_seal.*);
  return next v_seal;
end
$$;
comment on function core.seal_audit() is
$$Seals what has been written since the last seal; answers with the new seal, or with nothing where there was nothing to do.

Safe to repeat and to call from several sessions. A transaction that stays open holds back what came after it.
Errors: audit_transactions_restarted (409): the data were loaded into a new server by a dump.$$;
revoke all on function core.seal_audit() from public;
grant execute on function core.seal_audit() to howdah_worker;

-- security definer: the worker reads no table of core by right; numbers and hashes tell nothing about anybody.
create or replace function core.list_audit_seals(after_number bigint default 0, seal_limit integer default 1000)
  returns table (seal bigint, hash text, last_event bigint, sealed_at timestamptz)
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select s.number, encode(s.hash, 'hex'), s.first_event + s.event_count - 1, s.sealed_at
  from core.audit_seals as s
  where s.number > list_audit_seals.after_number
  order by s.number
  limit list_audit_seals.seal_limit
$$;
comment on function core.list_audit_seals(bigint, integer) is
$$Seals after a number, oldest first, as they are copied to a place outside the database.$$;
revoke all on function core.list_audit_seals(bigint, integer) from public;
grant execute on function core.list_audit_seals(bigint, integer) to howdah_worker;
--! EndIncluded core/seal_audit.sql
--! Included core/take_attempt.sql
-- Counts before the costly check, in one statement: a hundred wrong guesses at once count a hundred times.
-- A bucket is a keyed hash: the table names nobody, and without the key an address cannot be looked up in it.
create or replace function private.attempt_bucket(purpose text, subject text)
  returns bytea
  language sql
  stable
  strict
return extensions.hmac(
  attempt_bucket.purpose || ':' || attempt_bucket.subject, private.secret('attempt_key'), 'sha256'
);
comment on function private.attempt_bucket(text, text) is $$The key of a counter of attempts.$$;
revoke all on function private.attempt_bucket(text, text) from public;

create or replace function private.take_attempt(bucket bytea, attempt_limit integer, attempt_window interval)
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
  v_started_at timestamptz;
begin
  insert into private.attempts as a (bucket, attempt_count, window_started_at)
  values (take_attempt.bucket, 1, core.now())
  on conflict on constraint attempts_pkey do update set
    attempt_count = case
      when a.window_started_at <= core.now() - attempt_window then 1
      else a.attempt_count + 1
    end,
    window_started_at = case
      when a.window_started_at <= core.now() - attempt_window then core.now()
      else a.window_started_at
    end
  returning attempt_count, window_started_at into v_count, v_started_at;

  if v_count <= attempt_limit then
    return 0;
  end if;
  return greatest(1, ceil(extract(epoch from v_started_at + attempt_window - core.now())))::integer;
end
$$;
comment on function private.take_attempt(bytea, integer, interval) is
$$Counts an attempt. 0: go ahead; otherwise the seconds until the window ends.$$;
revoke all on function private.take_attempt(bytea, integer, interval) from public;

create or replace function private.give_back_attempt(bucket bytea)
  returns void
  language sql
  volatile
begin atomic
  update private.attempts as a
  set attempt_count = greatest(a.attempt_count - 1, 0)
  where a.bucket = give_back_attempt.bucket;
end;
comment on function private.give_back_attempt(bytea) is $$Takes back an attempt that turned out to be a success.$$;
revoke all on function private.give_back_attempt(bytea) from public;
--! EndIncluded core/take_attempt.sql
--! Included core/session_lifetimes.sql
-- How long things live, each with its reason.

create or replace function core.access_token_ttl() returns interval language sql immutable parallel safe
return interval '15 minutes';
comment on function core.access_token_ttl() is
$$Lifetime of an access token: short, because whoever steals one has it for that long at most.$$;
revoke all on function core.access_token_ttl() from public;

create or replace function core.session_idle_ttl() returns interval language sql immutable parallel safe
return interval '30 days';
comment on function core.session_idle_ttl() is $$A session not refreshed for this long has ended.$$;
revoke all on function core.session_idle_ttl() from public;

create or replace function core.session_absolute_ttl() returns interval language sql immutable parallel safe
return interval '180 days';
comment on function core.session_absolute_ttl() is $$After this long a password is asked for again, however active the session.$$;
revoke all on function core.session_absolute_ttl() from public;

create or replace function core.refresh_reuse_window() returns interval language sql immutable parallel safe
return interval '10 seconds';
comment on function core.refresh_reuse_window() is
$$For this long a traded-in refresh token still answers with its successor: answers get lost, tabs race.$$;
revoke all on function core.refresh_reuse_window() from public;
--! EndIncluded core/session_lifetimes.sql
--! Included core/hash_password.sql
-- bcrypt, because pgcrypto brings it to every Postgres; the cost is a setting.
create or replace function private.hash_password(password text)
  returns text
  language sql
  volatile
  strict
return extensions.crypt(
  hash_password.password,
  extensions.gen_salt('bf', (core.setting('password_hash_cost') #>> '{}')::integer)
);
comment on function private.hash_password(text) is
$$A bcrypt hash. Source: OWASP ASVS 5.0 appendix C asks for cost 10 or more; the default is 11 (about 85 ms).$$;
revoke all on function private.hash_password(text) from public;

-- Takes the same time for an account that does not exist: it hashes all the same, then says no.
create or replace function private.is_password(password text, password_hash text)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if is_password.password_hash is null or octet_length(is_password.password) > 72 then
    perform private.hash_password(left(is_password.password, 72));
    return false;
  end if;
  return extensions.crypt(is_password.password, is_password.password_hash) = is_password.password_hash;
end
$$;
comment on function private.is_password(text, text) is
$$Whether a password belongs to a hash; false for a missing hash, in the same time.$$;
revoke all on function private.is_password(text, text) from public;
--! EndIncluded core/hash_password.sql
--! Included core/require_password.sql
-- What may become a password. No rules on composition; bcrypt's 72 bytes are a wall, not a silent cut.
create or replace function private.require_password(password text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if char_length(coalesce(require_password.password, '')) < 8 then
    perform core.raise_error('password_too_short',
      format('The password has %s characters.', char_length(coalesce(require_password.password, ''))));
  end if;
  if octet_length(require_password.password) > 72 then
    perform core.raise_error('password_too_long',
      format('The password has %s bytes in UTF-8.', octet_length(require_password.password)));
  end if;
end
$$;
comment on function private.require_password(text) is
$$Refuses what must not become a password. Errors: password_too_short (400), password_too_long (400).$$;
revoke all on function private.require_password(text) from public;
--! EndIncluded core/require_password.sql
--! Included core/take_address_attempt.sql
-- A brake on guessing from one place. The answer to a success gives the attempt back.

-- Whoever has one IPv6 address has 2^64 of them: a whole /64 counts as one. Source: RFC 6177.
create or replace function private.address_bucket()
  returns bytea
  language sql
  stable
return (
  select private.attempt_bucket('address', host(case
    when family(a.address) = 4 then a.address
    -- A proxy that listens on both writes IPv4 like this; as a /64 all of IPv4 would be one place.
    when a.address <<= inet '::ffff:0:0/96' then inet '0.0.0.0' + (a.address - inet '::ffff:0:0')
    else network(set_masklen(a.address, 64))
  end))
  from (select core.client_address()) as a (address)
);
comment on function private.address_bucket() is
$$The counter of the caller's address, or of the /64 around it; null where the address is unknown.$$;
revoke all on function private.address_bucket() from public;

create or replace function private.take_address_attempt()
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Without a proxy that tells addresses apart there is nothing to count by; one bucket for all would lock out all.
  if core.client_address() is null then
    return 0;
  end if;
  return private.take_attempt(private.address_bucket(), 30, interval '5 minutes');
end
$$;
comment on function private.take_address_attempt() is
$$Counts an attempt of the caller's address: 30 in 5 minutes. 0: go ahead; otherwise seconds to wait.$$;
revoke all on function private.take_address_attempt() from public;
--! EndIncluded core/take_address_attempt.sql
--! Included core/sign_jwt.sql
-- HS256 in SQL: the same secret as PostgREST's, readable by definer functions only.
create or replace function private.sign_jwt(claims jsonb)
  returns text
  language plpgsql
  stable
  strict
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_secret text := private.secret('jwt_secret');
  v_signed text := core.base64url(convert_to('{"alg":"HS256","typ":"JWT"}', 'utf8'))
    || '.' || core.base64url(convert_to(sign_jwt.claims::text, 'utf8'));
begin
  -- PostgREST starts with a short secret and then validates nothing; better to fail here, loudly.
  if v_secret is null or octet_length(v_secret) < 32 then
    raise exception 'the secret jwt_secret is missing or shorter than 32 bytes'
      using hint = 'Set it with select private.set_secret(''jwt_secret'', …) to the value PostgREST has.';
  end if;
  return v_signed || '.' || core.base64url(
    extensions.hmac(convert_to(v_signed, 'utf8'), convert_to(v_secret, 'utf8'), 'sha256')
  );
end
$$;
comment on function private.sign_jwt(jsonb) is $$A signed JSON Web Token (HS256). Source: RFC 7515.$$;
revoke all on function private.sign_jwt(jsonb) from public;
--! EndIncluded core/sign_jwt.sql
--! Included core/session_answer_schema.sql
-- The shape that sign_up, sign_in and refresh_session answer with; the SDK prints its validator from it.
create or replace function core.session_answer_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["access_token", "token_type", "expires_in", "refresh_token", "user"],
  "properties": {
    "access_token": {"type": "string"},
    "token_type": {"type": "string", "const": "bearer"},
    "expires_in": {"type": "integer", "minimum": 1, "description": "Seconds until the access token expires."},
    "refresh_token": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
    "user": {
      "type": "object",
      "additionalProperties": false,
      "required": ["id", "email", "display_name", "timezone", "locale", "role"],
      "properties": {
        "id": {"type": "string", "format": "uuid"},
        "email": {"type": "string"},
        "display_name": {"type": ["string", "null"]},
        "timezone": {"type": "string"},
        "locale": {"type": "string"},
        "role": {"type": "string", "enum": ["user", "admin"]}
      }
    }
  }
}'::jsonb;
comment on function core.session_answer_schema() is $$JSON Schema of what sign_up, sign_in and refresh_session answer.$$;
revoke all on function core.session_answer_schema() from public;
--! EndIncluded core/session_answer_schema.sql
--! Included core/session_answer.sql
-- Access token, refresh token and user, as clients keep them.
create or replace function private.session_answer(session_id uuid, refresh_token bytea)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user core.users;
  v_lifetime_seconds integer := extract(epoch from core.access_token_ttl())::integer;
  -- Not core.now(): PostgREST compares these with the real clock.
  v_issued_at bigint := extract(epoch from now())::bigint;
begin
  select u.* into strict v_user
  from core.sessions as s join core.users as u on u.id = s.user_id
  where s.id = session_answer.session_id;

  return jsonb_build_object(
    'access_token', private.sign_jwt(jsonb_build_object(
      'iss', core.setting('jwt_issuer'),
      'aud', core.setting('jwt_audience'),
      'sub', v_user.id,
      'role', 'howdah_' || v_user.role,
      'sid', session_answer.session_id,
      'iat', v_issued_at,
      'exp', v_issued_at + v_lifetime_seconds
    )),
    'token_type', 'bearer',
    'expires_in', v_lifetime_seconds,
    'refresh_token', core.base64url(session_answer.refresh_token),
    'user', jsonb_build_object(
      'id', v_user.id,
      'email', v_user.email,
      'display_name', v_user.display_name,
      'timezone', v_user.timezone,
      'locale', v_user.locale,
      'role', v_user.role
    )
  );
end
$$;
comment on function private.session_answer(uuid, bytea) is
$$What a client gets for a session: a fresh access token, the given refresh token, the user.$$;
revoke all on function private.session_answer(uuid, bytea) from public;
--! EndIncluded core/session_answer.sql
--! Included core/one_time_token_ttl.sql
-- How long the links in our mails work, each with its reason.
create or replace function core.one_time_token_ttl(purpose text)
  returns interval
  language sql
  immutable
  parallel safe
return case one_time_token_ttl.purpose
  -- Whoever opens it takes the account over, so it lives no longer than reading a mail takes.
  when 'reset_password' then interval '10 minutes'
  -- These prove a mailbox and open nothing by themselves; mails are read the next morning.
  when 'sign_up' then interval '24 hours'
  when 'verify_email' then interval '24 hours'
  -- Moves an account to another mailbox: long enough to walk over to it.
  when 'change_email' then interval '1 hour'
end;
comment on function core.one_time_token_ttl(text) is
$$Lifetime of a one-time token: reset_password 10 minutes, change_email an hour, sign_up and verify_email 24 hours.

Source: OWASP ASVS 5.0, 6.5.5 asks for 10 minutes at most where a code alone lets someone in.$$;
revoke all on function core.one_time_token_ttl(text) from public;
--! EndIncluded core/one_time_token_ttl.sql
--! Included core/issue_one_time_token.sql
-- Makes the secret of a mail's link. It exists in the answer only: the table keeps its SHA-256, no job carries it.
create or replace function private.issue_one_time_token(
  purpose text,
  user_id uuid,
  sign_up_request_id uuid,
  email text
)
  returns text
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_token bytea := extensions.gen_random_bytes(32);
begin
  -- Two issued at once queue up here; the later one voids the earlier.
  perform pg_advisory_xact_lock(hashtextextended(
    'howdah:one_time_token:' || purpose || ':' || coalesce(issue_one_time_token.user_id::text, core.email_key(email)), 0
  ));
  delete from private.one_time_tokens as t
  where t.user_id = issue_one_time_token.user_id
    and t.purpose = issue_one_time_token.purpose
    and t.used_at is null;
  -- Earlier sign-ups of the same address go with their passwords, and their tokens with them.
  delete from private.sign_up_requests as r
  where issue_one_time_token.sign_up_request_id is not null
    and r.email_key = core.email_key(issue_one_time_token.email)
    and r.id <> issue_one_time_token.sign_up_request_id;

  insert into private.one_time_tokens (
    token_hash, purpose, user_id, sign_up_request_id, email, created_at, expires_at
  )
  values (
    sha256(v_token),
    issue_one_time_token.purpose,
    issue_one_time_token.user_id,
    issue_one_time_token.sign_up_request_id,
    issue_one_time_token.email,
    core.now(),
    core.now() + core.one_time_token_ttl(issue_one_time_token.purpose)
  );
  return core.base64url(v_token);
end
$$;
comment on function private.issue_one_time_token(text, uuid, uuid, text) is
$$A new one-time token (256 random bits, base64url), bound to an account or a sign-up and to an address.

Earlier ones of the same account and purpose, or of the same address signing up, are void from here on.$$;
revoke all on function private.issue_one_time_token(text, uuid, uuid, text) from public;
--! EndIncluded core/issue_one_time_token.sql
--! Included core/redeem_one_time_token.sql
-- A link works once. The update is the lock: of many redemptions at once, one finds the row unused.
create or replace function private.redeem_one_time_token(token text, purposes text[])
  returns private.one_time_tokens
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_token private.one_time_tokens;
begin
  update private.one_time_tokens as t
  set used_at = core.now()
  where t.token_hash = sha256(core.base64url_decode(redeem_one_time_token.token))
    and t.purpose = any (redeem_one_time_token.purposes)
    and t.used_at is null
    and t.expires_at > core.now()
    and (t.user_id is null or exists (
      select from core.users as u
      where u.id = t.user_id
        and u.status = 'active'
        and u.deleted_at is null
        -- The address it was mailed to is still the account's; only a change of address goes to another one.
        and (t.purpose = 'change_email' or u.email = t.email)
    ))
  returning t.* into v_token;
  if v_token.token_hash is null then
    perform core.raise_error('link_invalid', 'The token is unknown, expired, used, or a newer one has been sent.');
  end if;
  return v_token;
end
$$;
comment on function private.redeem_one_time_token(text, text[]) is
$$Uses up a one-time token of one of these purposes and returns its row.

Errors: link_invalid (400).$$;
revoke all on function private.redeem_one_time_token(text, text[]) from public;
--! EndIncluded core/redeem_one_time_token.sql
--! Included core/mail_queued_schema.sql
-- One answer for all requests that a mail decides.
create or replace function core.mail_queued_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["status"],
  "properties": {
    "status": {"type": "string", "const": "mail_queued", "description": "If there is somebody to write to, a mail is on its way."}
  }
}'::jsonb;
comment on function core.mail_queued_schema() is $$JSON Schema of the answer to a request that a mail decides.$$;
revoke all on function core.mail_queued_schema() from public;

create or replace function private.mail_queued()
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform set_config('response.status', '202', true);
  return '{"status": "mail_queued"}'::jsonb;
end
$$;
comment on function private.mail_queued() is $$The answer to a request that a mail decides: 202, taken but not done.$$;
revoke all on function private.mail_queued() from public;
--! EndIncluded core/mail_queued_schema.sql
--! Included core/queue_mail.sql
-- Puts a mail into the outbox. Does not look the address up: what is asked for with an address nobody has costs
-- the same as with one somebody has. Who gets it is decided when it is sent (core.begin_mail).
create or replace function private.queue_mail(
  kind text,
  user_id uuid default null,
  recipient text default null,
  session_id uuid default null,
  sign_up_request_id uuid default null
)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_mail_id uuid;
begin
  insert into core.mails (kind, user_id, recipient, session_id, sign_up_request_id, created_at, updated_at)
  values (
    queue_mail.kind, queue_mail.user_id, queue_mail.recipient, queue_mail.session_id, queue_mail.sign_up_request_id,
    core.now(), core.now()
  )
  returning id into v_mail_id;
  perform core.enqueue_job('core/send_mail', jsonb_build_object('mail_id', v_mail_id));
end
$$;
comment on function private.queue_mail(text, uuid, text, uuid, uuid) is
$$Queues a mail of a kind. Without a recipient it goes to the account's own address.$$;
revoke all on function private.queue_mail(text, uuid, text, uuid, uuid) from public;

-- The answer of everything that a mail decides: the same whether or not there is somebody to write to.
create or replace function private.take_mail_attempt(purpose text, address text)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_wait_seconds integer := greatest(
    private.take_address_attempt(),
    private.take_attempt(
      private.attempt_bucket('mail:' || purpose, core.email_key(address)), core.mails_per_hour(), interval '1 hour'
    )
  );
begin
  if v_wait_seconds > 0 then
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;
  return null;
end
$$;
comment on function private.take_mail_attempt(text, text) is
$$Counts a request for a mail to an address: null to go ahead, else the refusal to answer with.$$;
revoke all on function private.take_mail_attempt(text, text) from public;

create or replace function core.mails_per_hour() returns integer language sql immutable parallel safe
return 5;
comment on function core.mails_per_hour() is
$$So many mails of one kind an address gets on request in an hour: nobody's mailbox is flooded through us.$$;
revoke all on function core.mails_per_hour() from public;
--! EndIncluded core/queue_mail.sql
--! Included core/begin_mail.sql
-- The worker's first step with a mail: decides who gets it, makes the link's secret and hands both over, once.
-- From here to core.finish_mail() the mail is "sending". Found in that state again, its worker has died on the way:
-- nobody knows whether it went out, so it becomes "unknown" and is never sent a second time.
-- security definer: the worker reads no account and no token; it gets what one waiting mail needs, nothing else.
create or replace function core.begin_mail(mail_id uuid)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_mail core.mails;
  v_user core.users;
  v_request private.sign_up_requests;
  v_session core.sessions;
begin
  select m.* into v_mail from core.mails as m where m.id = begin_mail.mail_id for update;
  if v_mail.state = 'sending' then
    update core.mails as m set state = 'unknown', finished_at = core.now() where m.id = v_mail.id;
    return null;
  elsif v_mail.state is distinct from 'waiting' then
    return null;
  end if;

  if v_mail.kind = 'sign_up' then
    select r.* into v_request from private.sign_up_requests as r where r.id = v_mail.sign_up_request_id;
    v_mail.recipient := v_request.email;
  end if;

  -- Who is it for? The account the mail names, or the one that has the address somebody typed.
  select u.* into v_user
  from core.users as u
  where case
    when v_mail.kind = 'change_email' and exists (
      select from core.users as o where o.email_key = core.email_key(v_mail.recipient) and o.id <> v_mail.user_id
    ) then u.email_key = core.email_key(v_mail.recipient)
    when v_mail.user_id is not null then u.id = v_mail.user_id
    else u.email_key = core.email_key(v_mail.recipient)
  end;
  -- An address that is taken: its owner is told, in place of whoever wanted it.
  if v_user.id is not null and (
    v_mail.kind = 'sign_up' or (v_mail.kind = 'change_email' and v_user.id <> v_mail.user_id)
  ) then
    v_mail.kind := 'account_exists';
  end if;
  -- The stored address, not the typed one; only these two go to an address that is not, or no longer, the account's.
  if v_mail.kind not in ('sign_up', 'change_email', 'email_changed') then
    v_mail.recipient := v_user.email;
  end if;

  if (v_user.id is null and v_request.id is null)
    or v_mail.recipient is null
    or v_user.status <> 'active'
    or v_user.deleted_at is not null
    or (v_mail.kind = 'verify_email' and v_user.email_verified_at is not null)
  then
    update core.mails as m
    set state = 'skipped', recipient = null, finished_at = core.now()
    where m.id = v_mail.id;
    delete from private.sign_up_requests as r where r.id = v_request.id;
    return null;
  end if;

  update core.mails as m
  set state = 'sending', started_at = core.now(), kind = v_mail.kind, user_id = v_user.id, recipient = v_mail.recipient
  where m.id = v_mail.id;
  if v_mail.kind = 'account_exists' then
    delete from private.sign_up_requests as r where r.id = v_request.id;
  end if;
  select s.* into v_session from core.sessions as s where s.id = v_mail.session_id;

  return jsonb_build_object(
    'kind', v_mail.kind,
    'recipient', v_mail.recipient,
    'locale', coalesce(v_user.locale, v_request.locale),
    'token', case when core.one_time_token_ttl(v_mail.kind) is not null then
      private.issue_one_time_token(v_mail.kind, v_user.id, v_request.id, v_mail.recipient)
    end,
    'device', case when v_session.id is not null then jsonb_build_object(
      'name', coalesce(v_session.device_name, v_session.user_agent),
      'address', host(v_session.client_address),
      'signed_in_at', to_char(v_session.created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')
    ) end,
    'app_name', core.setting('app_name'),
    'app_url', core.setting('app_url'),
    'sender', core.setting('mail_sender')
  );
end
$$;
comment on function core.begin_mail(uuid) is
$$Takes a waiting mail for sending and returns what it needs, the link's token included; null when there is nothing to send.

The token is made here, returned, and kept nowhere but as a hash. Called for a mail already being sent, it notes that
its fate is unknown.$$;
revoke all on function core.begin_mail(uuid) from public;
grant execute on function core.begin_mail(uuid) to howdah_worker;
--! EndIncluded core/begin_mail.sql
--! Included core/finish_mail.sql
-- The worker's last step with a mail: what became of it.
-- security definer: the worker writes no table by right; only a mail that is being sent can change here.
create or replace function core.finish_mail(mail_id uuid, state text, error text default null)
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update core.mails as m
  set
    state = finish_mail.state,
    last_error = left(finish_mail.error, 500),
    finished_at = case when finish_mail.state <> 'waiting' then core.now() end
  where m.id = finish_mail.mail_id and m.state = 'sending';
  return found;
end
$$;
comment on function core.finish_mail(uuid, text, text) is
$$Notes that a mail was sent, failed for good, may or may not have gone out (unknown), or certainly did not (waiting again).

Answers whether the mail was being sent.$$;
revoke all on function core.finish_mail(uuid, text, text) from public;
grant execute on function core.finish_mail(uuid, text, text) to howdah_worker;
--! EndIncluded core/finish_mail.sql
--! Included core/clean_up_mails.sql
-- Addresses and tokens are kept no longer than they serve.
-- security definer: the worker writes no table by right; what is deleted is fixed here.
create or replace function core.clean_up_mails()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted_count integer;
begin
  delete from core.mails as m where m.finished_at is not null and m.created_at < core.now() - interval '30 days';
  get diagnostics v_deleted_count = row_count;
  delete from private.one_time_tokens as t where t.expires_at < core.now() - interval '1 day';
  -- Twice the life of its token: a mail that waits for a mail server still finds it.
  delete from private.sign_up_requests as r
  where r.created_at < core.now() - 2 * core.one_time_token_ttl('sign_up');
  return v_deleted_count;
end
$$;
comment on function core.clean_up_mails() is
$$Deletes mails older than 30 days, tokens that expired a day ago and sign-ups nobody confirmed; returns how many mails.

Safe to repeat.$$;
revoke all on function core.clean_up_mails() from public;
grant execute on function core.clean_up_mails() to howdah_worker;
--! EndIncluded core/clean_up_mails.sql
--! Included core/sessions_ended_schema.sql
-- What everything answers that ends several sessions at once.
create or replace function core.sessions_ended_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["ended_session_count"],
  "properties": {"ended_session_count": {"type": "integer", "minimum": 0}}
}'::jsonb;
comment on function core.sessions_ended_schema() is $$JSON Schema of the answer to what ends sessions.$$;
revoke all on function core.sessions_ended_schema() from public;
--! EndIncluded core/sessions_ended_schema.sql
--! Included core/end_sessions.sql
-- Ends an account's sessions, all or all but one, for one of the reasons that core.sessions knows.
create or replace function private.end_sessions(user_id uuid, reason text, except_session_id uuid default null)
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_ended_count integer;
begin
  update core.sessions as s
  set revoked_at = core.now(), revoked_reason = end_sessions.reason
  where s.user_id = end_sessions.user_id
    and s.id is distinct from end_sessions.except_session_id
    and s.revoked_at is null
    and s.expires_at > core.now();
  get diagnostics v_ended_count = row_count;
  return v_ended_count;
end
$$;
comment on function private.end_sessions(uuid, text, uuid) is
$$Ends living sessions of an account and returns how many; their access tokens are refused from the next request on.$$;
revoke all on function private.end_sessions(uuid, text, uuid) from public;
--! EndIncluded core/end_sessions.sql
--! Included core/reauthenticate.sql
-- Some acts ask for the password again, so that a stolen token is not enough. Guesses are counted like sign-ins.
create or replace function private.reauthenticate(password text)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_bucket bytea := private.attempt_bucket('reauthenticate', v_user_id::text);
  v_wait_seconds integer;
  v_password_hash text;
begin
  v_wait_seconds := greatest(
    private.take_address_attempt(),
    private.take_attempt(v_bucket, 10, interval '15 minutes')
  );
  if v_wait_seconds > 0 then
    perform core.record_security_event('reauthentication_failed', v_user_id, jsonb_build_object('reason', 'too_many_attempts'));
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;
  select p.password_hash into v_password_hash from private.passwords as p where p.user_id = v_user_id;
  if not private.is_password(coalesce(reauthenticate.password, ''), v_password_hash) then
    perform core.record_security_event('reauthentication_failed', v_user_id, jsonb_build_object('reason', 'password_wrong'));
    -- As a result, not raised: the attempt has to stay counted.
    return core.error_response('password_wrong');
  end if;
  perform private.give_back_attempt(v_bucket);
  perform private.give_back_attempt(private.address_bucket());
  return null;
end
$$;
comment on function private.reauthenticate(text) is
$$Checks the caller's password: null when it is right, else the refusal to answer with.

Errors: not_signed_in (401), password_wrong (403), too_many_attempts (429).$$;
revoke all on function private.reauthenticate(text) from public;
--! EndIncluded core/reauthenticate.sql
--! Included core/require_profile.sql
-- What a profile may hold; one key for each thing that can be wrong. Null is always fine here: nothing was said.
create or replace function private.require_profile(
  display_name text,
  full_name text,
  avatar_url text,
  timezone text,
  locale text
)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if char_length(require_profile.display_name) not between 1 and 80 then
    perform core.raise_error('display_name_invalid',
      format('The display name sent has %s characters.', char_length(require_profile.display_name)));
  end if;
  if char_length(require_profile.full_name) not between 1 and 200 then
    perform core.raise_error('full_name_invalid',
      format('The full name sent has %s characters.', char_length(require_profile.full_name)));
  end if;
  if require_profile.avatar_url !~ '^https://[^[:space:][:cntrl:]]+$' or char_length(require_profile.avatar_url) > 2000 then
    perform core.raise_error('avatar_url_invalid',
      format('The address sent was %s.', to_json(left(require_profile.avatar_url, 80))));
  end if;
  if require_profile.timezone is not null and not coalesce(core.is_time_zone(require_profile.timezone), false) then
    perform core.raise_error('timezone_invalid',
      format('The time zone sent was %s.', to_json(left(require_profile.timezone, 80))));
  end if;
  if require_profile.locale !~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$' then
    perform core.raise_error('locale_invalid',
      format('The locale sent was %s.', to_json(left(require_profile.locale, 80))));
  end if;
end
$$;
comment on function private.require_profile(text, text, text, text, text) is
$$Refuses what a profile cannot hold.

Errors: display_name_invalid (400), full_name_invalid (400), avatar_url_invalid (400), timezone_invalid (400),
locale_invalid (400).$$;
revoke all on function private.require_profile(text, text, text, text, text) from public;
--! EndIncluded core/require_profile.sql
--! Included core/notify_of_new_device.sql
-- "Was that you?" For accounts whose mailbox is proven; the first session of all is no news to anybody.
create or replace function private.notify_of_new_device(session_id uuid)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_session core.sessions;
begin
  select s.* into v_session
  from core.sessions as s join core.users as u on u.id = s.user_id
  where s.id = notify_of_new_device.session_id and u.email_verified_at is not null;
  if v_session.id is not null
    and exists (select from core.sessions as s where s.user_id = v_session.user_id and s.id <> v_session.id)
    and not exists (
      select from core.sessions as s
      where s.user_id = v_session.user_id
        and s.id <> v_session.id
        -- A client that names its device is known by that name, any other by its program.
        and case
          when v_session.device_fingerprint is not null then s.device_fingerprint = v_session.device_fingerprint
          else s.user_agent is not distinct from v_session.user_agent
        end
    )
  then
    perform private.queue_mail('new_device', v_session.user_id, session_id => v_session.id);
  end if;
end
$$;
comment on function private.notify_of_new_device(uuid) is
$$Queues a notice when a session begins on a device that the account was never used on in the last months.$$;
revoke all on function private.notify_of_new_device(uuid) from public;
--! EndIncluded core/notify_of_new_device.sql
--! Included core/start_session.sql
-- A new session with its first refresh token.
create or replace function private.start_session(user_id uuid, device_fingerprint text, device_name text)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_session_id uuid;
  v_refresh_token bytea := extensions.gen_random_bytes(32);
  v_headers jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
begin
  insert into core.sessions (
    user_id, device_fingerprint, device_name, user_agent, client_address, created_at, refreshed_at, expires_at
  )
  values (
    start_session.user_id,
    start_session.device_fingerprint,
    start_session.device_name,
    left(v_headers ->> 'user-agent', 500),
    core.client_address(),
    core.now(),
    core.now(),
    core.now() + core.session_idle_ttl()
  )
  returning id into v_session_id;

  insert into private.refresh_tokens (token_hash, session_id, created_at)
  values (sha256(v_refresh_token), v_session_id, core.now());

  perform private.notify_of_new_device(v_session_id);
  perform core.record_security_event('sign_in', start_session.user_id, jsonb_build_object('session_id', v_session_id));
  return private.session_answer(v_session_id, v_refresh_token);
end
$$;
comment on function private.start_session(uuid, text, text) is $$Opens a session for a user and answers with its tokens.$$;
revoke all on function private.start_session(uuid, text, text) from public;

create or replace function private.require_device(device_fingerprint text, device_name text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if char_length(require_device.device_fingerprint) not between 8 and 200 then
    perform core.raise_error('device_invalid', 'device_fingerprint must have 8 to 200 characters.');
  end if;
  if char_length(require_device.device_name) not between 1 and 120 then
    perform core.raise_error('device_invalid', 'device_name must have 1 to 120 characters.');
  end if;
end
$$;
comment on function private.require_device(text, text) is
$$Refuses device texts that a session cannot hold. Errors: device_invalid (400).$$;
revoke all on function private.require_device(text, text) from public;
--! EndIncluded core/start_session.sql
--! Included core/check_request.sql
-- PostgREST calls this before every request (db-pre-request). PostgREST alone accepts a signed token without
-- exp, aud or role, and one that expired up to 30 seconds ago; here only our complete tokens of living sessions pass.
-- security definer: borrows the right to read core.sessions and core.users; reads one row, by the signed ids only.
create or replace function core.check_request()
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_claims jsonb := nullif(current_setting('request.jwt.claims', true), '')::jsonb;
  v_role text := current_setting('role', true);
  v_expires_at timestamptz;
  v_issued_at timestamptz;
begin
  if v_role = 'howdah_anon' and coalesce(v_claims - 'role', '{}') = '{}' then
    return;
  end if;

  if v_role not in ('howdah_user', 'howdah_admin')
    or v_claims ->> 'role' is distinct from v_role
    or v_claims -> 'iss' is distinct from core.setting('jwt_issuer')
    or v_claims -> 'aud' is distinct from core.setting('jwt_audience')
    or jsonb_typeof(v_claims -> 'iat') is distinct from 'number'
    or jsonb_typeof(v_claims -> 'exp') is distinct from 'number'
    or coalesce(v_claims ->> 'sub', '') !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    or coalesce(v_claims ->> 'sid', '') !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    -- Larger numbers are no instants, and to_timestamp() would fail on them.
    or (v_claims ->> 'exp')::numeric not between 0 and 253402300799
    or (v_claims ->> 'iat')::numeric not between 0 and 253402300799
  then
    perform core.raise_error('token_incomplete', 'A claim is missing, or not as this API writes it.');
  end if;

  v_issued_at := to_timestamp((v_claims ->> 'iat')::numeric);
  v_expires_at := to_timestamp((v_claims ->> 'exp')::numeric);
  if v_expires_at - v_issued_at > core.access_token_ttl() then
    perform core.raise_error('token_incomplete', 'The token claims to live longer than this API grants.');
  end if;
  if v_expires_at <= clock_timestamp() then
    perform core.raise_error('token_expired', format('It expired at %s.', v_expires_at));
  end if;

  perform
  from core.sessions as s
  join core.users as u on u.id = s.user_id
  where s.id = (v_claims ->> 'sid')::uuid
    and s.user_id = (v_claims ->> 'sub')::uuid
    and s.revoked_at is null
    and s.expires_at > core.now()
    and u.status = 'active'
    and u.deleted_at is null
    and 'howdah_' || u.role = v_role;
  if not found then
    perform core.raise_error('session_ended', 'It was ended, has expired, or its account changed.');
  end if;
end
$$;
comment on function core.check_request() is
$$Lets a request pass, or refuses it before anything else runs.

Errors: token_incomplete (401), token_expired (401), session_ended (401).$$;
revoke all on function core.check_request() from public;
grant execute on function core.check_request() to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/check_request.sql
--! Included core/triggers.sql
-- Trigger functions that every module shares, and core's own triggers.

create or replace function core.tg__touch_updated_at()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  new.updated_at := core.now();
  return new;
end
$$;
comment on function core.tg__touch_updated_at() is $$Keeps updated_at true.$$;
revoke all on function core.tg__touch_updated_at() from public;

-- PostgREST turns PATCH /x without a filter into an update of every row the caller may see. Its statement is
-- the client's only statement, so its text tells: up to its first RETURNING stands the write, and a where clause stands
-- in that exactly when a filter was given. What comes after it chooses what is shown, not what is written.
create or replace function core.tg__refuse_filterless_write()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_write text := split_part(core.blank_quoted(current_query()), ' RETURNING ', 1);
begin
  if current_setting('request.method', true) in ('PATCH', 'DELETE')
    -- With a limit, PostgREST 12 joins the write to the rows it picked before; that join is no filter, nor is the limit.
    and split_part(v_write, ' pgrst_affected_rows WHERE ', 1) !~ '\sWHERE\s'
  then
    perform core.raise_error('write_without_filter',
      format('%s on %s came without a filter.', current_setting('request.method', true), tg_table_name));
  end if;
  return null;
end
$$;
comment on function core.tg__refuse_filterless_write() is
$$Refuses PATCH and DELETE without a filter. For tables that the API writes through views.

Errors: write_without_filter (400).$$;
revoke all on function core.tg__refuse_filterless_write() from public;

create or replace trigger _100_touch_updated_at
  before update on core.users
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.sessions
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.settings
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on private.secrets
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on private.passwords
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.mails
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.analytics_event_schemas
  for each row execute function core.tg__touch_updated_at();

-- One row an hour and name instead of one an event; whoever inserts, however, is counted by this alone.
create or replace function core.tg_analytics_events__note_delta()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into core.analytics_deltas (event_name, hour, event_count, signed_in_count)
  select i.name, date_trunc('hour', i.occurred_at, 'UTC'), count(*), count(i.user_id)
  from inserted as i
  group by 1, 2;
  return null;
end
$$;
comment on function core.tg_analytics_events__note_delta() is $$Leaves what a statement inserted to core.roll_up_events().$$;
revoke all on function core.tg_analytics_events__note_delta() from public;

create or replace trigger _500_note_delta
  after insert on core.analytics_events
  referencing new table as inserted
  for each statement execute function core.tg_analytics_events__note_delta();
--! EndIncluded core/triggers.sql
--! Included core/policies.sql
-- Row-level security of core and private. Writes go through functions; web roles only read what is theirs.

alter table core.settings enable row level security;

alter table core.users enable row level security;
drop policy if exists select_own on core.users;
create policy select_own on core.users
  for select to howdah_user
  using (id = (select core.current_user_id()));
drop policy if exists select_admin on core.users;
create policy select_admin on core.users
  for select to howdah_admin
  using ((select core.is_admin()));
revoke all on core.users from howdah_anon, howdah_user, howdah_admin;
grant select (
  id, email, email_verified_at, role, status, full_name, display_name, avatar_url, timezone, locale, preferences,
  has_onboarded, trial_ends_at, created_at, updated_at
) on core.users to howdah_user, howdah_admin;

alter table core.sessions enable row level security;
drop policy if exists select_own on core.sessions;
create policy select_own on core.sessions
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on core.sessions from howdah_anon, howdah_user, howdah_admin;
grant select (
  id, user_id, device_name, user_agent, client_address, refreshed_at, expires_at, revoked_at, created_at
) on core.sessions to howdah_user, howdah_admin;

alter table core.analytics_hourly enable row level security;
drop policy if exists select_admin on core.analytics_hourly;
create policy select_admin on core.analytics_hourly
  for select to howdah_admin
  using ((select core.is_admin()));
revoke all on core.analytics_hourly from howdah_anon, howdah_user, howdah_admin;
grant select (event_name, hour, event_count, signed_in_count) on core.analytics_hourly to howdah_admin;

alter table core.analytics_daily enable row level security;
drop policy if exists select_admin on core.analytics_daily;
create policy select_admin on core.analytics_daily
  for select to howdah_admin
  using ((select core.is_admin()));
revoke all on core.analytics_daily from howdah_anon, howdah_user, howdah_admin;
grant select (event_name, day, event_count, signed_in_count) on core.analytics_daily to howdah_admin;

-- No policy: nobody but their owner's functions reads these. What the log says about others is not for users.
alter table core.audit_log enable row level security;
alter table core.audit_seals enable row level security;
alter table core.audited_tables enable row level security;
alter table private.secrets enable row level security;
alter table private.passwords enable row level security;
alter table private.refresh_tokens enable row level security;
alter table private.attempts enable row level security;
alter table private.sign_up_requests enable row level security;
alter table private.one_time_tokens enable row level security;
alter table core.mails enable row level security;
alter table core.analytics_events enable row level security;
alter table core.analytics_event_schemas enable row level security;
alter table core.analytics_deltas enable row level security;
--! EndIncluded core/policies.sql
--! Included core/views.sql
-- What core shows through the API.

create or replace view api.users
  with (security_invoker = true)
as
select
  u.id,
  u.email,
  u.email_verified_at,
  u.role,
  u.full_name,
  u.display_name,
  u.avatar_url,
  u.timezone,
  u.locale,
  u.preferences,
  u.has_onboarded,
  u.trial_ends_at,
  u.created_at,
  u.updated_at
from core.users as u;
comment on view api.users is $$Accounts: one's own; admins see all.$$;
comment on column api.users.id is $$Key of the account.$$;
comment on column api.users.email is $$E-mail address as it was given.$$;
comment on column api.users.email_verified_at is $$When the address was confirmed; null while it is not.$$;
comment on column api.users.role is $$user or admin.$$;
comment on column api.users.full_name is $$Name for letters and invoices.$$;
comment on column api.users.display_name is $$Name shown in the product.$$;
comment on column api.users.avatar_url is $$Address of the picture (https).$$;
comment on column api.users.timezone is $$IANA zone, for instance Europe/Berlin; decides when the user's day begins.$$;
comment on column api.users.locale is $$Language tag, for instance en or de-AT.$$;
comment on column api.users.preferences is $$Settings of the client application; an object of at most 16 KiB.$$;
comment on column api.users.has_onboarded is $$Whether the first steps are done.$$;
comment on column api.users.trial_ends_at is $$End of the trial; null without one.$$;
comment on column api.users.created_at is $$When the account was made.$$;
comment on column api.users.updated_at is $$When the account last changed.$$;
revoke all on api.users from howdah_anon, howdah_user, howdah_admin;
grant select on api.users to howdah_user, howdah_admin;

create or replace view api.sessions
  with (security_invoker = true)
as
select
  s.id,
  s.device_name,
  s.user_agent,
  s.client_address,
  s.created_at,
  s.refreshed_at,
  s.expires_at,
  s.id = (select core.current_session_id()) as is_current
from core.sessions as s
where s.revoked_at is null and s.expires_at > (select core.now());
comment on view api.sessions is $$One's own living sessions.$$;
comment on column api.sessions.id is $$Key of the session.$$;
comment on column api.sessions.device_name is $$Name the client gave its device.$$;
comment on column api.sessions.user_agent is $$User-Agent header at sign-in.$$;
comment on column api.sessions.client_address is $$Address at sign-in, where a proxy tells it.$$;
comment on column api.sessions.created_at is $$When the session began.$$;
comment on column api.sessions.refreshed_at is $$When its refresh token was last traded in.$$;
comment on column api.sessions.expires_at is $$When it ends unless refreshed.$$;
comment on column api.sessions.is_current is
$$Whether this request belongs to it.

@notNull$$;
revoke all on api.sessions from howdah_anon, howdah_user, howdah_admin;
grant select on api.sessions to howdah_user, howdah_admin;

create or replace view api.analytics_hourly
  with (security_invoker = true)
as
select
  a.event_name,
  a.hour,
  a.event_count,
  a.signed_in_count
from core.analytics_hourly as a;
comment on view api.analytics_hourly is
$$How often each event happened, by hour; for admins. A few minutes behind.$$;
comment on column api.analytics_hourly.event_name is $$Name of the event.$$;
comment on column api.analytics_hourly.hour is $$Beginning of the hour, by the server's clock.$$;
comment on column api.analytics_hourly.event_count is $$Events, repeats counted once.$$;
comment on column api.analytics_hourly.signed_in_count is $$Those of them sent by someone signed in.$$;
revoke all on api.analytics_hourly from howdah_anon, howdah_user, howdah_admin;
grant select on api.analytics_hourly to howdah_admin;

create or replace view api.analytics_daily
  with (security_invoker = true)
as
select
  a.event_name,
  a.day,
  a.event_count,
  a.signed_in_count
from core.analytics_daily as a;
comment on view api.analytics_daily is
$$How often each event happened, by day; for admins. A few minutes behind.$$;
comment on column api.analytics_daily.event_name is $$Name of the event.$$;
comment on column api.analytics_daily.day is $$Day, in UTC.$$;
comment on column api.analytics_daily.event_count is $$Events, repeats counted once.$$;
comment on column api.analytics_daily.signed_in_count is $$Those of them sent by someone signed in.$$;
revoke all on api.analytics_daily from howdah_anon, howdah_user, howdah_admin;
grant select on api.analytics_daily to howdah_admin;
--! EndIncluded core/views.sql
--! Included core/set_password.sql
-- The one place where an account's password changes: open links are void, the owner is told.
create or replace function private.set_password(user_id uuid, new_password text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into private.passwords as p (user_id, password_hash)
  values (set_password.user_id, private.hash_password(set_password.new_password))
  on conflict on constraint passwords_pkey do update set password_hash = excluded.password_hash;
  delete from private.one_time_tokens as t
  where t.user_id = set_password.user_id and t.used_at is null and t.purpose in ('reset_password', 'change_email');
  perform private.queue_mail('password_changed', set_password.user_id);
  perform core.record_security_event('password_changed', set_password.user_id);
end
$$;
comment on function private.set_password(uuid, text) is
$$Gives an account a new password, voids its open links and queues a notice.$$;
revoke all on function private.set_password(uuid, text) from public;
--! EndIncluded core/set_password.sql
--! Included core/sign_up_by_mail.sql
-- Sign-up where a mail decides. Nothing here looks whether the address has an account: the same statements run for
-- every address, so neither answer nor time can tell. Each request keeps its own password; opening the link of a
-- mail activates the password that was given with that very request, never somebody else's.
create or replace function private.sign_up_by_mail(
  email text,
  password text,
  display_name text,
  timezone text,
  locale text
)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_refusal jsonb := private.take_mail_attempt('sign_up', sign_up_by_mail.email);
  v_request_id uuid;
begin
  if v_refusal is not null then
    return v_refusal;
  end if;
  insert into private.sign_up_requests (email, password_hash, display_name, timezone, locale, created_at)
  values (
    sign_up_by_mail.email,
    private.hash_password(sign_up_by_mail.password),
    sign_up_by_mail.display_name,
    sign_up_by_mail.timezone,
    sign_up_by_mail.locale,
    core.now()
  )
  returning id into v_request_id;
  perform private.queue_mail('sign_up', sign_up_request_id => v_request_id);
  return private.mail_queued();
end
$$;
comment on function private.sign_up_by_mail(text, text, text, text, text) is
$$Keeps a sign-up until the link in its mail is opened; the same answer for every address.$$;
revoke all on function private.sign_up_by_mail(text, text, text, text, text) from public;
--! EndIncluded core/sign_up_by_mail.sql
--! Included core/sign_up.sql
-- Opens an account and signs in at once, or, where the setting says so, lets a mail decide.
-- security definer: anon may write no table. Nothing to authorise; every argument is checked, the rest is fixed here.
create or replace function api.sign_up(
  email text,
  password text,
  display_name text default null,
  timezone text default 'UTC',
  locale text default 'en'
)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid;
  v_wait_seconds integer;
begin
  perform core.require_plain_call();
  if not coalesce(core.is_email(sign_up.email), false) then
    perform core.raise_error('email_invalid', format('The e-mail address sent was %s.', coalesce(to_json(left(sign_up.email, 80))::text, 'null')));
  end if;
  perform private.require_password(sign_up.password);
  if char_length(sign_up.display_name) not between 1 and 80 then
    perform core.raise_error('display_name_invalid',
      format('The display name sent has %s characters.', char_length(sign_up.display_name)));
  end if;
  if not coalesce(core.is_time_zone(sign_up.timezone), false) then
    perform core.raise_error('timezone_invalid', format('The time zone sent was %s.', coalesce(to_json(left(sign_up.timezone, 80))::text, 'null')));
  end if;
  if coalesce(sign_up.locale, '') !~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$' then
    perform core.raise_error('locale_invalid', format('The locale sent was %s.', coalesce(to_json(left(sign_up.locale, 80))::text, 'null')));
  end if;

  v_wait_seconds := private.take_address_attempt();
  if v_wait_seconds > 0 then
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;

  if core.setting('sign_up_mode') = '"verify"' then
    return private.sign_up_by_mail(
      sign_up.email, sign_up.password, sign_up.display_name, sign_up.timezone, sign_up.locale
    );
  end if;

  insert into core.users (email, display_name, timezone, locale, created_at, updated_at)
  values (sign_up.email, sign_up.display_name, sign_up.timezone, sign_up.locale, core.now(), core.now())
  on conflict on constraint users_email_key_key do nothing
  returning id into v_user_id;
  if v_user_id is null then
    -- As a result, not raised: the attempt has to stay counted.
    return core.error_response('email_taken', 'Sign-up is open, so this answer tells that the account exists.');
  end if;
  insert into private.passwords (user_id, password_hash)
  values (v_user_id, private.hash_password(sign_up.password));
  perform core.record_security_event('sign_up', v_user_id);
  return private.start_session(v_user_id, null, null);
end
$$;
comment on function api.sign_up(text, text, text, text, text) is
$$Open an account.

Answers like sign_in. Not safe to repeat blindly: the second call answers email_taken.
A password has at least 8 characters and at most 72 bytes; it is taken exactly as sent.
Where the setting sign_up_mode is verify, every address gets the same answer, 202 with the status mail_queued, and
the mail that follows decides: verify_email opens the account, whoever has one already is told so.

@returns core.session_answer_schema
Errors: email_invalid (400), password_too_short (400), password_too_long (400), display_name_invalid (400),
timezone_invalid (400), locale_invalid (400), call_not_plain (400), email_taken (409), too_many_attempts (429).$$;
revoke all on function api.sign_up(text, text, text, text, text) from public;
grant execute on function api.sign_up(text, text, text, text, text) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/sign_up.sql
--! Included core/sign_in.sql
-- Password to session. An unknown address costs the same time and gets the same answer as a wrong password.
-- security definer: anon may read neither accounts nor hashes. The password is the authorisation.
create or replace function api.sign_in(
  email text,
  password text,
  device_fingerprint text default null,
  device_name text default null
)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user core.users;
  v_password_hash text;
  v_bucket bytea;
  v_wait_seconds integer;
begin
  perform core.require_plain_call();
  perform private.require_device(sign_in.device_fingerprint, sign_in.device_name);

  select u.* into v_user
  from core.users as u
  where u.email_key = core.email_key(left(sign_in.email, 254))
    and u.status = 'active'
    and u.deleted_at is null;
  select p.password_hash into v_password_hash from private.passwords as p where p.user_id = v_user.id;

  -- A device that has signed in before counts on its own: a stranger who guesses cannot lock the owner out.
  v_bucket := case
    when sign_in.device_fingerprint is not null and exists (
      select from core.sessions as s
      where s.user_id = v_user.id and s.device_fingerprint = sign_in.device_fingerprint
    ) then private.attempt_bucket('device', v_user.id || ':' || sign_in.device_fingerprint)
    else private.attempt_bucket('account', core.email_key(left(coalesce(sign_in.email, ''), 254)))
  end;
  v_wait_seconds := greatest(
    private.take_address_attempt(),
    private.take_attempt(v_bucket, 10, interval '15 minutes')
  );
  if v_wait_seconds > 0 then
    perform private.record_failed_sign_in(v_user.id, sign_in.email, 'too_many_attempts');
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;

  if not private.is_password(coalesce(sign_in.password, ''), v_password_hash) then
    perform private.record_failed_sign_in(v_user.id, sign_in.email, 'invalid_credentials');
    return core.error_response('invalid_credentials');
  end if;

  perform private.give_back_attempt(v_bucket);
  perform private.give_back_attempt(private.address_bucket());
  return private.start_session(v_user.id, sign_in.device_fingerprint, sign_in.device_name);
end
$$;
comment on function api.sign_in(text, text, text, text) is
$$Sign in with e-mail address and password.

Answers with an access token (15 minutes), a refresh token and the user. At most 10 failed attempts an account and
15 minutes, 30 an address and 5 minutes; a device that has signed in before is counted on its own.

@returns core.session_answer_schema
Errors: invalid_credentials (401), too_many_attempts (429, with Retry-After), call_not_plain (400),
device_invalid (400).$$;
revoke all on function api.sign_in(text, text, text, text) from public;
grant execute on function api.sign_in(text, text, text, text) to howdah_anon, howdah_user, howdah_admin;

-- What was typed may be anything, a password too; the keyed hash only tells whether it was the same thing again.
create or replace function private.record_failed_sign_in(user_id uuid, email text, reason text)
  returns void
  language sql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
  select core.record_security_event('sign_in_failed', record_failed_sign_in.user_id, jsonb_build_object(
    'reason', record_failed_sign_in.reason,
    'account', encode(private.attempt_bucket(
      'account', core.email_key(left(coalesce(record_failed_sign_in.email, ''), 254))), 'hex')
  ))
$$;
comment on function private.record_failed_sign_in(uuid, text, text) is $$Writes a security event for a sign-in that was refused.$$;
revoke all on function private.record_failed_sign_in(uuid, text, text) from public;
--! EndIncluded core/sign_in.sql
--! Included core/refresh_session.sql
-- Trades a refresh token for its successor. The successor is HMAC-SHA-256 of the old token under a random nonce:
-- whoever holds the old token can be given the same successor again for a few seconds, while the database
-- alone (hashes and nonces) yields no usable token.
-- security definer: anon may read no token. The token itself is the authorisation.
create or replace function api.refresh_session(refresh_token text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_presented bytea := core.base64url_decode(refresh_session.refresh_token);
  v_token private.refresh_tokens;
  v_session core.sessions;
  v_successor bytea;
begin
  perform core.require_plain_call();
  select t.* into v_token from private.refresh_tokens as t where t.token_hash = sha256(v_presented);
  if v_token.session_id is null then
    return core.error_response('refresh_token_invalid');
  end if;

  -- The session's row is the one lock: parallel trades of its tokens queue up here and see what the first did.
  select s.* into v_session from core.sessions as s where s.id = v_token.session_id for update;
  select t.* into v_token from private.refresh_tokens as t where t.token_hash = sha256(v_presented);
  if v_session.revoked_at is not null or v_session.expires_at <= core.now() or not exists (
    select from core.users as u
    where u.id = v_session.user_id and u.status = 'active' and u.deleted_at is null
  ) then
    return core.error_response('session_ended');
  end if;

  if v_token.rotated_at is null then
    v_token.successor_nonce := extensions.gen_random_bytes(32);
    v_successor := extensions.hmac(v_presented, v_token.successor_nonce, 'sha256');
    update private.refresh_tokens as t
    set rotated_at = core.now(), successor_nonce = v_token.successor_nonce
    where t.token_hash = v_token.token_hash;
    insert into private.refresh_tokens (token_hash, session_id, created_at)
    values (sha256(v_successor), v_session.id, core.now());
    update core.sessions as s
    set
      refreshed_at = core.now(),
      expires_at = least(core.now() + core.session_idle_ttl(), s.created_at + core.session_absolute_ttl())
    where s.id = v_session.id;
    return private.session_answer(v_session.id, v_successor);
  end if;

  if v_token.rotated_at > core.now() - core.refresh_reuse_window() then
    v_successor := extensions.hmac(v_presented, v_token.successor_nonce, 'sha256');
    if exists (
      select from private.refresh_tokens as t where t.token_hash = sha256(v_successor) and t.rotated_at is null
    ) then
      return private.session_answer(v_session.id, v_successor);
    end if;
    return core.error_response('refresh_token_superseded');
  end if;

  update core.sessions as s
  set revoked_at = core.now(), revoked_reason = 'refresh_token_reused'
  where s.id = v_session.id;
  perform core.record_security_event(
    'refresh_token_reused', v_session.user_id, jsonb_build_object('session_id', v_session.id)
  );
  return core.error_response('refresh_token_reused');
end
$$;
comment on function api.refresh_session(text) is
$$Trade a refresh token for a new access token and the next refresh token.

Safe to repeat for 10 seconds (the same successor comes again); a later repeat ends the session.

@returns core.session_answer_schema
Errors: refresh_token_invalid (401), refresh_token_reused (401), refresh_token_superseded (409), session_ended (401),
call_not_plain (400).$$;
revoke all on function api.refresh_session(text) from public;
grant execute on function api.refresh_session(text) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/refresh_session.sql
--! Included core/sign_out.sql
-- Ends the caller's session: the access token is refused from the next request on.
-- security definer: web roles write no session; the row is the one of the caller's own token.
create or replace function api.sign_out()
  returns void
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  with ended as (
    update core.sessions as s
    set revoked_at = core.now(), revoked_reason = 'signed_out'
    where s.id = core.current_session_id()
      and s.user_id = core.current_user_id()
      and s.revoked_at is null
    returning s.id, s.user_id
  )
  select core.record_security_event('sign_out', ended.user_id, jsonb_build_object('session_id', ended.id)) from ended
$$;
comment on function api.sign_out() is
$$Sign out: end the session of this access token, and its refresh tokens with it.

Safe to repeat.$$;
revoke all on function api.sign_out() from public;
grant execute on function api.sign_out() to howdah_user, howdah_admin;
--! EndIncluded core/sign_out.sql
--! Included core/sign_out_everywhere.sql
-- Ends every session of the caller, this one too.
-- security definer: web roles write no session; the rows are those of the caller's own account.
create or replace function api.sign_out_everywhere()
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return jsonb_build_object(
    'ended_session_count', private.end_sessions(core.require_user(), 'signed_out_everywhere')
  );
end
$$;
comment on function api.sign_out_everywhere() is
$$Sign out on every device, this one included.

@returns core.sessions_ended_schema
Errors: not_signed_in (401).$$;
revoke all on function api.sign_out_everywhere() from public;
grant execute on function api.sign_out_everywhere() to howdah_user, howdah_admin;
--! EndIncluded core/sign_out_everywhere.sql
--! Included core/end_session.sql
-- Ends one of the caller's own sessions, for instance that of a lost phone.
-- security definer: web roles write no session; the row must belong to the caller.
create or replace function api.end_session(session_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update core.sessions as s
  set revoked_at = core.now(), revoked_reason = 'ended_by_user'
  where s.id = end_session.session_id
    and s.user_id = core.current_user_id()
    and s.revoked_at is null
    and s.expires_at > core.now();
  if not found then
    perform core.raise_error('session_not_found', format('The id sent was %s.', coalesce(end_session.session_id::text, 'null')));
  end if;
end
$$;
comment on function api.end_session(uuid) is
$$End one of your own sessions; its access token is refused from the next request on.

Errors: session_not_found (404).$$;
revoke all on function api.end_session(uuid) from public;
grant execute on function api.end_session(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/end_session.sql
--! Included core/me.sql
-- The caller's own account.
create or replace function api.me()
  returns setof api.users
  language sql
  stable
  rows 1
  parallel safe
begin atomic
  select u.* from api.users as u where u.id = (select core.current_user_id());
end;
comment on function api.me() is
$$The account of whoever asks.$$;
revoke all on function api.me() from public;
grant execute on function api.me() to howdah_user, howdah_admin;
--! EndIncluded core/me.sql
--! Included core/update_profile.sql
-- Changes what people say about themselves. Role, status, address and password have functions of their own.
-- security definer: web roles write no account; the row is the caller's own, the columns are fixed here.
create or replace function api.update_profile(
  display_name text default null,
  full_name text default null,
  avatar_url text default null,
  timezone text default null,
  locale text default null,
  preferences jsonb default null,
  has_onboarded boolean default null
)
  returns setof api.users
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_preferences jsonb;
begin
  perform private.require_profile(
    nullif(update_profile.display_name, ''), nullif(update_profile.full_name, ''), nullif(update_profile.avatar_url, ''),
    update_profile.timezone, update_profile.locale
  );

  select u.preferences into v_preferences from core.users as u where u.id = v_user_id for no key update;
  if update_profile.preferences is not null then
    v_preferences := private.merge_preferences(v_preferences, update_profile.preferences);
  end if;

  -- The empty text takes a value away; null leaves it.
  update core.users as u
  set
    display_name = nullif(coalesce(update_profile.display_name, u.display_name), ''),
    full_name = nullif(coalesce(update_profile.full_name, u.full_name), ''),
    avatar_url = nullif(coalesce(update_profile.avatar_url, u.avatar_url), ''),
    timezone = coalesce(update_profile.timezone, u.timezone),
    locale = coalesce(update_profile.locale, u.locale),
    preferences = v_preferences,
    has_onboarded = coalesce(update_profile.has_onboarded, u.has_onboarded)
  where u.id = v_user_id;
  return query select u.* from api.users as u where u.id = v_user_id;
end
$$;
comment on function api.update_profile(text, text, text, text, text, jsonb, boolean) is
$$Change your own profile; what is left out or null stays as it is.

The empty text takes display_name, full_name or avatar_url away. preferences is merged into what there is, key by key:
a key with null goes, any other replaces the value of its key. Keys are snake_case (at most 63 characters), values any
JSON, 16 KiB together. Answers with the account as it is now.

Errors: not_signed_in (401), display_name_invalid (400), full_name_invalid (400), avatar_url_invalid (400),
timezone_invalid (400), locale_invalid (400), user_preferences_invalid (400).$$;
revoke all on function api.update_profile(text, text, text, text, text, jsonb, boolean) from public;
grant execute on function api.update_profile(text, text, text, text, text, jsonb, boolean) to howdah_user, howdah_admin;

create or replace function private.merge_preferences(old jsonb, changes jsonb)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_merged jsonb;
  v_bad_key text;
begin
  if jsonb_typeof(changes) <> 'object' then
    perform core.raise_error('user_preferences_invalid', format('What was sent is of type %s.', jsonb_typeof(changes)));
  end if;
  select k.key into v_bad_key from jsonb_object_keys(changes) as k (key) where k.key !~ '^[a-z][a-z0-9_]{0,62}$' limit 1;
  if found then
    perform core.raise_error('user_preferences_invalid', format('One of the keys is %s.', to_json(left(v_bad_key, 80))));
  end if;
  select coalesce(jsonb_object_agg(e.key, e.value), '{}') into v_merged
  from jsonb_each(old || changes) as e
  where e.value <> 'null';
  if pg_column_size(v_merged) > 16384 then
    perform core.raise_error('user_preferences_invalid',
      format('Merged they take %s bytes.', pg_column_size(v_merged)));
  end if;
  return v_merged;
end
$$;
comment on function private.merge_preferences(jsonb, jsonb) is
$$Preferences after a change: its keys replace those there were, a null takes a key away.

Errors: user_preferences_invalid (400).$$;
revoke all on function private.merge_preferences(jsonb, jsonb) from public;
--! EndIncluded core/update_profile.sql
--! Included core/verify_email.sql
-- Opening the link of a mail proves its mailbox. What follows from that depends on which mail it was.
-- security definer: anon may write no table. The token is the authorisation.
create or replace function api.verify_email(token text)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_token private.one_time_tokens := private.redeem_one_time_token(
    verify_email.token, array['sign_up', 'verify_email', 'change_email']
  );
begin
  perform core.require_plain_call();
  case v_token.purpose
    when 'sign_up' then
      perform private.open_verified_account(v_token);
    when 'verify_email' then
      update core.users as u set email_verified_at = core.now() where u.id = v_token.user_id;
    when 'change_email' then
      perform private.move_account(v_token.user_id, v_token.email);
  end case;
end
$$;
comment on function api.verify_email(text) is
$$Confirm an e-mail address with the token of a mail's link.

After sign_up it opens the account (then sign in), after request_email_verification it marks the address as confirmed,
after change_email it moves the account to the new address. A token works once.

Errors: link_invalid (400), email_taken (409).$$;
revoke all on function api.verify_email(text) from public;
grant execute on function api.verify_email(text) to howdah_anon, howdah_user, howdah_admin;

create or replace function private.open_verified_account(token private.one_time_tokens)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_request private.sign_up_requests;
  v_user_id uuid;
begin
  select r.* into strict v_request
  from private.sign_up_requests as r
  where r.id = open_verified_account.token.sign_up_request_id;

  insert into core.users (email, email_verified_at, display_name, timezone, locale, created_at, updated_at)
  values (
    v_request.email, core.now(), v_request.display_name, v_request.timezone, v_request.locale, core.now(), core.now()
  )
  on conflict on constraint users_email_key_key do nothing
  returning id into v_user_id;
  if v_user_id is null then
    -- Told only to whoever has just proven the mailbox.
    perform core.raise_error('email_taken', 'The account was opened in another way meanwhile.');
  end if;
  insert into private.passwords (user_id, password_hash) values (v_user_id, v_request.password_hash);
  update private.one_time_tokens as t
  set user_id = v_user_id, sign_up_request_id = null
  where t.token_hash = open_verified_account.token.token_hash;
  delete from private.sign_up_requests as r where r.email_key = v_request.email_key;
  perform core.record_security_event('sign_up', v_user_id);
end
$$;
comment on function private.open_verified_account(private.one_time_tokens) is
$$Makes the account of a sign-up whose mail was opened. Errors: email_taken (409).$$;
revoke all on function private.open_verified_account(private.one_time_tokens) from public;

create or replace function private.move_account(user_id uuid, email text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_old_email text;
begin
  select u.email into strict v_old_email from core.users as u where u.id = move_account.user_id for update;
  begin
    update core.users as u
    set email = move_account.email, email_verified_at = core.now()
    where u.id = move_account.user_id;
  exception when unique_violation then
    perform core.raise_error('email_taken', 'The address went to another account meanwhile.');
  end;
  -- What was mailed to the old address opens nothing any more.
  delete from private.one_time_tokens as t where t.user_id = move_account.user_id and t.used_at is null;
  perform private.queue_mail('email_changed', move_account.user_id, v_old_email);
  perform core.record_security_event('email_changed', move_account.user_id);
end
$$;
comment on function private.move_account(uuid, text) is
$$Gives an account its new, proven address and tells the old one. Errors: email_taken (409).$$;
revoke all on function private.move_account(uuid, text) from public;
--! EndIncluded core/verify_email.sql
--! Included core/request_email_verification.sql
-- Asks for a mail that proves the caller's own address.
-- security definer: web roles write no outbox; the mail goes to the caller's own stored address.
create or replace function api.request_email_verification()
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user core.users;
  v_refusal jsonb;
begin
  perform core.require_plain_call();
  select u.* into v_user from core.users as u where u.id = core.current_user_id();
  if v_user.id is null then
    perform core.raise_error('not_signed_in');
  end if;
  if v_user.email_verified_at is not null then
    perform core.raise_error('email_already_verified', format('%s was confirmed at %s.', v_user.email, v_user.email_verified_at));
  end if;
  v_refusal := private.take_mail_attempt('verify_email', v_user.email);
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform private.queue_mail('verify_email', v_user.id);
  return private.mail_queued();
end
$$;
comment on function api.request_email_verification() is
$$Ask for a mail whose link confirms your address (verify_email). Its link works for 24 hours; a newer mail voids it.

@returns core.mail_queued_schema
Errors: not_signed_in (401), email_already_verified (409), too_many_attempts (429).$$;
revoke all on function api.request_email_verification() from public;
grant execute on function api.request_email_verification() to howdah_user, howdah_admin;
--! EndIncluded core/request_email_verification.sql
--! Included core/request_password_reset.sql
-- "I forgot my password." The same statements run whether or not anybody has the address: it is looked up by the
-- worker, long after the answer.
-- security definer: anon may write no outbox. Nothing to authorise; the mail goes to the stored address only.
create or replace function api.request_password_reset(email text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_refusal jsonb;
begin
  perform core.require_plain_call();
  if not coalesce(core.is_email(request_password_reset.email), false) then
    perform core.raise_error('email_invalid', format('The e-mail address sent was %s.', coalesce(to_json(left(request_password_reset.email, 80))::text, 'null')));
  end if;
  v_refusal := private.take_mail_attempt('reset_password', request_password_reset.email);
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform private.queue_mail('reset_password', recipient => request_password_reset.email);
  return private.mail_queued();
end
$$;
comment on function api.request_password_reset(text) is
$$Ask for a mail whose link sets a new password (reset_password). Its link works for 10 minutes; a newer mail voids it.

Every address gets this answer, in the same time; a mail goes out where there is an account.

@returns core.mail_queued_schema
Errors: email_invalid (400), too_many_attempts (429).$$;
revoke all on function api.request_password_reset(text) from public;
grant execute on function api.request_password_reset(text) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/request_password_reset.sql
--! Included core/reset_password.sql
-- A new password by the link of a mail. Whoever was signed in is not any more.
-- security definer: anon may write no hash. The token is the authorisation.
create or replace function api.reset_password(token text, new_password text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_token private.one_time_tokens;
begin
  perform core.require_plain_call();
  -- First, so that a password that will not do does not cost the link.
  perform private.require_password(reset_password.new_password);
  v_token := private.redeem_one_time_token(reset_password.token, array['reset_password']);
  perform private.set_password(v_token.user_id, reset_password.new_password);
  -- The mail has arrived, so the mailbox is proven too.
  update core.users as u
  set email_verified_at = core.now()
  where u.id = v_token.user_id and u.email_verified_at is null;
  return jsonb_build_object('ended_session_count', private.end_sessions(v_token.user_id, 'password_reset'));
end
$$;
comment on function api.reset_password(text, text) is
$$Set a new password with the token of a mail's link. Ends every session of the account; then sign in.

@returns core.sessions_ended_schema
Errors: password_too_short (400), password_too_long (400), link_invalid (400).$$;
revoke all on function api.reset_password(text, text) from public;
grant execute on function api.reset_password(text, text) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/reset_password.sql
--! Included core/change_password.sql
-- A new password for someone who knows the old one. Other devices have to sign in again.
-- security definer: web roles may touch no hash; the account is the caller's own and its password is asked for.
create or replace function api.change_password(current_password text, new_password text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_refusal jsonb;
begin
  perform core.require_plain_call();
  perform private.require_password(change_password.new_password);
  v_refusal := private.reauthenticate(change_password.current_password);
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform private.set_password(core.current_user_id(), change_password.new_password);
  return jsonb_build_object(
    'ended_session_count',
    private.end_sessions(core.current_user_id(), 'password_changed', core.current_session_id())
  );
end
$$;
comment on function api.change_password(text, text) is
$$Change your password. Ends all your other sessions; this one goes on.

@returns core.sessions_ended_schema
Errors: not_signed_in (401), password_wrong (403), password_too_short (400), password_too_long (400),
too_many_attempts (429).$$;
revoke all on function api.change_password(text, text) from public;
grant execute on function api.change_password(text, text) to howdah_user, howdah_admin;
--! EndIncluded core/change_password.sql
--! Included core/change_email.sql
-- Moves an account to another mailbox, in two steps: here the password, there the link in the new mailbox
-- (verify_email). Nothing here looks whether the new address is taken; its owner would be told by mail.
-- security definer: web roles write no outbox; the account is the caller's own and its password is asked for.
create or replace function api.change_email(password text, new_email text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_refusal jsonb;
begin
  perform core.require_plain_call();
  if not coalesce(core.is_email(change_email.new_email), false) then
    perform core.raise_error('email_invalid', format('The e-mail address sent was %s.', coalesce(to_json(left(change_email.new_email, 80))::text, 'null')));
  end if;
  v_refusal := private.reauthenticate(change_email.password);
  if v_refusal is null then
    v_refusal := private.take_mail_attempt('change_email', change_email.new_email);
  end if;
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform private.queue_mail('change_email', core.current_user_id(), change_email.new_email);
  perform private.queue_mail('email_change_requested', core.current_user_id());
  return private.mail_queued();
end
$$;
comment on function api.change_email(text, text) is
$$Ask to move your account to another address: a mail to the new one carries the link (verify_email, an hour), a notice
goes to the old one. Until the link is opened nothing changes.

@returns core.mail_queued_schema
Errors: not_signed_in (401), password_wrong (403), email_invalid (400), too_many_attempts (429).$$;
revoke all on function api.change_email(text, text) from public;
grant execute on function api.change_email(text, text) to howdah_user, howdah_admin;
--! EndIncluded core/change_email.sql
--! Included core/health.sql
-- For load balancers and curious people: answers only when the database does.
create or replace function api.health()
  returns table (status text, checked_at timestamptz)
  language sql
  stable
  rows 1
  parallel safe
begin atomic
  select 'ok', now();
end;
comment on function api.health() is
$$Whether the API and its database answer.

status is always ok; where it cannot be, there is no answer.$$;
revoke all on function api.health() from public;
grant execute on function api.health() to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/health.sql
--! Included core/analytics_limits.sql
-- The limits of analytics events, each with its reason.

create or replace function core.analytics_call_limit() returns integer language sql immutable parallel safe
return 1000;
comment on function core.analytics_call_limit() is
$$Most events in one call: a tenth of a second of work, far below the API's time limits.$$;
revoke all on function core.analytics_call_limit() from public;

create or replace function core.analytics_quota_window() returns interval language sql immutable parallel safe
return interval '10 minutes';
comment on function core.analytics_quota_window() is
$$The quota is counted anew after this long: short enough to wait for, long enough for a burst after being offline.$$;
revoke all on function core.analytics_quota_window() from public;

-- Upkeep makes the partitions of last month and of the coming months before this window gets there.
create or replace function core.analytics_oldest_at() returns timestamptz language sql stable parallel safe
return date_trunc('month', date_trunc('month', core.now(), 'UTC') - interval '24 hours', 'UTC');
comment on function core.analytics_oldest_at() is
$$Events from before the beginning of last month (UTC) are refused: the oldest month that always has a partition.$$;
revoke all on function core.analytics_oldest_at() from public;

create or replace function core.analytics_newest_at() returns timestamptz language sql stable parallel safe
return core.now() + interval '672 hours';
comment on function core.analytics_newest_at() is
$$How far a client's clock may be ahead when it makes an event's id: 28 days, never beyond next month.$$;
revoke all on function core.analytics_newest_at() from public;
--! EndIncluded core/analytics_limits.sql
--! Included core/track_events_schema.sql
-- The shape that track_events answers with; the SDK prints its validator from it.
create or replace function core.track_events_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return $${
  "description": "What became of the events of one call.",
  "type": "object",
  "additionalProperties": false,
  "required": ["accepted", "repeated", "refused", "received_at"],
  "properties": {
    "accepted": {"description": "Events stored by this call.", "type": "integer", "minimum": 0},
    "repeated": {"description": "Events that were stored before, or came twice in this call.", "type": "integer", "minimum": 0},
    "refused": {
      "description": "Events that will never be stored as they are; sending them again changes nothing.",
      "type": "array",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["index", "key", "detail"],
        "properties": {
          "index": {"description": "Place in the call, from 0.", "type": "integer", "minimum": 0},
          "key": {
            "description": "Why, for programs.",
            "type": "string",
            "enum": [
              "event_malformed", "event_id_invalid", "event_visitor_invalid", "event_session_invalid",
              "event_name_invalid", "event_name_unknown", "event_time_invalid", "event_time_out_of_range",
              "event_properties_invalid", "event_properties_too_large", "event_properties_refused"
            ]
          },
          "detail": {"description": "Why, for people.", "type": "string"}
        }
      }
    },
    "received_at": {
      "description": "The server's clock, by which a client can correct its own.",
      "type": "string",
      "format": "date-time"
    }
  }
}$$::jsonb;
comment on function core.track_events_schema() is $$JSON Schema of what track_events answers.$$;
revoke all on function core.track_events_schema() from public;
--! EndIncluded core/track_events_schema.sql
--! Included core/event_problem.sql
-- What is wrong with one event as it came, said before anything of it is cast: hostile input must not raise.
create or replace function private.event_problem(event jsonb)
  returns text
  language sql
  immutable
  parallel safe
return case
  when jsonb_typeof(event_problem.event) is distinct from 'object' then 'event_malformed'
  when event_problem.event - '{id,name,visitor_id,session_id,occurred_at,properties}'::text[] <> '{}' then 'event_malformed'
  when jsonb_typeof(event_problem.event -> 'id') is distinct from 'string'
    or not core.is_uuid(event_problem.event ->> 'id')
    or substr(event_problem.event ->> 'id', 15, 1) <> '7' then 'event_id_invalid'
  when jsonb_typeof(event_problem.event -> 'visitor_id') is distinct from 'string'
    or not core.is_uuid(event_problem.event ->> 'visitor_id') then 'event_visitor_invalid'
  when coalesce(event_problem.event -> 'session_id', 'null') <> 'null' and (
    jsonb_typeof(event_problem.event -> 'session_id') <> 'string'
    or not core.is_uuid(event_problem.event ->> 'session_id')) then 'event_session_invalid'
  when jsonb_typeof(event_problem.event -> 'name') is distinct from 'string'
    or not core.is_event_name(event_problem.event ->> 'name') then 'event_name_invalid'
  when coalesce(event_problem.event -> 'occurred_at', 'null') <> 'null' and (
    jsonb_typeof(event_problem.event -> 'occurred_at') <> 'string'
    -- Years and offsets that every cast takes; Postgres knows no offset of 16 hours.
    or event_problem.event ->> 'occurred_at'
      !~ '^(19[7-9]|20[0-9])[0-9]-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-](0[0-9]|1[0-5]):[0-5][0-9])$'
    or not core.is_calendar_date(left(event_problem.event ->> 'occurred_at', 10))) then 'event_time_invalid'
  when coalesce(event_problem.event -> 'properties', 'null') = 'null' then null
  when jsonb_typeof(event_problem.event -> 'properties') <> 'object' then 'event_properties_invalid'
  when octet_length((event_problem.event -> 'properties')::text) > 8192 then 'event_properties_too_large'
end;
comment on function private.event_problem(jsonb) is
$$The key of the first thing that is wrong with an event's own shape; null when it can be read.$$;
revoke all on function private.event_problem(jsonb) from public;
--! EndIncluded core/event_problem.sql
--! Included core/read_events.sql
-- Turns the events of a call into rows, each with what is wrong with it. Nothing in here raises for what a client sent.
create or replace function private.read_events(events jsonb, sent_at timestamptz)
  returns table (
    index integer, id uuid, visitor_id uuid, session_id uuid, name text, occurred_at timestamptz, properties jsonb,
    problem text, detail text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
begin atomic
  -- Looked up once a call, not once an event.
  with call as materialized (
    select
      core.now() as now,
      core.analytics_oldest_at() as oldest_at,
      core.analytics_newest_at() as newest_at,
      coalesce(core.now() - read_events.sent_at, interval '0') as skew,
      (core.setting('analytics_accept_unregistered') #>> '{}')::boolean as accepts_unregistered
  ),
  shaped as materialized (
    select (e.position - 1)::integer as index, e.event, private.event_problem(e.event) as problem
    from jsonb_array_elements(read_events.events) with ordinality as e (event, position)
  ),
  typed as materialized (
    select
      s.index,
      (s.event ->> 'id')::uuid as id,
      core.id_instant((s.event ->> 'id')::uuid) as filed_at,
      (s.event ->> 'visitor_id')::uuid as visitor_id,
      (s.event ->> 'session_id')::uuid as session_id,
      s.event ->> 'name' as name,
      -- The client's clock is believed as far as it agrees with itself: what it says has passed since, has passed.
      -- An event never happens after it was received.
      least(
        coalesce((s.event ->> 'occurred_at')::timestamptz, core.id_instant((s.event ->> 'id')::uuid)) + c.skew,
        c.now
      ) as occurred_at,
      coalesce(nullif(s.event -> 'properties', 'null'), '{}') as properties
    from shaped as s
    cross join call as c
    where s.problem is null
  ),
  -- Upkeep that stood still for months must cost events, never the whole call.
  months as materialized (
    select m.month
    from (select distinct date_trunc('month', t.filed_at, 'UTC') as month from typed as t) as m
    where to_regclass('core.analytics_events_' || to_char(m.month at time zone 'UTC', 'YYYY_MM')) is not null
  ),
  judged as (
    select
      t.*,
      case
        when t.filed_at not between c.oldest_at and c.newest_at or t.occurred_at < c.oldest_at or m.month is null
          then 'event_time_out_of_range'
        when k.event_name is null then case when not c.accepts_unregistered then 'event_name_unknown' end
        when not core.matches_json_schema(t.properties, k.json_schema) then 'event_properties_refused'
      end as problem
    from typed as t
    cross join call as c
    left join months as m on m.month = date_trunc('month', t.filed_at, 'UTC')
    left join core.analytics_event_schemas as k on k.event_name = t.name
  )
  select
    j.index, j.id, j.visitor_id, j.session_id, j.name, j.occurred_at, j.properties, j.problem,
    case j.problem
      when 'event_time_out_of_range' then format(
        'The id says %s, the event happened %s by the server''s clock; both must lie between %s and %s.',
        j.filed_at, j.occurred_at, core.analytics_oldest_at(), core.analytics_newest_at())
      when 'event_name_unknown' then format('Only registered events are taken here; %s is none.', j.name)
      when 'event_properties_refused' then format('The properties do not fit the schema registered for %s.', j.name)
    end
  from judged as j
  union all
  select
    s.index, null, null, null, null, null, null, s.problem,
    case s.problem
      when 'event_malformed' then
        'An event is an object of id, name, visitor_id and, if wanted, session_id, occurred_at and properties.'
      when 'event_id_invalid' then 'The id must be a UUID version 7, made when the event happened.'
      when 'event_visitor_invalid' then 'The visitor_id must be a UUID that the client keeps.'
      when 'event_session_invalid' then 'The session_id must be a UUID, or be left out.'
      when 'event_name_invalid' then
        'The name must begin with a to z and have at most 64 of a to z, 0 to 9, underscore and dot.'
      when 'event_time_invalid' then 'The occurred_at must be an RFC 3339 instant from 1970 to 2099, or be left out.'
      when 'event_properties_invalid' then 'The properties must be an object, or be left out.'
      when 'event_properties_too_large' then format(
        'The properties have %s bytes; 8192 are the limit.', octet_length((s.event -> 'properties')::text))
    end
  from shaped as s
  where s.problem is not null;
end;
comment on function private.read_events(jsonb, timestamptz) is
$$The events of a call as rows; problem is null for those that can be stored.$$;
revoke all on function private.read_events(jsonb, timestamptz) from public;
--! EndIncluded core/read_events.sql
--! Included core/take_event_quota.sql
-- Counts a call's events for who sent them, before they are read. Signed in: the account. Otherwise each visitor and,
-- where a proxy tells it, the address: visitor ids cost nothing, so only the address holds a flood back.
create or replace function private.take_event_quota(events jsonb)
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_quota integer := (core.setting('analytics_event_quota') #>> '{}')::integer;
  v_wait_seconds integer;
begin
  with subjects as (
    select 'events:user' as purpose, core.current_user_id()::text as subject, v_quota as quota,
      jsonb_array_length(take_event_quota.events) as units
    where core.current_user_id() is not null
    union all
    -- An office behind one address has many visitors.
    select 'events:address', host(core.client_address()), v_quota * 10, jsonb_array_length(take_event_quota.events)
    where core.current_user_id() is null and core.client_address() is not null
    union all
    select 'events:visitor', lower(left(e.event ->> 'visitor_id', 36)), v_quota, count(*)::integer
    from jsonb_array_elements(take_event_quota.events) as e (event)
    where core.current_user_id() is null and jsonb_typeof(e.event) = 'object' and e.event ->> 'visitor_id' is not null
    group by 2
  ),
  buckets as materialized (
    select private.attempt_bucket(s.purpose, s.subject) as bucket, s.quota, s.units from subjects as s
  ),
  taken as (
    insert into private.attempts as a (bucket, attempt_count, window_started_at)
    -- In one order everywhere: two calls with the same visitors must not wait for each other.
    select b.bucket, b.units, core.now() from buckets as b order by b.bucket
    on conflict on constraint attempts_pkey do update set
      attempt_count = case
        when a.window_started_at <= core.now() - core.analytics_quota_window() then excluded.attempt_count
        -- Refused events count on, but nobody's counter runs over.
        else least(a.attempt_count + excluded.attempt_count, 1000000000)
      end,
      window_started_at = case
        when a.window_started_at <= core.now() - core.analytics_quota_window() then core.now()
        else a.window_started_at
      end
    returning a.bucket, a.attempt_count, a.window_started_at
  )
  select max(greatest(1, ceil(extract(epoch from t.window_started_at + core.analytics_quota_window() - core.now()))))
  into v_wait_seconds
  from taken as t
  join buckets as b on b.bucket = t.bucket
  where t.attempt_count > b.quota;
  return coalesce(v_wait_seconds, 0);
end
$$;
comment on function private.take_event_quota(jsonb) is
$$Counts the events of a call against the quotas of whoever sends it. 0: go ahead; otherwise seconds to wait.$$;
revoke all on function private.take_event_quota(jsonb) from public;
--! EndIncluded core/take_event_quota.sql
--! Included core/track_events.sql
-- Takes events from anybody. One event that cannot be stored must not hold back the others: a client would send the
-- same batch for ever. So each is judged by itself, and the answer says which were refused and why.

create or replace function private.store_events(events jsonb, sent_at timestamptz)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
  v_wait_seconds integer;
  v_answer jsonb;
begin
  perform core.require_plain_call();
  -- In a case, because the length of anything but a list is an error.
  v_count := case when jsonb_typeof(store_events.events) = 'array' then jsonb_array_length(store_events.events) end;
  if v_count is null or v_count > core.analytics_call_limit() then
    perform core.raise_error('events_invalid', format('It takes a list of at most %s events; got %s.',
      core.analytics_call_limit(), coalesce(v_count::text, jsonb_typeof(store_events.events), 'nothing')));
  end if;
  if store_events.sent_at not between '1970-01-01 00:00:00Z' and '2100-01-01 00:00:00Z' then
    perform core.raise_error('events_invalid', 'sent_at must be the client''s clock at sending, from 1970 to 2099.');
  end if;

  v_wait_seconds := private.take_event_quota(store_events.events);
  if v_wait_seconds > 0 then
    return core.error_response('event_quota_exceeded', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;

  with read as materialized (
    select r.* from private.read_events(store_events.events, store_events.sent_at) as r
  ),
  stored as (
    insert into core.analytics_events (
      visitor_id, id, filed_at, user_id, session_id, name, occurred_at, received_at, properties
    )
    select
      r.visitor_id, r.id, core.id_instant(r.id), core.current_user_id(), r.session_id, r.name, r.occurred_at,
      core.now(), r.properties
    from read as r
    where r.problem is null
    -- In one order everywhere: two calls with the same events must not wait for each other.
    order by r.visitor_id, r.id
    on conflict on constraint analytics_events_pkey do nothing
    returning 1
  )
  select jsonb_build_object(
    'accepted', (select count(*) from stored),
    'repeated', count(*) filter (where r.problem is null) - (select count(*) from stored),
    'refused', coalesce(
      jsonb_agg(jsonb_build_object('index', r.index, 'key', r.problem, 'detail', r.detail) order by r.index)
        filter (where r.problem is not null),
      '[]'),
    'received_at', to_char(core.now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')
  )
  into v_answer
  from read as r;
  return v_answer;
end
$$;
comment on function private.store_events(jsonb, timestamptz) is
$$Counts, judges and stores the events of one call, for whoever asks.$$;
revoke all on function private.store_events(jsonb, timestamptz) from public;

-- security definer: nobody may write events by themselves. Who sends is read from the token, never from the events.
create or replace function api.track_events(events jsonb, sent_at timestamptz default null)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return private.store_events(track_events.events, track_events.sent_at);
end
$$;
comment on function api.track_events(jsonb, timestamptz) is
$$Record what happened in a client.

events: a list of at most 1,000 objects: id (UUIDv7, made when it happened), name, visitor_id (UUID the client keeps),
and, if wanted, session_id (UUID), occurred_at (by the client's clock; default: the instant in the id) and properties
(an object of at most 8,192 bytes). sent_at: the client's clock at sending; the server corrects occurred_at by the
difference to its own. A repeated event is stored once, whenever the repeat comes. Events are judged one by one: the
answer lists those refused, the others are stored.

@returns core.track_events_schema
Errors: events_invalid (400), event_quota_exceeded (429, with Retry-After).$$;
revoke all on function api.track_events(jsonb, timestamptz) from public;
grant execute on function api.track_events(jsonb, timestamptz) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/track_events.sql
--! Included core/read_csv.sql
-- CSV into fields, all at once: one regular expression cuts the text, window functions number lines and fields.
create or replace function core.read_csv(csv text)
  returns table (line integer, field integer, value text)
  language plpgsql
  immutable
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- Spreadsheets write a byte order mark.
  v_csv text := ltrim(read_csv.csv, U&'\FEFF');
begin
  if octet_length(v_csv) > core.csv_limit_bytes() then
    perform core.raise_error('csv_malformed',
      format('The text has %s bytes; %s are the limit.', octet_length(v_csv), core.csv_limit_bytes()));
  end if;
  return query
  with cut as materialized (
    select c.part[1] as field, c.part[2] as ending, c.position
    from regexp_matches(v_csv, '("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n|\n|\r|$)', 'g') with ordinality as c (part, position)
  ),
  placed as (
    select
      c.field as text,
      c.position,
      count(*) filter (where c.ending <> ',') over (order by c.position rows between unbounded preceding and 1 preceding)
        as line
    from cut as c
    -- At the end of the text the expression finds, after the last field, an empty one more.
    where c.position <= (select min(e.position) from cut as e where e.ending = '')
  )
  select
    (p.line + 1)::integer,
    row_number() over (partition by p.line order by p.position)::integer,
    case when p.text like '"%' then replace(substr(p.text, 2, char_length(p.text) - 2), '""', '"') else p.text end
  from placed as p
  -- The expression passes over what is no field: then parts of the text are in no match.
  where (select sum(char_length(c.field) + char_length(c.ending)) from cut as c) = char_length(v_csv);
  if not found and v_csv <> '' then
    perform core.raise_error('csv_malformed', 'A quote stands inside a field that is not quoted, or is never closed.');
  end if;
end
$$;
comment on function core.read_csv(text) is
$$The fields of a CSV text, lines and fields numbered from 1. Lines end with LF, CR or both; after a
last line break stands one more, empty line.

Errors: csv_malformed (400). Source: RFC 4180.$$;
revoke all on function core.read_csv(text) from public;

create or replace function core.csv_limit_bytes() returns integer language sql immutable parallel safe
return 10000000;
comment on function core.csv_limit_bytes() is $$Longest CSV text: 1,000 events with the largest properties fit in.$$;
revoke all on function core.csv_limit_bytes() from public;
--! EndIncluded core/read_csv.sql
--! Included core/track_events_csv.sql
-- Events as CSV, for tools that write nothing else. The text becomes the list that api.track_events takes.

create or replace function private.properties_of(value text)
  returns jsonb
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return properties_of.value::jsonb;
exception when invalid_text_representation or untranslatable_character or statement_too_complex then
  -- A text is no object of properties, so the event is refused with that reason.
  return to_jsonb('no JSON'::text);
end
$$;
comment on function private.properties_of(text) is $$The JSON in a field; a JSON string when there is none.$$;
revoke all on function private.properties_of(text) from public;

create or replace function private.events_of_csv(csv text)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_known text[] := '{id,name,visitor_id,session_id,occurred_at,properties}';
  v_columns text[];
  v_events jsonb;
begin
  with fields as materialized (
    select r.line, r.field, r.value from core.read_csv(events_of_csv.csv) as r
  ),
  lines as (
    -- An empty line is one empty field.
    select f.line, array_agg(f.value order by f.field) as fields
    from fields as f
    group by f.line
    having count(*) > 1 or max(f.value) <> ''
  ),
  numbered as (
    select l.fields, row_number() over (order by l.line) as place from lines as l
  ),
  header as (
    select n.fields as columns from numbered as n where n.place = 1
  )
  select
    (select h.columns from header as h),
    jsonb_agg(
      case when cardinality(n.fields) = cardinality(h.columns) then (
        select coalesce(jsonb_object_agg(
          coalesce(c.name, ''),
          case when c.name = 'properties' then private.properties_of(c.value) else to_jsonb(c.value) end
        ) filter (where c.value <> ''), '{}')
        from unnest(h.columns, n.fields) as c (name, value)
      ) else 'null' end
      order by n.place
    ) filter (where n.place > 1)
  into v_columns, v_events
  from numbered as n
  cross join header as h;

  if not v_known @> coalesce(v_columns, '{}') or not coalesce(v_columns, '{}') @> '{id,name,visitor_id}'
    or cardinality(v_columns) <> (select count(distinct c.name) from unnest(v_columns) as c (name))
  then
    perform core.raise_error('csv_malformed', format(
      'The first line must name columns: id, name, visitor_id and, if wanted, session_id, occurred_at, properties; got %s.',
      left(coalesce(to_json(v_columns)::text, 'nothing'), 200)));
  end if;
  return coalesce(v_events, '[]');
end
$$;
comment on function private.events_of_csv(text) is $$The lines of a CSV text as the list of events that track_events takes.$$;
revoke all on function private.events_of_csv(text) from public;

-- security definer: nobody may write events by themselves. Who sends is read from the token, never from the text.
create or replace function api.track_events_csv(text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_csv alias for $1;
begin
  return private.store_events(private.events_of_csv(v_csv), null);
end
$$;
comment on function api.track_events_csv(text) is
$$Record events from CSV: POST the text itself with Content-Type text/plain.

The first line names the columns: id, name, visitor_id and, if wanted, session_id, occurred_at and properties (JSON).
Empty fields count as left out. At most 1,000 lines; index in the answer counts lines after the first that are not
empty, from 0. Everything else as track_events.

@returns core.track_events_schema
Errors: csv_malformed (400), events_invalid (400), event_quota_exceeded (429, with Retry-After).$$;
revoke all on function api.track_events_csv(text) from public;
grant execute on function api.track_events_csv(text) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/track_events_csv.sql
--! Included core/ingest_events.sql
-- The bulk way in, for operators and the worker: no quota, no limit of events, and one wrong event refuses the call.
-- security definer: the worker writes no table by right; what is written is fixed here.
create or replace function ops.ingest_events(events jsonb)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_stored_count integer;
begin
  insert into core.analytics_events (visitor_id, id, filed_at, user_id, session_id, name, occurred_at, properties)
  select
    e.visitor_id, e.id, core.id_instant(e.id), e.user_id, e.session_id, e.name,
    coalesce(e.occurred_at, core.id_instant(e.id)), coalesce(e.properties, '{}')
  from jsonb_to_recordset(ingest_events.events) as e (
    visitor_id uuid, id uuid, user_id uuid, session_id uuid, name text, occurred_at timestamptz, properties jsonb
  )
  order by e.visitor_id, e.id
  on conflict on constraint analytics_events_pkey do nothing;
  get diagnostics v_stored_count = row_count;
  return v_stored_count;
end
$$;
comment on function ops.ingest_events(jsonb) is
$$Stores a list of events with their user_id, all or none; returns how many were new.

The same objects as api.track_events takes, and user_id. Registered schemas are not asked: what an operator imports
has happened. An event of a month without a partition is refused; ops.create_monthly_partitions makes them.$$;
revoke all on function ops.ingest_events(jsonb) from public;
grant execute on function ops.ingest_events(jsonb) to howdah_worker;
--! EndIncluded core/ingest_events.sql
--! Included core/roll_up_events.sql
-- Folds what inserts have left in core.analytics_deltas into the hourly and daily counts. A delta is committed with its
-- events and deleted with its counting, so an event counts exactly once, however late it or its transaction comes;
-- what another transaction has not committed yet is not seen and stays for the next turn.
-- security definer: the worker writes no table by right; what is written is fixed here.
create or replace function core.roll_up_events(batch_size integer default 50000)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_folded_count integer;
begin
  -- Two at once would wait for each other's rows one by one, and could do so in a circle.
  perform pg_advisory_xact_lock(hashtextextended('howdah:roll_up_events', 0));
  with folded as (
    delete from core.analytics_deltas as d
    where d.id in (select q.id from core.analytics_deltas as q order by q.id limit roll_up_events.batch_size)
    returning d.event_name, d.hour, d.event_count, d.signed_in_count
  ),
  hours as (
    insert into core.analytics_hourly as h (event_name, hour, event_count, signed_in_count)
    select f.event_name, f.hour, sum(f.event_count), sum(f.signed_in_count)
    from folded as f
    group by f.event_name, f.hour
    on conflict on constraint analytics_hourly_pkey do update set
      event_count = h.event_count + excluded.event_count,
      signed_in_count = h.signed_in_count + excluded.signed_in_count
  ),
  days as (
    insert into core.analytics_daily as d (event_name, day, event_count, signed_in_count)
    select f.event_name, (f.hour at time zone 'UTC')::date, sum(f.event_count), sum(f.signed_in_count)
    from folded as f
    group by 1, 2
    on conflict on constraint analytics_daily_pkey do update set
      event_count = d.event_count + excluded.event_count,
      signed_in_count = d.signed_in_count + excluded.signed_in_count
  )
  select count(*) into v_folded_count from folded;
  return v_folded_count;
end
$$;
comment on function core.roll_up_events(integer) is
$$Brings the hourly and daily counts up to date with at most batch_size deltas; returns how many there were.

The cost depends on what is new, not on what was counted before. Safe to repeat and to run twice at once.$$;
revoke all on function core.roll_up_events(integer) from public;
grant execute on function core.roll_up_events(integer) to howdah_worker;
--! EndIncluded core/roll_up_events.sql
--! Included core/register_event_schema.sql
-- Operators say what an event's properties must look like. What came before is not judged again.
create or replace function ops.register_event_schema(name text, schema jsonb)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_problem text := core.json_schema_problem(register_event_schema.schema);
begin
  if not coalesce(core.is_event_name(register_event_schema.name), false) then
    perform core.raise_error('event_name_invalid',
      format('The name was %s.', coalesce(to_json(left(register_event_schema.name, 80))::text, 'null')));
  end if;
  if v_problem is not null then
    perform core.raise_error('event_schema_invalid', format('%s.', v_problem));
  end if;
  insert into core.analytics_event_schemas as s (event_name, json_schema)
  values (register_event_schema.name, register_event_schema.schema)
  on conflict on constraint analytics_event_schemas_pkey do update set json_schema = excluded.json_schema
    where s.json_schema <> excluded.json_schema;
end
$$;
comment on function ops.register_event_schema(text, jsonb) is
$$From now on properties of this event must match the JSON Schema. Safe to repeat.

Errors: event_name_invalid (400), event_schema_invalid (400).$$;
revoke all on function ops.register_event_schema(text, jsonb) from public;

create or replace function ops.forget_event_schema(name text)
  returns boolean
  language sql
  volatile
begin atomic
  with gone as (
    delete from core.analytics_event_schemas as s where s.event_name = forget_event_schema.name returning 1
  )
  select exists (select from gone);
end;
comment on function ops.forget_event_schema(text) is
$$Properties of this event are free again; says whether there was a schema.$$;
revoke all on function ops.forget_event_schema(text) from public;
--! EndIncluded core/register_event_schema.sql
--! EndIncluded core/_module.sql
--! Included ops/_module.sql
-- ops: what operators type and the worker runs. Knows modules only through its registries.
--! Included ops/act_as.sql
-- An operator's session sees what one user sees: same role, same claims, same policies.
-- Invoker, because a definer function may not change the role; only the owner of the database gets to call it.
create or replace function ops.act_as(email text)
  returns text
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user core.users;
begin
  select u.* into v_user from core.users as u where u.email_key = core.email_key(act_as.email);
  if v_user.id is null then
    perform core.raise_error('account_not_found', format('There is no account %s.', to_json(act_as.email)));
  end if;
  perform set_config('request.jwt.claims', jsonb_build_object(
    'sub', v_user.id, 'role', 'howdah_' || v_user.role, 'act', session_user
  )::text, false);
  perform set_config('role', 'howdah_' || v_user.role, false);
  return format('acting as %s (%s); `reset role` ends it', v_user.email, v_user.id);
end
$$;
comment on function ops.act_as(text) is
$$From here on this SQL session acts as the account; `reset role` ends it.

Errors: account_not_found (404).$$;
revoke all on function ops.act_as(text) from public;
--! EndIncluded ops/act_as.sql
--! Included ops/set_setting.sql
-- Changes a setting; a value of the wrong kind never gets in.
create or replace function ops.set_setting(name text, value jsonb)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_schema jsonb;
begin
  select c.json_schema into v_schema from core.setting_catalogue() as c where c.name = set_setting.name;
  if not found then
    perform core.raise_error('setting_unknown', format('The name was %s.', coalesce(to_json(set_setting.name)::text, 'null')));
  end if;
  if not coalesce(core.matches_json_schema(set_setting.value, v_schema), false) then
    perform core.raise_error('setting_invalid',
      format('%s takes %s; got %s.', set_setting.name, v_schema, set_setting.value));
  end if;
  insert into core.settings as s (name, value) values (set_setting.name, set_setting.value)
  on conflict on constraint settings_pkey do update set value = excluded.value where s.value <> excluded.value;
end
$$;
comment on function ops.set_setting(text, jsonb) is
$$Changes a setting of core.setting_catalogue(). Safe to repeat.

Errors: setting_unknown (404), setting_invalid (400).$$;
revoke all on function ops.set_setting(text, jsonb) from public;
--! EndIncluded ops/set_setting.sql
--! Included ops/find_account.sql
-- Operators name people by their address.
create or replace function ops.find_account(email text)
  returns uuid
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid;
begin
  select u.id into v_user_id from core.users as u where u.email_key = core.email_key(find_account.email);
  if v_user_id is null then
    perform core.raise_error('account_not_found', format('There is no account %s.', coalesce(to_json(find_account.email)::text, 'null')));
  end if;
  return v_user_id;
end
$$;
comment on function ops.find_account(text) is
$$The id of the account with this address. Errors: account_not_found (404).$$;
revoke all on function ops.find_account(text) from public;
--! EndIncluded ops/find_account.sql
--! Included ops/suspend_account.sql
-- Locks an account out at once. Nothing of it is deleted; restore_account() lets it in again.
create or replace function ops.suspend_account(email text)
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ops.find_account(suspend_account.email);
begin
  update core.users as u set status = 'suspended' where u.id = v_user_id and u.status = 'active';
  delete from private.one_time_tokens as t where t.user_id = v_user_id and t.used_at is null;
  return private.end_sessions(v_user_id, 'suspended');
end
$$;
comment on function ops.suspend_account(text) is
$$Suspends an account: its sessions end, it can neither sign in nor reset its password. Returns how many sessions ended.

Safe to repeat. Errors: account_not_found (404).$$;
revoke all on function ops.suspend_account(text) from public;
--! EndIncluded ops/suspend_account.sql
--! Included ops/restore_account.sql
-- Lets a suspended account in again. Its old sessions stay ended.
create or replace function ops.restore_account(email text)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ops.find_account(restore_account.email);
begin
  update core.users as u set status = 'active' where u.id = v_user_id and u.status = 'suspended';
  return found;
end
$$;
comment on function ops.restore_account(text) is
$$Ends an account's suspension; answers whether it was suspended.

Safe to repeat. Errors: account_not_found (404).$$;
revoke all on function ops.restore_account(text) from public;
--! EndIncluded ops/restore_account.sql
--! Included ops/set_role.sql
-- Makes someone an admin, or no longer one. The role stands in the access token, so the old tokens must go.
create or replace function ops.set_role(email text, role text)
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ops.find_account(set_role.email);
begin
  if set_role.role is null or set_role.role not in ('user', 'admin') then
    perform core.raise_error('role_unknown', format('The role was %s.', coalesce(to_json(set_role.role)::text, 'null')));
  end if;
  update core.users as u set role = set_role.role where u.id = v_user_id and u.role <> set_role.role;
  if not found then
    return 0;
  end if;
  return private.end_sessions(v_user_id, 'role_changed');
end
$$;
comment on function ops.set_role(text, text) is
$$Gives an account the role user or admin and ends its sessions; returns how many ended.

Safe to repeat. Errors: account_not_found (404), role_unknown (400).$$;
revoke all on function ops.set_role(text, text) from public;
--! EndIncluded ops/set_role.sql
--! Included ops/end_sessions.sql
-- Signs an account out everywhere, as an operator.
create or replace function ops.end_sessions(email text)
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  return private.end_sessions(ops.find_account(end_sessions.email), 'ended_by_admin');
end
$$;
comment on function ops.end_sessions(text) is
$$Ends every session of an account; returns how many ended. Safe to repeat. Errors: account_not_found (404).$$;
revoke all on function ops.end_sessions(text) from public;
--! EndIncluded ops/end_sessions.sql
--! Included ops/declare_partitioned_table.sql
-- A module says in its registry.sql which of its tables are cut into months; the upkeep reads it.
create or replace function ops.declare_partitioned_table(
  relation text,
  key_column text,
  months_ahead integer default 3,
  retention_months integer default 24
)
  returns void
  language sql
  volatile
begin atomic
  insert into ops.partitioned_tables as p (schema_name, table_name, key_column, months_ahead, retention_months)
  select
    n.nspname, c.relname, declare_partitioned_table.key_column,
    declare_partitioned_table.months_ahead, declare_partitioned_table.retention_months
  from pg_catalog.pg_class as c join pg_catalog.pg_namespace as n on n.oid = c.relnamespace
  where c.oid = declare_partitioned_table.relation::regclass
  -- What an operator changed since stays: only what follows from the table's definition is renewed.
  on conflict on constraint partitioned_tables_pkey do update set key_column = excluded.key_column
    where p.key_column <> excluded.key_column;
end;
comment on function ops.declare_partitioned_table(text, text, integer, integer) is
$$Declares a table partitioned by month: its key column, how many months are made ahead, how many are kept.$$;
revoke all on function ops.declare_partitioned_table(text, text, integer, integer) from public;
--! EndIncluded ops/declare_partitioned_table.sql
--! Included ops/create_monthly_partitions.sql
-- Months exist before they are written to. Bounds are UTC whatever the session's zone, so two sessions never
-- disagree; each partition gets RLS and no grants: nobody may go round the parent's policies through a leaf.
-- security definer: the worker creates no tables by right; it can only ask for what the registry lists.
create or replace function ops.create_monthly_partitions(
  table_name text default null,
  months_ahead integer default null
)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  v_table ops.partitioned_tables;
  v_month date;
  v_partition text;
  v_leaf record;
  v_created_count integer := 0;
begin
  if create_monthly_partitions.months_ahead not between 1 and 120 then
    perform core.raise_error('months_ahead_invalid', format('The number was %s.', create_monthly_partitions.months_ahead));
  end if;
  -- Two workers at once: the second finds everything made.
  perform pg_advisory_xact_lock(hashtextextended('howdah:create_monthly_partitions', 0));

  for v_table in
    select p.* from ops.partitioned_tables as p
    where create_monthly_partitions.table_name is null
      or create_monthly_partitions.table_name in (p.table_name, p.schema_name || '.' || p.table_name)
  loop
    -- From last month on: it is still yesterday somewhere.
    for v_month in
      select generate_series(
        date_trunc('month', core.now()) - interval '1 month',
        date_trunc('month', core.now())
          + make_interval(months => coalesce(create_monthly_partitions.months_ahead, v_table.months_ahead)),
        interval '1 month'
      )::date
    loop
      v_partition := v_table.table_name || to_char(v_month, '_YYYY_MM');
      continue when to_regclass(format('%I.%I', v_table.schema_name, v_partition)) is not null;
      execute format(
        'create table %I.%I partition of %I.%I for values from (%L) to (%L)',
        v_table.schema_name, v_partition, v_table.schema_name, v_table.table_name,
        v_month, (v_month + interval '1 month')::date
      );
      execute format('alter table %I.%I enable row level security', v_table.schema_name, v_partition);
      v_created_count := v_created_count + 1;
    end loop;

    -- Postgres hands triggers for each row down to partitions, and none for a TRUNCATE of the partition itself.
    for v_leaf in
      select n.nspname as schema_name, c.relname as table_name, t.tgname, fn.nspname as function_schema, f.proname
      from pg_inherits as i
      join pg_class as c on c.oid = i.inhrelid
      join pg_namespace as n on n.oid = c.relnamespace
      -- 34: before, truncate.
      join pg_trigger as t on t.tgrelid = i.inhparent and t.tgtype = 34 and t.tgnargs = 0
      join pg_proc as f on f.oid = t.tgfoid
      join pg_namespace as fn on fn.oid = f.pronamespace
      where i.inhparent = format('%I.%I', v_table.schema_name, v_table.table_name)::regclass
        and not exists (select from pg_trigger as own where own.tgrelid = c.oid and own.tgname = t.tgname)
    loop
      execute format(
        'create trigger %I before truncate on %I.%I for each statement execute function %I.%I()',
        v_leaf.tgname, v_leaf.schema_name, v_leaf.table_name, v_leaf.function_schema, v_leaf.proname
      );
    end loop;
  end loop;
  if create_monthly_partitions.table_name is not null and v_table.table_name is null then
    perform core.raise_error('table_not_partitioned',
      format('The table was %s.', to_json(create_monthly_partitions.table_name)));
  end if;
  return v_created_count;
end
$$;
comment on function ops.create_monthly_partitions(text, integer) is
$$Makes the partitions of last month, this month and the months ahead; returns how many were missing.

Without a table: every table of ops.partitioned_tables; without a number: as many months as the registry says.
Safe to repeat. Errors: table_not_partitioned (404), months_ahead_invalid (400).$$;
revoke all on function ops.create_monthly_partitions(text, integer) from public;
grant execute on function ops.create_monthly_partitions(text, integer) to howdah_worker;
--! EndIncluded ops/create_monthly_partitions.sql
--! Included ops/cleanup_expired_sessions.sql
-- Sessions that ended are kept for a month (people look them up), then go with their tokens.
-- security definer: the worker writes no table by right; what is deleted is fixed here.
create or replace function ops.cleanup_expired_sessions()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted_count integer;
begin
  delete from core.sessions as s
  where least(s.expires_at, s.revoked_at) < core.now() - interval '30 days';
  get diagnostics v_deleted_count = row_count;

  -- Long traded in: whoever still presents one is told that it is not ours.
  delete from private.refresh_tokens as t where t.rotated_at < core.now() - core.session_idle_ttl();
  delete from private.attempts as a where a.window_started_at < core.now() - interval '1 day';
  return v_deleted_count;
end
$$;
comment on function ops.cleanup_expired_sessions() is
$$Deletes sessions that ended more than 30 days ago and counters of attempts older than a day; returns how many sessions.

Safe to repeat.$$;
revoke all on function ops.cleanup_expired_sessions() from public;
grant execute on function ops.cleanup_expired_sessions() to howdah_worker;
--! EndIncluded ops/cleanup_expired_sessions.sql
--! Included ops/worker_lock_key.sql
-- A living worker holds this advisory lock in a connection of its own; a dead one cannot.
create or replace function ops.worker_lock_key(worker_id text)
  returns bigint
  language sql
  immutable
  strict
  parallel safe
return hashtextextended('howdah:worker:' || worker_lock_key.worker_id, 0);
comment on function ops.worker_lock_key(text) is $$Key of the advisory lock that shows that a worker is alive.$$;
revoke all on function ops.worker_lock_key(text) from public;
grant execute on function ops.worker_lock_key(text) to howdah_worker;
--! EndIncluded ops/worker_lock_key.sql
--! Included ops/release_dead_workers.sql
-- graphile-worker keeps the jobs of a killed worker locked for four hours. We see at once that it is dead:
-- nobody holds its advisory lock. Fifteen seconds of grace cover the moment between taking a job and the lock.
create or replace function ops.release_dead_workers()
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_dead_worker_ids text[];
begin
  select array_agg(l.locked_by) into v_dead_worker_ids
  from (
    select locks.locked_by, max(locks.locked_at) as last_locked_at
    from (
      select j.locked_by, j.locked_at from graphile_worker._private_jobs as j
      union all
      select q.locked_by, q.locked_at from graphile_worker._private_job_queues as q
    ) as locks
    where locks.locked_by is not null
    group by locks.locked_by
  ) as l
  where l.last_locked_at < now() - interval '15 seconds'
    -- Looked up, not tried: the session that holds a lock gets it again, and a worker that asks through its own
    -- connection would find itself dead.
    and not exists (
      select from pg_locks as held
      where held.locktype = 'advisory'
        and held.granted
        and held.database = (select d.oid from pg_database as d where d.datname = current_database())
        and held.objsubid = 1
        and (held.classid::bigint << 32 | held.objid::bigint) = ops.worker_lock_key(l.locked_by)
    );

  if v_dead_worker_ids is not null then
    perform graphile_worker.force_unlock_workers(v_dead_worker_ids);
  end if;
  return coalesce(cardinality(v_dead_worker_ids), 0);
end
$$;
comment on function ops.release_dead_workers() is
$$Frees the jobs and queues of workers that died; returns how many workers. Safe to repeat.$$;
revoke all on function ops.release_dead_workers() from public;
grant execute on function ops.release_dead_workers() to howdah_worker;
--! EndIncluded ops/release_dead_workers.sql
--! Included ops/audit_digest.sql
-- One stretch of the audit log, as its verification looks at it.
create or replace function ops.is_audit_event_intact(event core.audit_log)
  returns boolean
  language sql
  stable
return (is_audit_event_intact.event).row_hash = core.audit_row_hash(is_audit_event_intact.event)
  and case
    when (is_audit_event_intact.event).salt is not null then
      (is_audit_event_intact.event).blanked_by is null
      and (is_audit_event_intact.event).payload_hash = core.audit_payload_hash(
        (is_audit_event_intact.event).salt, (is_audit_event_intact.event).key,
        (is_audit_event_intact.event).old_values, (is_audit_event_intact.event).new_values
      )
    else (is_audit_event_intact.event).blanked_by is not null
      and (is_audit_event_intact.event).key is null
      and (is_audit_event_intact.event).old_values is null
      and (is_audit_event_intact.event).new_values is null
  end;
comment on function ops.is_audit_event_intact(core.audit_log) is
$$Whether an event fits its own hashes; of a blank one only what is left of it.$$;
revoke all on function ops.is_audit_event_intact(core.audit_log) from public;

create or replace function ops.audit_digest(from_transaction xid8, until_transaction xid8)
  returns table (event_count bigint, events_hash bytea, first_bad_event bigint, blanked_count bigint)
  language sql
  stable
begin atomic
  select
    count(*),
    sha256(coalesce(string_agg(e.row_hash, ''::bytea order by e.transaction_id, e.id), ''::bytea)),
    (array_agg(e.id order by e.transaction_id, e.id) filter (
      where not ops.is_audit_event_intact(e) or (e.salt is null and not exists (
        -- Blank without an event that says so.
        select from core.audit_log as b
        where b.id = e.blanked_by and b.operation = 'audit_blanked' and b.new_values -> 'event_ids' @> to_jsonb(e.id)
      ))
    ))[1],
    count(*) filter (where e.salt is null)
  from core.audit_log as e
  where e.transaction_id >= audit_digest.from_transaction
    and (audit_digest.until_transaction is null or e.transaction_id < audit_digest.until_transaction);
end;
comment on function ops.audit_digest(xid8, xid8) is
$$The events of a range of transactions: how many, the hash of their hashes, the first that does not fit its own hash.$$;
revoke all on function ops.audit_digest(xid8, xid8) from public;
--! EndIncluded ops/audit_digest.sql
--! Included ops/audit_guards_missing.sql
-- The owner of the database can switch triggers off; that must not go unseen.
create or replace function ops.audit_guards_missing()
  returns bigint
  language sql
  stable
begin atomic
  select count(*)
  from (
    -- 27: before update or delete, each row. 34: before truncate, each statement. 29: after any change, each row.
    select c.oid, g.kind, g.guard
    from pg_catalog.pg_class as c
    cross join lateral (values
      (27, 'core.tg__refuse_audit_change()'::regprocedure), (34, 'core.tg__refuse_audit_change()'::regprocedure)
    ) as g (kind, guard)
    where c.oid in ('core.audit_log'::regclass, 'core.audit_seals'::regclass)
      or c.oid in (select i.inhrelid from pg_catalog.pg_inherits as i where i.inhparent = 'core.audit_log'::regclass)
    union all
    select c.oid, g.kind, g.guard
    from core.audited_tables as a
    join pg_catalog.pg_namespace as n on n.nspname = a.schema_name
    join pg_catalog.pg_class as r on r.relnamespace = n.oid and r.relname = a.table_name
    cross join lateral (
      select r.oid
      union all
      select i.inhrelid from pg_catalog.pg_inherits as i where i.inhparent = r.oid
    ) as c
    cross join lateral (values
      (29, 'core.tg__audit_row()'::regprocedure), (34, 'core.tg__audit_truncate()'::regprocedure)
    ) as g (kind, guard)
    where a.is_audited
  ) as wanted
  where not exists (
    select from pg_catalog.pg_trigger as t
    where t.tgrelid = wanted.oid and t.tgfoid = wanted.guard and t.tgtype = wanted.kind and t.tgenabled in ('O', 'A')
  );
end;
comment on function ops.audit_guards_missing() is
$$How many triggers that write the audit log, or keep it as it is, are missing or switched off.$$;
revoke all on function ops.audit_guards_missing() from public;
--! EndIncluded ops/audit_guards_missing.sql
--! Included ops/verify_audit.sql
-- Whether the audit log is what was sealed. Looks at everything, oldest first, and names the first thing that is wrong.
-- deploy/verify_audit.py does the same from a dump, in another language.
create or replace function ops.verify_audit(expected jsonb default null)
  returns table (
    is_ok boolean,
    problem text,
    seal bigint,
    event bigint,
    seal_count bigint,
    sealed_count bigint,
    unsealed_count bigint,
    blanked_count bigint
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_seal core.audit_seals;
  v_before core.audit_seals;
  v_found record;
begin
  seal_count := 0;
  sealed_count := 0;
  blanked_count := 0;
  v_before.number := 0;
  v_before.until_transaction := '0';
  v_before.first_event := 1;
  v_before.event_count := 0;
  v_before.hash := decode(repeat('00', 32), 'hex');

  for v_seal in select s.* from core.audit_seals as s order by s.number loop
    v_found := ops.audit_digest(v_seal.from_transaction, v_seal.until_transaction);
    event := v_found.first_bad_event;
    seal := v_seal.number;
    problem := case
      when v_seal.number <> v_before.number + 1 then 'seal_removed'
      when v_seal.previous_hash <> v_before.hash
        or v_seal.from_transaction <> v_before.until_transaction
        or v_seal.first_event <> v_before.first_event + v_before.event_count then 'seal_changed'
      when event is not null then 'event_changed'
      when v_seal.hash = core.audit_seal_hash(v_seal, v_found.events_hash)
        and v_seal.event_count = v_found.event_count then null
      when v_found.event_count < v_seal.event_count then 'event_removed'
      when v_found.event_count > v_seal.event_count then 'event_added'
      else 'events_or_seal_changed'
    end;
    if problem is null and exists (
      select from jsonb_array_elements(ops.as_array(verify_audit.expected)) as line
      where (line ->> 'seal')::bigint = v_seal.number and line ->> 'hash' <> encode(v_seal.hash, 'hex')
    ) then
      problem := 'seal_differs_from_export';
    end if;
    exit when problem is not null;
    seal_count := seal_count + 1;
    sealed_count := sealed_count + v_found.event_count;
    blanked_count := blanked_count + v_found.blanked_count;
    v_before := v_seal;
  end loop;

  if problem is null then
    v_found := ops.audit_digest(v_before.until_transaction, null);
    unsealed_count := v_found.event_count;
    blanked_count := blanked_count + v_found.blanked_count;
    event := v_found.first_bad_event;
    seal := null;
    select min((line ->> 'seal')::bigint) into seal
    from jsonb_array_elements(ops.as_array(verify_audit.expected)) as line
    where (line ->> 'seal')::bigint > v_before.number;
    problem := case
      when seal is not null then 'seal_missing'
      when event is not null then 'event_changed'
      when ops.audit_guards_missing() > 0 then 'guard_missing'
    end;
  end if;
  is_ok := problem is null;
  return next;
end
$$;
comment on function ops.verify_audit(jsonb) is
$$Says that the audit log is intact, or names the first seal and event that are not.

expected is what was copied outside the database: the newest line of audit-seals.jsonl, or an array of all its lines.
Without it a log that was cut off, or rewritten from some point to its end, cannot be told from an intact one.
problem: event_changed, event_removed, event_added, events_or_seal_changed, seal_changed, seal_removed,
seal_differs_from_export, seal_missing (the log is shorter than the export), guard_missing (a trigger is off).
Events not sealed yet are checked one by one only.$$;
revoke all on function ops.verify_audit(jsonb) from public;

create or replace function ops.as_array(value jsonb)
  returns jsonb
  language sql
  immutable
  parallel safe
return case jsonb_typeof(as_array.value)
  when 'array' then as_array.value
  when 'object' then jsonb_build_array(as_array.value)
  else '[]'
end;
comment on function ops.as_array(jsonb) is $$One object, or many, as an array; anything else as an empty one.$$;
revoke all on function ops.as_array(jsonb) from public;
--! EndIncluded ops/verify_audit.sql
--! Included ops/row_as_of.sql
-- A row as it was. Forward from the event that made it; where the row is older than its table's audit, backward from
-- the next state that is known whole.
create or replace function ops.row_as_of(relation text, key jsonb, at timestamptz)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set intervalstyle = 'iso_8601'
  set extra_float_digits = 1
  set bytea_output = 'hex'
as $$
declare
  v_relation text := row_as_of.relation::regclass::text;
  v_is_forward boolean := false;
  v_row jsonb;
  v_event core.audit_log;
begin
  if not exists (
    select from core.audited_tables as a
    where a.is_audited and format('%I.%I', a.schema_name, a.table_name)::regclass = v_relation::regclass
  ) then
    perform core.raise_error('table_not_audited', format('The table was %s.', v_relation));
  end if;

  for v_event in select * from ops.row_events(v_relation, row_as_of.key) as e where e.occurred_at <= row_as_of.at order by e.id loop
    case v_event.operation
    when 'insert' then
      v_row := v_event.new_values;
      v_is_forward := true;
    when 'update' then
      v_row := v_row || v_event.new_values;
    when 'delete' then
      v_row := null;
      v_is_forward := true;
    else
      if v_event.new_values ? 'partition' then
        perform core.raise_error('audit_history_incomplete',
          format('Event %s emptied a partition of %s, and nothing tells whether the row was in it.', v_event.id, v_relation));
      end if;
      v_row := null;
      v_is_forward := true;
    end case;
  end loop;
  if v_is_forward then
    return v_row;
  end if;

  v_row := ops.current_row(v_relation, row_as_of.key);
  for v_event in select * from ops.row_events(v_relation, row_as_of.key) as e where e.occurred_at > row_as_of.at order by e.id desc loop
    case v_event.operation
    when 'insert' then
      v_row := null;
    when 'update' then
      v_row := v_row || v_event.old_values;
    when 'delete' then
      v_row := v_event.old_values;
    else
      perform core.raise_error('audit_history_incomplete',
        format('Event %s emptied %s, and nothing older tells what was in it.', v_event.id, v_relation));
    end case;
  end loop;
  return v_row;
end
$$;
comment on function ops.row_as_of(text, jsonb, timestamptz) is
$$The row of an audited table with this key as it was at an instant; null where there was none.

Columns of class secret show the marker "[secret]".
Errors: table_not_audited (404), audit_payload_gone (410): an event on the way was erased,
audit_history_incomplete (409): a TRUNCATE stands in the way.$$;
revoke all on function ops.row_as_of(text, jsonb, timestamptz) from public;

create or replace function ops.row_events(relation text, key jsonb)
  returns setof core.audit_log
  language sql
  stable
begin atomic
  select e.* from core.audit_log as e
  where e.relation = row_events.relation
    and hashtextextended(e.key::text, 0) = hashtextextended(row_events.key::text, 0)
    and e.key = row_events.key
  union all
  select e.* from core.audit_log as e
  where e.relation = row_events.relation and e.operation = 'truncate' and e.salt is not null;
end;
comment on function ops.row_events(text, jsonb) is $$The events of one row, and the TRUNCATEs of its table.$$;
revoke all on function ops.row_events(text, jsonb) from public;

create or replace function ops.current_row(relation text, key jsonb)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set intervalstyle = 'iso_8601'
  set extra_float_digits = 1
  set bytea_output = 'hex'
as $$
declare
  v_arguments text[] := core.audit_arguments(current_row.relation::regclass);
  v_row jsonb;
  v_column text;
begin
  execute format(
    'select to_jsonb(t) from %I.%I as t where to_jsonb(t) @> $1',
    (parse_ident(v_arguments[1]))[1], (parse_ident(v_arguments[1]))[2]
  ) into v_row using current_row.key;
  if exists (
    -- Which row a blank event was about cannot be told any more; whom it was about can.
    select from core.audit_log as e
    where e.relation = current_row.relation
      and e.salt is null
      and e.subject_id is not distinct from coalesce(core.uuid_or_null(v_row ->> v_arguments[4]), e.subject_id)
  ) then
    perform core.raise_error('audit_payload_gone', format('The row was %s of %s.', current_row.key, current_row.relation));
  end if;
  foreach v_column in array v_arguments[3]::text[] loop
    v_row := core.mask_secret(v_row, v_column);
  end loop;
  return v_row;
end
$$;
comment on function ops.current_row(text, jsonb) is
$$The row of an audited table as it is now, secrets masked. Refuses where erased events may have been its.

Errors: audit_payload_gone (410).$$;
revoke all on function ops.current_row(text, jsonb) from public;
--! EndIncluded ops/row_as_of.sql
--! Included ops/audit_dump.sql
-- The log as text, for verifiers that are not this database: seals first, then events in the order of the seals. Every
-- value is a text exactly as it was hashed, or null. Read it in one transaction of its own (npm run audit:dump does).
create or replace view ops.audit_dump
  with (security_invoker = true)
as
select line.position, line.number, line.line
from (
  select
    0 as part,
    s.until_transaction as position,
    s.number,
    json_build_array(
      'seal', s.number::text, s.from_transaction::text, s.until_transaction::text, s.first_event::text,
      s.event_count::text, core.epoch_microseconds(s.sealed_at)::text, encode(s.previous_hash, 'hex'),
      encode(s.hash, 'hex')
    )::text as line
  from core.audit_seals as s
  union all
  select
    1,
    e.transaction_id,
    e.id,
    json_build_array(
      'event', e.id::text, core.epoch_microseconds(e.occurred_at)::text, e.transaction_id::text, e.kind, e.relation,
      e.operation, e.actor_user_id::text, e.actor_session_id::text, e.subject_id::text, e.tenant_id::text,
      e.database_role, e.acting_role, e.job_id::text, e.request_id, encode(e.payload_hash, 'hex'),
      encode(e.row_hash, 'hex'), encode(e.salt, 'hex'), e.key::text, e.old_values::text, e.new_values::text,
      e.blanked_by::text
    )::text
  from core.audit_log as e
) as line
order by line.part, line.position, line.number;
comment on view ops.audit_dump is $$The audit log and its seals, one JSON array a line, as deploy/verify_audit.py reads it.$$;
comment on column ops.audit_dump.position is $$Transaction by which lines of a kind are ordered.$$;
comment on column ops.audit_dump.number is $$Number of the seal or the event.$$;
comment on column ops.audit_dump.line is $$The line: "seal" or "event", then the fields as texts.$$;
--! EndIncluded ops/audit_dump.sql
--! Included ops/policies.sql
-- No web role reads the registries; operators own them.
alter table ops.partitioned_tables enable row level security;
--! EndIncluded ops/policies.sql
--! Included ops/views.sql
-- What operators look at.
create or replace view ops.schema_migrations
  with (security_invoker = true)
as
select
  m.filename,
  m.date as applied_at,
  m.hash,
  m.previous_hash
from graphile_migrate.migrations as m;
comment on view ops.schema_migrations is $$Which committed migrations this database has, and since when.$$;
comment on column ops.schema_migrations.filename is $$File in migrations/committed.$$;
comment on column ops.schema_migrations.applied_at is $$When it was applied here.$$;
comment on column ops.schema_migrations.hash is $$Hash of its text, chained to the one before.$$;
comment on column ops.schema_migrations.previous_hash is $$Hash of the migration before.$$;
--! EndIncluded ops/views.sql
--! EndIncluded ops/_module.sql
--! Included gdpr/_module.sql
-- gdpr: what every column holds about whom. Knows modules only through what they declare.
--! Included gdpr/declare_columns.sql
-- A module's registry.sql calls this once a table. Every column stands there by name: one that nobody
-- thought about is missing here, and the tests say so.
create or replace function gdpr.declare_columns(relation text, subject text, defaults jsonb, columns jsonb)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_schema name;
  v_table name;
begin
  select n.nspname, c.relname into v_schema, v_table
  from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
  where c.oid = declare_columns.relation::regclass;

  delete from gdpr.column_policies as p
  where p.schema_name = v_schema and p.table_name = v_table and not declare_columns.columns ? p.column_name;

  insert into gdpr.column_policies as p (
    schema_name, table_name, column_name, class, subject, on_export, on_erase, reason
  )
  select
    v_schema, v_table, c.key, d.class,
    case when d.class <> 'none' then declare_columns.subject end,
    d.on_export, d.on_erase, d.reason
  from jsonb_each(declare_columns.columns) as c
  cross join lateral jsonb_to_record(declare_columns.defaults || c.value)
    as d (class text, on_export text, on_erase text, reason text)
  on conflict on constraint column_policies_pkey do update set
    class = excluded.class,
    subject = excluded.subject,
    on_export = excluded.on_export,
    on_erase = excluded.on_erase,
    reason = excluded.reason
  where (p.class, p.subject, p.on_export, p.on_erase, p.reason)
    is distinct from (excluded.class, excluded.subject, excluded.on_export, excluded.on_erase, excluded.reason);
end
$$;
comment on function gdpr.declare_columns(text, text, jsonb, jsonb) is
$$Declares every column of a table: class (none, personal, sensitive, secret), on_export (include, exclude),
on_erase (delete, null, anonymize, keep with a reason). subject names the column that leads to the person.

columns maps each column's name to what differs from defaults. Safe to repeat; columns left out are forgotten.$$;
revoke all on function gdpr.declare_columns(text, text, jsonb, jsonb) from public;
--! EndIncluded gdpr/declare_columns.sql
--! Included gdpr/policies.sql
-- No web role reads the registry; operators own it.
alter table gdpr.column_policies enable row level security;
--! EndIncluded gdpr/policies.sql
--! EndIncluded gdpr/_module.sql
-- What these three declare needs the registries' functions, so it comes after them.
--! Included core/registry.sql
-- What core's columns hold about whom.
select gdpr.declare_columns('core.settings', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"name": {}, "value": {}, "updated_at": {}}');

select gdpr.declare_columns('core.users', 'id', '{"class": "personal", "on_export": "include", "on_erase": "null"}',
  '{"id": {"on_erase": "keep", "reason": "Holds the rows of others together; leads nowhere once the rest is gone."},
    "email": {"on_erase": "anonymize"}, "email_key": {"on_export": "exclude", "on_erase": "anonymize"},
    "email_verified_at": {}, "role": {"class": "none", "on_erase": "keep"},
    "status": {"class": "none", "on_erase": "keep"}, "full_name": {}, "display_name": {}, "avatar_url": {},
    "timezone": {"on_erase": "anonymize"}, "locale": {"on_erase": "anonymize"},
    "preferences": {"on_erase": "anonymize"}, "has_onboarded": {"class": "none", "on_erase": "keep"},
    "trial_ends_at": {}, "deleted_at": {"class": "none", "on_erase": "keep"},
    "created_at": {"class": "none", "on_erase": "keep"}, "updated_at": {"class": "none", "on_erase": "keep"}}');

select gdpr.declare_columns('core.sessions', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "device_fingerprint": {}, "device_name": {}, "user_agent": {}, "client_address": {},
    "refreshed_at": {}, "expires_at": {}, "revoked_at": {}, "revoked_reason": {}, "created_at": {},
    "updated_at": {}}');

select gdpr.declare_columns('private.secrets', null, '{"class": "secret", "on_export": "exclude", "on_erase": "keep",
  "reason": "The instance''s own secrets; about no person."}',
  '{"name": {"class": "none"}, "value": {}, "updated_at": {"class": "none"}}');

select gdpr.declare_columns('private.passwords', 'user_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"user_id": {}, "password_hash": {"class": "secret"}, "updated_at": {}}');

select gdpr.declare_columns('private.refresh_tokens', 'session_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"token_hash": {"class": "secret"}, "session_id": {}, "successor_nonce": {"class": "secret"}, "rotated_at": {},
    "created_at": {}}');

select gdpr.declare_columns('private.attempts', 'bucket',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"bucket": {}, "attempt_count": {}, "window_started_at": {}}');

-- The address is all that leads to someone who has no account yet.
select gdpr.declare_columns('private.sign_up_requests', 'email',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"id": {}, "email": {}, "email_key": {}, "password_hash": {"class": "secret"}, "display_name": {}, "timezone": {},
    "locale": {}, "created_at": {}}');

select gdpr.declare_columns('private.one_time_tokens', 'user_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"token_hash": {"class": "secret"}, "purpose": {}, "user_id": {}, "sign_up_request_id": {}, "email": {},
    "created_at": {}, "expires_at": {}, "used_at": {}}');

select gdpr.declare_columns('core.mails', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "kind": {}, "user_id": {}, "session_id": {}, "sign_up_request_id": {"on_export": "exclude"},
    "recipient": {}, "state": {}, "last_error": {"on_export": "exclude"}, "started_at": {}, "finished_at": {},
    "created_at": {}, "updated_at": {}}');

select ops.declare_partitioned_table('core.analytics_events', 'filed_at');

-- The row goes with the person; the counts stay, they are about nobody.
select gdpr.declare_columns('core.analytics_events', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"visitor_id": {}, "id": {}, "filed_at": {"on_export": "exclude"}, "user_id": {}, "session_id": {}, "name": {},
    "occurred_at": {}, "received_at": {}, "properties": {}}');

select gdpr.declare_columns('core.analytics_event_schemas', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"event_name": {}, "json_schema": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.analytics_deltas', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "event_name": {}, "hour": {}, "event_count": {}, "signed_in_count": {}}');

select gdpr.declare_columns('core.analytics_hourly', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"event_name": {}, "hour": {}, "event_count": {}, "signed_in_count": {}}');

select gdpr.declare_columns('core.analytics_daily', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"event_name": {}, "day": {}, "event_count": {}, "signed_in_count": {}}');

-- No foreign key leads from an event to a person: it outlives them. core.audit_events_about() finds what is theirs.
select gdpr.declare_columns('core.audit_log', 'subject_id',
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "occurred_at": {}, "transaction_id": {}, "kind": {}, "relation": {}, "operation": {},
    "actor_user_id": {"class": "personal", "reason": "Who did it; leads nowhere once the account is erased."},
    "actor_session_id": {"class": "personal", "reason": "Leads nowhere once the session is deleted."},
    "subject_id": {"class": "personal", "reason": "Finds what is to be blanked; leads nowhere afterwards."},
    "tenant_id": {}, "database_role": {}, "acting_role": {}, "job_id": {}, "request_id": {},
    "key": {"class": "personal", "on_erase": "null"}, "old_values": {"class": "personal", "on_erase": "null"},
    "new_values": {"class": "personal", "on_erase": "null"}, "salt": {"class": "personal", "on_erase": "null"},
    "payload_hash": {}, "row_hash": {}, "blanked_by": {}}');
select gdpr.declare_columns('core.audit_seals', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"number": {}, "from_transaction": {}, "until_transaction": {}, "first_event": {}, "event_count": {},
    "sealed_at": {}, "previous_hash": {}, "hash": {}}');
select gdpr.declare_columns('core.audited_tables', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"schema_name": {}, "table_name": {}, "is_audited": {}, "reason": {}}');

-- Seven years, a year ahead: without its month the log would refuse every audited write.
select ops.declare_partitioned_table('core.audit_log', 'occurred_at', 12, 84);

select core.audit_table('core.settings');
select core.audit_table('core.users');
select core.audit_table('core.sessions');
select core.audit_table('core.audited_tables');
select core.audit_table('private.secrets');
select core.audit_table('private.passwords');
select core.declare_unaudited_table('private.refresh_tokens',
  'Traded in every few minutes, and nothing in a token but its secret; reuse is a security event.');
select core.declare_unaudited_table('private.attempts', 'Counters; refused passwords are security events.');
select core.declare_unaudited_table('private.sign_up_requests',
  'Nobody''s account yet, and gone after two days; opening the account is audited.');
select core.declare_unaudited_table('private.one_time_tokens',
  'Used once and soon expired; what opening a link changes is audited.');
select core.declare_unaudited_table('core.mails',
  'The outbox: what is to be mailed and how far it came; rows go after 30 days.');
select core.declare_unaudited_table('core.audit_log', 'The log itself.');
select core.declare_unaudited_table('core.audit_seals', 'The log''s own seals.');
select core.audit_table('core.analytics_event_schemas');
select core.declare_unaudited_table('core.analytics_events', 'A log by itself, written once and too fast for another.');
select core.declare_unaudited_table('core.analytics_deltas', 'Counts on their way into the roll-ups.');
select core.declare_unaudited_table('core.analytics_hourly', 'Counts that can be made again from the events.');
select core.declare_unaudited_table('core.analytics_daily', 'Counts that can be made again from the events.');
--! EndIncluded core/registry.sql
--! Included ops/registry.sql
-- What ops declares about its own columns: nothing personal.
select gdpr.declare_columns('ops.partitioned_tables', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"schema_name": {}, "table_name": {}, "key_column": {}, "months_ahead": {}, "retention_months": {}}');

select core.audit_table('ops.partitioned_tables');
--! EndIncluded ops/registry.sql
--! Included gdpr/registry.sql
-- What gdpr declares about its own columns: nothing personal.
select gdpr.declare_columns('gdpr.column_policies', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"schema_name": {}, "table_name": {}, "column_name": {}, "class": {}, "subject": {}, "on_export": {},
    "on_erase": {}, "reason": {}}');

select core.audit_table('gdpr.column_policies');
--! EndIncluded gdpr/registry.sql
--! Included briefing/_module.sql
-- briefing: from feeds to the few cards one person gets, and back again as feedback. Knows core.
--! Included briefing/schemas.sql
-- Who may enter the module's schema. What they find there is decided table by table in policies.sql.
comment on schema briefing is $$Sources, items, briefings and what people make of them.$$;
revoke all on schema briefing from public;
grant usage on schema briefing to howdah_anon, howdah_user, howdah_admin, howdah_worker;
--! EndIncluded briefing/schemas.sql
--! Included briefing/card_schema.sql
-- The shape of a card, said once: the checks of briefings and saved cards ask it, and the SDK prints its
-- validators from it. A card is a copy: it stays readable when its item or source is gone.
create or replace function briefing.card_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return $${
  "description": "One card of a briefing.",
  "type": "object",
  "required": [
    "id", "type", "title", "summary", "url", "source", "topics", "image", "published_at", "score", "reason", "position"
  ],
  "additionalProperties": false,
  "properties": {
    "id": {"type": "string", "format": "uuid", "description": "Key of the content item the card shows."},
    "type": {"enum": ["article", "podcast", "video"], "description": "What opens behind the card."},
    "title": {"type": "string", "minLength": 1, "maxLength": 300, "description": "Headline as published."},
    "summary": {"type": "string", "maxLength": 1000, "description": "Plain text; may be empty."},
    "url": {"type": ["string", "null"], "format": "uri", "maxLength": 2000, "description": "Where to read on."},
    "source": {
      "description": "Who published it.",
      "type": "object",
      "required": ["id", "title"],
      "additionalProperties": false,
      "properties": {
        "id": {"type": "string", "format": "uuid", "description": "Key of the content source."},
        "title": {"type": "string", "minLength": 1, "maxLength": 300, "description": "Name of the source."}
      }
    },
    "topics": {
      "description": "Slugs of the topics of the item.",
      "type": "array",
      "maxItems": 50,
      "items": {"type": "string", "pattern": "^[a-z][a-z0-9-]{1,39}$"}
    },
    "image": {"type": ["string", "null"], "format": "uri", "maxLength": 2000, "description": "Address of a picture."},
    "published_at": {"type": "string", "format": "date-time", "description": "When it was published."},
    "score": {"type": "number", "description": "What the card was ranked by; comparable within one briefing only."},
    "reason": {"type": "string", "minLength": 1, "maxLength": 300, "description": "Why this card is here."},
    "position": {"type": "integer", "minimum": 1, "maximum": 50, "description": "Place in the briefing, from 1."}
  }
}$$::jsonb;
comment on function briefing.card_schema() is
$$JSON Schema of one card of a briefing.$$;
revoke all on function briefing.card_schema() from public;
grant execute on function briefing.card_schema() to howdah_user, howdah_admin, howdah_worker;

create or replace function briefing.cards_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return jsonb_build_object(
  'description', 'The cards of a briefing, best first.',
  'type', 'array',
  'maxItems', 50,
  'items', briefing.card_schema()
);
comment on function briefing.cards_schema() is
$$JSON Schema of a whole briefing: at most 50 cards.$$;
revoke all on function briefing.cards_schema() from public;
grant execute on function briefing.cards_schema() to howdah_user, howdah_admin, howdah_worker;
--! EndIncluded briefing/card_schema.sql
--! Included briefing/preferences_schema.sql
-- What a person may set about their briefings, said once: the table's check, the error that names the wrong
-- path, and the SDK's validator all come from here.
create or replace function briefing.preferences_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return $${
  "description": "What someone wants in their briefings. Everything is optional.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "topics": {
      "description": "Slugs of the followed topics.",
      "type": "array",
      "maxItems": 50,
      "uniqueItems": true,
      "items": {"type": "string", "pattern": "^[a-z][a-z0-9-]{1,39}$"}
    },
    "muted_sources": {
      "description": "Keys of sources that never appear.",
      "type": "array",
      "maxItems": 500,
      "uniqueItems": true,
      "items": {"type": "string", "format": "uuid"}
    },
    "muted_words": {
      "description": "Words or phrases; an item that has one in its title or summary never appears.",
      "type": "array",
      "maxItems": 100,
      "uniqueItems": true,
      "items": {"type": "string", "minLength": 1, "maxLength": 60}
    },
    "languages": {
      "description": "Languages to read (ISO 639); empty means all. Items of unknown language always pass.",
      "type": "array",
      "maxItems": 20,
      "uniqueItems": true,
      "items": {"type": "string", "pattern": "^[a-z]{2,3}$"}
    },
    "card_limit": {"description": "Most cards in a briefing.", "type": "integer", "minimum": 1, "maximum": 50},
    "briefing_time": {
      "description": "Local time at which the day's briefing is made.",
      "type": "string",
      "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"
    }
  }
}$$::jsonb;
comment on function briefing.preferences_schema() is
$$JSON Schema of a person's briefing preferences.$$;
revoke all on function briefing.preferences_schema() from public;
grant execute on function briefing.preferences_schema() to howdah_user, howdah_admin, howdah_worker;
--! EndIncluded briefing/preferences_schema.sql
--! Included briefing/is_tag_list.sql
-- Tags as people type them: few, short, each once, no blanks around them, nothing invisible.
create or replace function briefing.is_tag_list(tags text[])
  returns boolean
  language sql
  immutable
  strict
  parallel safe
return cardinality(is_tag_list.tags) <= 20
  and coalesce(array_ndims(is_tag_list.tags), 1) = 1
  and array_position(is_tag_list.tags, null) is null
  and (
    select count(distinct tag) = count(*)
      and coalesce(bool_and(char_length(tag) between 1 and 40 and tag = btrim(tag) and tag !~ '[[:cntrl:]]'), true)
    from unnest(is_tag_list.tags) as tag
  );
comment on function briefing.is_tag_list(text[]) is
$$Whether a list of tags can be kept: at most 20, each 1 to 40 characters, trimmed, unique, no control characters.$$;
revoke all on function briefing.is_tag_list(text[]) from public;
grant execute on function briefing.is_tag_list(text[]) to howdah_user, howdah_admin, howdah_worker;
--! EndIncluded briefing/is_tag_list.sql
--! Included briefing/local_date.sql
-- A person's today, by their own clock.
create or replace function briefing.local_date(user_id uuid)
  returns date
  language sql
  stable
  parallel safe
return (
  select (core.now() at time zone u.timezone)::date from core.users as u where u.id = local_date.user_id
);
comment on function briefing.local_date(uuid) is
$$The date that it is now where someone lives.$$;
revoke all on function briefing.local_date(uuid) from public;
--! EndIncluded briefing/local_date.sql
--! Included briefing/next_due_at.sql
-- When someone's next scheduled briefing is made, by their own clock.
create or replace function briefing.next_due_at(timezone text, briefing_time text, after timestamptz)
  returns timestamptz
  language sql
  stable
  parallel safe
return (
  select min(due_at)
  -- One day back and two ahead: zones have skipped a whole day (Pacific/Apia, 30 December 2011).
  from generate_series(-1, 2) as day,
    lateral (
      select (
        (next_due_at.after at time zone next_due_at.timezone)::date + day
        + coalesce(next_due_at.briefing_time, '07:00')::time
      ) at time zone next_due_at.timezone as due_at
    ) as candidate
  where due_at > next_due_at.after
);
comment on function briefing.next_due_at(text, text, timestamptz) is
$$The first instant after another at which a zone's clocks show the briefing time (07:00 when none is chosen).

Where clocks jump over that time, it is as much later as they jumped (02:30 becomes 03:30 in Berlin on the last
Sunday of March). Where they show it twice, it is the second time. Either way: one briefing that day.$$;
revoke all on function briefing.next_due_at(text, text, timestamptz) from public;
--! EndIncluded briefing/next_due_at.sql
--! Included briefing/scoring.sql
-- Every number that decides what a briefing holds, in one place; docs/briefing.md explains them to readers.
create or replace function briefing.scoring()
  returns table (
    followed_topic_bonus double precision,
    followed_source_bonus double precision,
    source_weight_factor double precision,
    freshness_points double precision,
    freshness_half_life interval,
    coverage_points double precision,
    coverage_most_sources integer,
    repeated_topic_penalty double precision,
    most_from_one_source integer,
    default_card_limit integer,
    fresh_window interval,
    wide_window interval,
    repeat_free_days integer,
    candidates_per_card integer
  )
  language sql
  immutable
  rows 1
  parallel safe
begin atomic
  select
    2.0,             -- a topic someone chose outweighs the freshest of the rest
    1.5,             -- a chosen source counts a little less than a chosen topic: it brings all it has
    0.5,             -- times the source's own weight (0 to 5, usually 1)
    3.0,             -- brand new earns this much
    interval '18 hours', -- half of it is left by the next morning
    0.3,             -- for each further source that tells the story
    4,               -- further sources beyond the first that still count
    0.25,            -- each further card of one leading topic gives way a little
    3,               -- cards of one source, unless there is nothing else
    12,              -- cards without a wish of the reader
    interval '3 days',   -- where candidates are looked for first
    interval '7 days',   -- and where they are looked for when those are too few
    14,              -- a story shown once stays away this long
    12;              -- items looked at for each card: by topic, by source, and of anyone
end;
comment on function briefing.scoring() is
$$The numbers of the selection: points, windows and limits.$$;
revoke all on function briefing.scoring() from public;
--! EndIncluded briefing/scoring.sql
--! Included briefing/faded_weight.sql
-- Interest fades: what someone liked a month ago counts half of what they like today.
create or replace function briefing.faded_weight(weight double precision, since timestamptz, now timestamptz)
  returns double precision
  language sql
  immutable
  strict
  parallel safe
return faded_weight.weight
  * power(0.5, greatest(extract(epoch from faded_weight.now - faded_weight.since), 0)::double precision / (30 * 86400));
comment on function briefing.faded_weight(double precision, timestamptz, timestamptz) is
$$What is left of a learned weight at an instant: half after 30 days, a quarter after 60.$$;
revoke all on function briefing.faded_weight(double precision, timestamptz, timestamptz) from public;
--! EndIncluded briefing/faded_weight.sql
--! Included briefing/feedback_weight.sql
-- How far one reaction moves the topics of its card. Said once; docs/briefing.md shows the same table.
create or replace function briefing.feedback_weight(kind text, dwell_seconds integer default null)
  returns double precision
  language sql
  immutable
  parallel safe
return case feedback_weight.kind
  when 'like' then 1.0
  when 'dislike' then -1.5     -- a clear no must undo more than one yes
  when 'save' then 0.8
  when 'share' then 1.0
  when 'dismiss' then -0.5
  when 'click' then 0.2        -- may only be curiosity
  when 'dwell' then case
    when feedback_weight.dwell_seconds < 5 then -0.1  -- opened, and left at once
    when feedback_weight.dwell_seconds < 30 then 0.1
    when feedback_weight.dwell_seconds < 120 then 0.3
    else 0.5
  end
end;
comment on function briefing.feedback_weight(text, integer) is
$$Points that a reaction adds to each topic of its card; null for a kind that does not exist.$$;
revoke all on function briefing.feedback_weight(text, integer) from public;
--! EndIncluded briefing/feedback_weight.sql
--! Included briefing/title_key.sql
-- What near-duplicate titles are compared by, and what categories are matched to topics with.
create or replace function briefing.title_key(title text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return btrim(regexp_replace(
  -- Compatibility decomposition takes the marks off their letters; U+0300 to U+036F are the marks.
  lower(regexp_replace(normalize(title_key.title, nfkd), '[\u0300-\u036f]', '', 'g')),
  '[^[:alnum:]]+', ' ', 'g'
));
comment on function briefing.title_key(text) is
$$A title without case, punctuation and marks: "Café: 20% off!" becomes "cafe 20 off".$$;
revoke all on function briefing.title_key(text) from public;

-- "Episode 12" and "Episode 13" are two stories although their letters are nearly the same.
create or replace function briefing.title_numbers(title_key text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return (
  select coalesce(string_agg(m[1], ' ' order by m[1]), '')
  from regexp_matches(title_numbers.title_key, '[0-9]+', 'g') as m
);
comment on function briefing.title_numbers(text) is
$$The numbers in a title key, sorted: titles whose numbers differ never tell the same story.$$;
revoke all on function briefing.title_numbers(text) from public;
--! EndIncluded briefing/title_key.sql
--! Included briefing/title_pairs.sql
-- What near-duplicate titles are found by before they are compared: reworded headlines still share two words in a row.
-- An index over these is asked in a millisecond where one over trigrams needs a hundred.
create or replace function briefing.title_pairs(title_key text)
  returns text[]
  language sql
  immutable
  strict
  parallel safe
return (
  select coalesce(array_agg(distinct left(pair.words, 60)), array[left(title_pairs.title_key, 60)])
  from (
    select w.word || ' ' || lead(w.word) over (order by w.place)
    from unnest(string_to_array(title_pairs.title_key, ' ')) with ordinality as w (word, place)
  ) as pair (words)
  -- "in the" and "of a" are in every other title.
  where pair.words ~ '[^ ]{4}'
);
comment on function briefing.title_pairs(text) is
$$The pairs of neighbouring words of a title key, without pairs of short words; the title itself where it has none.$$;
revoke all on function briefing.title_pairs(text) from public;
--! EndIncluded briefing/title_pairs.sql
--! Included briefing/is_same_title.sql
-- When two titles tell the same story.
create or replace function briefing.same_title_similarity()
  returns real
  language sql
  immutable
  parallel safe
-- High enough that two results of one league stay two stories, low enough for a reworded headline.
return 0.65;
comment on function briefing.same_title_similarity() is
$$Share of trigrams from which on two title keys are nearly the same.$$;
revoke all on function briefing.same_title_similarity() from public;

-- Titles shorter than this are columns, not headlines: "Weekly links" is a new story every week.
create or replace function briefing.shortest_telling_title()
  returns integer
  language sql
  immutable
  parallel safe
return 20;
comment on function briefing.shortest_telling_title() is
$$Characters of a title key from which on it can tell that two items are the same story.$$;
revoke all on function briefing.shortest_telling_title() from public;

create or replace function briefing.is_same_title(one text, other text)
  returns boolean
  language sql
  immutable
  parallel safe
return extensions.similarity(is_same_title.one, is_same_title.other) >= briefing.same_title_similarity()
  and briefing.title_numbers(is_same_title.one) = briefing.title_numbers(is_same_title.other);
comment on function briefing.is_same_title(text, text) is
$$Whether two title keys are nearly the same and hold the same numbers.$$;
revoke all on function briefing.is_same_title(text, text) from public;
--! EndIncluded briefing/is_same_title.sql
--! Included briefing/placeholder_title.sql
-- What a source is called until somebody names it. Never its whole address: everybody reads titles, and a private feed
-- carries its password in the address.
create or replace function briefing.placeholder_title(canonical_url text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return coalesce(
  left(substring(placeholder_title.canonical_url from '^https?://(?:[^/?#]*@)?([^/?#@]+)'), 300),
  left(placeholder_title.canonical_url, 300)
);
comment on function briefing.placeholder_title(text) is
$$The host of a feed's address, or the name of an imported file.$$;
revoke all on function briefing.placeholder_title(text) from public;
--! EndIncluded briefing/placeholder_title.sql
--! Included briefing/web_address.sql
-- An address a client may open: anything that is not plainly http(s) is dropped, not repaired.
create or replace function briefing.web_address(address text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return case
  when octet_length(web_address.address) <= 2000 and web_address.address ~ '^https?://[^\s/?#]\S*$'
    then web_address.address
end;
comment on function briefing.web_address(text) is
$$The address itself if it is http or https and at most 2,000 bytes long, otherwise null.$$;
revoke all on function briefing.web_address(text) from public;
--! EndIncluded briefing/web_address.sql
--! Included briefing/triggers.sql
-- Triggers of the module's tables, and the one it hangs on core.users (core does not know this module).

-- security definer: whoever changes an account or preferences may not write schedules; the row is that person's.
create or replace function briefing.tg__plan_next_briefing()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into briefing.schedules as s (user_id, next_due_at)
  select p.user_id, briefing.next_due_at(u.timezone, p.preferences ->> 'briefing_time', core.now())
  from briefing.user_preferences as p
  join core.users as u on u.id = p.user_id
  -- The trigger says which column of its table names the person.
  where p.user_id = (to_jsonb(new) ->> tg_argv[0])::uuid
  on conflict on constraint schedules_pkey do update set next_due_at = excluded.next_due_at;
  return null;
end
$$;
comment on function briefing.tg__plan_next_briefing() is
$$Plans the next briefing when its time or its zone changes. One that is due already and not yet made is passed over.$$;
revoke all on function briefing.tg__plan_next_briefing() from public;

-- security definer: sign-up writes an account and nothing else; the row is that account's.
create or replace function briefing.tg_users__create_preferences()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into briefing.user_preferences (user_id)
  values (new.id)
  on conflict on constraint user_preferences_pkey do nothing;
  return null;
end
$$;
comment on function briefing.tg_users__create_preferences() is
$$Every account has preferences, and through them a schedule, from its first moment on.$$;
revoke all on function briefing.tg_users__create_preferences() from public;

create or replace trigger _500_create_briefing_preferences
  after insert on core.users
  for each row execute function briefing.tg_users__create_preferences();

create or replace trigger _500_plan_next_briefing
  after update of timezone on core.users
  for each row when (old.timezone is distinct from new.timezone)
  execute function briefing.tg__plan_next_briefing('id');

create or replace trigger _500_plan_next_briefing
  after insert on briefing.user_preferences
  for each row execute function briefing.tg__plan_next_briefing('user_id');

create or replace trigger _510_plan_next_briefing
  after update of preferences on briefing.user_preferences
  for each row when (old.preferences -> 'briefing_time' is distinct from new.preferences -> 'briefing_time')
  execute function briefing.tg__plan_next_briefing('user_id');

create or replace trigger _100_touch_updated_at
  before update on briefing.topics
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on briefing.content_sources
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on briefing.content_items
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on briefing.user_preferences
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on briefing.schedules
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on briefing.briefings
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on briefing.user_feedback
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on briefing.saved_cards
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _900_refuse_filterless_update
  before update on briefing.saved_cards
  for each statement execute function core.tg__refuse_filterless_write();

create or replace trigger _900_refuse_filterless_delete
  before delete on briefing.saved_cards
  for each statement execute function core.tg__refuse_filterless_write();
--! EndIncluded briefing/triggers.sql
--! Included briefing/policies.sql
-- Row-level security of the module. Content is the same for everyone who is signed in; all else is one's own,
-- for admins too: what somebody reads is nobody's business.

alter table briefing.topics enable row level security;
drop policy if exists select_everyone on briefing.topics;
create policy select_everyone on briefing.topics
  for select to howdah_anon, howdah_user, howdah_admin
  using (true);
revoke all on briefing.topics from howdah_anon, howdah_user, howdah_admin;
grant select on briefing.topics to howdah_anon, howdah_user, howdah_admin;

alter table briefing.content_sources enable row level security;
drop policy if exists select_signed_in on briefing.content_sources;
create policy select_signed_in on briefing.content_sources
  for select to howdah_user, howdah_admin
  using (true);
revoke all on briefing.content_sources from howdah_anon, howdah_user, howdah_admin;
-- Not the address: a private feed carries its password there.
grant select (id, kind, title, site_url, language, topics, weight, is_active, created_at, updated_at)
  on briefing.content_sources to howdah_user, howdah_admin;

alter table briefing.content_items enable row level security;
drop policy if exists select_signed_in on briefing.content_items;
create policy select_signed_in on briefing.content_items
  for select to howdah_user, howdah_admin
  using (true);
revoke all on briefing.content_items from howdah_anon, howdah_user, howdah_admin;
grant select (
  id, source_id, kind, url, title, summary, author, language, image_url, topics, categories, published_at, story_id,
  search_vector, created_at, updated_at
) on briefing.content_items to howdah_user, howdah_admin;

-- No policy: read by definer functions only.
alter table briefing.item_topics enable row level security;
revoke all on briefing.item_topics from howdah_anon, howdah_user, howdah_admin;

alter table briefing.followed_sources enable row level security;
drop policy if exists select_own on briefing.followed_sources;
create policy select_own on briefing.followed_sources
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
drop policy if exists insert_own on briefing.followed_sources;
create policy insert_own on briefing.followed_sources
  for insert to howdah_user, howdah_admin
  with check (user_id = (select core.current_user_id()));
drop policy if exists delete_own on briefing.followed_sources;
create policy delete_own on briefing.followed_sources
  for delete to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on briefing.followed_sources from howdah_anon, howdah_user, howdah_admin;
grant select, delete, insert (user_id, source_id) on briefing.followed_sources to howdah_user, howdah_admin;

alter table briefing.user_preferences enable row level security;
drop policy if exists select_own on briefing.user_preferences;
create policy select_own on briefing.user_preferences
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
drop policy if exists update_own on briefing.user_preferences;
create policy update_own on briefing.user_preferences
  for update to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()))
  with check (user_id = (select core.current_user_id()));
revoke all on briefing.user_preferences from howdah_anon, howdah_user, howdah_admin;
grant select, update (preferences) on briefing.user_preferences to howdah_user, howdah_admin;

alter table briefing.schedules enable row level security;
drop policy if exists select_own on briefing.schedules;
create policy select_own on briefing.schedules
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on briefing.schedules from howdah_anon, howdah_user, howdah_admin;
grant select (user_id, next_due_at) on briefing.schedules to howdah_user, howdah_admin;

-- No policy: read and written by definer functions only.
alter table briefing.user_topic_weights enable row level security;
revoke all on briefing.user_topic_weights from howdah_anon, howdah_user, howdah_admin;

alter table briefing.briefings enable row level security;
drop policy if exists select_own on briefing.briefings;
create policy select_own on briefing.briefings
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on briefing.briefings from howdah_anon, howdah_user, howdah_admin;
grant select on briefing.briefings to howdah_user, howdah_admin;

alter table briefing.user_feedback enable row level security;
drop policy if exists select_own on briefing.user_feedback;
create policy select_own on briefing.user_feedback
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on briefing.user_feedback from howdah_anon, howdah_user, howdah_admin;
grant select on briefing.user_feedback to howdah_user, howdah_admin;

alter table briefing.saved_cards enable row level security;
drop policy if exists select_own on briefing.saved_cards;
create policy select_own on briefing.saved_cards
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
drop policy if exists update_own on briefing.saved_cards;
create policy update_own on briefing.saved_cards
  for update to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()))
  with check (user_id = (select core.current_user_id()));
drop policy if exists delete_own on briefing.saved_cards;
create policy delete_own on briefing.saved_cards
  for delete to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on briefing.saved_cards from howdah_anon, howdah_user, howdah_admin;
grant select, delete, update (tags, note) on briefing.saved_cards to howdah_user, howdah_admin;
--! EndIncluded briefing/policies.sql
--! Included briefing/views.sql
-- What the module shows through the API. Public: topics, sources, items. One's own: the rest.

create or replace view api.topics
  with (security_invoker = true)
as
select t.slug, t.name, t.description, t.keywords, t.created_at, t.updated_at
from briefing.topics as t;
comment on view api.topics is $$Topics that can be followed. Readable without signing in.$$;
comment on column api.topics.slug is $$Key of the topic, for instance climate.$$;
comment on column api.topics.name is $$Name to show.$$;
comment on column api.topics.description is $$What belongs to it.$$;
comment on column api.topics.keywords is $$Words and phrases that assign an item to the topic.$$;
comment on column api.topics.created_at is $$When the topic was made.$$;
comment on column api.topics.updated_at is $$When the topic last changed.$$;
revoke all on api.topics from howdah_anon, howdah_user, howdah_admin;
grant select on api.topics to howdah_anon, howdah_user, howdah_admin;

create or replace view api.content_sources
  with (security_invoker = true)
as
select s.id, s.kind, s.title, s.site_url, s.language, s.topics, s.is_active, s.created_at, s.updated_at
from briefing.content_sources as s;
comment on view api.content_sources is $$Sources that briefings are made of, and that can be followed.$$;
comment on column api.content_sources.id is $$Key of the source.$$;
comment on column api.content_sources.kind is $$feed (fetched by address) or file (imported by hand).$$;
comment on column api.content_sources.title is $$Name of the source.$$;
comment on column api.content_sources.site_url is $$Its home page.$$;
comment on column api.content_sources.language is $$Language it is written in (ISO 639), where known.$$;
comment on column api.content_sources.topics is $$Topics that all its items belong to.$$;
comment on column api.content_sources.is_active is $$Whether it is still fetched.$$;
comment on column api.content_sources.created_at is $$When it was added.$$;
comment on column api.content_sources.updated_at is $$When it last changed.$$;
revoke all on api.content_sources from howdah_anon, howdah_user, howdah_admin;
grant select on api.content_sources to howdah_user, howdah_admin;

create or replace view api.content_items
  with (security_invoker = true)
as
select
  i.id,
  i.source_id,
  i.kind,
  i.url,
  i.title,
  i.summary,
  i.author,
  i.language,
  i.image_url,
  i.topics,
  i.categories,
  i.published_at,
  i.story_id,
  i.created_at,
  i.updated_at
from briefing.content_items as i;
comment on view api.content_items is $$What the sources published.$$;
comment on column api.content_items.id is $$Key of the item; the id of the cards that show it.$$;
comment on column api.content_items.source_id is $$Source that published it.$$;
comment on column api.content_items.kind is $$article, podcast or video.$$;
comment on column api.content_items.url is $$Where to read, hear or see it.$$;
comment on column api.content_items.title is $$Headline.$$;
comment on column api.content_items.summary is $$Plain text; may be empty.$$;
comment on column api.content_items.author is $$Who wrote it, where the feed says.$$;
comment on column api.content_items.language is $$Language (ISO 639), where known.$$;
comment on column api.content_items.image_url is $$Address of a picture.$$;
comment on column api.content_items.topics is $$Slugs of the topics it is about.$$;
comment on column api.content_items.categories is $$What the publisher filed it under.$$;
comment on column api.content_items.published_at is $$When it was published.$$;
comment on column api.content_items.story_id is $$Items of any source that tell the same story share it.$$;
comment on column api.content_items.created_at is $$When it was imported.$$;
comment on column api.content_items.updated_at is $$When it last changed.$$;
revoke all on api.content_items from howdah_anon, howdah_user, howdah_admin;
grant select on api.content_items to howdah_user, howdah_admin;

-- One table each, so that a write is refused for want of a privilege (403); a join would fail as no view to write to
-- (500). PostgREST embeds the source: followed_sources?select=created_at,content_sources(title).
create or replace view api.followed_sources
  with (security_invoker = true)
as
select f.user_id, f.source_id, f.created_at
from briefing.followed_sources as f;
comment on view api.followed_sources is $$The sources you follow. Changed with follow_source and unfollow_source.$$;
comment on column api.followed_sources.user_id is $$Who follows: you.$$;
comment on column api.followed_sources.source_id is $$Key of the source.$$;
comment on column api.followed_sources.created_at is $$Since when you follow it.$$;
revoke all on api.followed_sources from howdah_anon, howdah_user, howdah_admin;
grant select on api.followed_sources to howdah_user, howdah_admin;

create or replace view api.briefing_preferences
  with (security_invoker = true)
as
select
  p.user_id,
  p.preferences,
  (select s.next_due_at from briefing.schedules as s where s.user_id = p.user_id) as next_due_at,
  p.created_at,
  p.updated_at
from briefing.user_preferences as p;
comment on view api.briefing_preferences is
$$Your briefing preferences: one row. Changed with update_briefing_preferences, follow_topic and unfollow_topic.$$;
comment on column api.briefing_preferences.user_id is $$Whose they are: yours.$$;
comment on column api.briefing_preferences.preferences is
$$topics, muted_sources, muted_words, languages, card_limit, briefing_time; what is missing has its default.$$;
comment on column api.briefing_preferences.next_due_at is
$$When your next scheduled briefing is made.

@notNull$$;
comment on column api.briefing_preferences.created_at is $$When the account was made.$$;
comment on column api.briefing_preferences.updated_at is $$When the preferences last changed.$$;
revoke all on api.briefing_preferences from howdah_anon, howdah_user, howdah_admin;
grant select on api.briefing_preferences to howdah_user, howdah_admin;

create or replace view api.briefings
  with (security_invoker = true)
as
select b.id, b.user_id, b.briefing_date, b.edition, b.cards, b.timezone, b.generated_at, b.created_at, b.updated_at
from briefing.briefings as b;
comment on view api.briefings is $$Your briefings. Made with today_briefing and generate_briefing.$$;
comment on column api.briefings.id is $$Key of the briefing.$$;
comment on column api.briefings.user_id is $$Whose it is: yours.$$;
comment on column api.briefings.briefing_date is $$The day it is for, in your zone.$$;
comment on column api.briefings.edition is $$daily, morning or evening.$$;
comment on column api.briefings.cards is $$The cards, best first; their shape is fixed and documented.$$;
comment on column api.briefings.timezone is $$Zone the day was reckoned in.$$;
comment on column api.briefings.generated_at is $$When its cards were chosen.$$;
comment on column api.briefings.created_at is $$When it was first made.$$;
comment on column api.briefings.updated_at is $$When it last changed.$$;
revoke all on api.briefings from howdah_anon, howdah_user, howdah_admin;
grant select on api.briefings to howdah_user, howdah_admin;

create or replace view api.user_feedback
  with (security_invoker = true)
as
select
  f.id,
  f.user_id,
  f.card_id,
  f.kind,
  f.briefing_date,
  f.source_id,
  f.topics,
  f.weight,
  f.dwell_seconds,
  f.event_count,
  f.created_at,
  f.updated_at
from briefing.user_feedback as f;
comment on view api.user_feedback is $$Your reactions to cards. Given with give_feedback.$$;
comment on column api.user_feedback.id is $$Key of the reaction.$$;
comment on column api.user_feedback.user_id is $$Whose it is: yours.$$;
comment on column api.user_feedback.card_id is $$The card (content item) it is about.$$;
comment on column api.user_feedback.kind is $$like, dislike, save, share, dismiss, click or dwell.$$;
comment on column api.user_feedback.briefing_date is $$Day of the briefing that showed the card.$$;
comment on column api.user_feedback.source_id is $$Source of the card; null when it is gone.$$;
comment on column api.user_feedback.topics is $$Topics of the card, whose weights it moved.$$;
comment on column api.user_feedback.weight is $$Points it added to each of them.$$;
comment on column api.user_feedback.dwell_seconds is $$Longest look, for dwell.$$;
comment on column api.user_feedback.event_count is $$How often it was sent; it counts once.$$;
comment on column api.user_feedback.created_at is $$When it was first given.$$;
comment on column api.user_feedback.updated_at is $$When it was last given.$$;
revoke all on api.user_feedback from howdah_anon, howdah_user, howdah_admin;
grant select on api.user_feedback to howdah_user, howdah_admin;

create or replace view api.saved_cards
  with (security_invoker = true)
as
select s.id, s.user_id, s.card_id, s.card, s.tags, s.note, s.created_at, s.updated_at
from briefing.saved_cards as s;
comment on view api.saved_cards is
$$Your saved cards. Saved with save_card; tags and note can be changed, rows deleted.$$;
comment on column api.saved_cards.id is $$Key of the saved card.$$;
comment on column api.saved_cards.user_id is $$Whose it is: yours.$$;
comment on column api.saved_cards.card_id is $$The card (content item) that was saved.$$;
comment on column api.saved_cards.card is $$A copy of the card as it was shown.$$;
comment on column api.saved_cards.tags is $$Your tags: at most 20, 1 to 40 characters each.$$;
comment on column api.saved_cards.note is $$Your note: at most 2,000 characters.$$;
comment on column api.saved_cards.created_at is $$When you saved it.$$;
comment on column api.saved_cards.updated_at is $$When you last changed it.$$;
revoke all on api.saved_cards from howdah_anon, howdah_user, howdah_admin;
grant select, delete, update (tags, note) on api.saved_cards to howdah_user, howdah_admin;
--! EndIncluded briefing/views.sql
--! Included briefing/add_source.sql
-- The one door through which sources come in: operators add them, nobody else.
-- security definer: the worker's role owns no table here; only it may call this.
create or replace function briefing.add_source(
  url text,
  canonical_url text,
  title text default null,
  topics text[] default '{}',
  language text default null,
  kind text default 'feed'
)
  returns uuid
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_unknown text;
  v_canonical_url text;
  v_id uuid;
begin
  if add_source.url is null or add_source.url !~ '^(https?://[^\s/?#]|file:)\S*$'
    or octet_length(add_source.url) > 2000
    or octet_length(coalesce(add_source.canonical_url, '')) not between 1 and 2000
  then
    perform core.raise_error('source_url_invalid',
      format('%L cannot be the address of a source.', left(add_source.url, 200)));
  end if;
  select t.slug into v_unknown
  from unnest(add_source.topics) as t (slug)
  where not exists (select from briefing.topics as known where known.slug = t.slug)
  limit 1;
  if found then
    perform core.raise_error('unknown_topic', format('There is no topic %L.', left(v_unknown, 80)));
  end if;

  -- A source that has moved is known by its new address too.
  select s.canonical_url into v_canonical_url
  from briefing.content_sources as s
  where s.url = add_source.url and s.kind = 'feed' and add_source.kind = 'feed'
  limit 1;
  v_canonical_url := coalesce(v_canonical_url, add_source.canonical_url);

  -- Until a feed tells its own name, the source is called by its host.
  insert into briefing.content_sources as s (kind, url, canonical_url, title, language, topics, next_fetch_at)
  values (
    add_source.kind, add_source.url, v_canonical_url,
    left(coalesce(nullif(btrim(add_source.title), ''), briefing.placeholder_title(v_canonical_url)), 300),
    substring(lower(add_source.language) from '^[a-z]{2,3}(?![a-z])'),
    add_source.topics, core.now()
  )
  on conflict on constraint content_sources_canonical_url_key do update
    set is_active = true,
        topics = array(select distinct t from unnest(s.topics || excluded.topics) as t order by t)
  returning s.id into v_id;
  return v_id;
end
$$;
comment on function briefing.add_source(text, text, text, text[], text, text) is
$$Adds a source and returns its key; an address that is known already is switched on again and gains the topics.

Errors: source_url_invalid (400), unknown_topic (400).$$;
revoke all on function briefing.add_source(text, text, text, text[], text, text) from public;
grant execute on function briefing.add_source(text, text, text, text[], text, text) to howdah_worker;
--! EndIncluded briefing/add_source.sql
--! Included briefing/claim_due_sources.sql
-- What the scheduler asks every minute. Two schedulers never get the same source.
-- security definer: the worker's role owns no table here; only it may call this.
create or replace function briefing.claim_due_sources(batch_size integer)
  returns setof uuid
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  update briefing.content_sources as s
  -- A claim holds for 15 minutes: if the worker dies with it, the source is due again then.
  set next_fetch_at = core.now() + interval '15 minutes'
  from (
    select due.id
    from briefing.content_sources as due
    where due.is_active and due.kind = 'feed' and due.next_fetch_at <= core.now()
    order by due.next_fetch_at
    limit greatest(least(claim_due_sources.batch_size, 1000), 0)
    for no key update skip locked
  ) as claimed
  where s.id = claimed.id
  returning s.id
$$;
comment on function briefing.claim_due_sources(integer) is
$$The sources whose turn it is, longest waiting first; each is handed out once and again only after 15 minutes.$$;
revoke all on function briefing.claim_due_sources(integer) from public;
grant execute on function briefing.claim_due_sources(integer) to howdah_worker;
--! EndIncluded briefing/claim_due_sources.sql
--! Included briefing/source_to_fetch.sql
-- What the worker needs for one fetch, and no more.
-- security definer: the worker's role owns no table here; only it may call this.
create or replace function briefing.source_to_fetch(source_id uuid)
  returns table (id uuid, url text, etag text, last_modified text, language text)
  language sql
  stable
  rows 1
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select s.id, s.url, s.etag, s.last_modified, s.language
  from briefing.content_sources as s
  where s.id = source_to_fetch.source_id and s.is_active
$$;
comment on function briefing.source_to_fetch(uuid) is
$$Address and validators of an active source; no row for any other.$$;
revoke all on function briefing.source_to_fetch(uuid) from public;
grant execute on function briefing.source_to_fetch(uuid) to howdah_worker;
--! EndIncluded briefing/source_to_fetch.sql
--! Included briefing/record_fetch.sql
-- What came of a fetch, and when to try again.
-- security definer: the worker's role owns no table here; only it may call this.
create or replace function briefing.record_fetch(
  source_id uuid,
  outcome text,
  error_key text default null,
  etag text default null,
  last_modified text default null,
  moved_to text default null,
  retry_after_seconds integer default null
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_source briefing.content_sources;
  v_has_failed boolean := record_fetch.outcome = 'failed';
  v_is_moving boolean := false;
  v_error_key text := left(record_fetch.error_key, 80);
  v_wait_seconds double precision;
begin
  if record_fetch.outcome is null or record_fetch.outcome not in ('imported', 'not_modified', 'failed') then
    perform core.raise_error('fetch_outcome_unknown', format('%L is no outcome of a fetch.', record_fetch.outcome));
  end if;
  select s.* into v_source
  from briefing.content_sources as s
  where s.id = record_fetch.source_id
  for no key update;
  if not found then
    perform core.raise_error('source_not_found', format('There is no source %s.', record_fetch.source_id));
  end if;

  if record_fetch.moved_to is not null and record_fetch.moved_to <> v_source.url then
    v_is_moving := not exists (
      select from briefing.content_sources as other
      where other.id <> v_source.id
        and (other.url = record_fetch.moved_to
          or other.canonical_url = rtrim(split_part(record_fetch.moved_to, '#', 1), '/'))
    ) and record_fetch.moved_to ~ '^https?://[^\s/?#]\S*$' and octet_length(record_fetch.moved_to) <= 2000;
    if not v_is_moving and not v_has_failed then
      -- The address belongs to another source: both stay as they are, and operators can see why.
      v_error_key := 'source_moved_to_known';
    end if;
  end if;

  -- Doubles with each failure up to a day; a tenth of chance keeps a thousand feeds from coming at once.
  v_wait_seconds := case
    when v_has_failed then least(
      v_source.fetch_interval_seconds * power(2::double precision, least(v_source.failure_count, 20)), 86400)
    else v_source.fetch_interval_seconds
  end;
  v_wait_seconds := greatest(
    v_wait_seconds * (0.95 + random() * 0.1),
    -- A server may ask for patience, but not for ever.
    least(coalesce(record_fetch.retry_after_seconds, 0), 604800)
  );

  update briefing.content_sources as s
  set last_fetched_at = core.now(),
      last_succeeded_at = case when v_has_failed then s.last_succeeded_at else core.now() end,
      failure_count = case when v_has_failed then s.failure_count + 1 else 0 end,
      last_error_key = v_error_key,
      next_fetch_at = core.now() + make_interval(secs => v_wait_seconds),
      -- Validators that came with content replace the old ones, also by nothing; a 304 may repeat them.
      etag = case record_fetch.outcome
        when 'imported' then left(record_fetch.etag, 1000)
        when 'not_modified' then coalesce(left(record_fetch.etag, 1000), s.etag)
        else s.etag
      end,
      last_modified = case record_fetch.outcome
        when 'imported' then left(record_fetch.last_modified, 200)
        when 'not_modified' then coalesce(left(record_fetch.last_modified, 200), s.last_modified)
        else s.last_modified
      end,
      url = case when v_is_moving then record_fetch.moved_to else s.url end
  where s.id = v_source.id;
end
$$;
comment on function briefing.record_fetch(uuid, text, text, text, text, text, integer) is
$$Notes the outcome of a fetch (imported, not_modified, failed) and plans the next one.

Failures double the wait up to a day; imported and not_modified begin anew. A permanent move changes the address,
unless another source has it: then nothing moves and last_error_key says source_moved_to_known.

Errors: fetch_outcome_unknown (400), source_not_found (404).$$;
revoke all on function briefing.record_fetch(uuid, text, text, text, text, text, integer) from public;
grant execute on function briefing.record_fetch(uuid, text, text, text, text, text, integer) to howdah_worker;
--! EndIncluded briefing/record_fetch.sql
--! Included briefing/list_sources.sql
-- How the sources are doing, for operators.
-- security definer: the worker's role owns no table here; only it may call this.
create or replace function briefing.list_sources()
  returns table (
    id uuid, title text, url text, topics text[], item_count bigint, last_succeeded_at timestamptz,
    failure_count integer, last_error_key text, next_fetch_at timestamptz
  )
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select
    s.id, s.title, s.url, s.topics,
    (select count(*) from briefing.content_items as i where i.source_id = s.id),
    s.last_succeeded_at, s.failure_count, s.last_error_key, s.next_fetch_at
  from briefing.content_sources as s
  order by s.title, s.id
$$;
comment on function briefing.list_sources() is
$$Every source with its number of items and how its last fetches went.$$;
revoke all on function briefing.list_sources() from public;
grant execute on function briefing.list_sources() to howdah_worker;
--! EndIncluded briefing/list_sources.sql
--! Included briefing/feed_items.sql
-- Feeds are written by strangers. What comes out of here fits the table, whatever went in.
create or replace function briefing.feed_items(feed jsonb)
  returns table (
    place bigint,
    guid text,
    kind text,
    url text,
    canonical_url text,
    title text,
    summary text,
    author text,
    language text,
    image_url text,
    published_at timestamptz,
    categories text[],
    title_key text,
    content_hash bytea
  )
  language sql
  stable
  parallel safe
begin atomic
  with raw as (
    select
      item.place,
      left(btrim(item.value ->> 'title'), 300) as title,
      left(btrim(item.value ->> 'summary'), 1000) as summary,
      briefing.web_address(item.value ->> 'url') as url,
      briefing.web_address(coalesce(item.value ->> 'canonical_url', item.value ->> 'url')) as canonical_url,
      briefing.web_address(item.value ->> 'image_url') as image_url,
      nullif(left(btrim(item.value ->> 'author'), 200), '') as author,
      substring(lower(coalesce(item.value ->> 'language', feed_items.feed ->> 'language'))
        from '^[a-z]{2,3}(?![a-z])') as language,
      case when item.value ->> 'kind' in ('podcast', 'video') then item.value ->> 'kind' else 'article' end as kind,
      -- Offsets beyond 14 hours are nobody's zone, and Postgres refuses them.
      case when core.matches_json_schema(
          item.value -> 'published_at',
          '{"type": "string", "format": "date-time", "maxLength": 40, "pattern": "(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])$"}'
        )
        then item.value ->> 'published_at'
      end as published_at,
      nullif(item.value ->> 'guid', '') as guid,
      case when jsonb_typeof(item.value -> 'categories') = 'array' then array(
        select left(btrim(category), 80)
        from jsonb_array_elements_text(item.value -> 'categories') with ordinality as c (category, place)
        where btrim(category) <> ''
        order by c.place
        limit 20
      ) else '{}' end as categories
    from jsonb_array_elements(feed_items.feed -> 'items') with ordinality as item (value, place)
    where jsonb_typeof(item.value) = 'object' and item.place <= 1000
  ),
  named as (
    -- Short posts come without a title: their text is their headline.
    select r.*, coalesce(nullif(r.title, ''), nullif(left(r.summary, 120), '')) as headline
    from raw as r
  )
  select distinct on (key.guid)
    n.place,
    key.guid,
    n.kind,
    n.url,
    n.canonical_url,
    n.headline,
    coalesce(n.summary, ''),
    n.author,
    n.language,
    n.image_url,
    n.published_at::timestamptz,
    n.categories,
    briefing.title_key(n.headline),
    sha256(convert_to(jsonb_build_array(
      n.headline, n.summary, n.url, n.canonical_url, n.author, n.language, n.image_url, n.kind, n.published_at,
      n.categories
    )::text, 'UTF8'))
  from named as n,
    lateral (
      -- An index entry has room for 2,700 bytes: what is longer is known by its digest.
      select case
        when octet_length(named_by) <= 1000 then named_by
        else 'sha256:' || encode(sha256(convert_to(named_by, 'UTF8')), 'hex')
      end as guid
      from (select coalesce(n.guid, n.canonical_url, n.headline)) as name (named_by)
    ) as key
  where n.headline is not null
  order by key.guid, n.place;
end;
comment on function briefing.feed_items(jsonb) is
$$The items of a parsed feed, cut and checked to fit briefing.content_items: one for each guid, at most 1,000.

Items without title and text are left out; addresses that are not http(s) become null.$$;
revoke all on function briefing.feed_items(jsonb) from public;
--! EndIncluded briefing/feed_items.sql
--! Included briefing/keyword_query.sql
-- Words and phrases as a full-text query. Words count whole: "art" is not in "party".
create or replace function briefing.keyword_query(keywords text[])
  returns tsquery
  language plpgsql
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_query tsquery;
  v_keyword text;
begin
  foreach v_keyword in array keyword_query.keywords loop
    -- Without a letter or digit there is nothing to find, and a notice to everyone who looks.
    if v_keyword ~ '[[:alnum:]]' then
      v_query := coalesce(v_query || phraseto_tsquery('simple', v_keyword), phraseto_tsquery('simple', v_keyword));
    end if;
  end loop;
  return v_query;
end
$$;
comment on function briefing.keyword_query(text[]) is
$$A full-text query that finds any of some words or phrases, each as a whole word; null without any.$$;
revoke all on function briefing.keyword_query(text[]) from public;
--! EndIncluded briefing/keyword_query.sql
--! Included briefing/find_topics.sql
-- Which topics an item is about.
create or replace function briefing.find_topics(items jsonb, source_topics text[])
  returns table (guid text, topics text[])
  language sql
  stable
  parallel safe
begin atomic
  with topic as materialized (
    select
      t.slug,
      briefing.keyword_query(t.keywords || t.name) as query,
      array(select briefing.title_key(name) from unnest(t.keywords || t.name || t.slug) as name) as names
    from briefing.topics as t
  ),
  item as materialized (
    select
      i.value ->> 'guid' as guid,
      to_tsvector('simple', i.value ->> 'title') || to_tsvector('simple', i.value ->> 'summary') as words,
      array(
        select briefing.title_key(category)
        from jsonb_array_elements_text(i.value -> 'categories') as category
      ) as categories
    from jsonb_array_elements(find_topics.items) as i (value)
  )
  select i.guid, array_agg(t.slug order by t.slug)
  from item as i
  join topic as t
    on t.slug = any (find_topics.source_topics) or i.categories && t.names or i.words @@ t.query
  group by i.guid;
end;
comment on function briefing.find_topics(jsonb, text[]) is
$$The topics of some items ({guid, title, summary, categories}): those of their source, those a category names,
and those with a keyword in title or summary. An item without any is not in the answer.$$;
revoke all on function briefing.find_topics(jsonb, text[]) from public;
--! EndIncluded briefing/find_topics.sql
--! Included briefing/find_story_by_url.sql
-- Which story a new item belongs to because it is told at the same address.
create or replace function briefing.find_story_by_url(source_id uuid, canonical_url text, title_key text)
  returns uuid
  language sql
  stable
  parallel safe
return (
  select case
    -- An address that several stories share (a podcast's home page) tells nothing about any of them.
    when count(distinct same.story_id) = 1 and bool_or(
      same.source_id <> find_story_by_url.source_id
      or briefing.is_same_title(same.title_key, find_story_by_url.title_key)
    ) then (array_agg(same.story_id))[1]
  end
  from (
    select i.story_id, i.source_id, i.title_key
    from briefing.content_items as i
    where i.canonical_url = find_story_by_url.canonical_url
    limit 50
  ) as same
);
comment on function briefing.find_story_by_url(uuid, text, text) is
$$The story told at an address: in any other source, or in the same one under nearly the same title.$$;
revoke all on function briefing.find_story_by_url(uuid, text, text) from public;
--! EndIncluded briefing/find_story_by_url.sql
--! Included briefing/find_story_by_title.sql
-- Which story a new item belongs to because another source told it in nearly the same words.
-- Only the index over pairs is offered (no seqscan, no instant that an index could look up): where a pair is common, the
-- planner would take another way and work out the pairs of each title it meets, which takes a hundred times as long.
create or replace function briefing.find_story_by_title(source_id uuid, title_key text, published_at timestamptz)
  returns uuid
  language sql
  stable
  parallel safe
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
as $$
  with shares_words as materialized (
    select i.id, i.story_id, i.title_key, i.published_at
    from briefing.content_items as i
    where briefing.title_pairs(i.title_key) && briefing.title_pairs(find_story_by_title.title_key)
      and char_length(find_story_by_title.title_key) >= briefing.shortest_telling_title()
      and i.source_id <> find_story_by_title.source_id
      and i.published_at + interval '0' >= find_story_by_title.published_at - interval '3 days'
      and i.published_at + interval '0' <= find_story_by_title.published_at + interval '3 days'
  ),
  -- Few titles share rare words. Where ten thousand do, somebody floods us, and comparing all would hold up every import.
  compared as (
    select s.* from shares_words as s order by s.published_at desc, s.id limit 50
  )
  select i.story_id
  from compared as i
  where briefing.is_same_title(i.title_key, find_story_by_title.title_key)
    -- What one source tells twice under two addresses are two stories, also for those who copy it.
    and not exists (
      select from briefing.content_items as own
      where own.story_id = i.story_id and own.source_id = find_story_by_title.source_id
    )
  order by
    extensions.similarity(i.title_key, find_story_by_title.title_key) desc, i.published_at, i.id
  limit 1
$$;
comment on function briefing.find_story_by_title(uuid, text, timestamptz) is
$$The story that another source told within three days under nearly the same title.$$;
revoke all on function briefing.find_story_by_title(uuid, text, timestamptz) from public;
--! EndIncluded briefing/find_story_by_title.sql
--! Included briefing/write_items.sql
-- The writing half of import_feed: new and changed items with their topics and stories, in one statement.
create or replace function briefing.write_items(source briefing.content_sources, items jsonb)
  returns uuid[]
  language sql
  volatile
begin atomic
  with item as materialized (
    select
      i.*,
      known.id as known_id,
      known.story_id as known_story_id,
      coalesce(known.id, core.new_id()) as id,
      coalesce(i.published_at, known.published_at, core.now()) as published_on,
      coalesce(found.topics, '{}') as topics
    from jsonb_to_recordset(write_items.items) as i (
      place bigint, guid text, kind text, url text, canonical_url text, title text, summary text, author text,
      language text, image_url text, published_at timestamptz, categories text[], title_key text, content_hash bytea
    )
    left join briefing.content_items as known
      on known.source_id = (write_items.source).id and known.guid = i.guid
    left join briefing.find_topics(write_items.items, (write_items.source).topics) as found
      on found.guid = i.guid
  ),
  -- Compared are the first items at an address only: a thousand of them would be half a million comparisons, and what
  -- many items share (a podcast's home page) tells nothing about any of them.
  first_at_address as materialized (
    select a.*
    from (
      select i.id, i.place, i.canonical_url, i.title_key,
        row_number() over (partition by i.canonical_url order by i.place) as place_at_address
      from item as i
      where i.canonical_url is not null
    ) as a
    where a.place_at_address <= 10
  ),
  -- Within the feed the first item at an address leads those that repeat it.
  led as materialized (
    select i.id, coalesce(leader.id, i.id) as leader_id
    from item as i
    left join lateral (
      select first.id
      from first_at_address as first
      where first.canonical_url = i.canonical_url
        and first.place < i.place
        and briefing.is_same_title(first.title_key, i.title_key)
      order by first.place
      limit 1
    ) as leader on true
    where i.known_id is null
  ),
  found as materialized (
    select
      i.id,
      i.place,
      by_url.story_id as url_story_id,
      case when by_url.story_id is null then
        briefing.find_story_by_title((write_items.source).id, i.title_key, i.published_on)
      end as title_story_id
    from item as i
    join led as l on l.id = i.id and l.leader_id = i.id
    cross join lateral (
      select briefing.find_story_by_url((write_items.source).id, i.canonical_url, i.title_key)
    ) as by_url (story_id)
  ),
  told as (
    select
      f.id,
      coalesce(
        f.url_story_id,
        -- Two items of this feed never share a story for their titles alone.
        case when row_number() over (partition by f.title_story_id order by f.place) = 1
          then f.title_story_id
        end,
        f.id
      ) as story_id
    from found as f
  ),
  written as (
    insert into briefing.content_items as c (
      id, source_id, guid, kind, url, canonical_url, title, summary, author, language, image_url,
      topics, categories, published_at, story_id, title_key, content_hash
    )
    select
      i.id, (write_items.source).id, i.guid, i.kind, i.url, i.canonical_url, i.title, i.summary, i.author,
      coalesce(i.language, (write_items.source).language), i.image_url,
      i.topics, i.categories, i.published_on, coalesce(i.known_story_id, t.story_id), i.title_key, i.content_hash
    from item as i
    left join led as l on l.id = i.id
    left join told as t on t.id = l.leader_id
    on conflict on constraint content_items_source_id_guid_key do update
      set kind = excluded.kind,
          url = excluded.url,
          canonical_url = excluded.canonical_url,
          title = excluded.title,
          summary = excluded.summary,
          author = excluded.author,
          language = excluded.language,
          image_url = excluded.image_url,
          topics = excluded.topics,
          categories = excluded.categories,
          published_at = excluded.published_at,
          title_key = excluded.title_key,
          content_hash = excluded.content_hash
    returning c.id
  )
  select coalesce(array_agg(w.id), '{}') from written as w;
end;
comment on function briefing.write_items(briefing.content_sources, jsonb) is
$$Writes items that are new or changed and returns their keys. Only import_feed calls it, under its lock.$$;
revoke all on function briefing.write_items(briefing.content_sources, jsonb) from public;
--! EndIncluded briefing/write_items.sql
--! Included briefing/sync_item_topics.sql
-- briefing.item_topics repeats the topics of an item so that "the newest of a topic" is an index walk.
create or replace function briefing.sync_item_topics(item_ids uuid[])
  returns void
  language sql
  volatile
begin atomic
  delete from briefing.item_topics as it
  using briefing.content_items as i
  where it.item_id = any (sync_item_topics.item_ids)
    and i.id = it.item_id
    and not (it.topic = any (i.topics) and it.published_at = i.published_at);

  insert into briefing.item_topics (topic, published_at, item_id)
  select topic, i.published_at, i.id
  from briefing.content_items as i, unnest(i.topics) as topic
  where i.id = any (sync_item_topics.item_ids)
  on conflict on constraint item_topics_pkey do nothing;
end;
comment on function briefing.sync_item_topics(uuid[]) is
$$Makes briefing.item_topics say again what briefing.content_items says about some items.$$;
revoke all on function briefing.sync_item_topics(uuid[]) from public;
--! EndIncluded briefing/sync_item_topics.sql
--! Included briefing/complete_source.sql
-- What a feed says about itself fills what nobody has said about its source; it never overrules an operator.
create or replace function briefing.complete_source(source briefing.content_sources, feed jsonb)
  returns void
  language sql
  volatile
begin atomic
  update briefing.content_sources as s
  set title = said.title, site_url = said.site_url, language = said.language
  from (
    select
      case when (complete_source.source).title = briefing.placeholder_title((complete_source.source).canonical_url)
        then coalesce(nullif(left(btrim(complete_source.feed ->> 'title'), 300), ''), (complete_source.source).title)
        else (complete_source.source).title
      end,
      coalesce((complete_source.source).site_url, briefing.web_address(complete_source.feed ->> 'site_url')),
      coalesce(
        (complete_source.source).language,
        substring(lower(complete_source.feed ->> 'language') from '^[a-z]{2,3}(?![a-z])')
      )
  ) as said (title, site_url, language)
  where s.id = (complete_source.source).id
    and (s.title, s.site_url, s.language) is distinct from (said.title, said.site_url, said.language);
end;
comment on function briefing.complete_source(briefing.content_sources, jsonb) is
$$Gives a source the title, home page and language of its feed, where it has none of its own.$$;
revoke all on function briefing.complete_source(briefing.content_sources, jsonb) from public;
--! EndIncluded briefing/complete_source.sql
--! Included briefing/import_feed.sql
-- Takes in what a feed says now. The same feed again writes nothing; a changed item changes in place.
-- security definer: the worker's role owns no table here; only it may call this.
create or replace function briefing.import_feed(source_id uuid, feed jsonb)
  returns table (inserted integer, updated integer, unchanged integer)
  language plpgsql
  volatile
  rows 1
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_source briefing.content_sources;
  v_changes jsonb;
  v_changed_ids uuid[];
  v_total integer;
begin
  select s.* into v_source from briefing.content_sources as s where s.id = import_feed.source_id;
  if not found then
    perform core.raise_error('source_not_found', format('There is no source %s.', import_feed.source_id));
  end if;
  if jsonb_typeof(import_feed.feed -> 'items') is distinct from 'array' then
    perform core.raise_error('feed_invalid', 'A feed is an object with an array of items.');
  end if;
  -- Imports of one source wait for each other: the later one then sees what the earlier one wrote.
  perform pg_advisory_xact_lock(hashtextextended('briefing.import_feed:' || v_source.id, 0));

  select
    count(*),
    count(*) filter (where known.id is null),
    count(*) filter (where known.content_hash <> item.content_hash),
    jsonb_agg(to_jsonb(item)) filter (where known.id is null or known.content_hash <> item.content_hash)
  into v_total, inserted, updated, v_changes
  from briefing.feed_items(import_feed.feed) as item
  left join briefing.content_items as known
    on known.source_id = v_source.id and known.guid = item.guid;
  unchanged := v_total - inserted - updated;

  if v_changes is not null then
    -- Two sources that bring the same story at the same moment must see each other.
    perform pg_advisory_xact_lock(hashtextextended('briefing.import_feed', 0));
    v_changed_ids := briefing.write_items(v_source, v_changes);
    perform briefing.sync_item_topics(v_changed_ids);
  end if;
  perform briefing.complete_source(v_source, import_feed.feed);
  return next;
end
$$;
comment on function briefing.import_feed(uuid, jsonb) is
$$Imports a parsed feed ({title, site_url, language, items}) and says how many items were new, changed and as before.

Safe to repeat and to run in parallel. Items keep their key and story when they change.

Errors: feed_invalid (400), source_not_found (404).$$;
revoke all on function briefing.import_feed(uuid, jsonb) from public;
grant execute on function briefing.import_feed(uuid, jsonb) to howdah_worker;
--! EndIncluded briefing/import_feed.sql
--! Included briefing/follow_source.sql
-- Following a source is a row; row-level security and the primary key do the rest.
create or replace function api.follow_source(source_id uuid)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
begin
  if not exists (select from briefing.content_sources as s where s.id = follow_source.source_id) then
    perform core.raise_error('source_not_found', format('There is no source %s.', follow_source.source_id));
  end if;
  if (select count(*) from briefing.followed_sources as f where f.user_id = v_user_id) >= 500
    and not exists (
      select from briefing.followed_sources as f
      where f.user_id = v_user_id and f.source_id = follow_source.source_id
    )
  then
    perform core.raise_error('too_many_follows', 'You follow 500 sources already.');
  end if;
  insert into briefing.followed_sources (user_id, source_id)
  values (v_user_id, follow_source.source_id)
  on conflict on constraint followed_sources_pkey do nothing;
end
$$;
comment on function api.follow_source(uuid) is
$$Follow a source: its items come into your briefings and rank higher there. Safe to repeat.

At most 500 sources. Errors: not_signed_in (401), source_not_found (404), too_many_follows (409).$$;
revoke all on function api.follow_source(uuid) from public;
grant execute on function api.follow_source(uuid) to howdah_user, howdah_admin;
--! EndIncluded briefing/follow_source.sql
--! Included briefing/unfollow_source.sql
-- The way back from follow_source. Nothing to undo is no error.
create or replace function api.unfollow_source(source_id uuid)
  returns void
  language sql
  volatile
begin atomic
  delete from briefing.followed_sources as f
  where f.user_id = (select core.require_user()) and f.source_id = unfollow_source.source_id;
end;
comment on function api.unfollow_source(uuid) is
$$Stop following a source. Safe to repeat.

Errors: not_signed_in (401).$$;
revoke all on function api.unfollow_source(uuid) from public;
grant execute on function api.unfollow_source(uuid) to howdah_user, howdah_admin;
--! EndIncluded briefing/unfollow_source.sql
--! Included briefing/follow_topic.sql
-- Followed topics are part of the preferences: one list, whichever door it is changed through.
create or replace function api.follow_topic(topic text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_topics jsonb;
begin
  if not exists (select from briefing.topics as t where t.slug = follow_topic.topic) then
    perform core.raise_error('unknown_topic',
      format('There is no topic %s.', coalesce(to_json(left(follow_topic.topic, 80))::text, 'null')));
  end if;
  -- Locked before it is read: two follows at once keep both.
  select coalesce(p.preferences -> 'topics', '[]') into v_topics
  from briefing.user_preferences as p
  where p.user_id = v_user_id
  for no key update;
  if v_topics ? follow_topic.topic then
    return;
  end if;
  if jsonb_array_length(v_topics) >= 50 then
    perform core.raise_error('too_many_follows', 'You follow 50 topics already.');
  end if;
  update briefing.user_preferences as p
  set preferences = p.preferences || jsonb_build_object('topics', v_topics || to_jsonb(follow_topic.topic))
  where p.user_id = v_user_id;
end
$$;
comment on function api.follow_topic(text) is
$$Follow a topic by its slug: its items come into your briefings and rank higher there. Safe to repeat.

At most 50 topics. Errors: not_signed_in (401), too_many_follows (409), unknown_topic (400).$$;
revoke all on function api.follow_topic(text) from public;
grant execute on function api.follow_topic(text) to howdah_user, howdah_admin;
--! EndIncluded briefing/follow_topic.sql
--! Included briefing/unfollow_topic.sql
-- The way back from follow_topic. What was learned about the topic stays and fades by itself.
create or replace function api.unfollow_topic(topic text)
  returns void
  language sql
  volatile
begin atomic
  update briefing.user_preferences as p
  set preferences = jsonb_set(p.preferences, '{topics}', (p.preferences -> 'topics') - unfollow_topic.topic)
  where p.user_id = (select core.require_user()) and p.preferences -> 'topics' ? unfollow_topic.topic;
end;
comment on function api.unfollow_topic(text) is
$$Stop following a topic. Safe to repeat.

Errors: not_signed_in (401).$$;
revoke all on function api.unfollow_topic(text) from public;
grant execute on function api.unfollow_topic(text) to howdah_user, howdah_admin;
--! EndIncluded briefing/unfollow_topic.sql
--! Included briefing/preferences_problem.sql
-- Finds the path that breaks the schema, so that a refusal can name it.
create or replace function briefing.preferences_problem(preferences jsonb)
  returns text
  language sql
  stable
  parallel safe
begin atomic
  select case
    when jsonb_typeof(preferences_problem.preferences) is distinct from 'object'
      then 'preferences must be an object.'
    else (
      select case
        when rule.schema is null then format('%s is not a preference.', to_json(left(given.key, 80)))
        else format(
          '%s must match %s.',
          given.key || coalesce('[' || wrong.place || ']', ''),
          coalesce(case when wrong.place is not null then rule.schema -> 'items' end, rule.schema) - 'description'
        )
      end
      from jsonb_each(preferences_problem.preferences) as given
      cross join lateral (
        select briefing.preferences_schema() -> 'properties' -> given.key
      ) as rule (schema)
      left join lateral (
        select (element.place - 1)::text as place
        from jsonb_array_elements(
          case when jsonb_typeof(given.value) = 'array' then given.value else '[]' end
        ) with ordinality as element (value, place)
        where element.place <= 500 and not core.matches_json_schema(element.value, rule.schema -> 'items')
        order by element.place
        limit 1
      ) as wrong on true
      where rule.schema is null or not core.matches_json_schema(given.value, rule.schema)
      order by given.key
      limit 1
    )
  end;
end;
comment on function briefing.preferences_problem(jsonb) is
$$A sentence naming the first path that briefing.preferences_schema() refuses; null when all is well.$$;
revoke all on function briefing.preferences_problem(jsonb) from public;
grant execute on function briefing.preferences_problem(jsonb) to howdah_user, howdah_admin;
--! EndIncluded briefing/preferences_problem.sql
--! Included briefing/update_briefing_preferences.sql
-- A merge, not a replacement: what is not sent stays, null takes a preference back.
create or replace function api.update_briefing_preferences(preferences jsonb)
  returns setof api.briefing_preferences
  language plpgsql
  volatile
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_given jsonb := update_briefing_preferences.preferences;
  v_removed text[];
  v_problem text;
begin
  if jsonb_typeof(v_given) = 'object' then
    select coalesce(array_agg(given.key), '{}') into v_removed
    from jsonb_each(v_given) as given
    where given.value = 'null' and briefing.preferences_schema() -> 'properties' ? given.key;
    v_given := v_given - v_removed;
  end if;
  v_problem := briefing.preferences_problem(v_given);
  if v_problem is not null then
    perform core.raise_error('preferences_invalid', v_problem);
  end if;

  select t.slug into v_problem
  from jsonb_array_elements_text(v_given -> 'topics') as t (slug)
  where not exists (select from briefing.topics as known where known.slug = t.slug)
  limit 1;
  if found then
    perform core.raise_error('unknown_topic', format('There is no topic %s.', v_problem));
  end if;
  select m.id into v_problem
  from jsonb_array_elements_text(v_given -> 'muted_sources') as m (id)
  where not exists (select from briefing.content_sources as s where s.id = m.id::uuid)
  limit 1;
  if found then
    perform core.raise_error('source_not_found', format('There is no source %s.', v_problem));
  end if;

  update briefing.user_preferences as p
  set preferences = (p.preferences - v_removed) || v_given
  where p.user_id = v_user_id;
  return query
    select own.* from api.briefing_preferences as own where own.user_id = v_user_id;
end
$$;
comment on function api.update_briefing_preferences(jsonb) is
$$Change briefing preferences: keys you send are set, keys sent as null are taken back, all others stay.

Keys: topics, muted_sources, muted_words, languages, card_limit (1 to 50), briefing_time (HH:MM, your zone).

Errors: not_signed_in (401), preferences_invalid (400, names the path), source_not_found (404), unknown_topic (400).$$;
revoke all on function api.update_briefing_preferences(jsonb) from public;
grant execute on function api.update_briefing_preferences(jsonb) to howdah_user, howdah_admin;
--! EndIncluded briefing/update_briefing_preferences.sql
--! Included briefing/search_content.sql
-- Full-text search over what the sources published.
create or replace function api.search_content(
  query text,
  topic text default null,
  source_id uuid default null,
  max_results integer default 20
)
  returns setof api.content_items
  language plpgsql
  stable
  rows 20
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_query tsquery := websearch_to_tsquery('simple', left(search_content.query, 500));
begin
  if v_query is null or numnode(v_query) = 0 or char_length(search_content.query) > 200 then
    perform core.raise_error('search_query_invalid', 'A search needs a word and at most 200 characters.');
  end if;
  return query
    select found.*
    from (
      -- The newest matches compete: ranking every match of a common word would read half the table.
      select i.id, i.search_vector
      from briefing.content_items as i
      where i.search_vector @@ v_query
        and (search_content.topic is null or i.topics @> array[search_content.topic])
        and (search_content.source_id is null or i.source_id = search_content.source_id)
      order by i.published_at desc
      limit 300
    ) as recent
    join api.content_items as found on found.id = recent.id
    order by ts_rank(recent.search_vector, v_query) desc, found.published_at desc, found.id
    limit greatest(least(search_content.max_results, 100), 0);
end
$$;
comment on function api.search_content(text, text, uuid, integer) is
$$Search items by words: "quoted phrases", or, -without. Best match first among the newest 300.

At most 100 results (default 20). Errors: search_query_invalid (400).$$;
revoke all on function api.search_content(text, text, uuid, integer) from public;
grant execute on function api.search_content(text, text, uuid, integer) to howdah_user, howdah_admin;
--! EndIncluded briefing/search_content.sql
--! Included briefing/card_reason.sql
-- Why a card is here, in a sentence that is true: the strongest thing that brought it.
create or replace function briefing.card_reason(
  source_title text,
  -- 0 where the source is not followed.
  source_points double precision,
  topic_name text,
  topic_weight double precision,
  is_topic_followed boolean,
  is_topic_liked boolean,
  telling_sources integer
)
  returns text
  language sql
  immutable
  parallel safe
return case
  when card_reason.source_points > coalesce(card_reason.topic_weight, 0)
    then format('From %s, which you follow', left(card_reason.source_title, 120))
  when card_reason.topic_weight > 0 and card_reason.is_topic_followed and card_reason.is_topic_liked
    then format('You follow %s and liked stories about it', card_reason.topic_name)
  when card_reason.is_topic_followed and card_reason.source_points > 0
    then format('You follow %s and %s', card_reason.topic_name, left(card_reason.source_title, 120))
  when card_reason.is_topic_followed
    then format('You follow %s', card_reason.topic_name)
  when card_reason.topic_weight >= 0.5 and card_reason.is_topic_liked
    then format('You liked stories about %s', card_reason.topic_name)
  when card_reason.topic_weight >= 0.5
    then format('You took an interest in %s', card_reason.topic_name)
  when card_reason.telling_sources >= 3
    then format('Widely covered: %s sources tell this story', card_reason.telling_sources)
  else format('New from %s', left(card_reason.source_title, 120))
end;
comment on function briefing.card_reason(text, double precision, text, double precision, boolean, boolean, integer) is
$$The sentence on a card that says what brought it: a followed source or topic, what was liked, how many tell it.$$;
revoke all on function briefing.card_reason(
  text, double precision, text, double precision, boolean, boolean, integer
) from public;
--! EndIncluded briefing/card_reason.sql
--! Included briefing/muted_query.sql
-- Muted words as a full-text query: whole words, any case, phrases as phrases.
create or replace function briefing.muted_query(preferences jsonb)
  returns tsquery
  language sql
  immutable
  parallel safe
return briefing.keyword_query(array(select jsonb_array_elements_text(muted_query.preferences -> 'muted_words')));
comment on function briefing.muted_query(jsonb) is
$$What an item must not match to be shown to someone; null when nothing is muted.$$;
revoke all on function briefing.muted_query(jsonb) from public;
--! EndIncluded briefing/muted_query.sql
--! Included briefing/candidates.sql
-- What is looked at for a briefing: a bounded number of the newest items, each found by walking an index.
-- No set clause: it is inlined into briefing.select_cards().
create or replace function briefing.candidates(
  topics text[],
  source_ids uuid[],
  published_after timestamptz,
  published_until timestamptz,
  is_general boolean,
  card_limit integer
)
  returns table (item_id uuid)
  language sql
  stable
  rows 300
  parallel safe
begin atomic
  select newest.item_id
  from unnest(candidates.topics) as wanted (topic)
  cross join briefing.scoring() as s
  cross join lateral (
    select it.item_id
    from briefing.item_topics as it
    where it.topic = wanted.topic
      and it.published_at > candidates.published_after and it.published_at <= candidates.published_until
    order by it.published_at desc
    limit least(120, greatest(
      10, s.candidates_per_card * candidates.card_limit / greatest(cardinality(candidates.topics), 1)
    ))
  ) as newest
  union
  select newest.id
  from unnest(candidates.source_ids) as wanted (source_id)
  cross join briefing.scoring() as s
  cross join lateral (
    select i.id
    from briefing.content_items as i
    where i.source_id = wanted.source_id
      and i.published_at > candidates.published_after and i.published_at <= candidates.published_until
    order by i.published_at desc
    limit least(20, greatest(
      3, s.candidates_per_card * candidates.card_limit / greatest(cardinality(candidates.source_ids), 1)
    ))
  ) as newest
  union
  select newest.id
  from briefing.scoring() as s
  cross join lateral (
    select i.id
    from briefing.content_items as i
    where candidates.is_general
      and i.published_at > candidates.published_after and i.published_at <= candidates.published_until
    order by i.published_at desc
    limit s.candidates_per_card * candidates.card_limit
  ) as newest;
end;
comment on function briefing.candidates(text[], uuid[], timestamptz, timestamptz, boolean, integer) is
$$The newest items of each topic and of each source and, with is_general, of anyone, each item once.

Topics, sources and the general part may each bring twelve items for a card; shared out between many, a topic brings at
least ten and a source at least three.$$;
revoke all on function briefing.candidates(text[], uuid[], timestamptz, timestamptz, boolean, integer) from public;
--! EndIncluded briefing/candidates.sql
--! Included briefing/select_cards.sql
-- The heart: from everything that was published to the few cards one person gets.
-- The plan is made once per session and kept: planning this statement takes longer than running it.
create or replace function briefing.select_cards(
  user_id uuid,
  preferences jsonb,
  shown_item_ids uuid[],
  shown_story_ids uuid[],
  published_after timestamptz,
  is_general boolean,
  card_limit integer
)
  returns table (cards jsonb, item_ids uuid[], story_ids uuid[], is_full boolean)
  language plpgsql
  stable
  rows 1
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
as $$
declare
  v_now timestamptz := core.now();
  v_muted tsquery := briefing.muted_query(select_cards.preferences);
  v_muted_sources uuid[] := array(
    select jsonb_array_elements_text(select_cards.preferences -> 'muted_sources'))::uuid[];
  v_languages text[] := array(select jsonb_array_elements_text(select_cards.preferences -> 'languages'));
  v_topics text[] := array(select jsonb_array_elements_text(select_cards.preferences -> 'topics'));
begin
  return query
  with interest as materialized (
    select
      t.slug,
      t.name,
      case when t.slug = any (v_topics) then s.followed_topic_bonus else 0 end
        + coalesce(briefing.faded_weight(w.weight, w.weighed_at, v_now), 0) as weight,
      t.slug = any (v_topics) as is_followed,
      coalesce(w.like_count, 0) > 0 as is_liked
    from briefing.topics as t
    cross join briefing.scoring() as s
    left join briefing.user_topic_weights as w on w.user_id = select_cards.user_id and w.topic = t.slug
    where t.slug = any (v_topics) or w.topic is not null
  ),
  followed as materialized (
    select f.source_id from briefing.followed_sources as f where f.user_id = select_cards.user_id
  ),
  -- One row, so that its arrays are columns: a subquery as an argument would keep the function from being inlined.
  wanted as (
    select
      array(select i.slug from interest as i where i.is_followed or i.weight >= 0.5) as topics,
      array(select f.source_id from followed as f) as source_ids
  ),
  eligible as materialized (
    select
      i.id, i.story_id, i.source_id, i.topics, i.published_at,
      followed.source_id is not null as is_source_followed,
      s.freshness_points * power(
          0.5,
          extract(epoch from v_now - i.published_at)::double precision
            / extract(epoch from s.freshness_half_life)::double precision
        )
        + s.source_weight_factor * source.weight::double precision
        + case when followed.source_id is not null then s.followed_source_bonus else 0 end as points
    from wanted as w
    cross join lateral briefing.candidates(
      w.topics, w.source_ids, select_cards.published_after, v_now, select_cards.is_general, select_cards.card_limit
    ) as c
    cross join briefing.scoring() as s
    join briefing.content_items as i on i.id = c.item_id
    join briefing.content_sources as source on source.id = i.source_id
    left join followed on followed.source_id = i.source_id
    where (cardinality(v_languages) = 0 or i.language is null or i.language = any (v_languages))
      and i.source_id <> all (v_muted_sources)
      and (v_muted is null or not i.search_vector @@ v_muted)
      and not exists (select from unnest(select_cards.shown_item_ids) as shown (id) where shown.id = i.id)
      and not exists (select from unnest(select_cards.shown_story_ids) as shown (id) where shown.id = i.story_id)
  ),
  -- The strongest liking and the strongest dislike among an item's topics count, not their number. Of topics
  -- liked alike the rarer leads: it says more about the item.
  liking as materialized (
    select
      l.id,
      greatest(max(l.weight), 0) + least(min(l.weight), 0) as points,
      (array_agg(l.slug order by l.weight desc, l.item_count, l.slug))[1] as topic
    from (
      select e.id, i.slug, i.weight, count(*) over (partition by i.slug) as item_count
      from eligible as e, unnest(e.topics) as topic
      join interest as i on i.slug = topic
    ) as l
    group by l.id
  ),
  best_of_story as (
    select distinct on (e.story_id)
      e.id, e.story_id, e.source_id, e.published_at, e.is_source_followed, l.topic,
      e.points + coalesce(l.points, 0) as points
    from eligible as e
    left join liking as l on l.id = e.id
    order by e.story_id, e.points + coalesce(l.points, 0) desc, e.published_at desc, e.id
  ),
  shortlist as (
    select b.* from best_of_story as b
    order by b.points desc, b.published_at desc, b.id
    limit select_cards.card_limit * 4 + 20
  ),
  covered as (
    select
      b.*,
      told.source_count,
      b.points + s.coverage_points * least(told.source_count - 1, s.coverage_most_sources) as covered_points
    from shortlist as b
    cross join briefing.scoring() as s
    cross join lateral (
      select count(distinct same.source_id)::integer as source_count
      from briefing.content_items as same
      where same.story_id = b.story_id
    ) as told
  ),
  ranked as (
    select
      c.*,
      row_number() over (partition by c.source_id order by c.covered_points desc, c.published_at desc, c.id)
        > s.most_from_one_source as is_surplus,
      c.covered_points - case when c.topic is null then 0 else s.repeated_topic_penalty * (
        row_number() over (partition by c.topic order by c.covered_points desc, c.published_at desc, c.id) - 1
      ) end as score
    from covered as c
    cross join briefing.scoring() as s
  ),
  chosen as (
    select
      r.*,
      row_number() over (order by r.is_surplus, r.score desc, r.published_at desc, r.id) as place
    from ranked as r
    order by r.is_surplus, r.score desc, r.published_at desc, r.id
    limit select_cards.card_limit
  )
  select
    coalesce(jsonb_agg(jsonb_build_object(
      'id', i.id,
      'type', i.kind,
      'title', i.title,
      'summary', i.summary,
      'url', i.url,
      'source', jsonb_build_object('id', source.id, 'title', source.title),
      'topics', to_jsonb(i.topics),
      'image', i.image_url,
      'published_at', to_char(i.published_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
      'score', round(c.score::numeric, 3),
      'reason', briefing.card_reason(
        source.title, case when c.is_source_followed then s.followed_source_bonus else 0 end,
        n.name, n.weight, n.is_followed, n.is_liked, c.source_count
      ),
      'position', c.place
    ) order by c.place), '[]'),
    coalesce(array_agg(i.id order by c.place), '{}'),
    coalesce(array_agg(i.story_id order by c.place), '{}'),
    count(*) filter (where not c.is_surplus) >= select_cards.card_limit
  from chosen as c
  cross join briefing.scoring() as s
  join briefing.content_items as i on i.id = c.id
  join briefing.content_sources as source on source.id = i.source_id
  left join interest as n on n.slug = c.topic;
end
$$;
comment on function briefing.select_cards(uuid, jsonb, uuid[], uuid[], timestamptz, boolean, integer) is
$$The best cards for one person among what was published after an instant; is_full says whether they were enough
without taking more than a few from one source.

Candidates: the newest of each followed or liked topic and of each followed source; with is_general, the newest of
anyone. Left out: what was shown, muted words and sources, other languages.

score = freshness (3 points, half each 18 hours) + strongest liked topic (2 when followed, plus what was learned)
+ strongest disliked topic + 1.5 for a followed source + half the source's weight + 0.3 for each further source that
tells the story (at most 4) - 0.25 for each better card of the same leading topic. The numbers stand in
briefing.scoring().$$;
revoke all on function briefing.select_cards(uuid, jsonb, uuid[], uuid[], timestamptz, boolean, integer) from public;
--! EndIncluded briefing/select_cards.sql
--! Included briefing/generate_for_user.sql
-- Makes one person's briefing. Two at once, and a crowd of retries, end with the same one row.
-- security definer: reads the person's account and writes briefings, which no role may do directly; the callers
-- (api.generate_briefing, api.today_briefing, the scheduler) decide for whom.
create or replace function briefing.generate_for_user(
  user_id uuid,
  briefing_date date,
  edition text default 'daily',
  refresh boolean default false
)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
as $$
declare
  v_timezone text;
  v_preferences jsonb;
  v_rules record;
  v_limit integer;
  v_shown_items uuid[];
  v_shown_stories uuid[];
  v_picked record;
begin
  -- One briefing of a person at a time, or two editions made together would show the same story.
  select u.timezone, p.preferences into v_timezone, v_preferences
  from briefing.user_preferences as p
  join core.users as u on u.id = p.user_id
  where p.user_id = generate_for_user.user_id and u.status = 'active'
  for no key update of p;
  if not found then
    perform core.raise_error('account_not_found', format('No active account %s.', generate_for_user.user_id));
  end if;
  -- An empty one is worth another look: there was nothing to show when it was made.
  if not generate_for_user.refresh and exists (
    select from briefing.briefings as b
    where b.user_id = generate_for_user.user_id
      and b.briefing_date = generate_for_user.briefing_date
      and b.edition = generate_for_user.edition
      and b.item_ids <> '{}'
  ) then
    return;
  end if;

  select s.* into v_rules from briefing.scoring() as s;
  v_limit := coalesce((v_preferences ->> 'card_limit')::integer, v_rules.default_card_limit);
  select
    coalesce(array_agg(distinct shown.item_id), '{}'), coalesce(array_agg(distinct shown.story_id), '{}')
  into v_shown_items, v_shown_stories
  from briefing.briefings as b, unnest(b.item_ids, b.story_ids) as shown (item_id, story_id)
  where b.user_id = generate_for_user.user_id
    and b.briefing_date > generate_for_user.briefing_date - v_rules.repeat_free_days
    and b.briefing_date < generate_for_user.briefing_date + v_rules.repeat_free_days
    and (b.briefing_date, b.edition) <> (generate_for_user.briefing_date, generate_for_user.edition);

  select * into v_picked from briefing.select_cards(
    generate_for_user.user_id, v_preferences, v_shown_items, v_shown_stories,
    core.now() - v_rules.fresh_window, false, v_limit
  );
  if not v_picked.is_full then
    select * into v_picked from briefing.select_cards(
      generate_for_user.user_id, v_preferences, v_shown_items, v_shown_stories,
      core.now() - v_rules.wide_window, true, v_limit
    );
  end if;

  insert into briefing.briefings as b (
    user_id, briefing_date, edition, cards, item_ids, story_ids, timezone, generated_at
  )
  values (
    generate_for_user.user_id, generate_for_user.briefing_date, generate_for_user.edition,
    v_picked.cards, v_picked.item_ids, v_picked.story_ids, v_timezone, core.now()
  )
  on conflict on constraint briefings_pkey do update
    set cards = excluded.cards,
        item_ids = excluded.item_ids,
        story_ids = excluded.story_ids,
        timezone = excluded.timezone,
        generated_at = excluded.generated_at;
end
$$;
comment on function briefing.generate_for_user(uuid, date, text, boolean) is
$$Makes the briefing of a person, a day and an edition; does nothing when there is one, unless asked to refresh.

Looks for fresh items first and, if those do not fill it, for a week's items of any source. Stories of the person's
other briefings within 14 days stay out. Errors: account_not_found (404).$$;
revoke all on function briefing.generate_for_user(uuid, date, text, boolean) from public;
grant execute on function briefing.generate_for_user(uuid, date, text, boolean) to howdah_worker;
--! EndIncluded briefing/generate_for_user.sql
--! Included briefing/generate_briefing.sql
-- A briefing on request.
-- security definer: people read briefings and never write them; the caller's own id is the only one used.
create or replace function api.generate_briefing(
  briefing_date date default null,
  edition text default 'daily',
  refresh boolean default false
)
  returns setof api.briefings
  language plpgsql
  volatile
  rows 1
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_edition text := coalesce(generate_briefing.edition, 'daily');
  v_today date := briefing.local_date(v_user_id);
  v_date date := coalesce(generate_briefing.briefing_date, v_today);
begin
  if v_edition not in ('daily', 'morning', 'evening') then
    perform core.raise_error('briefing_edition_unknown',
      format('There is no edition %s.', to_json(left(v_edition, 40))));
  end if;
  if v_date not between v_today - 1 and v_today + 1 then
    perform core.raise_error('briefing_date_out_of_range', format('Your today is %s; got %s.', v_today, v_date));
  end if;
  perform briefing.generate_for_user(v_user_id, v_date, v_edition, coalesce(generate_briefing.refresh, false));
  return query
    select made.*
    from api.briefings as made
    where made.user_id = v_user_id and made.briefing_date = v_date and made.edition = v_edition;
end
$$;
comment on function api.generate_briefing(date, text, boolean) is
$$Make (or fetch) your briefing of a day and an edition.

briefing_date: yesterday, today (default) or tomorrow in your zone. edition: daily (default), morning, evening.
The same call again answers with the same briefing; with refresh it is built anew from what is known now.

Errors: account_not_found (404), briefing_date_out_of_range (400), briefing_edition_unknown (400),
not_signed_in (401).$$;
revoke all on function api.generate_briefing(date, text, boolean) from public;
grant execute on function api.generate_briefing(date, text, boolean) to howdah_user, howdah_admin;
--! EndIncluded briefing/generate_briefing.sql
--! Included briefing/today_briefing.sql
-- The one call of a client's first screen.
-- security definer: people read briefings and never write them; the caller's own id is the only one used.
create or replace function api.today_briefing()
  returns setof api.briefings
  language plpgsql
  volatile
  rows 1
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform core.require_user();
  return query select made.* from api.generate_briefing() as made;
end
$$;
comment on function api.today_briefing() is
$$Your briefing of today, in your zone; made on the spot when there is none yet.

Errors: account_not_found (404), not_signed_in (401).$$;
revoke all on function api.today_briefing() from public;
grant execute on function api.today_briefing() to howdah_user, howdah_admin;
--! EndIncluded briefing/today_briefing.sql
--! Included briefing/generate_due_briefings.sql
-- What the scheduler calls until it answers 0. Who is due is decided by each person's own clock, at write.
-- security definer: writes briefings of many people; only the worker may call it.
create or replace function briefing.generate_due_briefings(batch_size integer default 100)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := core.now();
  v_due record;
  v_handled_count integer := 0;
  v_code text;
begin
  for v_due in
    select due.user_id, due.next_due_at, u.timezone, u.status,
      (select p.preferences ->> 'briefing_time' from briefing.user_preferences as p where p.user_id = due.user_id)
        as briefing_time
    from briefing.schedules as due
    join core.users as u on u.id = due.user_id
    where due.next_due_at <= v_now
    order by due.next_due_at
    limit greatest(least(generate_due_briefings.batch_size, 1000), 0)
    for no key update of due skip locked
  loop
    v_handled_count := v_handled_count + 1;
    begin
      if v_due.status = 'active' then
        perform briefing.generate_for_user(
          v_due.user_id,
          -- Late by hours: still the briefing of the day it was due. Late by more: nobody wants that day's.
          (case when v_now - v_due.next_due_at < interval '12 hours' then v_due.next_due_at else v_now end
            at time zone v_due.timezone)::date
        );
      end if;
      update briefing.schedules as planned
      set next_due_at = briefing.next_due_at(v_due.timezone, v_due.briefing_time, v_now),
          failure_count = 0,
          failure_code = null
      where planned.user_id = v_due.user_id;
    exception when others then
      -- One person's trouble stays theirs: noted, put back for 10 minutes and doubling, and the next one's turn.
      get stacked diagnostics v_code = returned_sqlstate;
      raise warning 'the briefing of user % could not be made (%); see briefing.schedules', v_due.user_id, v_code;
      update briefing.schedules as planned
      set next_due_at = v_now
            + least(interval '10 minutes' * power(2, least(planned.failure_count, 6)), interval '6 hours'),
          failure_count = planned.failure_count + 1,
          failure_code = v_code
      where planned.user_id = v_due.user_id;
    end;
  end loop;
  return v_handled_count;
end
$$;
comment on function briefing.generate_due_briefings(integer) is
$$Makes the briefings that are due, longest waiting first, and plans each person's next; returns how many people it
handled: 0 means that nobody is due.

Batches of up to 100 keep a person who asks at the same moment from waiting. Callers in parallel share the work.
Someone whose briefing fails is counted too, and tried again later (failure_count, failure_code in
briefing.schedules).$$;
revoke all on function briefing.generate_due_briefings(integer) from public;
grant execute on function briefing.generate_due_briefings(integer) to howdah_worker;
--! EndIncluded briefing/generate_due_briefings.sql
--! Included briefing/own_card.sql
-- The card of a reaction, found in the person's own briefings: nobody reacts to what they were not shown.
create or replace function briefing.own_card(user_id uuid, card_id uuid)
  returns table (card jsonb, briefing_date date)
  language sql
  stable
  rows 1
  parallel safe
begin atomic
  select shown.card, b.briefing_date
  from briefing.briefings as b
  cross join lateral (
    select c.value
    from jsonb_array_elements(b.cards) as c
    where c.value ->> 'id' = own_card.card_id::text
    limit 1
  ) as shown (card)
  where b.user_id = own_card.user_id
    -- A month and a day: what someone reads again after a holiday still counts.
    and b.briefing_date >= (core.now() - interval '31 days')::date
    and b.item_ids @> array[own_card.card_id]
  order by b.briefing_date desc, b.generated_at desc
  limit 1;
end;
comment on function briefing.own_card(uuid, uuid) is
$$The newest card of an item in someone's briefings of the last 31 days; no row when there is none.$$;
revoke all on function briefing.own_card(uuid, uuid) from public;
--! EndIncluded briefing/own_card.sql
--! Included briefing/move_topic_weights.sql
-- What one reaction does to the learned weights of its topics.
create or replace function briefing.move_topic_weights(
  user_id uuid,
  topics text[],
  points double precision,
  likes integer
)
  returns void
  language sql
  volatile
begin atomic
  insert into briefing.user_topic_weights as w (user_id, topic, weight, like_count, weighed_at)
  select
    move_topic_weights.user_id, t.slug,
    least(greatest(move_topic_weights.points, -5), 5), greatest(move_topic_weights.likes, 0), core.now()
  from briefing.topics as t
  where t.slug = any (move_topic_weights.topics)
  -- Always in the same order: two reactions that meet wait for each other instead of dying in each other's arms.
  order by t.slug
  on conflict on constraint user_topic_weights_pkey do update
    set weight = least(greatest(
          briefing.faded_weight(w.weight, w.weighed_at, core.now()) + move_topic_weights.points, -5), 5),
        like_count = greatest(w.like_count + move_topic_weights.likes, 0),
        weighed_at = greatest(w.weighed_at, core.now());
end;
comment on function briefing.move_topic_weights(uuid, text[], double precision, integer) is
$$Adds points to someone's faded weights of some topics, kept between -5 and 5, and counts likes.$$;
revoke all on function briefing.move_topic_weights(uuid, text[], double precision, integer) from public;
--! EndIncluded briefing/move_topic_weights.sql
--! Included briefing/give_feedback.sql
-- A reaction to a card. It moves the weights of the card's topics once, however often it is sent.
-- security definer: people read their feedback and weights and never write them; only the caller's own are touched.
create or replace function api.give_feedback(card_id uuid, kind text, dwell_seconds integer default null)
  returns setof api.user_feedback
  language plpgsql
  volatile
  rows 1
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_found record;
  v_topics text[];
  v_known briefing.user_feedback;
  v_revoked briefing.user_feedback;
  v_seconds integer;
  v_weight double precision;
begin
  if briefing.feedback_weight(give_feedback.kind) is null then
    perform core.raise_error('feedback_kind_unknown',
      format('There is no reaction %s.', coalesce(to_json(left(give_feedback.kind, 40))::text, 'null')));
  end if;
  if (give_feedback.kind = 'dwell') <> (give_feedback.dwell_seconds is not null)
    or give_feedback.dwell_seconds not between 0 and 86400
  then
    perform core.raise_error('feedback_dwell_invalid', format('Got %s seconds for %s.',
      coalesce(give_feedback.dwell_seconds::text, 'no'), give_feedback.kind));
  end if;
  select own.card, own.briefing_date into v_found
  from briefing.own_card(v_user_id, give_feedback.card_id) as own;
  if not found then
    perform core.raise_error('card_not_found',
      format('No card %s in your briefings of the last 31 days.', give_feedback.card_id));
  end if;
  v_topics := array(select jsonb_array_elements_text(v_found.card -> 'topics'));

  -- Reactions of one person to one card come one after the other: like and dislike never both stand.
  perform pg_advisory_xact_lock(hashtextextended('briefing.give_feedback:' || v_user_id || give_feedback.card_id, 0));
  select f.* into v_known
  from briefing.user_feedback as f
  where f.user_id = v_user_id and f.card_id = give_feedback.card_id and f.kind = give_feedback.kind;
  delete from briefing.user_feedback as f
  where f.user_id = v_user_id and f.card_id = give_feedback.card_id
    and f.kind = case give_feedback.kind when 'like' then 'dislike' when 'dislike' then 'like' end
  returning f.* into v_revoked;

  -- The longest look counts.
  v_seconds := greatest(v_known.dwell_seconds, give_feedback.dwell_seconds);
  v_weight := briefing.feedback_weight(give_feedback.kind, v_seconds);
  insert into briefing.user_feedback as f (
    user_id, card_id, kind, briefing_date, source_id, topics, weight, dwell_seconds, created_at, updated_at
  )
  select
    v_user_id, give_feedback.card_id, give_feedback.kind, v_found.briefing_date,
    (select s.id from briefing.content_sources as s where s.id = (v_found.card #>> '{source,id}')::uuid),
    v_topics, v_weight, v_seconds, core.now(), core.now()
  on conflict on constraint user_feedback_pkey do update
    set event_count = f.event_count + 1,
        weight = excluded.weight,
        dwell_seconds = excluded.dwell_seconds;

  if v_known.id is null or v_known.weight <> v_weight or v_revoked.id is not null then
    perform briefing.move_topic_weights(
      v_user_id, v_topics,
      v_weight
        - coalesce(briefing.faded_weight(v_known.weight, v_known.created_at, core.now()), 0)
        - coalesce(briefing.faded_weight(v_revoked.weight, v_revoked.created_at, core.now()), 0),
      (case when give_feedback.kind = 'like' and v_known.id is null then 1 else 0 end)
        - (case when v_revoked.kind = 'like' then 1 else 0 end)
    );
  end if;
  return query
    select given.*
    from api.user_feedback as given
    where given.user_id = v_user_id and given.card_id = give_feedback.card_id and given.kind = give_feedback.kind;
end
$$;
comment on function api.give_feedback(uuid, text, integer) is
$$React to a card of one of your briefings (its id); the next briefing takes it into account.

kind and its points for each topic of the card: like +1, share +1, save +0.8, click +0.2, dismiss -0.5, dislike -1.5,
dwell (with dwell_seconds) -0.1 below 5 s, +0.1 below 30 s, +0.3 below 120 s, +0.5 from there on.
The same kind again counts once; of several dwells the longest; like and dislike replace each other.

Errors: card_not_found (404), feedback_dwell_invalid (400), feedback_kind_unknown (400), not_signed_in (401).$$;
revoke all on function api.give_feedback(uuid, text, integer) from public;
grant execute on function api.give_feedback(uuid, text, integer) to howdah_user, howdah_admin;
--! EndIncluded briefing/give_feedback.sql
--! Included briefing/save_card.sql
-- Keeps a copy of a card that outlives its briefing, its item and its source.
-- security definer: the copy is taken from the person's own briefing, never from what a client sends.
create or replace function api.save_card(card_id uuid, tags text[] default '{}', note text default null)
  returns setof api.saved_cards
  language plpgsql
  volatile
  rows 1
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_tags text[] := coalesce(save_card.tags, '{}');
  v_card jsonb;
begin
  -- The table's checks say the same; here they would show the row to the caller.
  if not briefing.is_tag_list(v_tags) then
    perform core.raise_error('tags_invalid', format('Got %s tags.', cardinality(v_tags)));
  end if;
  if char_length(save_card.note) > 2000 then
    perform core.raise_error('note_too_long', format('Got %s characters.', char_length(save_card.note)));
  end if;
  select own.card into v_card from briefing.own_card(v_user_id, save_card.card_id) as own;
  if not found then
    select s.card into v_card
    from briefing.saved_cards as s
    where s.user_id = v_user_id and s.card_id = save_card.card_id;
    if not found then
      perform core.raise_error('card_not_found',
        format('No card %s in your briefings of the last 31 days.', save_card.card_id));
    end if;
  else
    perform api.give_feedback(save_card.card_id, 'save');
  end if;

  insert into briefing.saved_cards as s (user_id, card_id, card, tags, note, created_at, updated_at)
  values (v_user_id, save_card.card_id, v_card, v_tags, save_card.note, core.now(), core.now())
  on conflict on constraint saved_cards_user_id_card_id_key do update
    -- Saving again without tags or note takes nothing away.
    set tags = case when excluded.tags = '{}' then s.tags else excluded.tags end,
        note = coalesce(excluded.note, s.note)
    where (excluded.tags <> '{}' and excluded.tags <> s.tags) or excluded.note <> coalesce(s.note, '');
  return query
    select kept.*
    from api.saved_cards as kept
    where kept.user_id = v_user_id and kept.card_id = save_card.card_id;
end
$$;
comment on function api.save_card(uuid, text[], text) is
$$Save a card of one of your briefings, with tags and a note. Safe to repeat; counts as the feedback save.

Tags: at most 20, 1 to 40 characters each; note: at most 2,000. Saving again replaces the tags and note you send.

Errors: card_not_found (404), not_signed_in (401), note_too_long (400), tags_invalid (400).$$;
revoke all on function api.save_card(uuid, text[], text) from public;
grant execute on function api.save_card(uuid, text[], text) to howdah_user, howdah_admin;
--! EndIncluded briefing/save_card.sql
--! Included briefing/search_saved_cards.sql
-- Finds what someone saved: by words of title, note and summary, by tags, or both.
create or replace function api.search_saved_cards(query text default null, tags text[] default null)
  returns setof api.saved_cards
  language plpgsql
  stable
  rows 20
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_query tsquery := websearch_to_tsquery('simple', left(search_saved_cards.query, 500));
begin
  if char_length(search_saved_cards.query) > 200 or numnode(v_query) = 0 then
    perform core.raise_error('search_query_invalid', 'A search needs a word and at most 200 characters.');
  end if;
  return query
    select found.*
    from briefing.saved_cards as s
    join api.saved_cards as found on found.id = s.id
    where s.user_id = v_user_id
      and (v_query is null or s.search_vector @@ v_query)
      and (search_saved_cards.tags is null or s.tags @> search_saved_cards.tags)
    order by coalesce(ts_rank(s.search_vector, v_query), 0) desc, s.created_at desc, s.id
    limit 200;
end
$$;
comment on function api.search_saved_cards(text, text[]) is
$$Search your saved cards: words in title, note and summary, and cards that carry all the given tags.

Best match first, then newest; at most 200. Errors: not_signed_in (401), search_query_invalid (400).$$;
revoke all on function api.search_saved_cards(text, text[]) from public;
grant execute on function api.search_saved_cards(text, text[]) to howdah_user, howdah_admin;
--! EndIncluded briefing/search_saved_cards.sql
--! Included briefing/registry.sql
-- What the module declares: its partitioned table, and what each of its columns holds about whom.
select ops.declare_partitioned_table('briefing.briefings', 'briefing_date');

select gdpr.declare_columns('briefing.topics', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"slug": {}, "name": {}, "description": {}, "keywords": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('briefing.content_sources', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "kind": {}, "url": {}, "canonical_url": {}, "title": {}, "site_url": {}, "language": {}, "topics": {},
    "weight": {}, "is_active": {}, "fetch_interval_seconds": {}, "next_fetch_at": {}, "last_fetched_at": {},
    "last_succeeded_at": {}, "etag": {}, "last_modified": {}, "failure_count": {}, "last_error_key": {},
    "created_at": {}, "updated_at": {}}');

-- An author's name is published by the publisher, about nobody who has an account here.
select gdpr.declare_columns('briefing.content_items', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "source_id": {}, "guid": {}, "kind": {}, "url": {}, "canonical_url": {}, "title": {}, "summary": {},
    "author": {}, "language": {}, "image_url": {}, "topics": {}, "categories": {}, "published_at": {}, "story_id": {},
    "title_key": {}, "content_hash": {}, "search_vector": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('briefing.item_topics', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"topic": {}, "published_at": {}, "item_id": {}}');

select gdpr.declare_columns('briefing.followed_sources', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"user_id": {}, "source_id": {}, "created_at": {}}');

select gdpr.declare_columns('briefing.user_preferences', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"user_id": {}, "preferences": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('briefing.schedules', 'user_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"user_id": {}, "next_due_at": {"on_export": "include"}, "failure_count": {}, "failure_code": {},
    "updated_at": {}}');

select gdpr.declare_columns('briefing.user_topic_weights', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"user_id": {}, "topic": {}, "weight": {}, "like_count": {}, "weighed_at": {}}');

select gdpr.declare_columns('briefing.briefings', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "briefing_date": {}, "edition": {}, "cards": {}, "item_ids": {"on_export": "exclude"},
    "story_ids": {"on_export": "exclude"}, "timezone": {}, "generated_at": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('briefing.user_feedback', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "card_id": {}, "kind": {}, "briefing_date": {}, "source_id": {}, "topics": {},
    "weight": {}, "dwell_seconds": {}, "event_count": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('briefing.saved_cards', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "card_id": {}, "card": {}, "tags": {}, "note": {},
    "search_vector": {"on_export": "exclude"}, "created_at": {}, "updated_at": {}}');

-- What people decide is audited; what the machine makes of it can be made again.
select core.audit_table('briefing.topics');
select core.audit_table('briefing.followed_sources');
select core.audit_table('briefing.user_preferences');
select core.audit_table('briefing.saved_cards');
select core.declare_unaudited_table('briefing.content_sources',
  'Public addresses of feeds; every fetch writes its own outcome into the row.');
select core.declare_unaudited_table('briefing.content_items', 'Copies of what publishers published.');
select core.declare_unaudited_table('briefing.item_topics', 'Worked out from items and topics.');
select core.declare_unaudited_table('briefing.schedules', 'Worked out from preferences and time zone.');
select core.declare_unaudited_table('briefing.user_topic_weights', 'Worked out from feedback.');
select core.declare_unaudited_table('briefing.briefings', 'Made by the machine, and kept as it was shown.');
select core.declare_unaudited_table('briefing.user_feedback',
  'The row is the record of a reaction: what, when, and how often.');
--! EndIncluded briefing/registry.sql
--! EndIncluded briefing/_module.sql
--! EndIncluded index.sql
-- Partitions exist from the first minute on.
select ops.create_monthly_partitions();
