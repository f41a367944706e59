--! Previous: -
--! Hash: sha1:162873d0ee0d97aef40dc7582d23f60b509a7cae
--! Message: core and briefing

-- Tables of core and its rooms, ops, gdpr and briefing. Stateless objects live in fixtures; those a table needs for its own
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
--! Included core/analytics/is_event_name.sql
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
--! EndIncluded core/analytics/is_event_name.sql
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
--! Included core/tenancy/branding_schema.sql
-- How an organization looks, said once: the table's check, the refusal and the SDK's validator come from here.
create or replace function core.branding_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return $${
  "description": "How an organization looks. Everything is optional.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "logo_url": {
      "description": "Picture for wide places (https).",
      "type": "string", "maxLength": 2000, "pattern": "^https://[^\\s/?#]\\S*$"
    },
    "icon_url": {
      "description": "Square picture for small places (https).",
      "type": "string", "maxLength": 2000, "pattern": "^https://[^\\s/?#]\\S*$"
    },
    "primary_color": {"description": "Such as #1a2b3c.", "type": "string", "pattern": "^#[0-9a-f]{6}$"},
    "accent_color": {"description": "Such as #1a2b3c.", "type": "string", "pattern": "^#[0-9a-f]{6}$"},
    "tagline": {"description": "A line under the name.", "type": "string", "minLength": 1, "maxLength": 160}
  }
}$$::jsonb;
comment on function core.branding_schema() is $$JSON Schema of core.organizations.branding.$$;
revoke all on function core.branding_schema() from public;
grant execute on function core.branding_schema() to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/branding_schema.sql
--! Included core/tenancy/is_domain.sql
-- Domains are compared byte by byte after folding ASCII letters, and only plain ASCII names are taken. A name in another
-- script is given in its A-label (xn--…): two names that only look alike have different A-labels, and nothing here
-- normalises one name into another. An address whose domain is written in Unicode matches no claim.
create or replace function core.is_domain(name text)
  returns boolean
  language sql
  immutable
  parallel safe
return char_length(is_domain.name) <= 253
  and is_domain.name ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+([a-z]{2,63}|xn--[a-z0-9-]{0,58}[a-z0-9])$';
comment on function core.is_domain(text) is
$$Whether a text is a domain name in lower-case ASCII with at least two labels and no dot at the end.

Source: RFC 1034 section 3.5, RFC 5890 section 2.3.2.1.$$;
revoke all on function core.is_domain(text) from public;

create or replace function core.email_domain(address text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return split_part(core.email_key(email_domain.address), '@', 2);
comment on function core.email_domain(text) is
$$The domain of an e-mail address, its ASCII letters in lower case and nothing else changed.$$;
revoke all on function core.email_domain(text) from public;
--! EndIncluded core/tenancy/is_domain.sql
--! Included core/subscriptions/plan_limits_schema.sql
-- What a plan can limit, said once: the table's check, the SDK's validator and the list of names come from here.
create or replace function core.plan_limits_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "description": "Most of each at a time; null or left out: no limit.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "members": {"description": "Members of the organization.",
      "type": ["integer", "null"], "minimum": 0, "maximum": 2147483647},
    "pending_invitations": {"description": "Open invitations of the organization.",
      "type": ["integer", "null"], "minimum": 0, "maximum": 2147483647},
    "teams": {"description": "Teams of the organization.",
      "type": ["integer", "null"], "minimum": 0, "maximum": 2147483647},
    "workspaces": {"description": "Workspaces of the organization.",
      "type": ["integer", "null"], "minimum": 0, "maximum": 2147483647}
  }
}'::jsonb;
comment on function core.plan_limits_schema() is $$JSON Schema of core.plans.limits: every limit that is known.$$;
revoke all on function core.plan_limits_schema() from public;
--! EndIncluded core/subscriptions/plan_limits_schema.sql
--! Included core/subscriptions/is_feature_set.sql
-- Features are named by the application that asks for them, so only their form is fixed.
create or replace function core.is_feature_set(features jsonb)
  returns boolean
  language sql
  immutable
  parallel safe
return case
  when jsonb_typeof(is_feature_set.features) is distinct from 'object' then false
  else not exists (
    select from jsonb_each(is_feature_set.features) as f (name, is_included)
    where f.name !~ '^[a-z][a-z0-9_]{0,59}$' or jsonb_typeof(f.is_included) <> 'boolean'
  )
end;
comment on function core.is_feature_set(jsonb) is
$$Whether a JSON value is an object of booleans under snake_case names.$$;
revoke all on function core.is_feature_set(jsonb) from public;
--! EndIncluded core/subscriptions/is_feature_set.sql
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
  -- The issuer on whose word alone the address counts as confirmed; null once a mail of ours has arrived there.
  email_vouched_by text,
  role text not null default 'user'
    constraint role_is_valid check (role in ('user', 'support', 'admin')),
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
        'password_reset', 'suspended', 'role_changed', 'ended_by_admin', 'erased', 'second_factor_changed',
        'identity_unlinked'
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
  -- An SQL expression: what takes the place of the value where on_erase is anonymize.
  erased_with text,
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

-- Tenancy: organizations and their members.
create table if not exists core.organizations (
  id uuid primary key default core.new_id(),
  name text not null,
  slug text not null unique,
  settings jsonb not null default '{}',
  branding jsonb not null default '{}',
  created_by uuid references core.users on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint name_is_valid check (name ~ '^\S(.*\S)?$' and name !~ '[[:cntrl:]]' and char_length(name) between 1 and 120),
  constraint slug_is_valid check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) between 3 and 63),
  constraint settings_is_valid check (jsonb_typeof(settings) = 'object' and octet_length(settings::text) <= 16384),
  constraint branding_is_valid check (core.matches_json_schema(branding, core.branding_schema()))
);
create index if not exists organizations_created_by_idx on core.organizations (created_by);

create table if not exists core.organization_members (
  organization_id uuid not null references core.organizations on delete cascade,
  user_id uuid not null references core.users on delete cascade,
  role text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (organization_id, user_id),
  constraint role_is_valid check (role in ('owner', 'admin', 'member', 'billing'))
);
create index if not exists organization_members_user_id_idx on core.organization_members (user_id);

-- Who was removed comes back by an invitation only, not by an address at a verified domain.
create table if not exists core.organization_exclusions (
  organization_id uuid not null references core.organizations on delete cascade,
  user_id uuid not null references core.users on delete cascade,
  created_at timestamptz not null default now(),
  primary key (organization_id, user_id)
);
create index if not exists organization_exclusions_user_id_idx on core.organization_exclusions (user_id);

create table if not exists core.invitations (
  id uuid primary key default core.new_id(),
  organization_id uuid not null references core.organizations on delete cascade,
  organization_name text not null,
  email text not null,
  email_key text not null generated always as (core.email_key(email)) stored,
  role text not null,
  state text not null default 'pending',
  token_hash bytea,
  invited_by uuid references core.users on delete set null,
  expires_at timestamptz not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint organization_name_is_valid check (char_length(organization_name) between 1 and 120),
  constraint email_is_valid check (core.is_email(email)),
  constraint role_is_valid check (role in ('admin', 'member', 'billing')),
  constraint state_is_valid check (state in ('pending', 'accepted', 'declined', 'revoked', 'expired')),
  constraint token_hash_is_valid check (octet_length(token_hash) = 32),
  constraint token_hash_is_for_pending check (token_hash is null or state = 'pending')
);
-- One open invitation for an address in an organization.
create unique index if not exists invitations_organization_id_email_key_idx
  on core.invitations (organization_id, email_key) where state = 'pending';
create unique index if not exists invitations_token_hash_idx on core.invitations (token_hash);
create index if not exists invitations_organization_id_idx on core.invitations (organization_id);
create index if not exists invitations_email_key_idx on core.invitations (email_key);
create index if not exists invitations_invited_by_idx on core.invitations (invited_by);
create index if not exists invitations_expires_at_idx on core.invitations (expires_at);

create table if not exists core.organization_domains (
  id uuid primary key default core.new_id(),
  organization_id uuid not null references core.organizations on delete cascade,
  domain text not null,
  token text not null,
  has_auto_join boolean not null default false,
  verified_at timestamptz,
  expires_at timestamptz not null,
  next_check_at timestamptz not null,
  last_checked_at timestamptz,
  failure_count integer not null default 0,
  last_problem text,
  created_by uuid references core.users on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, domain),
  constraint domain_is_valid check (core.is_domain(domain)),
  constraint token_is_valid check (token ~ '^[A-Za-z0-9_-]{43}$'),
  constraint failure_count_is_valid check (failure_count >= 0),
  constraint last_problem_is_valid check (last_problem in ('record_missing', 'dns_failed', 'verified_elsewhere')),
  constraint auto_join_needs_proof check (not has_auto_join or verified_at is not null)
);
-- Anybody may claim a domain; one organization can have proven it.
create unique index if not exists organization_domains_domain_idx
  on core.organization_domains (domain) where verified_at is not null;
create index if not exists organization_domains_next_check_at_idx on core.organization_domains (next_check_at);
create index if not exists organization_domains_created_by_idx on core.organization_domains (created_by);

-- The outbox. Holds what a mail is about, never its text and never a token.
create table if not exists core.mails (
  id uuid primary key default core.new_id(),
  kind text not null,
  user_id uuid references core.users (id) on delete cascade,
  session_id uuid,
  sign_up_request_id uuid references private.sign_up_requests (id) on delete set null,
  invitation_id uuid references core.invitations on delete set null,
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
    'change_email', 'email_change_requested', 'email_changed', 'new_device', 'invitation', 'totp_enabled',
    'totp_disabled', 'recovery_code_used', 'recovery_codes_regenerated', 'identity_linked', 'identity_unlinked'
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
create index if not exists mails_invitation_id_idx on core.mails (invitation_id);

-- Workspaces: teams and workspaces inside an organization. Each key carries the organization, so that no row can point
-- into another one; with their membership of it people lose everything inside.
create table if not exists core.teams (
  id uuid primary key default core.new_id(),
  organization_id uuid not null references core.organizations on delete cascade,
  name text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  constraint name_is_valid check (name ~ '^\S(.*\S)?$' and name !~ '[[:cntrl:]]' and char_length(name) between 1 and 80)
);
create unique index if not exists teams_organization_id_name_idx on core.teams (organization_id, lower(name));

create table if not exists core.team_members (
  organization_id uuid not null,
  team_id uuid not null,
  -- Said twice: the key below carries the organization, this one tells audit and erasure whose the row is.
  user_id uuid not null references core.users on delete cascade,
  role text not null default 'member',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (team_id, user_id),
  foreign key (organization_id, team_id) references core.teams (organization_id, id) on delete cascade,
  foreign key (organization_id, user_id) references core.organization_members (organization_id, user_id)
    on delete cascade,
  constraint role_is_valid check (role in ('lead', 'member'))
);
create index if not exists team_members_organization_id_team_id_idx on core.team_members (organization_id, team_id);
create index if not exists team_members_user_id_organization_id_idx on core.team_members (user_id, organization_id);

create table if not exists core.workspaces (
  id uuid primary key default core.new_id(),
  organization_id uuid not null references core.organizations on delete cascade,
  name text not null,
  slug text not null,
  settings jsonb not null default '{}',
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (organization_id, id),
  unique (organization_id, slug),
  constraint name_is_valid check (name ~ '^\S(.*\S)?$' and name !~ '[[:cntrl:]]' and char_length(name) between 1 and 80),
  constraint slug_is_valid check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(slug) between 3 and 63),
  constraint settings_is_valid check (jsonb_typeof(settings) = 'object' and octet_length(settings::text) <= 16384)
);

create table if not exists core.workspace_members (
  organization_id uuid not null,
  workspace_id uuid not null,
  -- Said twice: the key below carries the organization, this one tells audit and erasure whose the row is.
  user_id uuid not null references core.users on delete cascade,
  role text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (workspace_id, user_id),
  foreign key (organization_id, workspace_id) references core.workspaces (organization_id, id) on delete cascade,
  foreign key (organization_id, user_id) references core.organization_members (organization_id, user_id)
    on delete cascade,
  constraint role_is_valid check (role in ('owner', 'editor', 'viewer'))
);
create index if not exists workspace_members_organization_id_workspace_id_idx
  on core.workspace_members (organization_id, workspace_id);
create index if not exists workspace_members_user_id_organization_id_idx
  on core.workspace_members (user_id, organization_id);

-- Subscriptions: plans, who has which, and what the billing provider reports.
create table if not exists core.plans (
  key text primary key,
  name text not null,
  description text not null default '',
  audience text not null,
  limits jsonb not null default '{}',
  features jsonb not null default '{}',
  trial_days integer not null default 0,
  price_cents integer not null default 0,
  currency text not null default 'EUR',
  billing_interval text not null default 'month',
  is_public boolean not null default false,
  position integer not null default 0,
  archived_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- What subscriptions point at: an account never has an organization's plan.
  constraint plans_key_audience_key unique (key, audience),
  constraint key_is_valid check (key ~ '^[a-z][a-z0-9_]{0,39}$'),
  constraint name_is_valid check (char_length(name) between 1 and 80),
  constraint description_is_valid check (char_length(description) <= 500),
  constraint audience_is_valid check (audience in ('user', 'organization')),
  constraint limits_is_valid check (core.matches_json_schema(limits, core.plan_limits_schema())),
  constraint features_is_valid check (core.is_feature_set(features)),
  constraint trial_days_is_valid check (trial_days between 0 and 365),
  constraint price_cents_is_valid check (price_cents >= 0),
  constraint currency_is_valid check (currency ~ '^[A-Z]{3}$'),
  constraint billing_interval_is_valid check (billing_interval in ('month', 'year')),
  constraint archived_is_not_public check (archived_at is null or not is_public)
);
-- What is for sale, in its order.
create index if not exists plans_is_public_position_idx on core.plans (is_public, position);

create table if not exists core.plan_prices (
  provider text not null,
  provider_price_id text not null,
  plan text not null references core.plans on delete cascade,
  created_at timestamptz not null default now(),
  primary key (provider, provider_price_id),
  constraint provider_is_valid check (provider in ('stripe')),
  constraint provider_price_id_is_valid check (char_length(provider_price_id) between 1 and 255)
);
create index if not exists plan_prices_plan_idx on core.plan_prices (plan);

create table if not exists core.subscriptions (
  id uuid primary key default core.new_id(),
  user_id uuid references core.users on delete cascade,
  organization_id uuid references core.organizations on delete cascade,
  audience text generated always as (case when user_id is null then 'organization' else 'user' end) stored,
  plan text not null,
  state text not null,
  is_comped boolean not null default false,
  is_surplus boolean not null default false,
  trial_ends_at timestamptz,
  current_period_start timestamptz,
  current_period_end timestamptz,
  cancel_at_period_end boolean not null default false,
  canceled_at timestamptz,
  past_due_at timestamptz,
  provider text,
  provider_customer_id text,
  provider_subscription_id text,
  provider_status text,
  provider_created_at timestamptz,
  provider_updated_at timestamptz,
  provider_order text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (provider, provider_subscription_id),
  constraint subscriptions_plan_fkey foreign key (plan, audience) references core.plans (key, audience)
    on delete restrict,
  constraint subject_is_one check (num_nonnulls(user_id, organization_id) = 1),
  constraint state_is_valid check (state in ('trialing', 'active', 'past_due', 'canceled')),
  constraint canceled_at_comes_with_state check ((canceled_at is not null) = (state = 'canceled')),
  constraint past_due_at_comes_with_state check ((past_due_at is not null) = (state = 'past_due')),
  constraint trial_has_an_end check (state <> 'trialing' or provider is not null or trial_ends_at is not null),
  constraint is_surplus_only_while_it_lives check (state <> 'canceled' or not is_surplus),
  constraint is_comped_without_provider check (not is_comped or provider is null),
  constraint provider_is_valid check (provider in ('stripe')),
  constraint provider_is_whole check (
    num_nonnulls(provider, provider_customer_id, provider_subscription_id, provider_status, provider_updated_at,
      provider_order) in (0, 6)
  )
);
-- One that counts for each account and each organization, whoever writes.
create unique index if not exists subscriptions_user_id_idx on core.subscriptions (user_id)
  where state <> 'canceled' and not is_surplus;
create unique index if not exists subscriptions_organization_id_idx on core.subscriptions (organization_id)
  where state <> 'canceled' and not is_surplus;
-- One trial of our own in a life.
create unique index if not exists subscriptions_user_trial_idx on core.subscriptions (user_id)
  where provider is null and not is_comped;
create unique index if not exists subscriptions_organization_trial_idx on core.subscriptions (organization_id)
  where provider is null and not is_comped;
create index if not exists subscriptions_user_id_created_at_idx on core.subscriptions (user_id, created_at);
create index if not exists subscriptions_organization_id_created_at_idx
  on core.subscriptions (organization_id, created_at);
create index if not exists subscriptions_plan_audience_idx on core.subscriptions (plan, audience);
create index if not exists subscriptions_provider_customer_id_idx on core.subscriptions (provider_customer_id);
-- What expires by the clock.
create index if not exists subscriptions_trial_ends_at_idx on core.subscriptions (trial_ends_at)
  where state = 'trialing' and provider is null;

create table if not exists core.billing_customers (
  provider text not null,
  provider_customer_id text not null,
  user_id uuid references core.users on delete cascade,
  organization_id uuid references core.organizations on delete cascade,
  linked_by text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (provider, provider_customer_id),
  constraint provider_is_valid check (provider in ('stripe')),
  constraint subject_is_one check (num_nonnulls(user_id, organization_id) = 1)
);
create index if not exists billing_customers_user_id_idx on core.billing_customers (user_id);
create index if not exists billing_customers_organization_id_idx on core.billing_customers (organization_id);

create table if not exists core.billing_events (
  provider text not null,
  provider_event_id text not null,
  kind text not null,
  occurred_at timestamptz not null,
  facts jsonb not null,
  customer_id text generated always as (facts ->> 'customer_id') stored,
  subscription_id text generated always as (facts ->> 'subscription_id') stored,
  user_id uuid references core.users on delete set null,
  organization_id uuid references core.organizations on delete set null,
  outcome text not null,
  error text,
  attempt_count integer not null default 0,
  received_at timestamptz not null default now(),
  processed_at timestamptz,
  primary key (provider, provider_event_id),
  constraint provider_is_valid check (provider in ('stripe')),
  constraint outcome_is_valid check (
    outcome in ('received', 'processed', 'superseded', 'ignored', 'unmatched', 'failed')
  ),
  constraint error_is_valid check (char_length(error) <= 500)
);
create index if not exists billing_events_customer_id_idx on core.billing_events (customer_id);
create index if not exists billing_events_subscription_id_idx on core.billing_events (subscription_id);
create index if not exists billing_events_user_id_idx on core.billing_events (user_id);
create index if not exists billing_events_organization_id_idx on core.billing_events (organization_id);
create index if not exists billing_events_received_at_idx on core.billing_events (received_at);
-- What is tried again.
create index if not exists billing_events_failed_idx on core.billing_events (occurred_at) where outcome = 'failed';
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
-- Accounts: the second factor, outside identities, the help desk, common passwords.

-- In small letters; seeds/reference/core.common_passwords.sql fills it.
create table if not exists private.common_passwords (password text primary key);

-- The secret is kept as it is: the database has to compute codes with it, so a key to it would lie beside it.
create table if not exists private.totp_factors (
  user_id uuid primary key references core.users on delete cascade,
  secret bytea not null constraint secret_is_valid check (octet_length(secret) = 20),
  -- The half minute of the newest code that was taken: neither it nor an earlier one counts again.
  last_step bigint,
  confirmed_at timestamptz,
  created_at timestamptz not null default now()
);

create table if not exists private.recovery_codes (
  user_id uuid not null references core.users on delete cascade,
  code_hash bytea not null constraint code_hash_is_valid check (octet_length(code_hash) = 32),
  created_at timestamptz not null default now(),
  primary key (user_id, code_hash)
);

create table if not exists private.sign_in_challenges (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users on delete cascade,
  secret_hash bytea not null constraint secret_hash_is_valid check (octet_length(secret_hash) = 32),
  -- Where the password's attempt is counted; given back when the second factor is right.
  attempt_bucket bytea not null,
  attempt_count integer not null default 0,
  device_fingerprint text
    constraint device_fingerprint_is_valid check (char_length(device_fingerprint) between 8 and 200),
  device_name text constraint device_name_is_valid check (char_length(device_name) between 1 and 120),
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  constraint expires_at_is_after_created_at check (expires_at > created_at)
);
create index if not exists sign_in_challenges_user_id_idx on private.sign_in_challenges (user_id);
create index if not exists sign_in_challenges_expires_at_idx on private.sign_in_challenges (expires_at);

create table if not exists core.identity_issuers (
  -- As its tokens write iss, to the letter.
  issuer text primary key constraint issuer_is_valid check (char_length(issuer) between 1 and 500),
  audiences text[] not null constraint audiences_is_valid check (cardinality(audiences) between 1 and 20),
  -- Keys over plain http could be anybody's; loopback is for tests.
  jwks_url text not null constraint jwks_url_is_valid check (
    jwks_url ~ '^(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?)/\S*$'
    and octet_length(jwks_url) <= 2000
  ),
  is_email_trusted boolean not null default true,
  is_active boolean not null default true,
  next_fetch_at timestamptz not null default now(),
  attempted_at timestamptz,
  fetched_at timestamptz,
  last_error text constraint last_error_is_valid check (char_length(last_error) <= 500),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now()
);

create table if not exists core.identity_keys (
  issuer text not null references core.identity_issuers on delete cascade,
  kid text not null constraint kid_is_valid check (char_length(kid) between 1 and 200),
  algorithm text not null constraint algorithm_is_valid check (algorithm in ('RS256')),
  modulus bytea not null constraint modulus_is_valid check (octet_length(modulus) between 256 and 512),
  created_at timestamptz not null default now(),
  primary key (issuer, kid)
);

create table if not exists core.identities (
  id uuid primary key default core.new_id(),
  user_id uuid not null references core.users on delete cascade,
  issuer text not null references core.identity_issuers on delete restrict,
  subject text not null constraint subject_is_valid check (char_length(subject) between 1 and 255),
  -- What the issuer said when it was linked; nothing is ever found or mailed by it.
  email text constraint email_is_valid check (core.is_email(email)),
  created_at timestamptz not null default now(),
  last_used_at timestamptz not null default now(),
  unique (issuer, subject)
);
create index if not exists identities_user_id_idx on core.identities (user_id);

create table if not exists private.used_identity_tokens (
  token_hash bytea primary key constraint token_hash_is_valid check (octet_length(token_hash) = 32),
  used_at timestamptz not null
);
create index if not exists used_identity_tokens_used_at_idx on private.used_identity_tokens (used_at);

-- ops: monitoring
create table if not exists ops.metrics (
  name text primary key,
  area text not null,
  unit text not null,
  source_schema name not null,
  source_function name not null,
  summary text not null,
  warn_at numeric,
  critical_at numeric,
  is_low_bad boolean not null default false,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint name_is_valid check (name ~ '^[a-z][a-z0-9_]{2,62}$'),
  constraint area_is_valid check (area in ('database', 'performance', 'product')),
  constraint unit_is_valid check (unit in ('ratio', 'seconds', 'days', 'milliseconds', 'bytes', 'count')),
  constraint summary_is_valid check (char_length(summary) between 1 and 200)
);

create table if not exists ops.alerts (
  id uuid primary key default core.new_id(),
  metric text not null references ops.metrics (name) on delete cascade,
  labels jsonb not null default '{}',
  severity text not null,
  value numeric not null,
  opened_at timestamptz not null default core.now(),
  evaluated_at timestamptz not null default core.now(),
  resolved_at timestamptz,
  constraint severity_is_valid check (severity in ('warn', 'critical'))
);
-- Open once: a second one for the same thing would tell nothing new.
create unique index if not exists alerts_metric_labels_idx on ops.alerts (metric, labels) where resolved_at is null;
create index if not exists alerts_metric_idx on ops.alerts (metric);

create table if not exists ops.scheduled_tasks (
  task text primary key,
  period_seconds integer not null,
  declared_at timestamptz not null default core.now(),
  constraint task_is_valid check (char_length(task) between 1 and 100),
  constraint period_seconds_is_valid check (period_seconds > 0)
);

create table if not exists ops.task_runs (
  id bigint primary key generated always as identity,
  task text not null,
  job_id bigint not null,
  started_at timestamptz not null default core.now(),
  finished_at timestamptz,
  error text,
  constraint task_is_valid check (char_length(task) between 1 and 100),
  constraint error_is_valid check (char_length(error) <= 200)
);
create index if not exists task_runs_task_started_at_idx on ops.task_runs (task, started_at);
create index if not exists task_runs_started_at_idx on ops.task_runs (started_at);

--! Included index.sql
-- Every stateless object of the database, module by module, in the order in which they know each other.
--! Included core/_module.sql
-- core: who someone is, and what every module needs. Knows no module. Its rooms are folders.
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
-- For one function: core.postgrest_settings().
grant usage on schema core to howdah_authenticator;
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
--! Included core/merge_object.sql
-- Settings of client applications are merged and never replaced, or two clients that know different keys would take
-- each other's away. The refusal is the caller's, since each kind of settings has its own key and size.
create or replace function core.merge_object(old jsonb, changes jsonb)
  returns table (merged jsonb, problem text)
  language plpgsql
  stable
  parallel safe
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_bad_key text;
begin
  if jsonb_typeof(changes) <> 'object' then
    problem := format('What was sent is of type %s.', jsonb_typeof(changes));
    return next;
    return;
  end if;
  select k.key into v_bad_key from jsonb_object_keys(changes) as k (key) where k.key !~ '^[a-z][a-z0-9_]{0,62}$' limit 1;
  if found then
    problem := format('One of the keys is %s.', to_json(left(v_bad_key, 80)));
    return next;
    return;
  end if;
  merged := private.without_nulls(old || changes);
  return next;
end
$$;
comment on function core.merge_object(jsonb, jsonb) is
$$An object after changes of its keys: a null takes a key away. problem is a sentence where the keys cannot be kept.$$;
revoke all on function core.merge_object(jsonb, jsonb) from public;

create or replace function private.without_nulls(object jsonb)
  returns jsonb
  language sql
  immutable
  strict
  parallel safe
return (
  select coalesce(jsonb_object_agg(e.key, e.value), '{}') from jsonb_each(without_nulls.object) as e where e.value <> 'null'
);
comment on function private.without_nulls(jsonb) is $$A JSON object without the keys whose value is null; those inside stay.$$;
revoke all on function private.without_nulls(jsonb) from public;
--! EndIncluded core/merge_object.sql
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
    ('account_suspended', 403, 'The account is suspended.', 'Write to whoever runs the service.'),
    ('call_not_plain', 400, 'This function is called without select, filter, order or preference.', 'Send the arguments only, and pick what you need from the answer yourself.'),
    ('avatar_url_invalid', 400, 'The address of the picture cannot be kept.', 'Send an https address of at most 2,000 characters.'),
    ('audit_append_only', 403, 'The audit log and its seals only grow.', 'Erasure blanks payloads through core.blank_audit_payload().'),
    ('audit_history_incomplete', 409, 'The audit log does not tell enough to rebuild the row.', 'Restore a backup of that time beside this database.'),
    ('audit_key_missing', 400, 'A table without a primary key cannot be audited.', 'Give it one, or say with core.declare_unaudited_table() why it is not audited.'),
    ('audit_month_kept', 409, 'This month of the audit log is not past its retention.', 'ops.partitioned_tables says how many months are kept.'),
    ('audit_month_not_exported', 409, 'The copy of the seals outside the database does not reach this month yet.', 'Pass the newest line of audit-seals.jsonl.'),
    ('audit_not_intact', 409, 'The audit log does not verify, so nothing of it is dropped.', 'ops.verify_audit() names what is wrong.'),
    ('audit_payload_gone', 410, 'Events that may have been this row''s were erased.', 'Nothing to do: that is what the erasure was for.'),
    ('audit_reason_missing', 400, 'Seals are given up only for a reason.', 'Say what was restored, from when, and who decided it.'),
    ('audit_seal_unknown', 400, 'Verification can only go on from a seal whose copy is passed along.', 'Pass the line of audit-seals.jsonl with that number.'),
    ('audit_transactions_restarted', 409, 'Transactions here have lower numbers than the audit log has sealed.', 'Raise the server''s next transaction with pg_resetwal -x and -e, as docs/audit.md says.'),
    ('device_invalid', 400, 'The device fingerprint or name has a length no session can hold.', 'Send 8 to 200 characters of fingerprint and 1 to 120 of name, or leave them out.'),
    ('display_name_invalid', 400, 'The display name is empty or too long.', 'Send 1 to 80 characters.'),
    ('email_already_verified', 409, 'The e-mail address is confirmed.', 'Nothing is left to do.'),
    ('email_invalid', 400, 'The e-mail address is not one we can write to.', 'Send one plain address such as ada@example.com, at most 254 bytes.'),
    ('email_not_verified', 403, 'The e-mail address has to be confirmed first.', 'Open the link in the mail we sent; request_email_verification sends it again to whoever is signed in.'),
    ('email_taken', 409, 'An account with this e-mail address exists.', 'Sign in, or use another address.'),
    ('full_name_invalid', 400, 'The full name is empty or too long.', 'Send 1 to 200 characters.'),
    ('identity_email_unproven', 403, 'The issuer does not vouch for an e-mail address, so no account can be opened.', 'Sign up with a password, then link_identity.'),
    ('identity_is_last_way_in', 409, 'Without this identity nobody could sign in to the account.', 'Set a password first (request_password_reset), or link another identity.'),
    ('identity_key_unknown', 424, 'The token names a key we do not know (yet); the issuer is being asked.', 'Try again in a few seconds; when it stays, ask the issuer for a new token.'),
    ('identity_not_found', 404, 'You have no such identity.', 'The view identities lists them.'),
    ('identity_not_linked', 409, 'The address of this identity has an account, and nothing is joined silently.', 'Sign in to the account, then call link_identity with the same token.'),
    ('identity_taken', 409, 'The identity belongs to an account already.', 'Sign in with it, or unlink it there.'),
    ('identity_token_invalid', 401, 'The token of the issuer is not accepted.', 'details say why; ask the issuer for a new one.'),
    ('identity_token_used', 401, 'The token of the issuer was used before.', 'Ask the issuer for a new one: each signs in once.'),
    ('invalid_credentials', 401, 'E-mail address and password do not belong together.', 'Check both; passwords are compared exactly as sent.'),
    ('link_invalid', 400, 'The link does not work (any more).', 'Links work once and for a short time, and a newer one voids the older; ask for a new mail.'),
    ('locale_invalid', 400, 'The locale is not a language tag we understand.', 'Send a tag such as en or de-AT.'),
    ('months_ahead_invalid', 400, 'The number of months is out of range.', 'Send 1 to 120.'),
    ('not_signed_in', 401, 'This needs someone who is signed in.', 'Call sign_in and send its access_token as Authorization: Bearer.'),
    ('password_too_common', 400, 'The password is one that is tried first.', 'Take several words that have nothing to do with you or the service.'),
    ('password_too_long', 400, 'The password is longer than 72 bytes.', 'Use at most 72 bytes; bcrypt would ignore the rest, so we refuse it.'),
    ('password_too_short', 400, 'The password is shorter than 8 characters.', 'Use at least 8 characters; several words make a good password.'),
    ('password_wrong', 403, 'This needs your password, and it was another one.', 'Send the password of the account; passwords are compared exactly as sent.'),
    ('refresh_token_invalid', 401, 'The refresh token is not one of ours.', 'Sign in again.'),
    ('refresh_token_reused', 401, 'The refresh token was used before; its session has been ended.', 'Sign in again. If you did not use it twice, someone else may have.'),
    ('refresh_token_superseded', 409, 'A newer refresh token of this session is already in use.', 'Use the newest token you hold.'),
    ('role_unknown', 400, 'There is no such role.', 'Send user, support or admin.'),
    ('second_factor_wrong', 403, 'The code is not right, or was used before.', 'Send the code that the authenticator app shows now, or one unused recovery code.'),
    ('secret_not_announced', 409, 'No secret was announced.', 'Call ops.announce_jwt_secret() first and let PostgREST take it in.'),
    ('secret_still_used', 409, 'Tokens of the previous secret may still be out.', 'Wait, or pass is_leaked => true when it must end at once.'),
    ('secret_too_short', 400, 'A secret has at least 32 bytes.', 'One is made by openssl rand -base64 48.'),
    ('session_ended', 401, 'The session has ended.', 'Sign in again.'),
    ('support_only', 403, 'Only the help desk may look accounts up.', 'An operator gives the role: ops.set_role(''…'', ''support'').'),
    ('session_not_found', 404, 'You have no such living session.', 'The view sessions lists them.'),
    ('sign_in_challenge_invalid', 401, 'This sign-in cannot be finished (any more).', 'Begin again with sign_in: a challenge lives 5 minutes and takes 5 codes.'),
    ('timezone_invalid', 400, 'The time zone is not an IANA name.', 'Send a name such as Europe/Berlin.'),
    ('token_expired', 401, 'The access token has expired.', 'Call refresh_session with the refresh token.'),
    ('token_incomplete', 401, 'The access token is not one this API has made.', 'Use the access_token that sign_in or refresh_session answered with.'),
    ('too_many_attempts', 429, 'Too many attempts in a short time.', 'Wait as long as the header Retry-After says, then try again.'),
    ('totp_already_enabled', 409, 'The account has an authenticator app already.', 'disable_totp takes it away; then set up the new one.'),
    ('totp_not_enabled', 409, 'The account has no authenticator app.', 'start_totp_enrollment sets one up.'),
    ('totp_not_started', 409, 'No authenticator app is waiting for its first code.', 'Call start_totp_enrollment; it waits for 15 minutes.'),
    ('user_preferences_invalid', 400, 'The preferences are no object that can be kept.', 'Send an object; keys are snake_case, and the whole may take 16 KiB.'),
    -- analytics
    ('csv_malformed', 400, 'The text is no CSV that can be read, or its first line names other columns.', 'Quote fields with commas, quotes or line breaks, and double quotes inside them; details say what was found.'),
    ('event_name_invalid', 400, 'This cannot be the name of an event.', 'Begin with a to z; use at most 64 of a to z, 0 to 9, underscore and dot.'),
    ('event_quota_exceeded', 429, 'Too many events in a short time.', 'Keep the events and send them again when the header Retry-After says.'),
    ('event_schema_invalid', 400, 'Events cannot be judged by this JSON Schema.', 'core.matches_json_schema() lists the keywords it knows.'),
    ('events_invalid', 400, 'This is no list of events that one call can take.', 'Send an array of at most 1,000 events, and sent_at by the client''s clock or not at all.'),
    -- tenancy
    ('already_member', 409, 'This address belongs to a member.', 'The view organization_members lists them; change_member_role changes what they may do.'),
    ('domain_claimed', 409, 'The organization has claimed this domain before.', 'The view organization_domains shows the record to set.'),
    ('domain_invalid', 400, 'This is no domain name.', 'Send one such as acme.example, without a dot at the end; names in other scripts as xn--….'),
    ('domain_not_found', 404, 'There is no such domain among those you manage.', 'The view organization_domains lists them.'),
    ('domain_not_verified', 409, 'The domain is not proven yet.', 'Set the TXT record that organization_domains shows, then call check_domain.'),
    ('domain_public', 400, 'Anybody can have an address at this domain.', 'Claim a domain of your own.'),
    ('invitation_not_found', 404, 'There is no such open invitation.', 'Sign in with the address the mail went to; links work once, for 7 days, and a newer one voids the older.'),
    ('invitation_pending', 409, 'The address has an open invitation.', 'Call resend_invitation, or revoke_invitation first.'),
    ('invitation_role_invalid', 400, 'Nobody is invited with this role.', 'Send admin, member or billing; change_member_role and transfer_ownership make owners.'),
    ('member_not_found', 404, 'The organization has no such member.', 'The view organization_members lists them.'),
    ('no_organization_to_join', 404, 'No organization takes in addresses at your domain.', 'Ask somebody there for an invitation.'),
    ('organization_branding_invalid', 400, 'The branding does not have the right shape.', 'Send an object of logo_url, icon_url (https), primary_color, accent_color (#rrggbb) and tagline.'),
    ('organization_name_invalid', 400, 'The name cannot be an organization''s.', 'Send 1 to 120 characters, without blanks around them.'),
    ('organization_needs_owner', 409, 'The organization would be left without an owner who can act.', 'Make another member owner first, or delete the organization.'),
    ('organization_not_found', 404, 'You belong to no such organization.', 'The view organizations lists yours.'),
    ('organization_role_required', 403, 'Your role in the organization does not allow this.', 'Ask an owner; docs/tenancy.md says which role may do what.'),
    ('organization_role_unknown', 400, 'There is no such role in an organization.', 'Send owner, admin, member or billing.'),
    ('organization_settings_invalid', 400, 'The settings are no object that can be kept.', 'Send an object; keys are snake_case, and the whole may take 16 KiB.'),
    ('organization_slug_invalid', 400, 'This cannot be a slug.', 'Send 3 to 63 of a to z, 0 to 9 and single hyphens between them.'),
    ('organization_slug_taken', 409, 'The slug is in use or reserved.', 'Choose another one.'),
    ('too_many_domains', 409, 'The organization has as many domains as one can.', 'Call remove_domain for one first.'),
    ('too_many_organizations', 409, 'You own as many organizations as one can.', 'Delete one or hand one over first.'),
    -- teams and workspaces
    ('team_member_not_found', 404, 'The team has no such member.', 'The view team_members lists them.'),
    ('team_name_invalid', 400, 'The name cannot be a team''s.', 'Send 1 to 80 characters, without blanks around them.'),
    ('team_name_taken', 409, 'The organization has a team of this name.', 'Choose another one; capitals do not count.'),
    ('team_not_found', 404, 'There is no such team for you.', 'The view teams lists those of your organizations.'),
    ('team_role_unknown', 400, 'There is no such role in a team.', 'Send lead or member.'),
    ('workspace_archived', 409, 'The workspace is archived; it can only be read.', 'An owner can restore it with restore_workspace.'),
    ('workspace_member_exists', 409, 'The workspace has this member.', 'Use change_workspace_member_role for another role.'),
    ('workspace_member_not_found', 404, 'The workspace has no such member.', 'The view workspace_members lists them.'),
    ('workspace_name_invalid', 400, 'The name cannot be a workspace''s.', 'Send 1 to 80 characters, without blanks around them.'),
    ('workspace_needs_owner', 409, 'A workspace has at least one owner.', 'Make somebody else owner first.'),
    ('workspace_not_found', 404, 'There is no such workspace for you.', 'The view workspaces lists yours.'),
    ('workspace_role_required', 403, 'Your role in the workspace does not allow this.', 'Ask one of its owners, or an owner or admin of the organization.'),
    ('workspace_role_unknown', 400, 'There is no such role in a workspace.', 'Send owner, editor or viewer.'),
    ('workspace_settings_invalid', 400, 'The settings are no object that can be kept.', 'Send an object; keys are snake_case, and the whole may take 16 KiB.'),
    ('workspace_slug_invalid', 400, 'This cannot be a slug.', 'Send 3 to 63 of a to z, 0 to 9 and single hyphens between them.'),
    ('workspace_slug_taken', 409, 'Another workspace of the organization has this slug.', 'Choose another one.'),
    -- subscriptions
    ('already_subscribed', 409, 'There is a living subscription.', 'current_plan tells which; change it where it was made.'),
    ('billing_event_failed', 424, 'The event is stored, and what it tells could not be done.', 'Send it again later; core.billing_events tells why.'),
    ('billing_event_invalid', 400, 'The body is signed, but no event.', 'Send the event as Stripe made it: id, type, created and data.'),
    ('billing_price_unknown', 422, 'No plan has this price.', 'Enter the price in core.plan_prices; the event is tried again.'),
    ('billing_secret_invalid', 400, 'This is no signing secret.', 'Send 16 to 200 printable characters without blanks and commas; Stripe''s begin with whsec_.'),
    ('billing_signature_invalid', 400, 'The signature does not vouch for the body.', 'Send the body byte for byte, within 300 seconds, and Stripe-Signature with it.'),
    ('billing_status_unknown', 422, 'The provider reports a status we do not know.', 'Teach it to core.subscription_state(); the event is tried again.'),
    ('plan_limit_reached', 402, 'The plan allows no more of these.', 'Take a plan with a higher limit, or remove something first.'),
    ('plan_not_found', 404, 'There is no such plan.', 'The view plans lists those that are for sale.'),
    ('trial_already_used', 409, 'The trial has been used.', 'Trials are once in the life of an account or organization.'),
    ('trial_not_offered', 400, 'The plan has no trial, or not for this kind of subject.', 'See trial_days and audience in the view plans.'),
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
    -- notifications
    ('notification_channels_invalid', 400, 'These cannot be the channels of this kind of notification.', 'Send any of inbox and push; an urgent kind keeps its inbox.'),
    ('notification_kind_unknown', 404, 'There is no such kind of notification.', 'The view notification_preferences lists them.'),
    ('notification_token_invalid', 400, 'Nothing can be pushed to a device that says this of itself.', 'Send token for ios and android, and for web the subscription as the browser made it.'),
    ('notification_token_not_found', 404, 'You have no such device.', 'The view notification_tokens lists them.'),
    ('quiet_hours_invalid', 400, 'These cannot be quiet hours.', 'Send starts_at and ends_at as HH:MM, or neither for none.'),
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
    ('search_words_invalid', 400, 'These cannot be searched for.', 'Give at least one word; each of four characters or more.'),
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
    ('billing_event_retention_days', '90', '{"type": "integer", "minimum": 35, "maximum": 3650}',
      'Days after which events of the billing provider are deleted.'),
    ('default_organization_plan', '"starter"', '{"type": "string", "minLength": 1, "maxLength": 40, "pattern": "^[a-z][a-z0-9_]*$"}',
      'Plan of organizations without a subscription; one that does not exist limits nothing.'),
    ('default_user_plan', '"free"', '{"type": "string", "maxLength": 40, "pattern": "^[a-z][a-z0-9_]*$"}',
      'Plan of accounts without a subscription; one that does not exist limits nothing.'),
    ('billing_trust_client_reference', 'false', '{"type": "boolean"}',
      'Whether client_reference_id of a checkout says who pays; with payment links the payer writes it.'),
    ('client_address_header', 'null', '{"type": ["string", "null"], "maxLength": 100, "pattern": "^[a-z0-9-]+$"}',
      'Header in which the proxy in front of PostgREST writes the caller''s address (lower case); null: address unknown.'),
    ('jwt_audience', '"howdah"', '{"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^[:space:][:cntrl:]]+$"}', 'Claim aud of access tokens.'),
    ('jwt_issuer', '"howdah"', '{"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[^[:space:][:cntrl:]]+$"}', 'Claim iss of access tokens.'),
    ('mail_sender', '"no-reply@localhost"', '{"type": "string", "maxLength": 254, "pattern": "^[^[:space:]@<>,;]+@[^[:space:]@<>,;]+$"}',
      'Address that mails come from.'),
    ('notification_retention_days', '90', '{"type": "integer", "minimum": 1, "maximum": 3650}',
      'Notifications are deleted so many days after they were made.'),
    ('notification_token_stale_days', '90', '{"type": "integer", "minimum": 7, "maximum": 3650}',
      'A device that did not register for so many days gets nothing; after as many again it is forgotten.'),
    ('password_hash_cost', '11', '{"type": "integer", "minimum": 4, "maximum": 15}',
      'bcrypt cost of new password hashes; below 10 only for tests.'),
    ('past_due_grace_days', '7', '{"type": "integer", "minimum": 0, "maximum": 90}',
      'Days that a plan goes on after a payment was missed.'),
    ('sign_up_mode', '"open"', '{"type": "string", "enum": ["open", "verify"]}',
      'open: sign_up signs in at once and tells when an address is taken; verify: one answer for all, a mail decides.')
  ) as s (name, default_value, json_schema, description);
end;
comment on function core.setting_catalogue() is
$$Every setting with its default, its JSON Schema and what it is for.$$;
revoke all on function core.setting_catalogue() from public;
grant execute on function core.setting_catalogue() to howdah_readonly;
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
$$Stores a secret. Safe to repeat. Known names: attempt_key; jwt_secret, jwt_secret_next and jwt_secret_previous;
billing_webhook_secrets; web_push_public_key and web_push_private_key.$$;
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
--! Included core/triggers.sql
-- Trigger functions that every module shares, and those of core's own settings.

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
  before update on core.settings
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on private.secrets
  for each row execute function core.tg__touch_updated_at();
--! EndIncluded core/triggers.sql
--! Included core/policies.sql
-- Row-level security of what the instance keeps about itself.

-- No policy: nobody but their owner's functions reads these.
alter table core.settings enable row level security;
alter table private.secrets enable row level security;
alter table private.attempts enable row level security;
--! EndIncluded core/policies.sql
--! Included core/audit/_module.sql
-- Who changed what, and the seals that prove it.
--! Included core/audit/audit_hashes.sql
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

create or replace function core.audit_field(value uuid)
  returns text
  language sql
  immutable
  parallel safe
-- As above; that a UUID has 36 characters need not be counted four times an event.
return coalesce('36:' || audit_field.value::text, '-');
comment on function core.audit_field(uuid) is $$A UUID as a field of a canonical form.$$;
revoke all on function core.audit_field(uuid) from public;

create or replace function core.epoch_microseconds(instant timestamptz)
  returns bigint
  language sql
  immutable
  parallel safe
-- Of an interval: of an instant it is a stable function, and an immutable one that calls it is never inlined.
return (extract(epoch from epoch_microseconds.instant - timestamptz '1970-01-01 00:00:00+00') * 1000000)::bigint;
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
-- In groups: each || copies all that stands before it.
return sha256(convert_to(
  (
    core.audit_field((audit_row_hash.event).id::text)
      || core.audit_field(core.epoch_microseconds((audit_row_hash.event).occurred_at)::text)
      || core.audit_field((audit_row_hash.event).transaction_id::text)
      || core.audit_field((audit_row_hash.event).kind)
  ) || (
    core.audit_field((audit_row_hash.event).relation)
      || core.audit_field((audit_row_hash.event).operation)
      || core.audit_field((audit_row_hash.event).actor_user_id)
      || core.audit_field((audit_row_hash.event).actor_session_id)
  ) || (
    core.audit_field((audit_row_hash.event).subject_id)
      || core.audit_field((audit_row_hash.event).tenant_id)
      || core.audit_field((audit_row_hash.event).database_role)
      || core.audit_field((audit_row_hash.event).acting_role)
  ) || (
    core.audit_field((audit_row_hash.event).job_id::text)
      || core.audit_field((audit_row_hash.event).request_id)
      || coalesce('64:' || encode((audit_row_hash.event).payload_hash, 'hex'), '-')
  ),
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
--! EndIncluded core/audit/audit_hashes.sql
--! Included core/audit/write_audit_event.sql
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
return case when core.is_uuid(uuid_or_null.value) then uuid_or_null.value::uuid end;
comment on function core.uuid_or_null(text) is $$A text as UUID; null when it is none.$$;
revoke all on function core.uuid_or_null(text) from public;
--! EndIncluded core/audit/write_audit_event.sql
--! Included core/audit/audit_landmarks.sql
-- Events about the log and its server rather than about a person: months dropped, seals lost by a restore, a server
-- that is another than before. What verification may take for granted stands in them, so it is sealed like the rest.
create or replace function core.write_audit_landmark(landmark text, operation text, details jsonb)
  returns bigint
  language sql
  volatile
begin atomic
  -- The key makes them findable by the index that finds the events of a row.
  select core.write_audit_event(
    'security', null, write_audit_landmark.operation, jsonb_build_object('landmark', write_audit_landmark.landmark),
    null, write_audit_landmark.details, null, null
  );
end;
comment on function core.write_audit_landmark(text, text, jsonb) is
$$Writes an event about the log itself or its server and returns its number.$$;
revoke all on function core.write_audit_landmark(text, text, jsonb) from public;

create or replace function core.audit_landmarks(landmark text)
  returns setof core.audit_log
  language sql
  stable
begin atomic
  select e.* from core.audit_log as e
  where e.relation is null
    and hashtextextended(e.key::text, 0)
      = hashtextextended(jsonb_build_object('landmark', audit_landmarks.landmark)::text, 0)
    and e.key = jsonb_build_object('landmark', audit_landmarks.landmark)
    and e.kind = 'security';
end;
comment on function core.audit_landmarks(text) is $$The events about one matter of the log itself: months, recovery, server.$$;
revoke all on function core.audit_landmarks(text) from public;
--! EndIncluded core/audit/audit_landmarks.sql
--! Included core/audit/note_server_start.sql
-- A restore, a failover or a crash is nothing that a row could tell: the log says that its server is not what it was.
-- security definer: the worker may not write the log; it can only say what the server itself says.
create or replace function core.note_server_start()
  returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  v_now jsonb := jsonb_build_object(
    'system', (select s.system_identifier::text from pg_control_system() as s),
    'timeline', ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int,
    'started_at', pg_postmaster_start_time()
  );
  v_before jsonb;
  v_operation text;
begin
  -- Two workers that start together: one of them has something to say.
  perform pg_advisory_xact_lock(hashtextextended('howdah:note_server_start', 0));
  select e.new_values into v_before from core.audit_landmarks('server') as e order by e.id desc limit 1;
  v_operation := case
    when v_before is null then 'server_started'
    when v_before ->> 'system' <> v_now ->> 'system' then 'server_replaced'
    when v_before -> 'timeline' <> v_now -> 'timeline' then 'server_recovered'
    when v_before ->> 'started_at' <> v_now ->> 'started_at' then 'server_restarted'
  end;
  if v_operation is not null then
    perform core.write_audit_landmark('server', v_operation,
      v_now || jsonb_build_object('before', v_before - 'before'));
  end if;
  return v_operation;
end
$$;
comment on function core.note_server_start() is
$$Writes an event when the server is not what it was when last noted, and returns which; null when it is.

server_started: the first note. server_restarted: stopped or crashed since. server_recovered: a new timeline, so a
failover or a restore to a moment. server_replaced: the data run on another server. Safe to repeat.$$;
revoke all on function core.note_server_start() from public;
grant execute on function core.note_server_start() to howdah_worker;
--! EndIncluded core/audit/note_server_start.sql
--! Included core/audit/find_copied_seal.sql
-- The copy outside goes on after its last line. Where that line was lost by a restore that somebody has answered for
-- (ops.record_audit_recovery), it goes on after the last seal that both sides have.
-- security definer: the worker reads no table of core by right; it learns a number.
create or replace function core.find_copied_seal(seal bigint, hash text)
  returns bigint
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (
      select s.number from core.audit_seals as s
      where s.number = find_copied_seal.seal and encode(s.hash, 'hex') = find_copied_seal.hash
    ),
    (
      select (e.new_values ->> 'after_seal')::bigint from core.audit_landmarks('recovery') as e
      where e.new_values -> 'lost' @> jsonb_build_array(
        jsonb_build_object('seal', find_copied_seal.seal, 'hash', find_copied_seal.hash))
      order by e.id desc
      limit 1
    )
  )
$$;
comment on function core.find_copied_seal(bigint, text) is
$$The seal after which the copy outside goes on; null when this database never had the copy's last line.$$;
revoke all on function core.find_copied_seal(bigint, text) from public;
grant execute on function core.find_copied_seal(bigint, text) to howdah_worker;
--! EndIncluded core/audit/find_copied_seal.sql
--! Included core/audit/mask_secret.sql
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
--! EndIncluded core/audit/mask_secret.sql
--! Included core/audit/audit_triggers.sql
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
    core.uuid_or_null(coalesce(
      v_row ->> 'workspace_id', v_row ->> 'organization_id',
      -- An organization is its own tenant.
      case when tg_argv[0] = 'core.organizations' then v_row ->> 'id' end
    ))
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
--! EndIncluded core/audit/audit_triggers.sql
--! Included core/audit/audit_table.sql
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
--! EndIncluded core/audit/audit_table.sql
--! Included core/audit/refuse_audit_change.sql
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
--! EndIncluded core/audit/refuse_audit_change.sql
--! Included core/audit/record_security_event.sql
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
--! EndIncluded core/audit/record_security_event.sql
--! Included core/audit/blank_audit_payload.sql
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

-- Rows that an address leads to name no account: it came later, or never.
create or replace function core.audit_events_at(email_key text)
  returns setof bigint
  language sql
  stable
  strict
begin atomic
  select e.id from core.audit_log as e
  where e.relation in (
      select format('%I.%I', p.schema_name, p.table_name) from gdpr.column_policies as p where p.subject = 'email'
    )
    and core.email_key(coalesce(e.new_values, e.old_values) ->> 'email') = audit_events_at.email_key
    and e.blanked_by is null;
end;
comment on function core.audit_events_at(text) is
$$Numbers of the events, not yet blank, about rows that an address alone leads to (invitations).$$;
revoke all on function core.audit_events_at(text) from public;

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
      -- Landmarks: verification stands on them, and they are about nobody.
      and (e.relation is null and e.key ? 'landmark') is not true
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
--! EndIncluded core/audit/blank_audit_payload.sql
--! Included core/audit/seal_audit.sql
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
--! EndIncluded core/audit/seal_audit.sql
--! Included core/audit/policies.sql
-- Row-level security of the audit log. What it says about others is not for users.

-- No policy: nobody but their owner's functions reads these.
alter table core.audit_log enable row level security;
alter table core.audit_seals enable row level security;
alter table core.audited_tables enable row level security;
--! EndIncluded core/audit/policies.sql
--! EndIncluded core/audit/_module.sql
--! Included core/mails/_module.sql
-- Mails: queued here, sent by the worker.
--! Included core/mails/mail_queued_schema.sql
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
--! EndIncluded core/mails/mail_queued_schema.sql
--! Included core/mails/queue_mail.sql
-- Puts a mail into the outbox. Does not look the address up: what is asked for with an address nobody has costs
-- the same as with one somebody has. Who gets it is decided when it is sent (core.begin_mail).
create or replace function private.queue_mail(
  kind text,
  user_id uuid default null,
  recipient text default null,
  session_id uuid default null,
  sign_up_request_id uuid default null,
  invitation_id uuid default null
)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_mail_id uuid;
begin
  insert into core.mails (
    kind, user_id, recipient, session_id, sign_up_request_id, invitation_id, created_at, updated_at
  )
  values (
    queue_mail.kind, queue_mail.user_id, queue_mail.recipient, queue_mail.session_id, queue_mail.sign_up_request_id,
    queue_mail.invitation_id, core.now(), core.now()
  )
  returning id into v_mail_id;
  perform core.enqueue_job('core/send_mail', jsonb_build_object('mail_id', v_mail_id));
end
$$;
comment on function private.queue_mail(text, uuid, text, uuid, uuid, uuid) is
$$Queues a mail of a kind. Without a recipient it goes to the account's own address.$$;
revoke all on function private.queue_mail(text, uuid, text, uuid, uuid, uuid) from public;

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
--! EndIncluded core/mails/queue_mail.sql
--! Included core/mails/begin_mail.sql
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
  v_invitation jsonb;
begin
  select m.* into v_mail from core.mails as m where m.id = begin_mail.mail_id for update;
  if v_mail.state = 'sending' then
    update core.mails as m
    set state = 'unknown', recipient = case when m.user_id is not null then m.recipient end, finished_at = core.now()
    where m.id = v_mail.id;
    return null;
  elsif v_mail.state is distinct from 'waiting' then
    return null;
  end if;

  if v_mail.kind = 'sign_up' then
    select r.* into v_request from private.sign_up_requests as r where r.id = v_mail.sign_up_request_id;
    v_mail.recipient := v_request.email;
  elsif v_mail.kind = 'invitation' then
    -- An account the address may have gets its mail as its own; without one it goes to the invited address.
    v_invitation := private.invitation_mail(v_mail.invitation_id);
    v_mail.user_id := (v_invitation ->> 'user_id')::uuid;
    v_mail.recipient := v_invitation ->> 'recipient';
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
  -- The stored address, not the typed one; only these go to an address that is not, or no longer, the account's.
  if v_mail.kind not in ('sign_up', 'change_email', 'email_changed', 'invitation') then
    v_mail.recipient := v_user.email;
  end if;

  if (v_user.id is null and v_request.id is null and v_invitation is null)
    or v_mail.recipient is null
    or v_user.status <> 'active'
    or v_user.deleted_at is not null
    or (v_mail.kind = 'verify_email' and v_user.email_verified_at is not null and v_user.email_vouched_by is null)
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
    'locale', coalesce(v_user.locale, v_request.locale, v_invitation ->> 'locale'),
    'token', case
      when v_invitation is not null then v_invitation ->> 'token'
      when core.one_time_token_ttl(v_mail.kind) is not null then
        private.issue_one_time_token(v_mail.kind, v_user.id, v_request.id, v_mail.recipient)
    end,
    'organization_name', v_invitation ->> 'organization_name',
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
--! EndIncluded core/mails/begin_mail.sql
--! Included core/mails/finish_mail.sql
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
    -- An address that no account leads to: nobody's export or erasure would find it later.
    recipient = case when m.user_id is not null or finish_mail.state = 'waiting' then m.recipient end,
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
--! EndIncluded core/mails/finish_mail.sql
--! Included core/mails/clean_up_mails.sql
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
--! EndIncluded core/mails/clean_up_mails.sql
--! Included core/mails/triggers.sql
-- What keeps the outbox of mails true.

create or replace trigger _100_touch_updated_at
  before update on core.mails
  for each row execute function core.tg__touch_updated_at();
--! EndIncluded core/mails/triggers.sql
--! Included core/mails/policies.sql
-- Row-level security of the outbox.

-- No policy: nobody but their owner's functions reads these.
alter table core.mails enable row level security;
--! EndIncluded core/mails/policies.sql
--! EndIncluded core/mails/_module.sql
--! Included core/accounts/_module.sql
-- Accounts: who someone is, how they prove it, and for how long.
--! Included core/accounts/session_lifetimes.sql
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
--! EndIncluded core/accounts/session_lifetimes.sql
--! Included core/accounts/hash_password.sql
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
--! EndIncluded core/accounts/hash_password.sql
--! Included core/accounts/require_password.sql
-- What may become a password. No rules on composition; bcrypt's 72 bytes are a wall, not a silent cut. What everybody
-- tries first is refused: the list of the most common ones, and what is known of the account.
create or replace function private.require_password(password text, email text default null)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_folded text := lower(require_password.password);
begin
  if char_length(coalesce(require_password.password, '')) < 8 then
    perform core.raise_error('password_too_short',
      format('The password has %s characters.', char_length(coalesce(require_password.password, ''))));
  end if;
  if octet_length(require_password.password) > 72 then
    perform core.raise_error('password_too_long',
      format('The password has %s bytes in UTF-8.', octet_length(require_password.password)));
  end if;
  if exists (select from private.common_passwords as c where c.password = v_folded) then
    perform core.raise_error('password_too_common', 'It is one of the passwords that most people choose.');
  end if;
  if exists (
    select
    from unnest(array[
      lower(require_password.email),
      split_part(lower(require_password.email), '@', 1),
      lower(core.setting('app_name') #>> '{}')
    ]) as known (word)
    where private.bare_word(known.word) <> '' and private.bare_word(known.word) = private.bare_word(v_folded)
  ) then
    perform core.raise_error('password_too_common', 'It is the name of the account or of the service, with little added.');
  end if;
end
$$;
comment on function private.require_password(text, text) is
$$Refuses what must not become a password of the account with this address.

Errors: password_too_short (400), password_too_long (400), password_too_common (400). Source: OWASP ASVS 5.0, 6.2.4.$$;
revoke all on function private.require_password(text, text) from public;

create or replace function private.bare_word(word text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return btrim(bare_word.word, '0123456789 .,:;!?@#$%&*+=_/\|<>()[]{}"''^~`-');
comment on function private.bare_word(text) is $$A word without the digits and signs that people put around it.$$;
revoke all on function private.bare_word(text) from public;
--! EndIncluded core/accounts/require_password.sql
--! Included core/accounts/database_role.sql
-- What an account's role is in the database. The help desk works with the rights of any user: what it may see beyond
-- that comes from find_account_for_support() alone.
create or replace function core.database_role(account_role text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return case database_role.account_role when 'admin' then 'howdah_admin' else 'howdah_user' end;
comment on function core.database_role(text) is $$The database role that requests of an account with this role run as.$$;
revoke all on function core.database_role(text) from public;
--! EndIncluded core/accounts/database_role.sql
--! Included core/accounts/sign_jwt.sql
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
--! EndIncluded core/accounts/sign_jwt.sql
--! Included core/accounts/postgrest_settings.sql
-- PostgREST calls this at its start and at `notify pgrst, 'reload config'` (db-pre-config): which keys open a token is
-- said once, here, to every PostgREST there is. While a key is being changed there are two, tried one after the other.
-- Keys carry no name (kid): PostgREST 12 would ignore it, and later ones refuse tokens signed before there was one.
-- security definer: borrows the right to read private.secrets for howdah_authenticator alone, who may become any user
-- anyway. The setting lives as long as the transaction that asked.
create or replace function core.postgrest_settings()
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_keys jsonb;
begin
  select jsonb_agg(
    jsonb_build_object(
      'kty', 'oct', 'use', 'sig', 'alg', 'HS256', 'k', core.base64url(convert_to(s.value, 'utf8'))
    )
    order by s.name
  ) into v_keys
  from private.secrets as s
  where s.name in ('jwt_secret', 'jwt_secret_next', 'jwt_secret_previous') and octet_length(s.value) >= 32;
  -- A database that was told no secret yet leaves PostgREST with the one it was started with.
  if v_keys is not null then
    perform set_config('pgrst.jwt_secret', jsonb_build_object('keys', v_keys)::text, true);
  end if;
end
$$;
comment on function core.postgrest_settings() is
$$Tells PostgREST the keys of access tokens: the one in use, one announced, one still valid. Source: RFC 7517.$$;
revoke all on function core.postgrest_settings() from public;
grant execute on function core.postgrest_settings() to howdah_authenticator;
--! EndIncluded core/accounts/postgrest_settings.sql
--! Included core/accounts/tell_jwt_secret.sql
-- What the stack and a deployment call at every start. A secret that differs from the one in use takes its place; tokens
-- signed with the old one stay good until it is forgotten, so nobody is signed out.
create or replace function private.tell_jwt_secret(secret text)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_current text := private.secret('jwt_secret');
begin
  if v_current is not distinct from tell_jwt_secret.secret then
    return false;
  end if;
  if v_current is not null then
    perform private.set_secret('jwt_secret_previous', v_current);
  end if;
  perform private.set_secret('jwt_secret', tell_jwt_secret.secret);
  delete from private.secrets as s where s.name = 'jwt_secret_next';
  notify pgrst, 'reload config';
  return true;
end
$$;
comment on function private.tell_jwt_secret(text) is
$$Signs access tokens with this secret from now on; true when it was another one before.$$;
revoke all on function private.tell_jwt_secret(text) from public;
--! EndIncluded core/accounts/tell_jwt_secret.sql
--! Included core/accounts/session_answer_schema.sql
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
        "role": {"type": "string", "enum": ["user", "support", "admin"]}
      }
    }
  }
}'::jsonb;
comment on function core.session_answer_schema() is $$JSON Schema of what sign_up, sign_in and refresh_session answer.$$;
revoke all on function core.session_answer_schema() from public;
--! EndIncluded core/accounts/session_answer_schema.sql
--! Included core/accounts/session_answer.sql
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
      'role', core.database_role(v_user.role),
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
--! EndIncluded core/accounts/session_answer.sql
--! Included core/accounts/one_time_token_ttl.sql
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
--! EndIncluded core/accounts/one_time_token_ttl.sql
--! Included core/accounts/issue_one_time_token.sql
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
--! EndIncluded core/accounts/issue_one_time_token.sql
--! Included core/accounts/redeem_one_time_token.sql
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
--! EndIncluded core/accounts/redeem_one_time_token.sql
--! Included core/accounts/sessions_ended_schema.sql
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
--! EndIncluded core/accounts/sessions_ended_schema.sql
--! Included core/accounts/end_sessions.sql
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
--! EndIncluded core/accounts/end_sessions.sql
--! Included core/accounts/reauthenticate.sql
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
  if not (
    private.is_password(coalesce(reauthenticate.password, ''), v_password_hash)
    or (v_password_hash is null and private.is_fresh_identity(v_user_id, reauthenticate.password))
  ) then
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

Where the account has no password, a fresh id_token of one of its identities takes its place.

Errors: not_signed_in (401), password_wrong (403), too_many_attempts (429).$$;
revoke all on function private.reauthenticate(text) from public;
--! EndIncluded core/accounts/reauthenticate.sql
--! Included core/accounts/require_profile.sql
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
--! EndIncluded core/accounts/require_profile.sql
--! Included core/accounts/notify_of_new_device.sql
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
--! EndIncluded core/accounts/notify_of_new_device.sql
--! Included core/accounts/start_session.sql
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
--! EndIncluded core/accounts/start_session.sql
--! Included core/accounts/check_request.sql
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
    and core.database_role(u.role) = v_role;
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
--! EndIncluded core/accounts/check_request.sql
--! Included core/accounts/triggers.sql
-- What keeps the tables of accounts true.

create or replace trigger _100_touch_updated_at
  before update on core.users
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.sessions
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on private.passwords
  for each row execute function core.tg__touch_updated_at();
--! EndIncluded core/accounts/triggers.sql
--! Included core/accounts/policies.sql
-- Row-level security of accounts. Writes go through functions; web roles only read what is theirs.

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
  id, email, email_verified_at, email_vouched_by, role, status, full_name, display_name, avatar_url, timezone, locale,
  preferences, has_onboarded, trial_ends_at, created_at, updated_at
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

-- No policy: nobody but their owner's functions reads these.
alter table private.passwords enable row level security;
alter table private.refresh_tokens enable row level security;
alter table private.sign_up_requests enable row level security;
alter table private.one_time_tokens enable row level security;
alter table private.common_passwords enable row level security;
--! EndIncluded core/accounts/policies.sql
--! Included core/accounts/views.sql
-- What accounts show through the API.

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
comment on column api.users.role is $$user, support or admin.$$;
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
--! EndIncluded core/accounts/views.sql
--! Included core/accounts/set_password.sql
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
  -- A sign-in that the old password has begun comes to nothing.
  delete from private.sign_in_challenges as c where c.user_id = set_password.user_id;
  perform private.queue_mail('password_changed', set_password.user_id);
  perform core.record_security_event('password_changed', set_password.user_id);
end
$$;
comment on function private.set_password(uuid, text) is
$$Gives an account a new password, voids its open links and queues a notice.$$;
revoke all on function private.set_password(uuid, text) from public;
--! EndIncluded core/accounts/set_password.sql
--! Included core/accounts/sign_up_by_mail.sql
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
--! EndIncluded core/accounts/sign_up_by_mail.sql
--! Included core/accounts/sign_up.sql
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
  -- A hash is slow on purpose, and slower where many are made at once.
  set statement_timeout = '5s'
as $$
declare
  v_user_id uuid;
  v_wait_seconds integer;
begin
  perform core.require_plain_call();
  if not coalesce(core.is_email(sign_up.email), false) then
    perform core.raise_error('email_invalid', format('The e-mail address sent was %s.', coalesce(to_json(left(sign_up.email, 80))::text, 'null')));
  end if;
  perform private.require_password(sign_up.password, sign_up.email);
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
Errors: email_invalid (400), password_too_short (400), password_too_long (400), password_too_common (400), display_name_invalid (400),
timezone_invalid (400), locale_invalid (400), call_not_plain (400), email_taken (409), too_many_attempts (429).$$;
revoke all on function api.sign_up(text, text, text, text, text) from public;
grant execute on function api.sign_up(text, text, text, text, text) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/accounts/sign_up.sql
--! Included core/accounts/sign_in.sql
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
  -- A hash is slow on purpose, and slower where many are made at once.
  set statement_timeout = '5s'
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

  perform private.give_back_attempt(private.address_bucket());
  if v_user.email_verified_at is null and core.setting('sign_up_mode') = '"verify"' then
    perform private.give_back_attempt(v_bucket);
    return private.offer_verification(v_user);
  end if;
  if private.has_second_factor(v_user.id) then
    return private.start_sign_in_challenge(v_user.id, v_bucket, sign_in.device_fingerprint, sign_in.device_name);
  end if;
  perform private.give_back_attempt(v_bucket);
  return private.start_session(v_user.id, sign_in.device_fingerprint, sign_in.device_name);
end
$$;
comment on function api.sign_in(text, text, text, text) is
$$Sign in with e-mail address and password.

Answers with an access token (15 minutes), a refresh token and the user. At most 10 failed attempts an account and
15 minutes, 30 an address and 5 minutes; a device that has signed in before is counted on its own.
Where the account has a second factor, a right password answers 202 with the status second_factor_required, a
challenge_id, a challenge_secret and expires_in: sign_in_with_totp or sign_in_with_recovery_code takes them.

@returns core.session_answer_schema
Errors: invalid_credentials (401), email_not_verified (403), too_many_attempts (429, with Retry-After), call_not_plain (400),
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

-- Where a mail decides who has an account, an address that nobody has proven opens none, though it was made earlier,
-- when sign-up was open. Told only to whoever knows the password.
create or replace function private.offer_verification(unverified core.users)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if private.take_attempt(
    private.attempt_bucket('mail:verify_email', (offer_verification.unverified).email_key),
    core.mails_per_hour(), interval '1 hour'
  ) = 0 then
    perform private.queue_mail('verify_email', (offer_verification.unverified).id);
  end if;
  return core.error_response('email_not_verified', 'A mail with a link that confirms the address is on its way.');
end
$$;
comment on function private.offer_verification(core.users) is
$$Refuses a sign-in until the address is confirmed, and mails the link that does it, at most five times an hour.$$;
revoke all on function private.offer_verification(core.users) from public;
--! EndIncluded core/accounts/sign_in.sql
--! Included core/accounts/refresh_session.sql
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
--! EndIncluded core/accounts/refresh_session.sql
--! Included core/accounts/sign_out.sql
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
--! EndIncluded core/accounts/sign_out.sql
--! Included core/accounts/sign_out_everywhere.sql
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
--! EndIncluded core/accounts/sign_out_everywhere.sql
--! Included core/accounts/end_session.sql
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
--! EndIncluded core/accounts/end_session.sql
--! Included core/accounts/me.sql
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
--! EndIncluded core/accounts/me.sql
--! Included core/accounts/update_profile.sql
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
  v_problem text;
begin
  select m.merged, m.problem into v_merged, v_problem from core.merge_object(old, changes) as m;
  if v_problem is not null then
    perform core.raise_error('user_preferences_invalid', v_problem);
  end if;
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
--! EndIncluded core/accounts/update_profile.sql
--! Included core/accounts/verify_email.sql
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
  v_token private.one_time_tokens;
begin
  perform core.require_plain_call();
  v_token := private.redeem_one_time_token(verify_email.token, array['sign_up', 'verify_email', 'change_email']);
  case v_token.purpose
    when 'sign_up' then
      perform private.open_verified_account(v_token);
    when 'verify_email' then
      update core.users as u
      set email_verified_at = core.now(), email_vouched_by = null
      where u.id = v_token.user_id;
    when 'change_email' then
      perform private.move_account(v_token.user_id, v_token.email);
  end case;
end
$$;
comment on function api.verify_email(text) is
$$Confirm an e-mail address with the token of a mail's link.

After sign_up it opens the account (then sign in), after request_email_verification it marks the address as confirmed,
after change_email it moves the account to the new address. A token works once.

Errors: link_invalid (400), email_taken (409), call_not_plain (400).$$;
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
    set email = move_account.email, email_verified_at = core.now(), email_vouched_by = null
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
--! EndIncluded core/accounts/verify_email.sql
--! Included core/accounts/request_email_verification.sql
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
  if v_user.email_verified_at is not null and v_user.email_vouched_by is null then
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
--! EndIncluded core/accounts/request_email_verification.sql
--! Included core/accounts/request_password_reset.sql
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
--! EndIncluded core/accounts/request_password_reset.sql
--! Included core/accounts/reset_password.sql
-- A new password by the link of a mail. Whoever was signed in is not any more.
-- security definer: anon may write no hash. The token is the authorisation.
create or replace function api.reset_password(token text, new_password text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
  -- A hash is slow on purpose, and slower where many are made at once.
  set statement_timeout = '5s'
as $$
declare
  v_token private.one_time_tokens;
begin
  perform core.require_plain_call();
  -- First, so that a password that will not do does not cost the link.
  perform private.require_password(reset_password.new_password);
  v_token := private.redeem_one_time_token(reset_password.token, array['reset_password']);
  -- Now that it is known whose it will be; a refusal undoes the line above.
  perform private.require_password(reset_password.new_password, v_token.email);
  perform private.set_password(v_token.user_id, reset_password.new_password);
  -- The mail has arrived, so the mailbox is proven too.
  update core.users as u
  set email_verified_at = coalesce(u.email_verified_at, core.now()), email_vouched_by = null
  where u.id = v_token.user_id and (u.email_verified_at is null or u.email_vouched_by is not null);
  return jsonb_build_object('ended_session_count', private.end_sessions(v_token.user_id, 'password_reset'));
end
$$;
comment on function api.reset_password(text, text) is
$$Set a new password with the token of a mail's link. Ends every session of the account; then sign in.

@returns core.sessions_ended_schema
Errors: password_too_short (400), password_too_long (400), password_too_common (400), link_invalid (400).$$;
revoke all on function api.reset_password(text, text) from public;
grant execute on function api.reset_password(text, text) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/accounts/reset_password.sql
--! Included core/accounts/change_password.sql
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
  perform private.require_password(
    change_password.new_password, (select u.email from core.users as u where u.id = core.current_user_id())
  );
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
password_too_common (400), too_many_attempts (429).$$;
revoke all on function api.change_password(text, text) from public;
grant execute on function api.change_password(text, text) to howdah_user, howdah_admin;
--! EndIncluded core/accounts/change_password.sql
--! Included core/accounts/change_email.sql
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
--! EndIncluded core/accounts/change_email.sql
--! Included core/accounts/found_account_schema.sql
-- What the help desk sees of an account: enough to say what is wrong, nothing the account keeps for itself.
create or replace function core.found_account_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": [
    "id", "email", "email_verified_at", "role", "status", "display_name", "locale", "timezone", "created_at",
    "has_password", "has_second_factor", "identity_issuers", "sessions", "mails"
  ],
  "properties": {
    "id": {"type": "string", "format": "uuid"},
    "email": {"type": "string"},
    "email_verified_at": {"type": ["string", "null"], "format": "date-time"},
    "role": {"type": "string", "enum": ["user", "support", "admin"]},
    "status": {"type": "string", "enum": ["active", "suspended"]},
    "display_name": {"type": ["string", "null"]},
    "locale": {"type": "string"},
    "timezone": {"type": "string"},
    "created_at": {"type": "string", "format": "date-time"},
    "has_password": {"type": "boolean"},
    "has_second_factor": {"type": "boolean"},
    "identity_issuers": {"type": "array", "items": {"type": "string"}},
    "sessions": {
      "type": "array", "maxItems": 20, "description": "The newest; living and ended ones.",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["device_name", "created_at", "refreshed_at", "expires_at", "revoked_reason"],
        "properties": {
          "device_name": {"type": ["string", "null"]},
          "created_at": {"type": "string", "format": "date-time"},
          "refreshed_at": {"type": "string", "format": "date-time"},
          "expires_at": {"type": "string", "format": "date-time"},
          "revoked_reason": {"type": ["string", "null"]}
        }
      }
    },
    "mails": {
      "type": "array", "maxItems": 10, "description": "The newest mails to the account, and what became of them.",
      "items": {
        "type": "object",
        "additionalProperties": false,
        "required": ["kind", "state", "created_at"],
        "properties": {
          "kind": {"type": "string"},
          "state": {"type": "string"},
          "created_at": {"type": "string", "format": "date-time"}
        }
      }
    }
  }
}'::jsonb;
comment on function core.found_account_schema() is $$JSON Schema of what find_account_for_support answers.$$;
revoke all on function core.found_account_schema() from public;
--! EndIncluded core/accounts/found_account_schema.sql
--! EndIncluded core/accounts/_module.sql
--! Included core/second_factor/_module.sql
-- The second factor: codes of an authenticator app (TOTP) and recovery codes, asked for after the password.
--! Included core/second_factor/base32.sql
-- The alphabet of authenticator apps. Only encoding: what people send back is compared, never decoded.
create or replace function core.base32(data bytea)
  returns text
  language sql
  immutable
  strict
  parallel safe
return (
  select string_agg(
    substr('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', substring(b.bits from g.place for 5)::bit(5)::integer + 1, 1),
    '' order by g.place
  )
  from (select ('x' || encode(base32.data, 'hex'))::varbit as bits) as b
  cross join lateral generate_series(1, length(b.bits), 5) as g (place)
);
comment on function core.base32(bytea) is
$$Bytes as base32 without padding; a multiple of five bytes fills its letters exactly. Source: RFC 4648 section 6.$$;
revoke all on function core.base32(bytea) from public;
--! EndIncluded core/second_factor/base32.sql
--! Included core/second_factor/hotp.sql
-- One-time codes by counter. TOTP is the same with the number of half minutes since 1970 as the counter.
create or replace function core.hotp(secret bytea, counter bigint, digits integer default 6)
  returns text
  language plpgsql
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_mac bytea := extensions.hmac(int8send(hotp.counter), hotp.secret, 'sha1');
  v_offset integer := get_byte(v_mac, 19) & 15;
  -- Every operator beyond + and * binds alike in Postgres, hence the brackets.
  v_number bigint := ((get_byte(v_mac, v_offset) & 127)::bigint << 24)
    | (get_byte(v_mac, v_offset + 1) << 16)
    | (get_byte(v_mac, v_offset + 2) << 8)
    | get_byte(v_mac, v_offset + 3);
begin
  return lpad((v_number % (10 ^ hotp.digits)::bigint)::text, hotp.digits, '0');
end
$$;
comment on function core.hotp(bytea, bigint, integer) is
$$The code of a secret at a counter (HMAC-SHA-1). Source: RFC 4226 section 5.3.$$;
revoke all on function core.hotp(bytea, bigint, integer) from public;

create or replace function core.totp_step(at timestamptz)
  returns bigint
  language sql
  immutable
  strict
  parallel safe
return floor(extract(epoch from totp_step.at) / 30)::bigint;
comment on function core.totp_step(timestamptz) is $$The half minute an instant lies in. Source: RFC 6238 section 4.2.$$;
revoke all on function core.totp_step(timestamptz) from public;
--! EndIncluded core/second_factor/hotp.sql
--! Included core/second_factor/second_factor_limits.sql
-- Numbers of the second factor, each with its reason.

create or replace function core.totp_enrollment_ttl() returns interval language sql immutable parallel safe
return interval '15 minutes';
comment on function core.totp_enrollment_ttl() is
$$So long an authenticator app can be set up: time to find the phone; a secret left on a screen does not wait for ever.$$;
revoke all on function core.totp_enrollment_ttl() from public;

create or replace function core.sign_in_challenge_ttl() returns interval language sql immutable parallel safe
return interval '5 minutes';
comment on function core.sign_in_challenge_ttl() is
$$So long a right password waits for its second factor: a few codes of an app, or a walk to the drawer.$$;
revoke all on function core.sign_in_challenge_ttl() from public;

create or replace function core.sign_in_challenge_attempts() returns integer language sql immutable parallel safe
return 5;
comment on function core.sign_in_challenge_attempts() is $$So many codes one challenge takes before the password is asked for again.$$;
revoke all on function core.sign_in_challenge_attempts() from public;
--! EndIncluded core/second_factor/second_factor_limits.sql
--! Included core/second_factor/totp_enrollment_schema.sql
-- What an authenticator app is set up with.
create or replace function core.totp_enrollment_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["secret", "uri", "expires_in"],
  "properties": {
    "secret": {"type": "string", "pattern": "^[A-Z2-7]{32}$", "description": "Base32, for typing by hand."},
    "uri": {"type": "string", "description": "otpauth:// address, for a QR code."},
    "expires_in": {"type": "integer", "minimum": 1, "description": "Seconds in which the first code has to come."}
  }
}'::jsonb;
comment on function core.totp_enrollment_schema() is $$JSON Schema of what start_totp_enrollment answers.$$;
revoke all on function core.totp_enrollment_schema() from public;
--! EndIncluded core/second_factor/totp_enrollment_schema.sql
--! Included core/second_factor/recovery_codes_schema.sql
-- Ten codes for the day the phone is gone.
create or replace function core.recovery_codes_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["recovery_codes", "ended_session_count"],
  "properties": {
    "recovery_codes": {
      "type": "array", "minItems": 10, "maxItems": 10, "uniqueItems": true,
      "items": {"type": "string", "pattern": "^([A-Z2-7]{4}-){5}[A-Z2-7]{4}$"},
      "description": "Shown this once; each works once."
    },
    "ended_session_count": {"type": "integer", "minimum": 0, "description": "Other sessions that ended with it."}
  }
}'::jsonb;
comment on function core.recovery_codes_schema() is
$$JSON Schema of what confirm_totp_enrollment and regenerate_recovery_codes answer.$$;
revoke all on function core.recovery_codes_schema() from public;
--! EndIncluded core/second_factor/recovery_codes_schema.sql
--! Included core/second_factor/second_factor_state_schema.sql
-- What a settings page shows.
create or replace function core.second_factor_state_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["is_enabled", "enabled_at", "recovery_code_count"],
  "properties": {
    "is_enabled": {"type": "boolean"},
    "enabled_at": {"type": ["string", "null"], "format": "date-time"},
    "recovery_code_count": {"type": "integer", "minimum": 0, "maximum": 10, "description": "Recovery codes left."}
  }
}'::jsonb;
comment on function core.second_factor_state_schema() is $$JSON Schema of what second_factor_state answers.$$;
revoke all on function core.second_factor_state_schema() from public;
--! EndIncluded core/second_factor/second_factor_state_schema.sql
--! Included core/second_factor/policies.sql
-- No policy: nobody but their owner's functions reads these.
alter table private.totp_factors enable row level security;
alter table private.recovery_codes enable row level security;
alter table private.sign_in_challenges enable row level security;
--! EndIncluded core/second_factor/policies.sql
--! Included core/second_factor/take_totp_code.sql
-- A code counts once: the half minute it belongs to is remembered, and none up to it is taken again. The factor's row is
-- the lock, so of many uses of one code at once, one succeeds. One half minute early or late is forgiven, because
-- phones' clocks differ. Source: RFC 6238 section 5.2.
create or replace function private.take_totp_code(user_id uuid, code text, is_enrollment boolean default false)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_factor private.totp_factors;
  v_code text := translate(take_totp_code.code, ' ', '');
  v_step bigint := core.totp_step(core.now());
begin
  select f.* into v_factor
  from private.totp_factors as f
  where f.user_id = take_totp_code.user_id
    and (f.confirmed_at is null) = take_totp_code.is_enrollment
  for update;
  if v_factor.user_id is null or v_code is null then
    return false;
  end if;
  for v_tried in v_step - 1 .. v_step + 1 loop
    if v_tried > coalesce(v_factor.last_step, -1) and core.hotp(v_factor.secret, v_tried) = v_code then
      update private.totp_factors as f set last_step = v_tried where f.user_id = v_factor.user_id;
      return true;
    end if;
  end loop;
  return false;
end
$$;
comment on function private.take_totp_code(uuid, text, boolean) is
$$Whether this is a code of the account's authenticator app that was not used before; it is used from here on.$$;
revoke all on function private.take_totp_code(uuid, text, boolean) from public;
--! EndIncluded core/second_factor/take_totp_code.sql
--! Included core/second_factor/issue_recovery_codes.sql
-- New recovery codes in place of all earlier ones. 120 random bits each: more than the 112 from which on a plain hash is
-- enough to store them. Source: OWASP ASVS 5.0, 6.5.2.
create or replace function private.issue_recovery_codes(user_id uuid)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_code text;
  v_codes text[] := array[]::text[];
begin
  delete from private.recovery_codes as c where c.user_id = issue_recovery_codes.user_id;
  for v_number in 1 .. 10 loop
    v_code := core.base32(extensions.gen_random_bytes(15));
    insert into private.recovery_codes (user_id, code_hash, created_at)
    values (issue_recovery_codes.user_id, private.recovery_code_hash(v_code), core.now());
    v_codes := v_codes || rtrim(regexp_replace(v_code, '(.{4})', '\1-', 'g'), '-');
  end loop;
  return to_jsonb(v_codes);
end
$$;
comment on function private.issue_recovery_codes(uuid) is
$$Ten new recovery codes of an account, as texts; the table keeps their SHA-256. Earlier ones are void.$$;
revoke all on function private.issue_recovery_codes(uuid) from public;

-- However it was typed: small letters, blanks or dashes elsewhere.
create or replace function private.recovery_code_hash(code text)
  returns bytea
  language sql
  immutable
  strict
  parallel safe
return sha256(convert_to(translate(upper(recovery_code_hash.code), '- ', ''), 'UTF8'));
comment on function private.recovery_code_hash(text) is $$What is kept of a recovery code.$$;
revoke all on function private.recovery_code_hash(text) from public;
--! EndIncluded core/second_factor/issue_recovery_codes.sql
--! Included core/second_factor/take_recovery_code.sql
-- A recovery code works once: the delete is the lock, and of many uses at once one finds the row.
create or replace function private.take_recovery_code(user_id uuid, code text)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from private.recovery_codes as c
  where c.user_id = take_recovery_code.user_id
    and c.code_hash = private.recovery_code_hash(left(take_recovery_code.code, 100));
  if not found then
    return false;
  end if;
  perform private.queue_mail('recovery_code_used', take_recovery_code.user_id);
  perform core.record_security_event('recovery_code_used', take_recovery_code.user_id);
  return true;
end
$$;
comment on function private.take_recovery_code(uuid, text) is
$$Whether this is one of the account's recovery codes; it is used from here on, and the owner is told by mail.$$;
revoke all on function private.take_recovery_code(uuid, text) from public;
--! EndIncluded core/second_factor/take_recovery_code.sql
--! Included core/second_factor/require_second_factor.sql
-- The code that a signed-in person proves the second factor with, counted like passwords.
create or replace function private.require_second_factor(code text)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_bucket bytea := private.attempt_bucket('second_factor', v_user_id || ':signed_in');
  v_wait_seconds integer := private.take_attempt(v_bucket, 10, interval '15 minutes');
begin
  if v_wait_seconds > 0 then
    perform core.record_security_event('second_factor_failed', v_user_id, '{"reason": "too_many_attempts"}');
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;
  if private.take_totp_code(v_user_id, require_second_factor.code)
    or private.take_recovery_code(v_user_id, require_second_factor.code)
  then
    perform private.give_back_attempt(v_bucket);
    return null;
  end if;
  perform core.record_security_event('second_factor_failed', v_user_id, '{"reason": "second_factor_wrong"}');
  return core.error_response('second_factor_wrong');
end
$$;
comment on function private.require_second_factor(text) is
$$Checks a code of the caller's app or a recovery code: null when it is right, else the refusal to answer with.

Errors: not_signed_in (401), second_factor_wrong (403), too_many_attempts (429).$$;
revoke all on function private.require_second_factor(text) from public;
--! EndIncluded core/second_factor/require_second_factor.sql
--! Included core/second_factor/remove_second_factor.sql
-- The one place where a second factor goes: its codes and waiting sign-ins go with it, the owner is told.
create or replace function private.remove_second_factor(user_id uuid)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_was_confirmed boolean;
begin
  delete from private.recovery_codes as c where c.user_id = remove_second_factor.user_id;
  delete from private.sign_in_challenges as c where c.user_id = remove_second_factor.user_id;
  delete from private.totp_factors as f
  where f.user_id = remove_second_factor.user_id
  returning f.confirmed_at is not null into v_was_confirmed;
  if not coalesce(v_was_confirmed, false) then
    return false;
  end if;
  perform private.queue_mail('totp_disabled', remove_second_factor.user_id);
  perform core.record_security_event('totp_disabled', remove_second_factor.user_id);
  return true;
end
$$;
comment on function private.remove_second_factor(uuid) is $$Takes an account's second factor away; answers whether there was one.$$;
revoke all on function private.remove_second_factor(uuid) from public;

create or replace function private.has_second_factor(user_id uuid)
  returns boolean
  language sql
  stable
begin atomic
  select exists (
    select from private.totp_factors as f
    where f.user_id = has_second_factor.user_id and f.confirmed_at is not null
  );
end;
comment on function private.has_second_factor(uuid) is $$Whether a password alone does not sign the account in.$$;
revoke all on function private.has_second_factor(uuid) from public;
--! EndIncluded core/second_factor/remove_second_factor.sql
--! Included core/second_factor/start_sign_in_challenge.sql
-- The password was right, and it is not enough. What is answered opens nothing but the two functions that take a code.
-- The attempt that the password took stays counted until the code comes, so challenges cannot be piled up.
create or replace function private.start_sign_in_challenge(
  user_id uuid,
  attempt_bucket bytea,
  device_fingerprint text,
  device_name text
)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_secret bytea := extensions.gen_random_bytes(32);
  v_challenge_id uuid;
begin
  insert into private.sign_in_challenges (
    user_id, secret_hash, attempt_bucket, device_fingerprint, device_name, created_at, expires_at
  )
  values (
    start_sign_in_challenge.user_id,
    sha256(v_secret),
    start_sign_in_challenge.attempt_bucket,
    start_sign_in_challenge.device_fingerprint,
    start_sign_in_challenge.device_name,
    core.now(),
    core.now() + core.sign_in_challenge_ttl()
  )
  returning id into v_challenge_id;
  perform set_config('response.status', '202', true);
  return jsonb_build_object(
    'status', 'second_factor_required',
    'challenge_id', v_challenge_id,
    'challenge_secret', core.base64url(v_secret),
    'expires_in', extract(epoch from core.sign_in_challenge_ttl())::integer
  );
end
$$;
comment on function private.start_sign_in_challenge(uuid, bytea, text, text) is
$$Answers a right password with a challenge in place of tokens: 202, status second_factor_required.$$;
revoke all on function private.start_sign_in_challenge(uuid, bytea, text, text) from public;
--! EndIncluded core/second_factor/start_sign_in_challenge.sql
--! Included core/second_factor/redeem_sign_in_challenge.sql
-- A challenge and a code become a session. The challenge's row is the lock: of many at once, one goes through.
create or replace function private.redeem_sign_in_challenge(
  challenge_id uuid,
  challenge_secret text,
  code text,
  is_recovery_code boolean
)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_challenge private.sign_in_challenges;
  v_bucket bytea;
  v_is_right boolean;
  v_wait_seconds integer := private.take_address_attempt();
begin
  if v_wait_seconds > 0 then
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;
  update private.sign_in_challenges as c
  set attempt_count = c.attempt_count + 1
  where c.id = redeem_sign_in_challenge.challenge_id
    and c.secret_hash = sha256(core.base64url_decode(redeem_sign_in_challenge.challenge_secret))
    and c.expires_at > core.now()
    and c.attempt_count < core.sign_in_challenge_attempts()
    and exists (
      select from core.users as u where u.id = c.user_id and u.status = 'active' and u.deleted_at is null
    )
  returning c.* into v_challenge;
  if v_challenge.id is null then
    return core.error_response('sign_in_challenge_invalid');
  end if;

  v_bucket := private.second_factor_bucket(v_challenge, redeem_sign_in_challenge.is_recovery_code);
  v_wait_seconds := private.take_attempt(v_bucket, 10, interval '15 minutes');
  if v_wait_seconds > 0 then
    perform core.record_security_event('second_factor_failed', v_challenge.user_id, '{"reason": "too_many_attempts"}');
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;
  v_is_right := case
    when redeem_sign_in_challenge.is_recovery_code
      then private.take_recovery_code(v_challenge.user_id, redeem_sign_in_challenge.code)
    else private.take_totp_code(v_challenge.user_id, redeem_sign_in_challenge.code)
  end;
  if not v_is_right then
    perform core.record_security_event('second_factor_failed', v_challenge.user_id, '{"reason": "second_factor_wrong"}');
    return core.error_response('second_factor_wrong');
  end if;

  delete from private.sign_in_challenges as c where c.id = v_challenge.id;
  perform private.give_back_attempt(v_bucket);
  perform private.give_back_attempt(v_challenge.attempt_bucket);
  perform private.give_back_attempt(private.address_bucket());
  return private.start_session(v_challenge.user_id, v_challenge.device_fingerprint, v_challenge.device_name);
end
$$;
comment on function private.redeem_sign_in_challenge(uuid, text, text, boolean) is
$$Opens the session a challenge stands for, or answers with the refusal.$$;
revoke all on function private.redeem_sign_in_challenge(uuid, text, text, boolean) from public;

-- A device that has signed in before counts on its own here too. Recovery codes count apart from the app's: whoever
-- knows the password and guesses codes does not shut the owner's other door.
create or replace function private.second_factor_bucket(challenge private.sign_in_challenges, is_recovery_code boolean)
  returns bytea
  language sql
  stable
return private.attempt_bucket(
  case when second_factor_bucket.is_recovery_code then 'recovery_code' else 'second_factor' end,
  (second_factor_bucket.challenge).user_id || coalesce((
    select ':device:' || s.device_fingerprint
    from core.sessions as s
    where s.user_id = (second_factor_bucket.challenge).user_id
      and s.device_fingerprint = (second_factor_bucket.challenge).device_fingerprint
    limit 1
  ), '')
);
comment on function private.second_factor_bucket(private.sign_in_challenges, boolean) is $$The counter of wrong codes that a challenge counts in.$$;
revoke all on function private.second_factor_bucket(private.sign_in_challenges, boolean) from public;
--! EndIncluded core/second_factor/redeem_sign_in_challenge.sql
--! Included core/second_factor/start_totp_enrollment.sql
-- First step: a secret for the authenticator app. Nothing is asked for at sign-in before the app has shown a code. Needs a
-- proven address: else somebody could sign up with another's and lock its owner out of it for good.
-- security definer: web roles touch no secret; the account is the caller's own and its password is asked for.
create or replace function api.start_totp_enrollment(password text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_refusal jsonb;
  v_secret bytea := extensions.gen_random_bytes(20);
  v_issuer text := private.uri_component(core.setting('app_name') #>> '{}');
  v_email text;
  v_verified_at timestamptz;
begin
  perform core.require_plain_call();
  v_refusal := private.reauthenticate(start_totp_enrollment.password);
  if v_refusal is not null then
    return v_refusal;
  end if;
  select u.email, u.email_verified_at into strict v_email, v_verified_at
  from core.users as u where u.id = core.current_user_id();
  if v_verified_at is null then
    return core.error_response('email_not_verified');
  end if;
  if private.has_second_factor(core.current_user_id()) then
    return core.error_response('totp_already_enabled');
  end if;
  insert into private.totp_factors as f (user_id, secret, created_at)
  values (core.current_user_id(), v_secret, core.now())
  on conflict on constraint totp_factors_pkey do update
    set secret = excluded.secret, created_at = excluded.created_at
    where f.confirmed_at is null;
  return jsonb_build_object(
    'secret', core.base32(v_secret),
    'uri', format(
      'otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=6&period=30',
      v_issuer, private.uri_component(v_email), core.base32(v_secret), v_issuer
    ),
    'expires_in', extract(epoch from core.totp_enrollment_ttl())::integer
  );
end
$$;
comment on function api.start_totp_enrollment(text) is
$$Begin to set up an authenticator app: the secret, and the address for its QR code. Shown this once.

Needs a confirmed address. confirm_totp_enrollment turns it on, within 15 minutes; calling this again makes a new secret.

@returns core.totp_enrollment_schema
Errors: not_signed_in (401), password_wrong (403), email_not_verified (403), totp_already_enabled (409), too_many_attempts (429).$$;
revoke all on function api.start_totp_enrollment(text) from public;
grant execute on function api.start_totp_enrollment(text) to howdah_user, howdah_admin;

create or replace function private.uri_component(value text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return (
  select coalesce(string_agg(
    case
      when c.letter ~ '^[A-Za-z0-9._~-]$' then c.letter
      else regexp_replace(upper(encode(convert_to(c.letter, 'UTF8'), 'hex')), '(..)', '%\1', 'g')
    end,
    '' order by c.place
  ), '')
  from regexp_split_to_table(uri_component.value, '') with ordinality as c (letter, place)
);
comment on function private.uri_component(text) is $$A text percent-encoded for any place of a URI. Source: RFC 3986 section 2.$$;
revoke all on function private.uri_component(text) from public;
--! EndIncluded core/second_factor/start_totp_enrollment.sql
--! Included core/second_factor/confirm_totp_enrollment.sql
-- Second step: the app has shown a code, so it holds the secret. From here on a password alone signs nobody in; the
-- sessions that one had opened elsewhere end.
-- security definer: web roles touch no secret. The code proves the secret that only start_totp_enrollment told.
create or replace function api.confirm_totp_enrollment(code text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_bucket bytea := private.attempt_bucket('second_factor', v_user_id || ':enrollment');
  v_wait_seconds integer;
begin
  perform core.require_plain_call();
  v_wait_seconds := private.take_attempt(v_bucket, 10, interval '15 minutes');
  if v_wait_seconds > 0 then
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;
  if not exists (
    select from private.totp_factors as f
    where f.user_id = v_user_id
      and f.confirmed_at is null
      and f.created_at > core.now() - core.totp_enrollment_ttl()
  ) then
    return core.error_response('totp_not_started');
  end if;
  if not private.take_totp_code(v_user_id, confirm_totp_enrollment.code, is_enrollment => true) then
    return core.error_response('second_factor_wrong');
  end if;
  perform private.give_back_attempt(v_bucket);
  update private.totp_factors as f set confirmed_at = core.now() where f.user_id = v_user_id;
  perform private.queue_mail('totp_enabled', v_user_id);
  perform core.record_security_event('totp_enabled', v_user_id);
  return jsonb_build_object(
    'recovery_codes', private.issue_recovery_codes(v_user_id),
    'ended_session_count', private.end_sessions(v_user_id, 'second_factor_changed', core.current_session_id())
  );
end
$$;
comment on function api.confirm_totp_enrollment(text) is
$$Turn the authenticator app on with a code it shows. Answers with ten recovery codes, shown this once.

Ends all your other sessions; this one goes on.

@returns core.recovery_codes_schema
Errors: not_signed_in (401), totp_not_started (409), second_factor_wrong (403), too_many_attempts (429).$$;
revoke all on function api.confirm_totp_enrollment(text) from public;
grant execute on function api.confirm_totp_enrollment(text) to howdah_user, howdah_admin;
--! EndIncluded core/second_factor/confirm_totp_enrollment.sql
--! Included core/second_factor/disable_totp.sql
-- Back to a password alone: needs the password and the second factor itself, so that neither alone takes the other away.
-- security definer: web roles touch no secret; the account is the caller's own and both factors are asked for.
create or replace function api.disable_totp(password text, code text)
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
  v_refusal := private.reauthenticate(disable_totp.password);
  if v_refusal is null and not private.has_second_factor(core.current_user_id()) then
    v_refusal := core.error_response('totp_not_enabled');
  end if;
  v_refusal := coalesce(v_refusal, private.require_second_factor(disable_totp.code));
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform private.remove_second_factor(core.current_user_id());
  return jsonb_build_object(
    'ended_session_count',
    private.end_sessions(core.current_user_id(), 'second_factor_changed', core.current_session_id())
  );
end
$$;
comment on function api.disable_totp(text, text) is
$$Turn the second factor off, with the password and a code of the app or a recovery code. Ends all your other sessions.

@returns core.sessions_ended_schema
Errors: not_signed_in (401), password_wrong (403), totp_not_enabled (409), second_factor_wrong (403),
too_many_attempts (429).$$;
revoke all on function api.disable_totp(text, text) from public;
grant execute on function api.disable_totp(text, text) to howdah_user, howdah_admin;
--! EndIncluded core/second_factor/disable_totp.sql
--! Included core/second_factor/regenerate_recovery_codes.sql
-- Whoever makes recovery codes can later sign in without the app, so both factors are asked for.
-- security definer: web roles touch no secret; the account is the caller's own and both factors are asked for.
create or replace function api.regenerate_recovery_codes(password text, code text)
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
  v_refusal := private.reauthenticate(regenerate_recovery_codes.password);
  if v_refusal is null and not private.has_second_factor(core.current_user_id()) then
    v_refusal := core.error_response('totp_not_enabled');
  end if;
  v_refusal := coalesce(v_refusal, private.require_second_factor(regenerate_recovery_codes.code));
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform private.queue_mail('recovery_codes_regenerated', core.current_user_id());
  perform core.record_security_event('recovery_codes_regenerated', core.current_user_id());
  return jsonb_build_object(
    'recovery_codes', private.issue_recovery_codes(core.current_user_id()),
    'ended_session_count', 0
  );
end
$$;
comment on function api.regenerate_recovery_codes(text, text) is
$$Ten new recovery codes, with the password and a code of the app or an old recovery code; the old ones are void.

@returns core.recovery_codes_schema
Errors: not_signed_in (401), password_wrong (403), totp_not_enabled (409), second_factor_wrong (403),
too_many_attempts (429).$$;
revoke all on function api.regenerate_recovery_codes(text, text) from public;
grant execute on function api.regenerate_recovery_codes(text, text) to howdah_user, howdah_admin;
--! EndIncluded core/second_factor/regenerate_recovery_codes.sql
--! Included core/second_factor/second_factor_state.sql
-- What a settings page asks.
-- security definer: web roles read no factor; it tells of the caller's own, and no secret.
create or replace function api.second_factor_state()
  returns jsonb
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_enabled_at timestamptz;
begin
  select f.confirmed_at into v_enabled_at from private.totp_factors as f where f.user_id = v_user_id;
  return jsonb_build_object(
    'is_enabled', v_enabled_at is not null,
    'enabled_at', v_enabled_at,
    'recovery_code_count', (select count(*) from private.recovery_codes as c where c.user_id = v_user_id)
  );
end
$$;
comment on function api.second_factor_state() is
$$Whether your second factor is on, since when, and how many recovery codes are left.

@returns core.second_factor_state_schema
Errors: not_signed_in (401).$$;
revoke all on function api.second_factor_state() from public;
grant execute on function api.second_factor_state() to howdah_user, howdah_admin;
--! EndIncluded core/second_factor/second_factor_state.sql
--! Included core/second_factor/sign_in_with_totp.sql
-- security definer: anon may read no challenge. Challenge and code are the authorisation.
create or replace function api.sign_in_with_totp(challenge_id uuid, challenge_secret text, code text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform core.require_plain_call();
  return private.redeem_sign_in_challenge(
    sign_in_with_totp.challenge_id, sign_in_with_totp.challenge_secret, sign_in_with_totp.code, false
  );
end
$$;
comment on function api.sign_in_with_totp(uuid, text, text) is
$$Finish a sign-in with a code of the authenticator app. The challenge is what sign_in answered with.

A challenge lives 5 minutes and takes 5 codes, an account takes 10 wrong ones in 15 minutes; a code works once.

@returns core.session_answer_schema
Errors: sign_in_challenge_invalid (401), second_factor_wrong (403), too_many_attempts (429), call_not_plain (400).$$;
revoke all on function api.sign_in_with_totp(uuid, text, text) from public;
grant execute on function api.sign_in_with_totp(uuid, text, text) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/second_factor/sign_in_with_totp.sql
--! Included core/second_factor/sign_in_with_recovery_code.sql
-- security definer: anon may read no challenge. Challenge and code are the authorisation.
create or replace function api.sign_in_with_recovery_code(challenge_id uuid, challenge_secret text, recovery_code text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform core.require_plain_call();
  return private.redeem_sign_in_challenge(
    sign_in_with_recovery_code.challenge_id,
    sign_in_with_recovery_code.challenge_secret,
    sign_in_with_recovery_code.recovery_code,
    true
  );
end
$$;
comment on function api.sign_in_with_recovery_code(uuid, text, text) is
$$Finish a sign-in with a recovery code, when the authenticator app is gone. Each works once; the owner is told by mail.

@returns core.session_answer_schema
Errors: sign_in_challenge_invalid (401), second_factor_wrong (403), too_many_attempts (429), call_not_plain (400).$$;
revoke all on function api.sign_in_with_recovery_code(uuid, text, text) from public;
grant execute on function api.sign_in_with_recovery_code(uuid, text, text) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/second_factor/sign_in_with_recovery_code.sql
--! EndIncluded core/second_factor/_module.sql
--! Included core/identities/_module.sql
-- Identities: signing in with the word of an outside issuer (OpenID Connect).
--! Included core/identities/identity_limits.sql
-- Numbers of outside identities, each with its reason.

create or replace function core.identity_token_max_age() returns interval language sql immutable parallel safe
return interval '1 hour';
comment on function core.identity_token_max_age() is
$$An id_token older than this signs nobody in, whatever its exp says: it is made for the moment of signing in.$$;
revoke all on function core.identity_token_max_age() from public;

create or replace function core.identity_clock_skew() returns interval language sql immutable parallel safe
return interval '1 minute';
comment on function core.identity_clock_skew() is $$So far an issuer's clock may be ahead of ours.$$;
revoke all on function core.identity_clock_skew() from public;

create or replace function core.fresh_identity_max_age() returns interval language sql immutable parallel safe
return interval '5 minutes';
comment on function core.fresh_identity_max_age() is
$$An id_token that stands in for a password must be younger than this: somebody has signed in there just now.$$;
revoke all on function core.fresh_identity_max_age() from public;
--! EndIncluded core/identities/identity_limits.sql
--! Included core/identities/bytes_to_numeric.sql
-- Big numbers for signatures: Postgres' numeric is exact, and as long as it has to be.
create or replace function core.bytes_to_numeric(data bytea)
  returns numeric
  language plpgsql
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_hex text := encode(bytes_to_numeric.data, 'hex');
  v_number numeric := 0;
begin
  -- Seven bytes a step, which a bigint holds without a sign.
  v_hex := lpad(v_hex, (char_length(v_hex) + 13) / 14 * 14, '0');
  for v_place in 0 .. char_length(v_hex) / 14 - 1 loop
    v_number := v_number * 72057594037927936
      + ('x00' || substr(v_hex, v_place * 14 + 1, 14))::bit(64)::bigint;
  end loop;
  return v_number;
end
$$;
comment on function core.bytes_to_numeric(bytea) is
$$Bytes read as one unsigned number, the first byte weighing most. Source: RFC 8017 section 4.2 (OS2IP).$$;
revoke all on function core.bytes_to_numeric(bytea) from public;
--! EndIncluded core/identities/bytes_to_numeric.sql
--! Included core/identities/is_rs256_signature.sql
-- RSASSA-PKCS1-v1_5 with SHA-256, exponent 65537. The padding is not parsed: what a right signature must open to is
-- built and compared as a whole, which leaves no room for the forgeries that lenient parsers let in.
create or replace function core.is_rs256_signature(signed bytea, signature bytea, modulus bytea)
  returns boolean
  language plpgsql
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_size integer := octet_length(is_rs256_signature.modulus);
  v_modulus numeric := core.bytes_to_numeric(is_rs256_signature.modulus);
  v_signature numeric := core.bytes_to_numeric(is_rs256_signature.signature);
  v_opened numeric := v_signature;
begin
  if octet_length(is_rs256_signature.signature) <> v_size or v_signature >= v_modulus then
    return false;
  end if;
  -- To the power of 65537 = 2^16 + 1.
  for v_square in 1 .. 16 loop
    v_opened := mod(v_opened * v_opened, v_modulus);
  end loop;
  v_opened := mod(v_opened * v_signature, v_modulus);
  return v_opened = core.bytes_to_numeric(
    decode('0001' || repeat('ff', v_size - 54) || '003031300d060960864801650304020105000420', 'hex')
    || sha256(is_rs256_signature.signed)
  );
end
$$;
comment on function core.is_rs256_signature(bytea, bytea, bytea) is
$$Whether an RS256 signature was made with the private key of this modulus. Source: RFC 8017 sections 8.2.2 and 9.2.$$;
revoke all on function core.is_rs256_signature(bytea, bytea, bytea) from public;
--! EndIncluded core/identities/is_rs256_signature.sql
--! Included core/identities/jwt_part.sql
-- Reads what a stranger sent: anything that is no JSON object in base64url is null, and never an error of ours.
create or replace function core.jwt_part(encoded text)
  returns jsonb
  language plpgsql
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_part jsonb;
begin
  if jwt_part.encoded !~ '^[A-Za-z0-9_-]+$' then
    return null;
  end if;
  v_part := convert_from(core.base64url_decode(jwt_part.encoded), 'UTF8')::jsonb;
  return case when jsonb_typeof(v_part) = 'object' then v_part end;
exception when data_exception or program_limit_exceeded then
  return null;
end
$$;
comment on function core.jwt_part(text) is $$Header or claims of a JSON Web Token, unverified; null for anything else.$$;
revoke all on function core.jwt_part(text) from public;

-- A number that is an instant, or null.
create or replace function core.claimed_instant(claims jsonb, name text)
  returns timestamptz
  language sql
  immutable
  parallel safe
return case
  when jsonb_typeof(claimed_instant.claims -> claimed_instant.name) = 'number'
    and (claimed_instant.claims ->> claimed_instant.name)::numeric between 0 and 253402300799
    then to_timestamp((claimed_instant.claims ->> claimed_instant.name)::numeric)
end;
comment on function core.claimed_instant(jsonb, text) is $$A claim that is an instant (seconds since 1970); null when it is missing or none.$$;
revoke all on function core.claimed_instant(jsonb, text) from public;
--! EndIncluded core/identities/jwt_part.sql
--! Included core/identities/triggers.sql
-- What keeps the tables of identities true.

create or replace trigger _100_touch_updated_at
  before update on core.identity_issuers
  for each row execute function core.tg__touch_updated_at();
--! EndIncluded core/identities/triggers.sql
--! Included core/identities/policies.sql
-- Row-level security of identities. Writes go through functions; people read their own.

-- No policy: issuers are the operator's business.
alter table core.identity_issuers enable row level security;
alter table core.identity_keys enable row level security;
alter table private.used_identity_tokens enable row level security;

alter table core.identities enable row level security;
drop policy if exists select_own on core.identities;
create policy select_own on core.identities
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on core.identities from howdah_anon, howdah_user, howdah_admin;
grant select (id, user_id, issuer, email, created_at, last_used_at) on core.identities to howdah_user, howdah_admin;
--! EndIncluded core/identities/policies.sql
--! Included core/identities/views.sql
-- What identities show through the API.

create or replace view api.identities
  with (security_invoker = true)
as
select
  i.id,
  i.issuer,
  i.email,
  i.created_at,
  i.last_used_at
from core.identities as i;
comment on view api.identities is $$One's own identities at outside issuers: the ways in besides the password.$$;
comment on column api.identities.id is $$Key of the identity; unlink_identity takes it.$$;
comment on column api.identities.issuer is $$Who vouches, as its tokens name it.$$;
comment on column api.identities.email is $$Address the issuer knew when the identity was linked; null when it told none.$$;
comment on column api.identities.created_at is $$When it was linked.$$;
comment on column api.identities.last_used_at is $$When it last signed in or stood in for a password.$$;
revoke all on api.identities from howdah_anon, howdah_user, howdah_admin;
grant select on api.identities to howdah_user, howdah_admin;
--! EndIncluded core/identities/views.sql
--! Included core/identities/claim_identity_issuers.sql
-- Whose keys are to be fetched now. Claiming moves the next turn, so two workers never ask at once, and an issuer that
-- cannot be reached is asked again in five minutes.
-- security definer: the worker reads no table by right; it learns addresses that an operator gave.
create or replace function core.claim_identity_issuers()
  returns table (issuer text, jwks_url text)
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  update core.identity_issuers as i
  set attempted_at = core.now(), next_fetch_at = core.now() + interval '5 minutes'
  where i.is_active and i.next_fetch_at <= core.now()
  returning i.issuer, i.jwks_url
$$;
comment on function core.claim_identity_issuers() is $$Issuers whose keys are due, with the address of their keys.$$;
revoke all on function core.claim_identity_issuers() from public;
grant execute on function core.claim_identity_issuers() to howdah_worker;

-- A token names a key that we have not seen: the issuer may have changed its keys. Asked at most once a minute, or
-- strangers with made-up names of keys could have us ask without end.
create or replace function private.hasten_identity_keys(issuer text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  update core.identity_issuers as i
  set next_fetch_at = core.now()
  where i.issuer = hasten_identity_keys.issuer
    and i.next_fetch_at > core.now()
    and (i.attempted_at is null or i.attempted_at <= core.now() - interval '1 minute');
  if found then
    perform core.enqueue_job('core/refresh_identity_keys', job_key => 'core/refresh_identity_keys');
  end if;
end
$$;
comment on function private.hasten_identity_keys(text) is $$Has an issuer's keys fetched now, at most once a minute.$$;
revoke all on function private.hasten_identity_keys(text) from public;
--! EndIncluded core/identities/claim_identity_issuers.sql
--! Included core/identities/store_identity_keys.sql
-- The worker's second step: what the issuer publishes now are its keys, and no other. A set without a single usable key
-- changes nothing: an issuer that is out of order for a moment must not shut everybody out.
-- security definer: the worker writes no table by right; keys go to an issuer that an operator has named.
create or replace function core.store_identity_keys(issuer text, keys jsonb)
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  with usable as materialized (
    select distinct on (k.key ->> 'kid') k.key ->> 'kid' as kid, private.rs256_modulus(k.key) as modulus
    from jsonb_array_elements(store_identity_keys.keys) as k (key)
    where private.rs256_modulus(k.key) is not null
    order by k.key ->> 'kid'
  ), gone as (
    delete from core.identity_keys as o
    where o.issuer = store_identity_keys.issuer
      and exists (select from usable)
      and not exists (select from usable as u where u.kid = o.kid)
  ), kept as (
    insert into core.identity_keys as o (issuer, kid, algorithm, modulus, created_at)
    select store_identity_keys.issuer, u.kid, 'RS256', u.modulus, core.now() from usable as u
    on conflict on constraint identity_keys_pkey do update
      set modulus = excluded.modulus, created_at = excluded.created_at
      where o.modulus <> excluded.modulus
  )
  select count(*)::integer into v_count from usable;
  if v_count = 0 then
    perform core.record_identity_failure(store_identity_keys.issuer, 'The answer has no RSA key for RS256 with a kid and at least 2048 bits.');
  else
    update core.identity_issuers as i
    set fetched_at = core.now(), next_fetch_at = core.now() + interval '1 hour', last_error = null
    where i.issuer = store_identity_keys.issuer;
  end if;
  return v_count;
end
$$;
comment on function core.store_identity_keys(text, jsonb) is
$$Takes the keys an issuer publishes (the array keys of a JWKS); answers how many of them can be used. Safe to repeat.$$;
revoke all on function core.store_identity_keys(text, jsonb) from public;
grant execute on function core.store_identity_keys(text, jsonb) to howdah_worker;

-- security definer: the worker writes no table by right; it only notes why keys could not be had.
create or replace function core.record_identity_failure(issuer text, error text)
  returns void
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  update core.identity_issuers as i
  set last_error = left(record_identity_failure.error, 500)
  where i.issuer = record_identity_failure.issuer
$$;
comment on function core.record_identity_failure(text, text) is $$Notes why an issuer's keys could not be fetched; the old ones stay.$$;
revoke all on function core.record_identity_failure(text, text) from public;
grant execute on function core.record_identity_failure(text, text) to howdah_worker;

-- The algorithm is the key's, never the token's: only RSA keys for signing get in, so a token that says HS256 or none
-- finds no key.
create or replace function private.rs256_modulus(key jsonb)
  returns bytea
  language sql
  immutable
  strict
return (
  select m.modulus
  from (
    select ltrim(core.base64url_decode(rs256_modulus.key ->> 'n'), '\x00'::bytea) as modulus
  ) as m
  where rs256_modulus.key ->> 'kty' = 'RSA'
    and coalesce(rs256_modulus.key ->> 'alg', 'RS256') = 'RS256'
    and coalesce(rs256_modulus.key ->> 'use', 'sig') = 'sig'
    and core.base64url_decode(rs256_modulus.key ->> 'e') = '\x010001'::bytea
    and char_length(rs256_modulus.key ->> 'kid') between 1 and 200
    -- 4096 bits at most: a longer one would only cost time.
    and octet_length(m.modulus) between 256 and 512
);
comment on function private.rs256_modulus(jsonb) is $$The modulus of a JSON Web Key that verifies RS256; null for any other key.$$;
revoke all on function private.rs256_modulus(jsonb) from public;
--! EndIncluded core/identities/store_identity_keys.sql
--! Included core/identities/claims_problem.sql
-- What OpenID Connect Core 1.0, section 3.1.3.7, asks of the claims of an id_token, and a little more.
create or replace function private.claims_problem(claims jsonb, issuer core.identity_issuers)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_audiences jsonb := case
    when jsonb_typeof(claims -> 'aud') = 'array' then claims -> 'aud'
    else jsonb_build_array(claims -> 'aud')
  end;
  v_expires_at timestamptz := core.claimed_instant(claims, 'exp');
  v_issued_at timestamptz := core.claimed_instant(claims, 'iat');
begin
  return case
    when not v_audiences ?| issuer.audiences then 'It is meant for another application (aud).'
    when claims ? 'azp' and not coalesce(claims ->> 'azp' = any (issuer.audiences), false)
      then 'It was made for another application (azp).'
    when jsonb_array_length(v_audiences) > 1 and not claims ? 'azp'
      then 'It has several audiences and does not say who asked for it (azp).'
    when jsonb_typeof(claims -> 'sub') is distinct from 'string' or char_length(claims ->> 'sub') not between 1 and 255
      then 'It names nobody (sub).'
    when v_expires_at is null or v_issued_at is null then 'It does not say from when to when it holds (iat, exp).'
    when v_expires_at <= core.now() then 'It has expired (exp).'
    when v_issued_at > core.now() + core.identity_clock_skew() then 'It comes from the future (iat).'
    when v_issued_at <= core.now() - core.identity_token_max_age() then 'It is older than an hour (iat).'
    when claims ? 'nbf' and (
      core.claimed_instant(claims, 'nbf') is null
      or core.claimed_instant(claims, 'nbf') > core.now() + core.identity_clock_skew()
    ) then 'It does not hold yet (nbf).'
  end;
end
$$;
comment on function private.claims_problem(jsonb, core.identity_issuers) is
$$Why the claims of a rightly signed id_token are refused; null when they are not.$$;
revoke all on function private.claims_problem(jsonb, core.identity_issuers) from public;
--! EndIncluded core/identities/claims_problem.sql
--! Included core/identities/read_identity_token.sql
-- From a token to claims that an issuer vouches for, or to the reason why not. The header is asked for the name of the
-- key and nothing else; addresses of keys that it brings along (jku, x5u, jwk) are never looked at.
create or replace function private.read_identity_token(
  token text,
  out problem text,
  out is_key_unknown boolean,
  out claims jsonb,
  out token_hash bytea
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_parts text[] := string_to_array(left(token, 16384), '.');
  v_header jsonb := core.jwt_part(v_parts[1]);
  v_claims jsonb := core.jwt_part(v_parts[2]);
  v_issuer core.identity_issuers;
  v_key core.identity_keys;
  v_signed bytea;
begin
  is_key_unknown := false;
  if token is null or char_length(token) > 16384 or cardinality(v_parts) <> 3
    or v_header is null or v_claims is null or v_parts[3] !~ '^[A-Za-z0-9_-]+$'
  then
    problem := 'It is no signed JSON Web Token.';
    return;
  end if;
  select i.* into v_issuer from core.identity_issuers as i where i.issuer = v_claims ->> 'iss' and i.is_active;
  if v_issuer.issuer is null then
    problem := 'Its issuer (iss) is not one we trust.';
    return;
  end if;
  if v_header ->> 'alg' is distinct from 'RS256' or v_header ? 'crit'
    or lower(coalesce(v_header ->> 'typ', 'JWT')) <> 'jwt'
  then
    problem := 'Its header asks for something other than RS256.';
    return;
  end if;
  select k.* into v_key
  from core.identity_keys as k
  where k.issuer = v_issuer.issuer and k.kid = v_header ->> 'kid' and k.algorithm = v_header ->> 'alg';
  if v_key.kid is null then
    is_key_unknown := true;
    problem := 'Its key (kid) is not one of the issuer''s.';
    claims := jsonb_build_object('iss', v_issuer.issuer);
    return;
  end if;
  v_signed := convert_to(v_parts[1] || '.' || v_parts[2], 'UTF8');
  if not coalesce(core.is_rs256_signature(v_signed, core.base64url_decode(v_parts[3]), v_key.modulus), false) then
    problem := 'Its signature is wrong.';
    return;
  end if;
  problem := private.claims_problem(v_claims, v_issuer);
  if problem is null then
    claims := v_claims;
    -- Of what is signed, because a signature can be written in more than one way.
    token_hash := sha256(v_signed);
  end if;
end
$$;
comment on function private.read_identity_token(text) is
$$The claims of an id_token that a trusted issuer has signed for us, and the hash it is remembered by; else the problem.$$;
revoke all on function private.read_identity_token(text) from public;

-- A token signs in once. The insert is the lock.
create or replace function private.use_identity_token(token_hash bytea)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into private.used_identity_tokens (token_hash, used_at)
  values (use_identity_token.token_hash, core.now())
  on conflict on constraint used_identity_tokens_pkey do nothing;
  return found;
end
$$;
comment on function private.use_identity_token(bytea) is $$Whether a token comes for the first time; it is used from here on.$$;
revoke all on function private.use_identity_token(bytea) from public;
--! EndIncluded core/identities/read_identity_token.sql
--! Included core/identities/identity_refusal.sql
-- What sign_in_with_identity and link_identity have in common: the token is read, its nonce compared, and a refusal
-- answered. Returned with the claims, because both come from one reading.
create or replace function private.identity_refusal(
  token text,
  nonce text,
  out refusal jsonb,
  out claims jsonb,
  out token_hash bytea
)
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_read record;
begin
  select r.* into v_read from private.read_identity_token(identity_refusal.token) as r;
  if v_read.is_key_unknown then
    perform private.hasten_identity_keys(v_read.claims ->> 'iss');
    refusal := core.error_response('identity_key_unknown', v_read.problem, 5);
  elsif v_read.problem is not null then
    refusal := core.error_response('identity_token_invalid', v_read.problem);
  -- Both ways: a token that was asked for with a nonce is worth nothing to whoever does not know it.
  elsif v_read.claims ->> 'nonce' is distinct from identity_refusal.nonce then
    refusal := core.error_response('identity_token_invalid', 'Its nonce is not the one that was sent.');
  elsif exists (select from private.used_identity_tokens as t where t.token_hash = v_read.token_hash) then
    refusal := core.error_response('identity_token_used');
  end if;
  claims := v_read.claims;
  token_hash := v_read.token_hash;
end
$$;
comment on function private.identity_refusal(text, text) is $$Reads an id_token with its nonce: the refusal to answer with, else null and its claims.$$;
revoke all on function private.identity_refusal(text, text) from public;
--! EndIncluded core/identities/identity_refusal.sql
--! Included core/identities/link_to_account.sql
-- The one place where an identity comes to an account.
create or replace function private.link_to_account(user_id uuid, claims jsonb)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into core.identities (user_id, issuer, subject, email, created_at, last_used_at)
  values (
    link_to_account.user_id,
    link_to_account.claims ->> 'iss',
    link_to_account.claims ->> 'sub',
    case when core.is_email(link_to_account.claims ->> 'email') then link_to_account.claims ->> 'email' end,
    core.now(),
    core.now()
  )
  on conflict on constraint identities_issuer_subject_key do nothing;
  if not found then
    return false;
  end if;
  perform core.record_security_event(
    'identity_linked', link_to_account.user_id, jsonb_build_object('issuer', link_to_account.claims -> 'iss')
  );
  return true;
end
$$;
comment on function private.link_to_account(uuid, jsonb) is
$$Gives an account the identity of these claims; false when some account has it already.$$;
revoke all on function private.link_to_account(uuid, jsonb) from public;
--! EndIncluded core/identities/link_to_account.sql
--! Included core/identities/is_fresh_identity.sql
-- Accounts without a password prove themselves with a sign-in at their issuer that has just happened. auth_time, where
-- the issuer tells it, says when the person was asked; iat alone says when the token was made.
create or replace function private.is_fresh_identity(user_id uuid, token text)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_read record;
begin
  select r.* into v_read from private.read_identity_token(is_fresh_identity.token) as r;
  if v_read.problem is not null
    or least(
      core.claimed_instant(v_read.claims, 'iat'),
      case when v_read.claims ? 'auth_time'
        then coalesce(core.claimed_instant(v_read.claims, 'auth_time'), '-infinity') end
    ) <= core.now() - core.fresh_identity_max_age()
  then
    return false;
  end if;
  update core.identities as i
  set last_used_at = core.now()
  where i.user_id = is_fresh_identity.user_id
    and i.issuer = v_read.claims ->> 'iss'
    and i.subject = v_read.claims ->> 'sub';
  return found and private.use_identity_token(v_read.token_hash);
end
$$;
comment on function private.is_fresh_identity(uuid, text) is
$$Whether this is an unused id_token of an identity of the account, made in the last five minutes; it is used from here on.$$;
revoke all on function private.is_fresh_identity(uuid, text) from public;
--! EndIncluded core/identities/is_fresh_identity.sql
--! Included core/identities/open_account_by_identity.sql
-- A new account on an issuer's word. The address must be proven by an issuer whose proofs we believe: an account under
-- somebody else's address would be a trap for its owner. An address that has an account already is never joined to it.
create or replace function private.open_account_by_identity(claims jsonb, out refusal jsonb, out user_id uuid)
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_email text := claims ->> 'email';
  v_name text := btrim(claims ->> 'name');
begin
  if not coalesce(core.is_email(v_email), false)
    -- Some issuers write the boolean as a text.
    or coalesce(claims ->> 'email_verified', '') <> 'true'
    or not exists (
      select from core.identity_issuers as i where i.issuer = claims ->> 'iss' and i.is_email_trusted
    )
  then
    refusal := core.error_response('identity_email_unproven');
    return;
  end if;
  insert into core.users (email, email_verified_at, email_vouched_by, display_name, locale, created_at, updated_at)
  values (
    v_email,
    core.now(),
    -- Believed for this account; whether the mailbox is still theirs only a mail can tell, see private.join_by_domain().
    claims ->> 'iss',
    case when char_length(v_name) between 1 and 80 then v_name end,
    case when claims ->> 'locale' ~ '^[a-z]{2,3}(-[A-Z][a-z]{3})?(-([A-Z]{2}|[0-9]{3}))?$'
      then claims ->> 'locale' else 'en' end,
    core.now(),
    core.now()
  )
  on conflict on constraint users_email_key_key do nothing
  returning id into user_id;
  if user_id is null then
    -- It may be the very same sign-in, sent twice at once.
    select i.user_id into user_id
    from core.identities as i
    where i.issuer = claims ->> 'iss' and i.subject = claims ->> 'sub';
    if user_id is null then
      refusal := core.error_response('identity_not_linked');
    end if;
    return;
  end if;
  perform core.record_security_event('sign_up', user_id);
  perform private.link_to_account(user_id, claims);
end
$$;
comment on function private.open_account_by_identity(jsonb) is
$$The new account of an identity that has none, without a password; or the refusal to answer with.$$;
revoke all on function private.open_account_by_identity(jsonb) from public;
--! EndIncluded core/identities/open_account_by_identity.sql
--! Included core/identities/sign_in_with_identity.sql
-- An issuer's word to session. No second factor of ours is asked for: how somebody signs in there is the issuer's part.
-- security definer: anon may read neither accounts nor keys. The signed token is the authorisation.
create or replace function api.sign_in_with_identity(
  token text,
  nonce text default null,
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
  v_wait_seconds integer;
  v_read record;
  v_opened record;
  v_user_id uuid;
begin
  perform core.require_plain_call();
  perform private.require_device(sign_in_with_identity.device_fingerprint, sign_in_with_identity.device_name);
  v_wait_seconds := private.take_address_attempt();
  if v_wait_seconds > 0 then
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;
  select r.* into v_read
  from private.identity_refusal(sign_in_with_identity.token, sign_in_with_identity.nonce) as r;
  if v_read.refusal is not null then
    return v_read.refusal;
  end if;

  update core.identities as i
  set last_used_at = core.now()
  where i.issuer = v_read.claims ->> 'iss' and i.subject = v_read.claims ->> 'sub'
  returning i.user_id into v_user_id;
  if v_user_id is null then
    select o.* into v_opened from private.open_account_by_identity(v_read.claims) as o;
    if v_opened.refusal is not null then
      return v_opened.refusal;
    end if;
    v_user_id := v_opened.user_id;
  end if;
  if not exists (
    select from core.users as u where u.id = v_user_id and u.status = 'active' and u.deleted_at is null
  ) then
    return core.error_response('account_suspended');
  end if;
  if not private.use_identity_token(v_read.token_hash) then
    return core.error_response('identity_token_used');
  end if;
  perform private.give_back_attempt(private.address_bucket());
  return private.start_session(
    v_user_id, sign_in_with_identity.device_fingerprint, sign_in_with_identity.device_name
  );
end
$$;
comment on function api.sign_in_with_identity(text, text, text, text) is
$$Sign in with an id_token of an issuer that an operator has named (OpenID Connect, RS256). A token works once, for an hour.

Whoever comes for the first time gets an account without a password, when the issuer has proven the address and nobody
has it here. Where somebody has, nothing is joined: sign in, then link_identity. A nonce is sent exactly when the token
was asked for with one.

@returns core.session_answer_schema
Errors: identity_token_invalid (401), identity_token_used (401), identity_key_unknown (424, with Retry-After),
identity_not_linked (409), identity_email_unproven (403), account_suspended (403), too_many_attempts (429),
device_invalid (400), call_not_plain (400).$$;
revoke all on function api.sign_in_with_identity(text, text, text, text) from public;
grant execute on function api.sign_in_with_identity(text, text, text, text) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/identities/sign_in_with_identity.sql
--! Included core/identities/link_identity.sql
-- One more way in for an account. Needs everything that the account can be asked for, and a proven address: else
-- somebody could sign up with another's address, link an identity of their own and wait for its owner.
-- security definer: web roles write no identity; the account is the caller's own.
create or replace function api.link_identity(
  token text,
  password text,
  nonce text default null,
  code text default null
)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_refusal jsonb;
  v_read record;
begin
  perform core.require_plain_call();
  v_refusal := private.reauthenticate(link_identity.password);
  if v_refusal is null and private.has_second_factor(v_user_id) then
    v_refusal := private.require_second_factor(link_identity.code);
  end if;
  if v_refusal is null and exists (
    select from core.users as u where u.id = v_user_id and u.email_verified_at is null
  ) then
    v_refusal := core.error_response('email_not_verified');
  end if;
  if v_refusal is null then
    select r.* into v_read from private.identity_refusal(link_identity.token, link_identity.nonce) as r;
    v_refusal := v_read.refusal;
  end if;
  if v_refusal is not null then
    return v_refusal;
  end if;
  if not private.use_identity_token(v_read.token_hash) then
    return core.error_response('identity_token_used');
  end if;
  if not private.link_to_account(v_user_id, v_read.claims) then
    return core.error_response('identity_taken');
  end if;
  perform private.queue_mail('identity_linked', v_user_id);
  return jsonb_build_object('issuer', v_read.claims -> 'iss');
end
$$;
comment on function api.link_identity(text, text, text, text) is
$$Link an identity of an outside issuer to your account; from then on it signs in (sign_in_with_identity).

Needs the password (an account without one sends a fresh id_token of an identity it has), a code of the app where the
second factor is on, and a confirmed address. The owner is told by mail.

@returns core.identity_linked_schema
Errors: not_signed_in (401), password_wrong (403), second_factor_wrong (403), email_not_verified (403),
identity_token_invalid (401), identity_token_used (401), identity_key_unknown (424), identity_taken (409),
too_many_attempts (429).$$;
revoke all on function api.link_identity(text, text, text, text) from public;
grant execute on function api.link_identity(text, text, text, text) to howdah_user, howdah_admin;

create or replace function core.identity_linked_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["issuer"],
  "properties": {"issuer": {"type": "string"}}
}'::jsonb;
comment on function core.identity_linked_schema() is $$JSON Schema of what link_identity answers.$$;
revoke all on function core.identity_linked_schema() from public;
--! EndIncluded core/identities/link_identity.sql
--! Included core/identities/unlink_identity.sql
-- One way in less, but never the last one. The account's row is the lock: of two that go at once, the second sees that
-- it would be the last. Sessions elsewhere end, because the identity may have opened them.
-- security definer: web roles write no identity; the row must be the caller's own.
create or replace function api.unlink_identity(identity_id uuid, password text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_refusal jsonb;
  v_issuer text;
begin
  perform core.require_plain_call();
  v_refusal := private.reauthenticate(unlink_identity.password);
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform from core.users as u where u.id = v_user_id for update;
  if not exists (select from private.passwords as p where p.user_id = v_user_id) and not exists (
    select from core.identities as i where i.user_id = v_user_id and i.id <> unlink_identity.identity_id
  ) then
    return core.error_response('identity_is_last_way_in');
  end if;
  delete from core.identities as i
  where i.id = unlink_identity.identity_id and i.user_id = v_user_id
  returning i.issuer into v_issuer;
  if v_issuer is null then
    return core.error_response('identity_not_found');
  end if;
  perform private.queue_mail('identity_unlinked', v_user_id);
  perform core.record_security_event('identity_unlinked', v_user_id, jsonb_build_object('issuer', v_issuer));
  return jsonb_build_object(
    'ended_session_count', private.end_sessions(v_user_id, 'identity_unlinked', core.current_session_id())
  );
end
$$;
comment on function api.unlink_identity(uuid, text) is
$$Take one of your identities away; it signs in no more. Ends all your other sessions.

Needs the password, or a fresh id_token where the account has none. The last way in stays.

@returns core.sessions_ended_schema
Errors: not_signed_in (401), password_wrong (403), identity_not_found (404), identity_is_last_way_in (409),
too_many_attempts (429).$$;
revoke all on function api.unlink_identity(uuid, text) from public;
grant execute on function api.unlink_identity(uuid, text) to howdah_user, howdah_admin;
--! EndIncluded core/identities/unlink_identity.sql
--! EndIncluded core/identities/_module.sql
--! Included core/accounts/find_account_for_support.sql
-- The help desk's one window: one account by its whole address, read only, and written down each time, also when nobody
-- was found. No list, no search: who writes in says their address. Not for admins, who see every account in api.users.
-- security definer: a helper has the rights of any user; the role is asked of core.users at each call.
create or replace function api.find_account_for_support(email text)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_helper_id uuid := core.require_user();
  v_wait_seconds integer;
  v_user core.users;
begin
  perform core.require_plain_call();
  if not exists (
    select from core.users as u
    where u.id = v_helper_id and u.role = 'support' and u.status = 'active' and u.deleted_at is null
  ) then
    return core.error_response('support_only');
  end if;
  v_wait_seconds := private.take_attempt(
    private.attempt_bucket('support', v_helper_id::text), core.support_look_ups_per_hour(), interval '1 hour'
  );
  if v_wait_seconds > 0 then
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;
  select u.* into v_user
  from core.users as u
  where u.email_key = core.email_key(left(find_account_for_support.email, 254)) and u.status <> 'erased';
  -- About the account that was read, so that its owner's history tells; the helper is the event's actor.
  perform core.record_security_event(
    'support_looked_up', v_user.id, jsonb_build_object('was_found', v_user.id is not null)
  );
  if v_user.id is null then
    return core.error_response('account_not_found');
  end if;
  return private.account_for_support(v_user);
end
$$;
comment on function api.find_account_for_support(text) is
$$For the role support: what the help desk may know of one account, by its address. 60 look-ups an hour.

Read only. Every call is an event of the audit log about the account that was looked up.

@returns core.found_account_schema
Errors: not_signed_in (401), support_only (403), account_not_found (404), too_many_attempts (429).$$;
revoke all on function api.find_account_for_support(text) from public;
grant execute on function api.find_account_for_support(text) to howdah_user;

create or replace function core.support_look_ups_per_hour() returns integer language sql immutable parallel safe
return 60;
comment on function core.support_look_ups_per_hour() is
$$So many accounts one helper looks up in an hour: one a minute is work, more is copying.$$;
revoke all on function core.support_look_ups_per_hour() from public;

create or replace function private.account_for_support(account core.users)
  returns jsonb
  language sql
  stable
begin atomic
  select jsonb_build_object(
    'id', (account_for_support.account).id,
    'email', (account_for_support.account).email,
    'email_verified_at', (account_for_support.account).email_verified_at,
    'role', (account_for_support.account).role,
    'status', (account_for_support.account).status,
    'display_name', (account_for_support.account).display_name,
    'locale', (account_for_support.account).locale,
    'timezone', (account_for_support.account).timezone,
    'created_at', (account_for_support.account).created_at,
    'has_password', exists (
      select from private.passwords as p where p.user_id = (account_for_support.account).id
    ),
    'has_second_factor', private.has_second_factor((account_for_support.account).id),
    'identity_issuers', (
      select coalesce(jsonb_agg(i.issuer order by i.created_at), '[]')
      from core.identities as i where i.user_id = (account_for_support.account).id
    ),
    'sessions', (
      select coalesce(jsonb_agg(to_jsonb(s) order by s.created_at desc), '[]')
      from (
        select s.device_name, s.created_at, s.refreshed_at, s.expires_at, s.revoked_reason
        from core.sessions as s
        where s.user_id = (account_for_support.account).id
        order by s.created_at desc limit 20
      ) as s
    ),
    'mails', (
      select coalesce(jsonb_agg(to_jsonb(m) order by m.created_at desc), '[]')
      from (
        select m.kind, m.state, m.created_at
        from core.mails as m
        where m.user_id = (account_for_support.account).id
        order by m.created_at desc limit 10
      ) as m
    )
  );
end;
comment on function private.account_for_support(core.users) is $$An account as the help desk sees it: no preferences, no addresses of devices, no secrets.$$;
revoke all on function private.account_for_support(core.users) from public;
--! EndIncluded core/accounts/find_account_for_support.sql
--! Included core/analytics/_module.sql
-- Analytics events: what happened in the product, and how often.
--! Included core/analytics/is_event_name.sql
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
--! EndIncluded core/analytics/is_event_name.sql
--! Included core/analytics/analytics_limits.sql
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
--! EndIncluded core/analytics/analytics_limits.sql
--! Included core/analytics/track_events_schema.sql
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
--! EndIncluded core/analytics/track_events_schema.sql
--! Included core/analytics/event_problem.sql
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
--! EndIncluded core/analytics/event_problem.sql
--! Included core/analytics/read_events.sql
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
--! EndIncluded core/analytics/read_events.sql
--! Included core/analytics/take_event_quota.sql
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
--! EndIncluded core/analytics/take_event_quota.sql
--! Included core/analytics/track_events.sql
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
--! EndIncluded core/analytics/track_events.sql
--! Included core/analytics/track_events_csv.sql
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
--! EndIncluded core/analytics/track_events_csv.sql
--! Included core/analytics/ingest_events.sql
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
--! EndIncluded core/analytics/ingest_events.sql
--! Included core/analytics/roll_up_events.sql
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
--! EndIncluded core/analytics/roll_up_events.sql
--! Included core/analytics/register_event_schema.sql
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
--! EndIncluded core/analytics/register_event_schema.sql
--! Included core/analytics/triggers.sql
-- What keeps the tables of analytics events true.

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
--! EndIncluded core/analytics/triggers.sql
--! Included core/analytics/policies.sql
-- Row-level security of analytics: counts for admins, single events for nobody.

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

-- No policy: nobody but their owner's functions reads these.
alter table core.analytics_events enable row level security;
alter table core.analytics_event_schemas enable row level security;
alter table core.analytics_deltas enable row level security;
--! EndIncluded core/analytics/policies.sql
--! Included core/analytics/views.sql
-- What analytics shows through the API.

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
--! EndIncluded core/analytics/views.sql
--! EndIncluded core/analytics/_module.sql
--! Included core/tenancy/_module.sql
-- Tenancy: organizations, who belongs to them and what they may do there.
--! Included core/tenancy/branding_schema.sql
-- How an organization looks, said once: the table's check, the refusal and the SDK's validator come from here.
create or replace function core.branding_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return $${
  "description": "How an organization looks. Everything is optional.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "logo_url": {
      "description": "Picture for wide places (https).",
      "type": "string", "maxLength": 2000, "pattern": "^https://[^\\s/?#]\\S*$"
    },
    "icon_url": {
      "description": "Square picture for small places (https).",
      "type": "string", "maxLength": 2000, "pattern": "^https://[^\\s/?#]\\S*$"
    },
    "primary_color": {"description": "Such as #1a2b3c.", "type": "string", "pattern": "^#[0-9a-f]{6}$"},
    "accent_color": {"description": "Such as #1a2b3c.", "type": "string", "pattern": "^#[0-9a-f]{6}$"},
    "tagline": {"description": "A line under the name.", "type": "string", "minLength": 1, "maxLength": 160}
  }
}$$::jsonb;
comment on function core.branding_schema() is $$JSON Schema of core.organizations.branding.$$;
revoke all on function core.branding_schema() from public;
grant execute on function core.branding_schema() to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/branding_schema.sql
--! Included core/tenancy/done_schema.sql
-- The answer of what asks for a password and then has nothing more to say.
create or replace function core.done_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["status"],
  "properties": {"status": {"type": "string", "const": "done"}}
}'::jsonb;
comment on function core.done_schema() is $$JSON Schema of the answer {"status": "done"}.$$;
revoke all on function core.done_schema() from public;
--! EndIncluded core/tenancy/done_schema.sql
--! Included core/tenancy/organization_actions.sql
-- Who may do what in an organization, said once: functions and policies ask this, docs/tenancy.md repeats it (a test
-- compares them).
create or replace function core.organization_actions()
  returns table (action text, roles text[], summary text)
  language sql
  immutable
  parallel safe
begin atomic
  select a.action, a.roles, a.summary
  from (values
    ('see_organization', '{owner,admin,billing,member}'::text[], 'see the organization and the names of its members'),
    ('see_addresses', '{owner,admin}', 'see the members'' e-mail addresses'),
    ('update_organization', '{owner,admin}', 'change name, slug, settings and branding'),
    ('manage_members', '{owner,admin}', 'invite, remove and change roles; of and to owner: owners only'),
    ('manage_domains', '{owner,admin}', 'claim domains and let their people join'),
    ('manage_teams', '{owner,admin}', 'make, rename and delete teams, and say who is in them'),
    ('manage_workspaces', '{owner,admin}', 'make workspaces, and act as owner in each of them'),
    ('manage_billing', '{owner,billing}', 'see and change what the organization pays for'),
    ('leave_organization', '{owner,admin,billing,member}', 'leave; the last owner cannot'),
    ('transfer_ownership', '{owner}', 'hand the organization over, with the password'),
    ('delete_organization', '{owner}', 'delete the organization, with the password')
  ) as a (action, roles, summary);
end;
comment on function core.organization_actions() is $$What can be done in an organization, and by which roles.$$;
revoke all on function core.organization_actions() from public;

create or replace function core.organization_roles_for(action text)
  returns text[]
  language sql
  immutable
  parallel safe
return (select a.roles from core.organization_actions() as a where a.action = organization_roles_for.action);
comment on function core.organization_roles_for(text) is
$$The roles that may do something; null for an unknown action, which core.require_organization_role() grants to nobody.$$;
revoke all on function core.organization_roles_for(text) from public;
grant execute on function core.organization_actions(), core.organization_roles_for(text) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/organization_actions.sql
--! Included core/tenancy/my_organization_ids.sql
-- Where the caller belongs, read from the table at each request: a removed member is out at the next one, whatever
-- their token says. An admin of the instance belongs nowhere by that.

-- security definer: the policies of core.organization_members ask this, and would ask themselves for ever; only the
-- caller's own memberships are read.
create or replace function core.my_organization_ids()
  returns setof uuid
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select m.organization_id from core.organization_members as m where m.user_id = core.current_user_id()
$$;
comment on function core.my_organization_ids() is $$The organizations that the caller is a member of.$$;
revoke all on function core.my_organization_ids() from public;
grant execute on function core.my_organization_ids() to howdah_user, howdah_admin;

-- security definer: as above.
create or replace function core.my_organization_ids_as(roles text[])
  returns setof uuid
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select m.organization_id
  from core.organization_members as m
  where m.user_id = core.current_user_id() and m.role = any (my_organization_ids_as.roles)
$$;
comment on function core.my_organization_ids_as(text[]) is
$$The organizations in which the caller has one of these roles.$$;
revoke all on function core.my_organization_ids_as(text[]) from public;
grant execute on function core.my_organization_ids_as(text[]) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/my_organization_ids.sql
--! Included core/tenancy/fellow_members.sql
-- What members may know of each other. core.users shows everyone their own row only, and stays so: a policy would open
-- whole rows, and names copied into memberships would age. So this one function reads the few columns.
-- security definer: reads other accounts; the caller's own organizations alone decide which, and the address is there
-- only for whoever runs the organization (roles owner and admin) and for oneself.
create or replace function core.fellow_members()
  returns table (organization_id uuid, user_id uuid, display_name text, avatar_url text, email text)
  language sql
  stable
  security definer
  rows 100
  set search_path = pg_catalog, pg_temp
as $$
  select
    m.organization_id,
    m.user_id,
    u.display_name,
    u.avatar_url,
    case when me.role = any ((select core.organization_roles_for('see_addresses'))::text[]) or m.user_id = me.user_id then u.email end
  from core.organization_members as me
  join core.organization_members as m on m.organization_id = me.organization_id
  join core.users as u on u.id = m.user_id
  where me.user_id = core.current_user_id()
$$;
comment on function core.fellow_members() is
$$Names and pictures of the members of the caller's organizations; addresses for owners and admins only.$$;
revoke all on function core.fellow_members() from public;
grant execute on function core.fellow_members() to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/fellow_members.sql
--! Included core/tenancy/require_organization_role.sql
-- The first line of whatever acts inside an organization. Runs as whoever asks; a member may read all it needs.
create or replace function core.require_organization_role(organization_id uuid, roles text[])
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_role text;
begin
  select m.role into v_role
  from core.organization_members as m
  where m.organization_id = require_organization_role.organization_id and m.user_id = v_user_id;
  if v_role is null then
    -- One answer for an organization of others and for one that is not there.
    perform core.raise_error('organization_not_found',
      format('The id sent was %s.', coalesce(require_organization_role.organization_id::text, 'null')));
  end if;
  -- "is not true": roles that are null are nobody's.
  if (v_role = any (require_organization_role.roles)) is not true then
    perform core.raise_error('organization_role_required',
      format('This needs one of the roles %s; yours is %s.',
        coalesce(array_to_string(require_organization_role.roles, ', '), 'none'), v_role));
  end if;
  return v_role;
end
$$;
comment on function core.require_organization_role(uuid, text[]) is
$$The caller's role in an organization, which must be one of these.

Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403).$$;
revoke all on function core.require_organization_role(uuid, text[]) from public;
grant execute on function core.require_organization_role(uuid, text[]) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/require_organization_role.sql
--! Included core/tenancy/lock_organization.sql
-- Whatever changes who belongs to an organization, or goes by it, happens one at a time in each: the role is asked again
-- when the lock is held, so nobody acts with a role that was just taken from them. Strangers never reach the lock.
create or replace function private.lock_organization(organization_id uuid, action text)
  returns text
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_roles text[] := core.organization_roles_for(lock_organization.action);
begin
  perform core.require_organization_role(lock_organization.organization_id, v_roles);
  perform from core.organizations as o where o.id = lock_organization.organization_id for no key update;
  return core.require_organization_role(lock_organization.organization_id, v_roles);
end
$$;
comment on function private.lock_organization(uuid, text) is
$$Lets the caller do an action of core.organization_actions() and returns their role; holds the organization's lock until
the transaction ends.

Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403).$$;
revoke all on function private.lock_organization(uuid, text) from public;
--! EndIncluded core/tenancy/lock_organization.sql
--! Included core/tenancy/reauthenticate_for.sql
-- What ends or hands over an organization asks for the role, then for the password, then takes the lock: a stranger costs no
-- guess, and nobody holds the lock while a hash is being computed.
create or replace function private.reauthenticate_for(organization_id uuid, action text, password text)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_refusal jsonb;
begin
  perform core.require_organization_role(
    reauthenticate_for.organization_id, core.organization_roles_for(reauthenticate_for.action)
  );
  v_refusal := private.reauthenticate(reauthenticate_for.password);
  if v_refusal is null then
    perform private.lock_organization(reauthenticate_for.organization_id, reauthenticate_for.action);
  end if;
  return v_refusal;
end
$$;
comment on function private.reauthenticate_for(uuid, text, text) is
$$Lets the caller do an action of core.organization_actions() with their password, under the organization's lock: null, or
the refusal to answer with.

Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403), password_wrong (403),
too_many_attempts (429).$$;
revoke all on function private.reauthenticate_for(uuid, text, text) from public;
--! EndIncluded core/tenancy/reauthenticate_for.sql
--! Included core/tenancy/require_organization.sql
-- What an organization may hold; one key for each thing that can be wrong. Null is fine here: nothing was said.
create or replace function private.require_organization(name text, slug text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if require_organization.name !~ '^\S(.*\S)?$' or require_organization.name ~ '[[:cntrl:]]'
    or char_length(require_organization.name) not between 1 and 120
  then
    perform core.raise_error('organization_name_invalid',
      format('The name sent was %s.', to_json(left(require_organization.name, 80))));
  end if;
  if require_organization.slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$'
    or char_length(require_organization.slug) not between 3 and 63
  then
    perform core.raise_error('organization_slug_invalid',
      format('The slug sent was %s.', to_json(left(require_organization.slug, 80))));
  end if;
  if require_organization.slug = any (core.reserved_slugs()) then
    perform core.raise_error('organization_slug_taken', format('The slug %s is reserved.', require_organization.slug));
  end if;
end
$$;
comment on function private.require_organization(text, text) is
$$Refuses names and slugs that no organization can have.

Errors: organization_name_invalid (400), organization_slug_invalid (400), organization_slug_taken (409).$$;
revoke all on function private.require_organization(text, text) from public;

-- Slugs become parts of addresses (/acme, acme.example.com): these are what applications and mail hosts keep there.
create or replace function core.reserved_slugs()
  returns text[]
  language sql
  immutable
  parallel safe
return array[
  'abuse', 'account', 'accounts', 'admin', 'administrator', 'api', 'app', 'assets', 'auth', 'autoconfig',
  'autodiscover', 'billing', 'blog', 'cdn', 'contact', 'dashboard', 'demo-account', 'dev', 'docs', 'domain', 'domains',
  'download', 'email', 'enterprise', 'explore', 'files', 'ftp', 'health', 'help', 'home', 'host', 'hostmaster',
  'howdah', 'imap', 'info', 'internal', 'invitation', 'invitations', 'invite', 'join', 'legal', 'live', 'localhost',
  'login', 'logout', 'mail', 'mailer-daemon', 'marketing', 'members', 'metrics', 'mta-sts', 'new', 'news', 'no-reply',
  'noreply', 'notifications', 'null', 'oauth', 'operator', 'ops', 'organization', 'organizations', 'owner', 'pop3',
  'postmaster', 'pricing', 'privacy', 'private', 'profile', 'public', 'register', 'root', 'rpc', 'sales', 'search',
  'security', 'settings', 'shop', 'sign-in', 'sign-out', 'sign-up', 'signin', 'signup', 'smtp', 'ssl', 'staging',
  'static', 'status', 'subscriptions', 'support', 'sysadmin', 'system', 'team', 'teams', 'terms', 'test', 'undefined',
  'user', 'users', 'webmail', 'webmaster', 'workspace', 'workspaces', 'wpad', 'www'
];
comment on function core.reserved_slugs() is
$$Slugs no organization gets.

Source: RFC 2142 names the mailboxes of services and roles.$$;
revoke all on function core.reserved_slugs() from public;
--! EndIncluded core/tenancy/require_organization.sql
--! Included core/tenancy/merge_settings.sql
-- Settings and branding are changed key by key: a key with null goes, any other replaces what was there.
create or replace function private.merge_settings(old jsonb, changes jsonb)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_merged jsonb;
  v_problem text;
begin
  select m.merged, m.problem into v_merged, v_problem from core.merge_object(old, changes) as m;
  if v_problem is not null then
    perform core.raise_error('organization_settings_invalid', v_problem);
  end if;
  if octet_length(v_merged::text) > 16384 then
    perform core.raise_error('organization_settings_invalid',
      format('Merged they take %s bytes.', octet_length(v_merged::text)));
  end if;
  return v_merged;
end
$$;
comment on function private.merge_settings(jsonb, jsonb) is
$$An organization's settings after a change. Errors: organization_settings_invalid (400).$$;
revoke all on function private.merge_settings(jsonb, jsonb) from public;

create or replace function private.merge_branding(old jsonb, changes jsonb)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_known jsonb := core.branding_schema() -> 'properties';
  v_merged jsonb;
  v_bad_key text;
begin
  if jsonb_typeof(changes) <> 'object' then
    perform core.raise_error('organization_branding_invalid', format('What was sent is of type %s.', jsonb_typeof(changes)));
  end if;
  v_merged := private.without_nulls(old || changes);
  select e.key into v_bad_key
  from jsonb_each(v_merged) as e
  where not v_known ? e.key or not core.matches_json_schema(e.value, v_known -> e.key)
  limit 1;
  if found then
    perform core.raise_error('organization_branding_invalid', format('It is about %s.', to_json(left(v_bad_key, 80))));
  end if;
  return v_merged;
end
$$;
comment on function private.merge_branding(jsonb, jsonb) is
$$An organization's branding after a change. Errors: organization_branding_invalid (400).$$;
revoke all on function private.merge_branding(jsonb, jsonb) from public;
--! EndIncluded core/tenancy/merge_settings.sql
--! Included core/tenancy/invitation_rules.sql
-- Magic numbers of invitations, each once and with its reason.
create or replace function core.invitation_ttl() returns interval language sql immutable parallel safe
return interval '7 days';
comment on function core.invitation_ttl() is
$$How long an invitation stands: over a weekend and a day off, not over a change of job.$$;
revoke all on function core.invitation_ttl() from public;

create or replace function core.invitation_mails_per_day() returns integer language sql immutable parallel safe
return 200;
comment on function core.invitation_mails_per_day() is
$$So many invitations an organization, or one person for all of theirs, mails in 24 hours: a company on its first day, but no spammer.$$;
revoke all on function core.invitation_mails_per_day() from public;

create or replace function core.my_verified_email_key()
  returns text
  language sql
  stable
return (
  select core.email_key(u.email)
  from core.users as u
  where u.id = core.current_user_id() and u.email_verified_at is not null and u.email_vouched_by is null
);
comment on function core.my_verified_email_key() is
$$What the caller's own address is compared by, once they have proven it to us; null before.$$;
revoke all on function core.my_verified_email_key() from public;
grant execute on function core.my_verified_email_key() to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/invitation_rules.sql
--! Included core/tenancy/is_domain.sql
-- Domains are compared byte by byte after folding ASCII letters, and only plain ASCII names are taken. A name in another
-- script is given in its A-label (xn--…): two names that only look alike have different A-labels, and nothing here
-- normalises one name into another. An address whose domain is written in Unicode matches no claim.
create or replace function core.is_domain(name text)
  returns boolean
  language sql
  immutable
  parallel safe
return char_length(is_domain.name) <= 253
  and is_domain.name ~ '^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?[.])+([a-z]{2,63}|xn--[a-z0-9-]{0,58}[a-z0-9])$';
comment on function core.is_domain(text) is
$$Whether a text is a domain name in lower-case ASCII with at least two labels and no dot at the end.

Source: RFC 1034 section 3.5, RFC 5890 section 2.3.2.1.$$;
revoke all on function core.is_domain(text) from public;

create or replace function core.email_domain(address text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return split_part(core.email_key(email_domain.address), '@', 2);
comment on function core.email_domain(text) is
$$The domain of an e-mail address, its ASCII letters in lower case and nothing else changed.$$;
revoke all on function core.email_domain(text) from public;
--! EndIncluded core/tenancy/is_domain.sql
--! Included core/tenancy/domain_rules.sql
-- Names and numbers of domain claims, each once.
create or replace function core.domain_record_name(domain text) returns text language sql immutable parallel safe
return '_howdah-challenge.' || domain_record_name.domain;
comment on function core.domain_record_name(text) is
$$Where the TXT record of a claim has to stand: a name of its own, so that it is in nobody's way.$$;

create or replace function core.domain_record_value(token text) returns text language sql immutable parallel safe
return 'howdah-verification=' || domain_record_value.token;
comment on function core.domain_record_value(text) is $$What the TXT record of a claim has to say.$$;

create or replace function core.domain_claim_ttl() returns interval language sql immutable parallel safe
return interval '7 days';
comment on function core.domain_claim_ttl() is
$$How long a claim waits for its record: longer than any resolver remembers that there was none.$$;

create or replace function core.domains_limit() returns integer language sql immutable parallel safe
return 50;
comment on function core.domains_limit() is $$So many claims and domains an organization may have.$$;

revoke all on function
  core.domain_record_name(text), core.domain_record_value(text), core.domain_claim_ttl(), core.domains_limit()
  from public;
grant execute on function core.domain_record_name(text), core.domain_record_value(text) to howdah_user, howdah_admin;

-- Nobody but the provider could prove one of these, so the list protects nothing that the proof does not. It is here for
-- whoever mistypes: they are told at once, not after seven days. That is why it is short, and nobody has to keep it whole.
create or replace function core.public_mail_domains()
  returns text[]
  language sql
  immutable
  parallel safe
return array[
  '126.com', '139.com', '163.com', 'aim.com', 'aol.com', 'arcor.de', 'att.net', 'bigpond.com', 'bluewin.ch',
  'bol.com.br', 'btinternet.com', 'comcast.net', 'cox.net', 'duck.com', 'email.com', 'example.com', 'example.net',
  'example.org', 'fastmail.com', 'fastmail.fm', 'foxmail.com', 'free.fr', 'freenet.de', 'gmail.com', 'gmx.at', 'gmx.ch',
  'gmx.com', 'gmx.de', 'gmx.net', 'googlemail.com', 'hey.com', 'hotmail.co.uk', 'hotmail.com', 'hotmail.de',
  'hotmail.es', 'hotmail.fr', 'hotmail.it', 'hushmail.com', 'icloud.com', 'inbox.com', 'interia.pl', 'laposte.net',
  'libero.it', 'live.co.uk', 'live.com', 'live.de', 'live.fr', 'live.nl', 'mac.com', 'mail.com', 'mail.de', 'mail.ru',
  'mailbox.org', 'mailinator.com', 'me.com', 'msn.com', 'naver.com', 'o2.pl', 'orange.fr', 'outlook.com', 'outlook.de',
  'outlook.fr', 'pm.me', 'posteo.de', 'posteo.net', 'proton.me', 'protonmail.ch', 'protonmail.com', 'qq.com',
  'rambler.ru', 'rediffmail.com', 'rocketmail.com', 'seznam.cz', 'sina.com', 'sky.com', 'startmail.com', 't-online.de',
  'telenet.be', 'terra.com.br', 'tuta.com', 'tuta.io', 'tutanota.com', 'tutanota.de', 'uol.com.br', 'verizon.net',
  'virgilio.it', 'wanadoo.fr', 'web.de', 'wp.pl', 'yahoo.ca', 'yahoo.co.in', 'yahoo.co.jp', 'yahoo.co.uk', 'yahoo.com',
  'yahoo.com.br', 'yahoo.de', 'yahoo.es', 'yahoo.fr', 'yahoo.it', 'yandex.com', 'yandex.ru', 'ymail.com', 'zoho.com'
];
comment on function core.public_mail_domains() is
$$Domains where anybody gets a mailbox; no organization claims them. The best known, and those of RFC 2606.$$;
revoke all on function core.public_mail_domains() from public;
--! EndIncluded core/tenancy/domain_rules.sql
--! Included core/tenancy/keep_owner.sql
-- An organization always has an owner who can act, whichever way a membership changes: a function of the API, an
-- operator's SQL, or the deletion of an account. The organization's row is the lock, so that of two owners who leave at
-- the same moment the second sees the first one gone.
create or replace function core.tg_organization_members__keep_owner()
  returns trigger
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform from core.organizations as o where o.id = old.organization_id for no key update;
  if not found then
    -- The organization itself is being deleted, and this row with it.
    return null;
  end if;
  perform
  from core.organization_members as m
  join core.users as u on u.id = m.user_id
  where m.organization_id = old.organization_id
    and m.role = 'owner'
    and u.status = 'active'
    and u.deleted_at is null
  limit 1
  -- Whoever is being suspended at this moment does not count: wait and look again.
  for share of u;
  if not found then
    perform core.raise_error('organization_needs_owner',
      format('Organization %s would be left without an owner who can act.', old.organization_id));
  end if;
  return null;
end
$$;
comment on function core.tg_organization_members__keep_owner() is
$$Refuses to take the last owner with a living account from an organization. Errors: organization_needs_owner (409).$$;
revoke all on function core.tg_organization_members__keep_owner() from public;

create or replace trigger _500_keep_owner_on_delete
  after delete on core.organization_members
  for each row when (old.role = 'owner')
  execute function core.tg_organization_members__keep_owner();

create or replace trigger _500_keep_owner_on_update
  after update of organization_id, user_id, role on core.organization_members
  for each row when (
    old.role = 'owner'
    and (new.role <> 'owner' or new.organization_id <> old.organization_id or new.user_id <> old.user_id)
  )
  execute function core.tg_organization_members__keep_owner();
--! EndIncluded core/tenancy/keep_owner.sql
--! Included core/tenancy/triggers.sql
-- What keeps the tables of tenancy true.

create or replace trigger _100_touch_updated_at
  before update on core.organizations
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.organization_members
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.invitations
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.organization_domains
  for each row execute function core.tg__touch_updated_at();
--! EndIncluded core/tenancy/triggers.sql
--! Included core/tenancy/policies.sql
-- Row-level security of organizations. Writes go through functions; members read what is their organization's.

alter table core.organizations enable row level security;
drop policy if exists select_member on core.organizations;
create policy select_member on core.organizations
  for select to howdah_user, howdah_admin
  using (id in (select core.my_organization_ids()));
revoke all on core.organizations from howdah_anon, howdah_user, howdah_admin;
grant select (id, name, slug, settings, branding, created_by, created_at, updated_at)
  on core.organizations to howdah_user, howdah_admin;

alter table core.organization_members enable row level security;
drop policy if exists select_member on core.organization_members;
create policy select_member on core.organization_members
  for select to howdah_user, howdah_admin
  using (organization_id in (select core.my_organization_ids()));
revoke all on core.organization_members from howdah_anon, howdah_user, howdah_admin;
grant select (organization_id, user_id, role, created_at, updated_at)
  on core.organization_members to howdah_user, howdah_admin;

-- No policy: nobody but their owner's functions reads these.
alter table core.organization_exclusions enable row level security;

alter table core.invitations enable row level security;
drop policy if exists select_manager_or_invited on core.invitations;
create policy select_manager_or_invited on core.invitations
  for select to howdah_user, howdah_admin
  using (
    organization_id in (select core.my_organization_ids_as(core.organization_roles_for('manage_members')))
    or (
      email_key = (select core.my_verified_email_key())
      and state = 'pending'
      and expires_at > (select core.now())
    )
  );
revoke all on core.invitations from howdah_anon, howdah_user, howdah_admin;
grant select (
  id, organization_id, organization_name, email, email_key, role, state, invited_by, expires_at, created_at, updated_at
) on core.invitations to howdah_user, howdah_admin;

alter table core.organization_domains enable row level security;
drop policy if exists select_manager on core.organization_domains;
create policy select_manager on core.organization_domains
  for select to howdah_user, howdah_admin
  using (organization_id in (
    select core.my_organization_ids_as(core.organization_roles_for('manage_domains'))
  ));
revoke all on core.organization_domains from howdah_anon, howdah_user, howdah_admin;
grant select (
  id, organization_id, domain, token, has_auto_join, verified_at, expires_at, next_check_at, last_checked_at,
  last_problem, created_by, created_at, updated_at
) on core.organization_domains to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/policies.sql
--! Included core/tenancy/views.sql
-- What tenancy shows through the API.

create or replace view api.organizations
  with (security_invoker = true)
as
select
  o.id,
  o.name,
  o.slug,
  o.settings,
  o.branding,
  (
    select m.role from core.organization_members as m
    where m.organization_id = o.id and m.user_id = (select core.current_user_id())
  ) as my_role,
  o.created_by,
  o.created_at,
  o.updated_at
from core.organizations as o;
comment on view api.organizations is $$The organizations you belong to.$$;
comment on column api.organizations.id is $$Key of the organization.$$;
comment on column api.organizations.name is $$Its name.$$;
comment on column api.organizations.slug is $$Its name in addresses: unique, a-z, 0-9 and single hyphens, 3 to 63 characters.$$;
comment on column api.organizations.settings is $$Settings of the client application; an object of at most 16 KiB.$$;
comment on column api.organizations.branding is $$How it looks: logo_url, icon_url, primary_color, accent_color, tagline.$$;
comment on column api.organizations.my_role is
$$Your own role there: owner, admin, member or billing.

@notNull$$;
comment on column api.organizations.created_by is $$Who made it; null once that account is gone.$$;
comment on column api.organizations.created_at is $$When it was made.$$;
comment on column api.organizations.updated_at is $$When it last changed.$$;
revoke all on api.organizations from howdah_anon, howdah_user, howdah_admin;
grant select on api.organizations to howdah_user, howdah_admin;

-- A left join: which memberships there are is decided by the table's policy, and by nothing else.
create or replace view api.organization_members
  with (security_invoker = true)
as
select
  m.organization_id,
  m.user_id,
  m.role,
  f.display_name,
  f.avatar_url,
  f.email,
  m.created_at,
  m.updated_at
from core.organization_members as m
left join core.fellow_members() as f on f.organization_id = m.organization_id and f.user_id = m.user_id;
comment on view api.organization_members is $$Who belongs to the organizations that you belong to.$$;
comment on column api.organization_members.organization_id is
$$Key of the organization.

@notNull$$;
comment on column api.organization_members.user_id is
$$Key of the member's account.

@notNull$$;
comment on column api.organization_members.role is
$$owner, admin, member or billing.

@notNull$$;
comment on column api.organization_members.display_name is $$The member's name; null where none was given.$$;
comment on column api.organization_members.avatar_url is $$Address of the member's picture (https).$$;
comment on column api.organization_members.email is
$$The member's address, for owners and admins of the organization; others see their own only.$$;
comment on column api.organization_members.created_at is
$$When the member joined.

@notNull$$;
comment on column api.organization_members.updated_at is
$$When the role last changed.

@notNull$$;
revoke all on api.organization_members from howdah_anon, howdah_user, howdah_admin;
grant select on api.organization_members to howdah_user, howdah_admin;

-- The name is the one at the time of the invitation: who is invited may not see the organization yet.
create or replace view api.invitations
  with (security_invoker = true)
as
select
  i.id,
  i.organization_id,
  i.organization_name,
  i.email,
  i.role,
  case when i.state = 'pending' and i.expires_at <= (select core.now()) then 'expired' else i.state end as state,
  i.invited_by,
  i.expires_at,
  i.created_at,
  i.updated_at
from core.invitations as i;
comment on view api.invitations is
$$Invitations of the organizations whose members you manage, and open ones for your own confirmed address.$$;
comment on column api.invitations.id is $$Key of the invitation.$$;
comment on column api.invitations.organization_id is $$Key of the organization.$$;
comment on column api.invitations.organization_name is $$Its name when it invited.$$;
comment on column api.invitations.email is $$The invited address.$$;
comment on column api.invitations.role is $$admin, member or billing: what the invited becomes.$$;
comment on column api.invitations.state is
$$pending, accepted, declined, revoked or expired.

@notNull$$;
comment on column api.invitations.invited_by is $$Who invited; null once that account is gone.$$;
comment on column api.invitations.expires_at is $$When the link stops working.$$;
comment on column api.invitations.created_at is $$When it was made.$$;
comment on column api.invitations.updated_at is $$When it last changed.$$;
revoke all on api.invitations from howdah_anon, howdah_user, howdah_admin;
grant select on api.invitations to howdah_user, howdah_admin;

create or replace view api.organization_domains
  with (security_invoker = true)
as
select
  d.id,
  d.organization_id,
  d.domain,
  core.domain_record_name(d.domain) as record_name,
  core.domain_record_value(d.token) as record_value,
  d.has_auto_join,
  d.verified_at,
  d.expires_at,
  d.last_checked_at,
  d.last_problem,
  d.created_by,
  d.created_at,
  d.updated_at
from core.organization_domains as d
where d.verified_at is not null or d.expires_at > (select core.now());
comment on view api.organization_domains is $$Domains and claims of the organizations whose domains you manage.$$;
comment on column api.organization_domains.id is $$Key of the claim.$$;
comment on column api.organization_domains.organization_id is $$Key of the organization.$$;
comment on column api.organization_domains.domain is $$The domain, in lower-case ASCII.$$;
comment on column api.organization_domains.record_name is
$$Name of the TXT record to set in the DNS.

@notNull$$;
comment on column api.organization_domains.record_value is
$$What the TXT record has to say. Leave it there: it is looked for every week.

@notNull$$;
comment on column api.organization_domains.has_auto_join is
$$Whether people with a confirmed address at the domain become members.$$;
comment on column api.organization_domains.verified_at is $$When the record was found; null before.$$;
comment on column api.organization_domains.expires_at is $$When the claim ends unless it is verified.$$;
comment on column api.organization_domains.last_checked_at is $$When the DNS was last asked.$$;
comment on column api.organization_domains.last_problem is
$$What was wrong then: record_missing, dns_failed or verified_elsewhere; null when all was well.$$;
comment on column api.organization_domains.created_by is $$Who claimed it; null once that account is gone.$$;
comment on column api.organization_domains.created_at is $$When it was claimed.$$;
comment on column api.organization_domains.updated_at is $$When it last changed.$$;
revoke all on api.organization_domains from howdah_anon, howdah_user, howdah_admin;
grant select on api.organization_domains to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/views.sql
--! Included core/tenancy/create_organization.sql
-- Makes an organization and its first owner, together or not at all.
-- security definer: web roles write no organization; the caller becomes the owner of the new one and of nothing else.
create or replace function api.create_organization(name text, slug text)
  returns setof api.organizations
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_organization_id uuid;
begin
  perform private.require_organization(coalesce(create_organization.name, ''), coalesce(create_organization.slug, ''));
  -- One row for all of an account's attempts at once, so that the count below is true.
  perform from core.users as u where u.id = v_user_id for no key update;
  if (
    select count(*) from core.organization_members as m where m.user_id = v_user_id and m.role = 'owner'
  ) >= core.owned_organizations_limit() then
    perform core.raise_error('too_many_organizations',
      format('You own %s organizations.', core.owned_organizations_limit()));
  end if;
  insert into core.organizations as o (name, slug, created_by, created_at, updated_at)
  values (create_organization.name, create_organization.slug, v_user_id, core.now(), core.now())
  on conflict on constraint organizations_slug_key do nothing
  returning o.id into v_organization_id;
  if v_organization_id is null then
    perform core.raise_error('organization_slug_taken', format('The slug %s is in use.', create_organization.slug));
  end if;
  insert into core.organization_members (organization_id, user_id, role, created_at, updated_at)
  values (v_organization_id, v_user_id, 'owner', core.now(), core.now());
  return query select o.* from api.organizations as o where o.id = v_organization_id;
end
$$;
comment on function api.create_organization(text, text) is
$$Make an organization; you become its owner.

slug is its name in addresses: a-z, 0-9 and single hyphens between them, 3 to 63 characters, unique; some are reserved.

Errors: not_signed_in (401), organization_name_invalid (400), organization_slug_invalid (400),
organization_slug_taken (409), too_many_organizations (409).$$;
revoke all on function api.create_organization(text, text) from public;
grant execute on function api.create_organization(text, text) to howdah_user, howdah_admin;

create or replace function core.owned_organizations_limit() returns integer language sql immutable parallel safe
return 50;
comment on function core.owned_organizations_limit() is
$$So many organizations an account may own: slugs are names that everybody shares, and nobody collects them.$$;
revoke all on function core.owned_organizations_limit() from public;
--! EndIncluded core/tenancy/create_organization.sql
--! Included core/tenancy/update_organization.sql
-- Changes what an organization says about itself.
-- security definer: web roles write no organization; the caller's role in this one is asked for first.
create or replace function api.update_organization(
  organization_id uuid,
  name text default null,
  slug text default null,
  settings jsonb default null,
  branding jsonb default null
)
  returns setof api.organizations
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_organization(update_organization.organization_id, 'update_organization');
  perform private.require_organization(update_organization.name, update_organization.slug);
  begin
    update core.organizations as o
    set
      name = coalesce(update_organization.name, o.name),
      slug = coalesce(update_organization.slug, o.slug),
      settings = private.merge_settings(o.settings, coalesce(update_organization.settings, '{}')),
      branding = private.merge_branding(o.branding, coalesce(update_organization.branding, '{}'))
    where o.id = update_organization.organization_id;
  exception when unique_violation then
    perform core.raise_error('organization_slug_taken', format('The slug %s is in use.', update_organization.slug));
  end;
  return query select o.* from api.organizations as o where o.id = update_organization.organization_id;
end
$$;
comment on function api.update_organization(uuid, text, text, jsonb, jsonb) is
$$Change an organization (owners and admins); what is left out or null stays as it is.

settings and branding are merged into what there is, key by key: a key with null goes, any other replaces the value of
its key. settings is any JSON under snake_case keys, 16 KiB together. branding knows logo_url, icon_url (https),
primary_color, accent_color (#rrggbb) and tagline. Answers with the organization as it is now.

Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403),
organization_name_invalid (400), organization_slug_invalid (400), organization_slug_taken (409),
organization_settings_invalid (400), organization_branding_invalid (400).$$;
revoke all on function api.update_organization(uuid, text, text, jsonb, jsonb) from public;
grant execute on function api.update_organization(uuid, text, text, jsonb, jsonb) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/update_organization.sql
--! Included core/tenancy/delete_organization.sql
-- Deletes an organization and all that is its own: members, invitations, domains, and every row of a module that points
-- at it (on delete cascade everywhere). The audit log keeps each of these rows.
-- security definer: web roles write no organization; the caller must be its owner and know the password.
create or replace function api.delete_organization(organization_id uuid, password text)
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
  v_refusal := private.reauthenticate_for(
    delete_organization.organization_id, 'delete_organization', delete_organization.password
  );
  if v_refusal is not null then
    return v_refusal;
  end if;
  delete from core.organizations as o where o.id = delete_organization.organization_id;
  return '{"status": "done"}'::jsonb;
end
$$;
comment on function api.delete_organization(uuid, text) is
$$Delete an organization for good, with everything in it (owners, with their password).

@returns core.done_schema
Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403), password_wrong (403),
too_many_attempts (429).$$;
revoke all on function api.delete_organization(uuid, text) from public;
grant execute on function api.delete_organization(uuid, text) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/delete_organization.sql
--! Included core/tenancy/add_member.sql
-- The one door into an organization, for invitations and domains alike. Who is in already keeps the role they have.
create or replace function private.add_member(organization_id uuid, user_id uuid, role text)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform from core.organizations as o where o.id = add_member.organization_id for no key update;
  insert into core.organization_members as m (organization_id, user_id, role, created_at, updated_at)
  values (add_member.organization_id, add_member.user_id, add_member.role, core.now(), core.now())
  on conflict on constraint organization_members_pkey do nothing;
  return found;
end
$$;
comment on function private.add_member(uuid, uuid, text) is
$$Makes somebody a member; answers whether they were not one before.$$;
revoke all on function private.add_member(uuid, uuid, text) from public;
--! EndIncluded core/tenancy/add_member.sql
--! Included core/tenancy/change_member_role.sql
-- Gives a member another role.
-- security definer: web roles write no membership; the caller's role is asked for, and owners are the owners' matter.
create or replace function api.change_member_role(organization_id uuid, user_id uuid, role text)
  returns setof api.organization_members
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_member_change(change_member_role.organization_id, change_member_role.user_id, change_member_role.role);
  update core.organization_members as m
  set role = change_member_role.role
  where m.organization_id = change_member_role.organization_id
    and m.user_id = change_member_role.user_id
    and m.role <> change_member_role.role;
  return query
    select m.* from api.organization_members as m
    where m.organization_id = change_member_role.organization_id and m.user_id = change_member_role.user_id;
end
$$;
comment on function api.change_member_role(uuid, uuid, text) is
$$Give a member the role owner, admin, member or billing (owners and admins; to and from owner: owners only).

Felt by the member's next request.

Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403), member_not_found (404),
organization_role_unknown (400), organization_needs_owner (409).$$;
revoke all on function api.change_member_role(uuid, uuid, text) from public;
grant execute on function api.change_member_role(uuid, uuid, text) to howdah_user, howdah_admin;

create or replace function private.require_member_change(organization_id uuid, user_id uuid, new_role text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_my_role text := private.lock_organization(require_member_change.organization_id, 'manage_members');
  v_old_role text;
begin
  if (require_member_change.new_role in ('owner', 'admin', 'member', 'billing')) is not true then
    perform core.raise_error('organization_role_unknown',
      format('The role sent was %s.', coalesce(to_json(left(require_member_change.new_role, 80))::text, 'null')));
  end if;
  select m.role into v_old_role
  from core.organization_members as m
  where m.organization_id = require_member_change.organization_id and m.user_id = require_member_change.user_id;
  if v_old_role is null then
    perform core.raise_error('member_not_found',
      format('The id sent was %s.', coalesce(require_member_change.user_id::text, 'null')));
  end if;
  if v_my_role <> 'owner' and 'owner' in (v_old_role, require_member_change.new_role) then
    perform core.raise_error('organization_role_required', 'Only owners change or make owners.');
  end if;
end
$$;
comment on function private.require_member_change(uuid, uuid, text) is
$$Lets the caller change or remove a member, under the organization's lock: the one place that keeps admins from owners.

Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403), member_not_found (404),
organization_role_unknown (400).$$;
revoke all on function private.require_member_change(uuid, uuid, text) from public;
--! EndIncluded core/tenancy/change_member_role.sql
--! Included core/tenancy/remove_member.sql
-- Takes a member out. No token has to end for it: every policy reads the memberships.
-- security definer: web roles write no membership; the caller's role is asked for, and owners are the owners' matter.
create or replace function api.remove_member(organization_id uuid, user_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_member_change(remove_member.organization_id, remove_member.user_id, 'member');
  delete from core.organization_members as m
  where m.organization_id = remove_member.organization_id and m.user_id = remove_member.user_id;
  -- Without this, somebody with an address at the organization's domain would just join again.
  insert into core.organization_exclusions (organization_id, user_id, created_at)
  values (remove_member.organization_id, remove_member.user_id, core.now())
  on conflict on constraint organization_exclusions_pkey do nothing;
  -- Nor by an invitation from before they were in, with a role that nobody gives them any more.
  update core.invitations as i
  set state = 'revoked', token_hash = null
  from core.users as u
  where i.organization_id = remove_member.organization_id
    and u.id = remove_member.user_id
    and i.email_key = u.email_key
    and i.state = 'pending';
end
$$;
comment on function api.remove_member(uuid, uuid) is
$$Remove a member (owners and admins; owners only by owners). Felt by the member's next request.

Whoever was removed does not come back by an address at a verified domain, only by a new invitation; open ones for
their address are taken back.

Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403), member_not_found (404),
organization_needs_owner (409).$$;
revoke all on function api.remove_member(uuid, uuid) from public;
grant execute on function api.remove_member(uuid, uuid) to howdah_user, howdah_admin;

-- security definer: web roles write no membership; the row is the caller's own.
create or replace function api.leave_organization(organization_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_organization(leave_organization.organization_id, 'leave_organization');
  delete from core.organization_members as m
  where m.organization_id = leave_organization.organization_id and m.user_id = core.current_user_id();
end
$$;
comment on function api.leave_organization(uuid) is
$$Leave an organization. Its last owner hands it over or deletes it first.

Errors: not_signed_in (401), organization_not_found (404), organization_needs_owner (409).$$;
revoke all on function api.leave_organization(uuid) from public;
grant execute on function api.leave_organization(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/remove_member.sql
--! Included core/tenancy/transfer_ownership.sql
-- Hands an organization over: the other member becomes owner, the caller becomes admin, both at once.
-- security definer: web roles write no membership; the caller must be owner and know the password.
create or replace function api.transfer_ownership(organization_id uuid, user_id uuid, password text)
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
  v_refusal := private.reauthenticate_for(
    transfer_ownership.organization_id, 'transfer_ownership', transfer_ownership.password
  );
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform private.require_member_change(transfer_ownership.organization_id, transfer_ownership.user_id, 'owner');
  if transfer_ownership.user_id <> core.current_user_id() then
    update core.organization_members as m
    set role = case when m.user_id = transfer_ownership.user_id then 'owner' else 'admin' end
    where m.organization_id = transfer_ownership.organization_id
      and m.user_id in (transfer_ownership.user_id, core.current_user_id());
  end if;
  return '{"status": "done"}'::jsonb;
end
$$;
comment on function api.transfer_ownership(uuid, uuid, text) is
$$Make another member the owner in your place (owners, with their password); you become admin. Other owners stay.

@returns core.done_schema
Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403), password_wrong (403),
too_many_attempts (429), member_not_found (404), organization_needs_owner (409).$$;
revoke all on function api.transfer_ownership(uuid, uuid, text) from public;
grant execute on function api.transfer_ownership(uuid, uuid, text) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/transfer_ownership.sql
--! Included core/tenancy/invitation_queued_schema.sql
-- The same answer whether or not the address has an account.
create or replace function core.invitation_queued_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["status", "invitation_id"],
  "properties": {
    "status": {"type": "string", "const": "mail_queued", "description": "A mail is on its way."},
    "invitation_id": {"type": "string", "format": "uuid", "description": "Key of the invitation."}
  }
}'::jsonb;
comment on function core.invitation_queued_schema() is $$JSON Schema of the answer to an invitation.$$;
revoke all on function core.invitation_queued_schema() from public;

-- Sets a pending invitation's clock anew, voids the token mailed before, and queues the mail.
create or replace function private.queue_invitation(invitation_id uuid)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_invitation core.invitations;
  v_wait_seconds integer;
begin
  select i.* into strict v_invitation from core.invitations as i where i.id = queue_invitation.invitation_id;
  v_wait_seconds := greatest(
    private.take_attempt(
      private.attempt_bucket('mail:invitation', v_invitation.email_key), core.mails_per_hour(), interval '1 hour'
    ),
    private.take_attempt(
      private.attempt_bucket('mail:invitation', v_invitation.organization_id::text),
      core.invitation_mails_per_day(), interval '24 hours'
    ),
    -- Organizations cost nothing: whoever makes one after the other mails no more for it.
    private.take_attempt(
      private.attempt_bucket('mail:invitation', core.current_user_id()::text),
      core.invitation_mails_per_day(), interval '24 hours'
    )
  );
  if v_wait_seconds > 0 then
    return core.error_response('too_many_attempts', format('Try again in %s s.', v_wait_seconds), v_wait_seconds);
  end if;
  update core.invitations as i
  set expires_at = core.now() + core.invitation_ttl(), token_hash = null
  where i.id = v_invitation.id;
  perform private.queue_mail('invitation', null, null, null, null, v_invitation.id);
  perform set_config('response.status', '202', true);
  return jsonb_build_object('status', 'mail_queued', 'invitation_id', v_invitation.id);
end
$$;
comment on function private.queue_invitation(uuid) is
$$Mails a pending invitation (again), or answers with too_many_attempts (429).$$;
revoke all on function private.queue_invitation(uuid) from public;
--! EndIncluded core/tenancy/invitation_queued_schema.sql
--! Included core/tenancy/invite_member.sql
-- Invites an address. Whether it has an account is not looked up: the mail goes out either way, and who may accept is
-- decided when somebody does. That the address is a member's, the caller can see in the list of members anyway.
-- security definer: web roles write no invitation; the caller's role in the organization is asked for first.
create or replace function api.invite_member(organization_id uuid, email text, role text default 'member')
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_invitation_id uuid;
  v_answer jsonb;
begin
  perform core.require_plain_call();
  perform private.lock_organization(invite_member.organization_id, 'manage_members');
  perform private.require_invitation(invite_member.organization_id, invite_member.email, invite_member.role);
  -- What has expired makes room.
  update core.invitations as i
  set state = 'expired', token_hash = null
  where i.organization_id = invite_member.organization_id
    and i.email_key = core.email_key(invite_member.email)
    and i.state = 'pending'
    and i.expires_at <= core.now();
  insert into core.invitations as i (
    organization_id, organization_name, email, role, invited_by, expires_at, created_at, updated_at
  )
  select
    o.id, o.name, invite_member.email, invite_member.role, core.current_user_id(),
    core.now() + core.invitation_ttl(), core.now(), core.now()
  from core.organizations as o
  where o.id = invite_member.organization_id
  on conflict do nothing
  returning i.id into v_invitation_id;
  if v_invitation_id is null then
    perform core.raise_error('invitation_pending', format('%s has an open invitation.', invite_member.email));
  end if;
  v_answer := private.queue_invitation(v_invitation_id);
  if v_answer ->> 'message' = 'too_many_attempts' then
    -- The attempt stays counted; the invitation nobody is told of does not stay.
    delete from core.invitations as i where i.id = v_invitation_id;
  end if;
  return v_answer;
end
$$;
comment on function api.invite_member(uuid, text, text) is
$$Invite an address to an organization as admin, member (default) or billing (owners and admins).

A mail goes out with a link for accept_invitation; it works for 7 days, once, and only for an account with this very
address, confirmed. The answer is the same whether the address has an account or not. An address gets at most 5 such
mails an hour; an organization, and whoever invites, sends at most 200 in 24 hours.

@returns core.invitation_queued_schema
Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403), email_invalid (400),
invitation_role_invalid (400), already_member (409), invitation_pending (409), plan_limit_reached (402),
too_many_attempts (429).$$;
revoke all on function api.invite_member(uuid, text, text) from public;
grant execute on function api.invite_member(uuid, text, text) to howdah_user, howdah_admin;

create or replace function private.require_invitation(organization_id uuid, email text, role text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not coalesce(core.is_email(require_invitation.email), false) then
    perform core.raise_error('email_invalid',
      format('The e-mail address sent was %s.', coalesce(to_json(left(require_invitation.email, 80))::text, 'null')));
  end if;
  if (require_invitation.role in ('admin', 'member', 'billing')) is not true then
    perform core.raise_error('invitation_role_invalid',
      format('The role sent was %s.', coalesce(to_json(left(require_invitation.role, 80))::text, 'null')));
  end if;
  perform
  from core.organization_members as m
  join core.users as u on u.id = m.user_id
  where m.organization_id = require_invitation.organization_id
    and u.email_key = core.email_key(require_invitation.email);
  if found then
    perform core.raise_error('already_member', format('%s belongs to the organization.', require_invitation.email));
  end if;
end
$$;
comment on function private.require_invitation(uuid, text, text) is
$$Refuses what cannot be an invitation.

Errors: email_invalid (400), invitation_role_invalid (400), already_member (409).$$;
revoke all on function private.require_invitation(uuid, text, text) from public;
--! EndIncluded core/tenancy/invite_member.sql
--! Included core/tenancy/resend_invitation.sql
-- What the organization's own people do with an invitation that is out.

create or replace function private.lock_invitation(invitation_id uuid)
  returns core.invitations
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_invitation core.invitations;
begin
  perform core.require_user();
  select i.* into v_invitation
  from core.invitations as i
  where i.id = lock_invitation.invitation_id
    and i.state = 'pending'
    and i.organization_id in (select core.my_organization_ids_as(core.organization_roles_for('manage_members')))
  for update;
  if v_invitation.id is null then
    perform core.raise_error('invitation_not_found',
      format('The id sent was %s.', coalesce(lock_invitation.invitation_id::text, 'null')));
  end if;
  return v_invitation;
end
$$;
comment on function private.lock_invitation(uuid) is
$$A pending invitation of an organization whose members the caller manages, locked. Errors: not_signed_in (401),
invitation_not_found (404).$$;
revoke all on function private.lock_invitation(uuid) from public;

-- security definer: web roles write no invitation; private.lock_invitation() asks for the caller's role.
create or replace function api.resend_invitation(invitation_id uuid)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform core.require_plain_call();
  return private.queue_invitation((private.lock_invitation(resend_invitation.invitation_id)).id);
end
$$;
comment on function api.resend_invitation(uuid) is
$$Mail an open invitation again (owners and admins). The new link works for 7 days, the old one no longer.

@returns core.invitation_queued_schema
Errors: not_signed_in (401), invitation_not_found (404), too_many_attempts (429).$$;
revoke all on function api.resend_invitation(uuid) from public;
grant execute on function api.resend_invitation(uuid) to howdah_user, howdah_admin;

-- security definer: as above.
create or replace function api.revoke_invitation(invitation_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_invitation core.invitations := private.lock_invitation(revoke_invitation.invitation_id);
begin
  update core.invitations as i set state = 'revoked', token_hash = null where i.id = v_invitation.id;
end
$$;
comment on function api.revoke_invitation(uuid) is
$$Take an open invitation back (owners and admins); its link works no longer.

Errors: not_signed_in (401), invitation_not_found (404).$$;
revoke all on function api.revoke_invitation(uuid) from public;
grant execute on function api.revoke_invitation(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/resend_invitation.sql
--! Included core/tenancy/accept_invitation.sql
-- Accepting asks for two things: the invitation is meant for this address, and the account has proven that it is theirs.
-- The mailed token alone is not enough. It would prove the mailbox, but a forwarded link would then let in whoever opened
-- an account in the invited one's name; so an unconfirmed address is told to confirm itself first.
create or replace function private.take_invitation(token text, invitation_id uuid)
  returns core.invitations
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user core.users;
  v_invitation core.invitations;
begin
  select u.* into v_user from core.users as u where u.id = core.require_user();
  select i.* into v_invitation
  from core.invitations as i
  where case
      when take_invitation.token is not null then i.token_hash = sha256(core.base64url_decode(take_invitation.token))
      else i.id = take_invitation.invitation_id
    end
    and i.email_key = v_user.email_key
    and i.state = 'pending'
    and i.expires_at > core.now()
    -- Without the token it is the address alone that shows the invitation, so it has to be proven, and to us.
    and (take_invitation.token is not null or v_user.email_key = core.my_verified_email_key());
  -- The organization first, as in everything that changes who belongs to it; whoever deletes it goes the same way.
  perform from core.organizations as o where o.id = v_invitation.organization_id for no key update;
  -- Of twenty at once one gets it; the others have waited and find it taken.
  select i.* into v_invitation
  from core.invitations as i
  where i.id = v_invitation.id
    and i.state = 'pending'
    and i.token_hash is not distinct from v_invitation.token_hash
  for update;
  if v_invitation.id is null then
    -- One answer for what is unknown, used, expired, taken back, and for what is meant for somebody else.
    perform core.raise_error('invitation_not_found', 'There is no open invitation for your address here.');
  end if;
  if v_user.email_verified_at is null then
    perform core.raise_error('email_not_verified', format('%s is not confirmed yet.', v_user.email));
  end if;
  return v_invitation;
end
$$;
comment on function private.take_invitation(text, uuid) is
$$The caller's open invitation by its token or its id, locked.

Errors: not_signed_in (401), invitation_not_found (404), email_not_verified (403).$$;
revoke all on function private.take_invitation(text, uuid) from public;

-- security definer: web roles write no membership; the invitation is the authorisation, see private.take_invitation().
create or replace function api.accept_invitation(token text default null, invitation_id uuid default null)
  returns setof api.organizations
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_invitation core.invitations := private.take_invitation(accept_invitation.token, accept_invitation.invitation_id);
begin
  update core.invitations as i set state = 'accepted', token_hash = null where i.id = v_invitation.id;
  perform private.add_member(v_invitation.organization_id, core.current_user_id(), v_invitation.role);
  delete from core.organization_exclusions as e
  where e.organization_id = v_invitation.organization_id and e.user_id = core.current_user_id();
  return query select o.* from api.organizations as o where o.id = v_invitation.organization_id;
end
$$;
comment on function api.accept_invitation(text, uuid) is
$$Accept an invitation: by the token of the mail, or by the id that the view invitations shows you.

Your account's address must be the invited one, and confirmed (request_email_verification). A link that somebody
forwards lets nobody else in. Answers with the organization.

Errors: not_signed_in (401), invitation_not_found (404), email_not_verified (403), plan_limit_reached (402).$$;
revoke all on function api.accept_invitation(text, uuid) from public;
grant execute on function api.accept_invitation(text, uuid) to howdah_user, howdah_admin;

-- security definer: as above.
create or replace function api.decline_invitation(token text default null, invitation_id uuid default null)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_invitation core.invitations := private.take_invitation(decline_invitation.token, decline_invitation.invitation_id);
begin
  update core.invitations as i set state = 'declined', token_hash = null where i.id = v_invitation.id;
end
$$;
comment on function api.decline_invitation(text, uuid) is
$$Decline an invitation: by the token of the mail, or by the id that the view invitations shows you.

Errors: not_signed_in (401), invitation_not_found (404), email_not_verified (403).$$;
revoke all on function api.decline_invitation(text, uuid) from public;
grant execute on function api.decline_invitation(text, uuid) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/accept_invitation.sql
--! Included core/tenancy/invitation_mail.sql
-- What the worker needs for the mail of an invitation; the token is made here, at that moment, and kept as a hash only.
-- Null when the invitation is not open any more, or when its address belongs to an account that gets no mail.
create or replace function private.invitation_mail(invitation_id uuid)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_token bytea := extensions.gen_random_bytes(32);
  v_invitation core.invitations;
  v_user core.users;
  v_inviter_locale text;
begin
  select i.* into v_invitation
  from core.invitations as i
  where i.id = invitation_mail.invitation_id and i.state = 'pending' and i.expires_at > core.now()
  for update;
  select u.* into v_user from core.users as u where u.email_key = v_invitation.email_key;
  if v_invitation.id is null or v_user.status <> 'active' or v_user.deleted_at is not null then
    return null;
  end if;
  update core.invitations as i set token_hash = sha256(v_token) where i.id = v_invitation.id;
  select u.locale into v_inviter_locale from core.users as u where u.id = v_invitation.invited_by;
  return jsonb_build_object(
    'user_id', v_user.id,
    'recipient', coalesce(v_user.email, v_invitation.email),
    'locale', coalesce(v_user.locale, v_inviter_locale, 'en'),
    'token', core.base64url(v_token),
    'organization_name', v_invitation.organization_name
  );
end
$$;
comment on function private.invitation_mail(uuid) is
$$Recipient, language, a new token and the organization's name for an open invitation; null when there is nothing to send.

The language is the invited account's, else the inviter's. An earlier token is void from here on.$$;
revoke all on function private.invitation_mail(uuid) from public;
--! EndIncluded core/tenancy/invitation_mail.sql
--! Included core/tenancy/add_domain.sql
-- Claims a domain. Anybody may claim any: a claim says nothing to anybody and holds nothing back, the DNS record decides.
-- security definer: web roles write no claim; the caller's role in the organization is asked for first.
create or replace function api.add_domain(organization_id uuid, domain text)
  returns setof api.organization_domains
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- Only ASCII letters are folded, see core.is_domain().
  v_domain text := core.email_key(add_domain.domain);
  v_domain_id uuid;
begin
  perform private.lock_organization(add_domain.organization_id, 'manage_domains');
  if not coalesce(core.is_domain(v_domain), false) then
    perform core.raise_error('domain_invalid',
      format('The domain sent was %s.', coalesce(to_json(left(add_domain.domain, 80))::text, 'null')));
  end if;
  if v_domain = any (core.public_mail_domains()) then
    perform core.raise_error('domain_public', format('Anybody can have an address at %s.', v_domain));
  end if;
  delete from core.organization_domains as d
  where d.organization_id = add_domain.organization_id and d.verified_at is null and d.expires_at <= core.now();
  if (
    select count(*) from core.organization_domains as d where d.organization_id = add_domain.organization_id
  ) >= core.domains_limit() then
    perform core.raise_error('too_many_domains', format('The organization has %s.', core.domains_limit()));
  end if;
  insert into core.organization_domains as d (
    organization_id, domain, token, expires_at, next_check_at, created_by, created_at, updated_at
  )
  values (
    add_domain.organization_id, v_domain, core.base64url(extensions.gen_random_bytes(32)),
    core.now() + core.domain_claim_ttl(), core.now() + interval '5 minutes',
    core.current_user_id(), core.now(), core.now()
  )
  on conflict on constraint organization_domains_organization_id_domain_key do nothing
  returning d.id into v_domain_id;
  if v_domain_id is null then
    perform core.raise_error('domain_claimed', format('The organization has claimed %s before.', v_domain));
  end if;
  return query select d.* from api.organization_domains as d where d.id = v_domain_id;
end
$$;
comment on function api.add_domain(uuid, text) is
$$Claim a domain for an organization (owners and admins).

The answer tells which TXT record to set in the DNS (record_name, record_value). It is looked for after five minutes and
then ever less often, for 7 days, or when check_domain asks. Names in other scripts are sent as xn--….

Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403), domain_invalid (400),
domain_public (400), domain_claimed (409), too_many_domains (409).$$;
revoke all on function api.add_domain(uuid, text) from public;
grant execute on function api.add_domain(uuid, text) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/add_domain.sql
--! Included core/tenancy/manage_domain.sql
-- What an organization does with a domain it has claimed.
create or replace function private.lock_domain(domain_id uuid)
  returns core.organization_domains
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_domain core.organization_domains;
begin
  perform core.require_user();
  select d.* into v_domain
  from core.organization_domains as d
  where d.id = lock_domain.domain_id
    and (d.verified_at is not null or d.expires_at > core.now())
    and d.organization_id in (select core.my_organization_ids_as(core.organization_roles_for('manage_domains')))
  for update;
  if v_domain.id is null then
    perform core.raise_error('domain_not_found',
      format('The id sent was %s.', coalesce(lock_domain.domain_id::text, 'null')));
  end if;
  return v_domain;
end
$$;
comment on function private.lock_domain(uuid) is
$$A domain of an organization whose domains the caller manages, locked. Errors: not_signed_in (401),
domain_not_found (404).$$;
revoke all on function private.lock_domain(uuid) from public;

-- security definer: web roles queue no job; private.lock_domain() asks for the caller's role.
create or replace function api.check_domain(domain_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_domain core.organization_domains := private.lock_domain(check_domain.domain_id);
begin
  -- However often it is asked for, one look waits; and none comes within ten seconds of the last.
  perform core.enqueue_job(
    'core/check_domain',
    jsonb_build_object('domain_id', v_domain.id),
    'core/check_domain:' || v_domain.id,
    greatest(now(), v_domain.last_checked_at + interval '10 seconds')
  );
end
$$;
comment on function api.check_domain(uuid) is
$$Have the DNS asked for a domain's record now (owners and admins); the view organization_domains shows the outcome.

Errors: not_signed_in (401), domain_not_found (404).$$;
revoke all on function api.check_domain(uuid) from public;
grant execute on function api.check_domain(uuid) to howdah_user, howdah_admin;

-- security definer: web roles write no domain; private.lock_domain() asks for the caller's role.
create or replace function api.set_domain_auto_join(domain_id uuid, has_auto_join boolean)
  returns setof api.organization_domains
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_domain core.organization_domains := private.lock_domain(set_domain_auto_join.domain_id);
begin
  if v_domain.verified_at is null then
    perform core.raise_error('domain_not_verified', format('%s is not proven yet.', v_domain.domain));
  end if;
  update core.organization_domains as d
  set has_auto_join = coalesce(set_domain_auto_join.has_auto_join, false)
  where d.id = v_domain.id;
  return query select d.* from api.organization_domains as d where d.id = v_domain.id;
end
$$;
comment on function api.set_domain_auto_join(uuid, boolean) is
$$Let people with a confirmed address at a verified domain become members, or no longer (owners and admins).

From then on an address that is being confirmed brings its account in; accounts that were there before come in by
join_organization_by_domain, when they want to. Nobody who is a member goes.

Errors: not_signed_in (401), domain_not_found (404), domain_not_verified (409).$$;
revoke all on function api.set_domain_auto_join(uuid, boolean) from public;
grant execute on function api.set_domain_auto_join(uuid, boolean) to howdah_user, howdah_admin;

-- security definer: as above.
create or replace function api.remove_domain(domain_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_domain core.organization_domains := private.lock_domain(remove_domain.domain_id);
begin
  delete from core.organization_domains as d where d.id = v_domain.id;
end
$$;
comment on function api.remove_domain(uuid) is
$$Give up a domain or a claim (owners and admins). Members stay.

Errors: not_signed_in (401), domain_not_found (404).$$;
revoke all on function api.remove_domain(uuid) from public;
grant execute on function api.remove_domain(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/tenancy/manage_domain.sql
--! Included core/tenancy/join_by_domain.sql
-- A confirmed address at a verified domain opens the organization that says so: at the moment of its confirmation, or when
-- the account asks. Confirmed by a mail of ours: an outside issuer may go on vouching for a mailbox that a company took
-- from somebody long ago. Accounts that were there before are not pulled in: they never agreed to be seen by the others there.
create or replace function private.join_by_domain(user_id uuid, email text)
  returns uuid
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_organization_id uuid;
begin
  select d.organization_id into v_organization_id
  from core.organization_domains as d
  where d.domain = core.email_domain(join_by_domain.email)
    and d.verified_at is not null
    and d.has_auto_join
    and not exists (
      select from core.organization_exclusions as e
      where e.organization_id = d.organization_id and e.user_id = join_by_domain.user_id
    );
  if v_organization_id is not null and not exists (
    select from core.organization_members as m
    where m.organization_id = v_organization_id and m.user_id = join_by_domain.user_id
  ) then
    perform private.add_member(v_organization_id, join_by_domain.user_id, 'member');
  end if;
  return v_organization_id;
end
$$;
comment on function private.join_by_domain(uuid, text) is
$$Makes the owner of a confirmed address a member where its domain says so; answers which organization that is, or null.$$;
revoke all on function private.join_by_domain(uuid, text) from public;

-- security definer: web roles write no membership; the caller's own confirmed address decides.
create or replace function api.join_organization_by_domain()
  returns setof api.organizations
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user core.users;
  v_organization_id uuid;
begin
  select u.* into v_user from core.users as u where u.id = core.require_user();
  if v_user.email_verified_at is null or v_user.email_vouched_by is not null then
    perform core.raise_error('email_not_verified', format('%s is not confirmed yet.', v_user.email));
  end if;
  v_organization_id := private.join_by_domain(v_user.id, v_user.email);
  if v_organization_id is null then
    -- The same for a domain nobody claims, one that lets nobody join, and somebody who was removed.
    perform core.raise_error('no_organization_to_join',
      format('No organization takes in addresses at %s.', core.email_domain(v_user.email)));
  end if;
  return query select o.* from api.organizations as o where o.id = v_organization_id;
end
$$;
comment on function api.join_organization_by_domain() is
$$Become a member of the organization that takes in people with an address at your domain; your own must be confirmed.

Where only an outside issuer has confirmed it, ask for our mail first (request_email_verification).

Errors: not_signed_in (401), email_not_verified (403), no_organization_to_join (404), plan_limit_reached (402).$$;
revoke all on function api.join_organization_by_domain() from public;
grant execute on function api.join_organization_by_domain() to howdah_user, howdah_admin;

create or replace function core.tg_users__join_by_domain()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if tg_op = 'INSERT' or old.email_verified_at is null or old.email_vouched_by is not null or old.email <> new.email then
    begin
      perform private.join_by_domain(new.id, new.email);
    exception when sqlstate 'PT402' then
      -- The plan allows no more members. That must not stand in the way of a confirmation; whoever asks by
      -- join_organization_by_domain hears of it.
      null;
    end;
  end if;
  return null;
end
$$;
comment on function core.tg_users__join_by_domain() is
$$An address that is being confirmed brings its account into the organization of its domain.$$;
revoke all on function core.tg_users__join_by_domain() from public;

create or replace trigger _500_join_by_domain
  after insert or update of email, email_verified_at, email_vouched_by on core.users
  for each row when (new.email_verified_at is not null and new.email_vouched_by is null and new.status = 'active' and new.deleted_at is null)
  execute function core.tg_users__join_by_domain();
--! EndIncluded core/tenancy/join_by_domain.sql
--! Included core/tenancy/check_domains.sql
-- The worker's side of domains: whose turn it is, what to look for, and what was found.

-- security definer: the worker's role owns no table here; only it may call this.
create or replace function core.claim_due_domains(batch_size integer)
  returns setof uuid
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  update core.organization_domains as d
  -- A claim holds for 15 minutes: if the worker dies with it, the domain is due again then.
  set next_check_at = core.now() + interval '15 minutes'
  from (
    select due.id
    from core.organization_domains as due
    where due.next_check_at <= core.now() and (due.verified_at is not null or due.expires_at > core.now())
    order by due.next_check_at
    limit greatest(least(claim_due_domains.batch_size, 1000), 0)
    for no key update skip locked
  ) as claimed
  where d.id = claimed.id
  returning d.id
$$;
comment on function core.claim_due_domains(integer) is
$$The domains whose record is to be looked for, longest waiting first; each is handed out once in 15 minutes.$$;
revoke all on function core.claim_due_domains(integer) from public;
grant execute on function core.claim_due_domains(integer) to howdah_worker;

-- security definer: as above; the name to ask for is all that leaves.
create or replace function core.domain_to_check(domain_id uuid)
  returns text
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select core.domain_record_name(d.domain)
  from core.organization_domains as d
  where d.id = domain_to_check.domain_id and (d.verified_at is not null or d.expires_at > core.now())
$$;
comment on function core.domain_to_check(uuid) is
$$The DNS name whose TXT records decide about a claim; null when the claim is gone or has expired.$$;
revoke all on function core.domain_to_check(uuid) from public;
grant execute on function core.domain_to_check(uuid) to howdah_worker;

-- security definer: as above; what the records say is compared here, with a token that the worker never sees.
create or replace function core.record_domain_check(domain_id uuid, records text[])
  returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_domain core.organization_domains;
  v_problem text;
begin
  select d.* into v_domain
  from core.organization_domains as d
  where d.id = record_domain_check.domain_id and (d.verified_at is not null or d.expires_at > core.now())
  for update;
  if v_domain.id is null then
    return 'gone';
  end if;
  v_problem := case
    when record_domain_check.records is null then 'dns_failed'
    when core.domain_record_value(v_domain.token) <> all (record_domain_check.records) then 'record_missing'
  end;
  -- The same job once more, because its worker died at its end, changes nothing.
  if v_domain.last_checked_at > core.now() - interval '10 seconds'
    and v_domain.last_problem is not distinct from v_problem
  then
    return coalesce(v_problem, 'verified');
  end if;
  if v_problem is null then
    return private.verify_domain(v_domain.id, v_domain.domain);
  end if;
  update core.organization_domains as d
  set
    last_checked_at = core.now(),
    last_problem = v_problem,
    failure_count = d.failure_count + case when v_problem = 'record_missing' then 1 else 0 end,
    next_check_at = core.now() + case
      when d.verified_at is not null then interval '1 day'
      else least(interval '5 minutes' * 2 ^ least(d.failure_count, 10), interval '6 hours')
    end
  where d.id = v_domain.id;
  -- A DNS server that does not answer takes nothing away; a record that is gone on three days does.
  update core.organization_domains as d
  set
    verified_at = null, has_auto_join = false, failure_count = 0, expires_at = core.now() + core.domain_claim_ttl()
  where d.id = v_domain.id and d.verified_at is not null and d.failure_count >= 3;
  return v_problem;
end
$$;
comment on function core.record_domain_check(uuid, text[]) is
$$Notes the TXT records found for a domain (null: the DNS gave no answer) and decides.

Answers verified, record_missing, dns_failed, verified_elsewhere or gone. A verified domain is looked at again after a
week, or the day after its record was missing; missing three times, it is a claim again.$$;
revoke all on function core.record_domain_check(uuid, text[]) from public;
grant execute on function core.record_domain_check(uuid, text[]) to howdah_worker;

create or replace function private.verify_domain(domain_id uuid, domain text)
  returns text
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  update core.organization_domains as d
  set
    verified_at = coalesce(d.verified_at, core.now()), last_checked_at = core.now(), last_problem = null,
    failure_count = 0, next_check_at = core.now() + interval '7 days'
  where d.id = verify_domain.domain_id;
  return 'verified';
exception when unique_violation then
  -- Told to whoever rules the domain's DNS, and to nobody else. Perhaps it has changed hands, so the other is looked at now.
  update core.organization_domains as d
  set next_check_at = core.now()
  where d.domain = verify_domain.domain and d.verified_at is not null;
  update core.organization_domains as d
  set last_checked_at = core.now(), last_problem = 'verified_elsewhere', next_check_at = core.now() + interval '6 hours'
  where d.id = verify_domain.domain_id;
  return 'verified_elsewhere';
end
$$;
comment on function private.verify_domain(uuid, text) is
$$Marks a claim as proven, unless another organization has proven the domain and still does.$$;
revoke all on function private.verify_domain(uuid, text) from public;
--! EndIncluded core/tenancy/check_domains.sql
--! Included core/tenancy/clean_up_tenancy.sql
-- Addresses are kept no longer than they serve, and claims that nobody proves do not stay.
-- security definer: the worker writes no table by right; what is deleted is fixed here.
create or replace function core.clean_up_tenancy()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_invitation_count integer;
  v_domain_count integer;
begin
  -- Whatever became of it: a month after its last day nobody asks any more.
  delete from core.invitations as i where i.expires_at < core.now() - interval '30 days';
  get diagnostics v_invitation_count = row_count;
  delete from core.organization_domains as d where d.verified_at is null and d.expires_at <= core.now();
  get diagnostics v_domain_count = row_count;
  return v_invitation_count + v_domain_count;
end
$$;
comment on function core.clean_up_tenancy() is
$$Deletes invitations 30 days after they end and claims of domains that nobody proved; returns how many.

Safe to repeat.$$;
revoke all on function core.clean_up_tenancy() from public;
grant execute on function core.clean_up_tenancy() to howdah_worker;
--! EndIncluded core/tenancy/clean_up_tenancy.sql
--! EndIncluded core/tenancy/_module.sql
--! Included core/workspaces/_module.sql
-- Teams and workspaces: groups of people and places of work inside an organization. Stands on core/tenancy.
--! Included core/workspaces/my_workspace_roles.sql
-- Who is what in which workspace, said once: owners and admins of the organization are owner in each of its
-- workspaces, everybody else what their membership says. Read from the tables at each request: whoever leaves the
-- organization or the workspace is nothing there from the next one on.
-- security definer: the policies of these tables ask it, and would ask themselves for ever; only what the caller is
-- comes out.
create or replace function core.my_workspace_roles()
  returns table (workspace_id uuid, role text, archived_at timestamptz)
  language sql
  stable
  security definer
  rows 100
  set search_path = pg_catalog, pg_temp
as $$
  select w.id, case when o.role = any (runs.roles) then 'owner' else m.role end, w.archived_at
  from core.organization_members as o
  join core.workspaces as w on w.organization_id = o.organization_id
  left join core.workspace_members as m on m.workspace_id = w.id and m.user_id = o.user_id
  cross join core.organization_roles_for('manage_workspaces') as runs (roles)
  where o.user_id = core.current_user_id()
    and (o.role = any (runs.roles) or m.role is not null)
$$;
comment on function core.my_workspace_roles() is
$$The caller's workspaces, the role that counts in each (owner, editor or viewer), and since when it is archived.$$;
revoke all on function core.my_workspace_roles() from public;
grant execute on function core.my_workspace_roles() to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/my_workspace_roles.sql
--! Included core/workspaces/my_workspace_ids.sql
-- What policies of tables inside a workspace ask: workspace_id in (select core.my_workspace_ids()).
create or replace function core.my_workspace_ids()
  returns setof uuid
  language sql
  stable
  rows 100
begin atomic
  select r.workspace_id from core.my_workspace_roles() as r;
end;
comment on function core.my_workspace_ids() is $$The workspaces that the caller may read, archived ones too.$$;
revoke all on function core.my_workspace_ids() from public;
grant execute on function core.my_workspace_ids() to howdah_user, howdah_admin;

-- What policies for writes ask. An archived workspace is there to be read, so nobody acts in it.
create or replace function core.my_workspace_ids_as(roles text[])
  returns setof uuid
  language sql
  stable
  rows 100
begin atomic
  select r.workspace_id
  from core.my_workspace_roles() as r
  where r.role = any (my_workspace_ids_as.roles) and r.archived_at is null;
end;
comment on function core.my_workspace_ids_as(text[]) is
$$The workspaces in which the caller has one of these roles; no archived ones.$$;
revoke all on function core.my_workspace_ids_as(text[]) from public;
grant execute on function core.my_workspace_ids_as(text[]) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/my_workspace_ids.sql
--! Included core/workspaces/require_workspace_role.sql
-- The first line of whatever acts in a workspace. A foreign workspace and one that never was answer alike.
create or replace function core.require_workspace_role(
  workspace_id uuid,
  roles text[],
  allow_archived boolean default false
)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_role text;
  v_archived_at timestamptz;
begin
  perform core.require_user();
  select r.role, r.archived_at into v_role, v_archived_at
  from core.my_workspace_roles() as r
  where r.workspace_id = require_workspace_role.workspace_id;
  if not found then
    perform core.raise_error('workspace_not_found',
      format('The id sent was %s.', coalesce(require_workspace_role.workspace_id::text, 'null')));
  end if;
  -- Nobody has a role of a list that is null.
  if coalesce(v_role <> all (require_workspace_role.roles), true) then
    perform core.raise_error('workspace_role_required',
      format('This needs one of the roles %s; yours is %s.',
        array_to_string(require_workspace_role.roles, ', '), v_role));
  end if;
  if v_archived_at is not null and not require_workspace_role.allow_archived then
    perform core.raise_error('workspace_archived', format('It was archived at %s.', v_archived_at));
  end if;
  return v_role;
end
$$;
comment on function core.require_workspace_role(uuid, text[], boolean) is
$$The caller's role in a workspace, which must be one of these; archived workspaces are refused unless allowed.

Errors: not_signed_in (401), workspace_not_found (404), workspace_role_required (403), workspace_archived (409).$$;
revoke all on function core.require_workspace_role(uuid, text[], boolean) from public;
grant execute on function core.require_workspace_role(uuid, text[], boolean) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/require_workspace_role.sql
--! Included core/workspaces/lock_workspace.sql
-- Whatever changes a workspace or who is in it happens one at a time in each: the role is asked again when the lock is
-- held, so nobody acts with a role that was just taken from them, or in what was just archived.
create or replace function private.lock_workspace(workspace_id uuid, roles text[], allow_archived boolean default false)
  returns uuid
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_organization_id uuid;
begin
  -- Strangers never reach the lock.
  perform core.require_workspace_role(lock_workspace.workspace_id, lock_workspace.roles, lock_workspace.allow_archived);
  select w.organization_id into v_organization_id
  from core.workspaces as w where w.id = lock_workspace.workspace_id
  for no key update;
  perform core.require_workspace_role(lock_workspace.workspace_id, lock_workspace.roles, lock_workspace.allow_archived);
  return v_organization_id;
end
$$;
comment on function private.lock_workspace(uuid, text[], boolean) is
$$Lets the caller act in a workspace and answers with its organization; holds the workspace's lock until the
transaction ends.

Errors: not_signed_in (401), workspace_not_found (404), workspace_role_required (403), workspace_archived (409).$$;
revoke all on function private.lock_workspace(uuid, text[], boolean) from public;
--! EndIncluded core/workspaces/lock_workspace.sql
--! Included core/workspaces/require_workspace.sql
-- What a workspace may hold; one key for each thing that can be wrong. Null is fine here: nothing was said.
create or replace function private.require_workspace(name text, slug text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if require_workspace.name !~ '^\S(.*\S)?$' or require_workspace.name ~ '[[:cntrl:]]'
    or char_length(require_workspace.name) not between 1 and 80
  then
    perform core.raise_error('workspace_name_invalid',
      format('The name sent was %s.', to_json(left(require_workspace.name, 80))));
  end if;
  if require_workspace.slug !~ '^[a-z0-9]+(-[a-z0-9]+)*$'
    or char_length(require_workspace.slug) not between 3 and 63
  then
    perform core.raise_error('workspace_slug_invalid',
      format('The slug sent was %s.', to_json(left(require_workspace.slug, 80))));
  end if;
end
$$;
comment on function private.require_workspace(text, text) is
$$Refuses names and slugs that no workspace can have.

Errors: workspace_name_invalid (400), workspace_slug_invalid (400).$$;
revoke all on function private.require_workspace(text, text) from public;
--! EndIncluded core/workspaces/require_workspace.sql
--! Included core/workspaces/require_workspace_member_role.sql
-- What somebody can be in a workspace.
create or replace function private.require_workspace_member_role(role text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(require_workspace_member_role.role not in ('owner', 'editor', 'viewer'), true) then
    perform core.raise_error('workspace_role_unknown',
      format('The role sent was %s.', coalesce(to_json(left(require_workspace_member_role.role, 80))::text, 'null')));
  end if;
end
$$;
comment on function private.require_workspace_member_role(text) is
$$Refuses roles that nobody can have in a workspace. Errors: workspace_role_unknown (400).$$;
revoke all on function private.require_workspace_member_role(text) from public;
--! EndIncluded core/workspaces/require_workspace_member_role.sql
--! Included core/workspaces/require_other_owner.sql
-- Before somebody stops being owner of a workspace: another one is left. Whoever asks holds the workspace's lock
-- (private.lock_workspace), so that of two owners who go at the same time the second one sees the first gone.
create or replace function private.require_other_owner(workspace_id uuid, user_id uuid)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_role text;
begin
  select m.role into v_role
  from core.workspace_members as m
  where m.workspace_id = require_other_owner.workspace_id and m.user_id = require_other_owner.user_id;
  if not found then
    perform core.raise_error('workspace_member_not_found',
      format('The id sent was %s.', coalesce(require_other_owner.user_id::text, 'null')));
  end if;
  if v_role = 'owner' and not exists (
    select from core.workspace_members as m
    where m.workspace_id = require_other_owner.workspace_id
      and m.user_id <> require_other_owner.user_id
      and m.role = 'owner'
  ) then
    perform core.raise_error('workspace_needs_owner', 'This would take its last owner away.');
  end if;
end
$$;
comment on function private.require_other_owner(uuid, uuid) is
$$Refuses to take the last owner out of a workspace, and whoever is not in it.

Errors: workspace_member_not_found (404), workspace_needs_owner (409).$$;
revoke all on function private.require_other_owner(uuid, uuid) from public;
--! EndIncluded core/workspaces/require_other_owner.sql
--! Included core/workspaces/lock_organization_member.sql
-- Somebody becomes a part of a team or a workspace: they are in the organization, and stay until this is done.
create or replace function private.lock_organization_member(organization_id uuid, user_id uuid)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform
  from core.organization_members as m
  where m.organization_id = lock_organization_member.organization_id
    and m.user_id = lock_organization_member.user_id
  for key share;
  if not found then
    -- One answer for people of elsewhere and for nobody.
    perform core.raise_error('member_not_found',
      format('The id sent was %s.', coalesce(lock_organization_member.user_id::text, 'null')));
  end if;
end
$$;
comment on function private.lock_organization_member(uuid, uuid) is
$$Refuses whoever is no member of the organization. Errors: member_not_found (404).$$;
revoke all on function private.lock_organization_member(uuid, uuid) from public;
--! EndIncluded core/workspaces/lock_organization_member.sql
--! Included core/workspaces/lock_team.sql
-- Whatever changes a team or who is in it happens under its organization's lock, like all that goes by the roles there.
-- A team of a foreign organization and one that never was answer alike.
create or replace function private.lock_team(team_id uuid)
  returns uuid
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_organization_id uuid;
begin
  perform core.require_user();
  select t.organization_id into v_organization_id
  from core.teams as t
  where t.id = lock_team.team_id and t.organization_id in (select core.my_organization_ids());
  if not found then
    perform core.raise_error('team_not_found',
      format('The id sent was %s.', coalesce(lock_team.team_id::text, 'null')));
  end if;
  perform private.lock_organization(v_organization_id, 'manage_teams');
  return v_organization_id;
end
$$;
comment on function private.lock_team(uuid) is
$$Lets the caller change a team and answers with its organization; holds that one's lock until the transaction ends.

Errors: not_signed_in (401), team_not_found (404), organization_role_required (403).$$;
revoke all on function private.lock_team(uuid) from public;
--! EndIncluded core/workspaces/lock_team.sql
--! Included core/workspaces/require_team_name.sql
-- What a team may be called. Null is fine here: nothing was said.
create or replace function private.require_team_name(name text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if require_team_name.name !~ '^\S(.*\S)?$' or require_team_name.name ~ '[[:cntrl:]]'
    or char_length(require_team_name.name) not between 1 and 80
  then
    perform core.raise_error('team_name_invalid',
      format('The name sent was %s.', to_json(left(require_team_name.name, 80))));
  end if;
end
$$;
comment on function private.require_team_name(text) is
$$Refuses what cannot be the name of a team. Errors: team_name_invalid (400).$$;
revoke all on function private.require_team_name(text) from public;
--! EndIncluded core/workspaces/require_team_name.sql
--! Included core/workspaces/triggers.sql
-- What keeps the tables of teams and workspaces true.

create or replace trigger _100_touch_updated_at
  before update on core.teams
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.team_members
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.workspaces
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.workspace_members
  for each row execute function core.tg__touch_updated_at();
--! EndIncluded core/workspaces/triggers.sql
--! Included core/workspaces/policies.sql
-- Row-level security of teams and workspaces. Writes go through functions; web roles only read.
-- An admin of the instance is a member of nothing by that.

alter table core.teams enable row level security;
drop policy if exists select_member on core.teams;
create policy select_member on core.teams
  for select to howdah_user, howdah_admin
  using (organization_id in (select core.my_organization_ids()));
revoke all on core.teams from howdah_anon, howdah_user, howdah_admin;
grant select on core.teams to howdah_user, howdah_admin;

alter table core.team_members enable row level security;
drop policy if exists select_member on core.team_members;
create policy select_member on core.team_members
  for select to howdah_user, howdah_admin
  using (organization_id in (select core.my_organization_ids()));
revoke all on core.team_members from howdah_anon, howdah_user, howdah_admin;
grant select on core.team_members to howdah_user, howdah_admin;

alter table core.workspaces enable row level security;
drop policy if exists select_member on core.workspaces;
create policy select_member on core.workspaces
  for select to howdah_user, howdah_admin
  using (id in (select core.my_workspace_ids()));
revoke all on core.workspaces from howdah_anon, howdah_user, howdah_admin;
grant select on core.workspaces to howdah_user, howdah_admin;

alter table core.workspace_members enable row level security;
drop policy if exists select_member on core.workspace_members;
create policy select_member on core.workspace_members
  for select to howdah_user, howdah_admin
  using (workspace_id in (select core.my_workspace_ids()));
revoke all on core.workspace_members from howdah_anon, howdah_user, howdah_admin;
grant select on core.workspace_members to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/policies.sql
--! Included core/workspaces/views.sql
-- Teams and workspaces as the API shows them.

create or replace view api.teams
  with (security_invoker = true)
as
select
  t.id,
  t.organization_id,
  t.name,
  t.created_at,
  t.updated_at
from core.teams as t;
comment on view api.teams is $$Teams of your organizations; every member of an organization sees them.$$;
comment on column api.teams.id is $$Key of the team.$$;
comment on column api.teams.organization_id is $$The organization it is a part of.$$;
comment on column api.teams.name is $$Its name, unique in the organization whatever the case of its letters.$$;
comment on column api.teams.created_at is $$When it was made.$$;
comment on column api.teams.updated_at is $$When it last changed.$$;
revoke all on api.teams from howdah_anon, howdah_user, howdah_admin;
grant select on api.teams to howdah_user, howdah_admin;

create or replace view api.team_members
  with (security_invoker = true)
as
select
  m.organization_id,
  m.team_id,
  m.user_id,
  m.role,
  m.created_at,
  m.updated_at
from core.team_members as m;
comment on view api.team_members is $$Who is in the teams of your organizations.$$;
comment on column api.team_members.organization_id is $$The organization of the team.$$;
comment on column api.team_members.team_id is $$The team.$$;
comment on column api.team_members.user_id is $$The account of the member.$$;
comment on column api.team_members.role is $$lead or member.$$;
comment on column api.team_members.created_at is $$Since when.$$;
comment on column api.team_members.updated_at is $$When the role last changed.$$;
revoke all on api.team_members from howdah_anon, howdah_user, howdah_admin;
grant select on api.team_members to howdah_user, howdah_admin;

-- A left join: which workspaces there are is decided by the table's policy, and by nothing else.
create or replace view api.workspaces
  with (security_invoker = true)
as
select
  w.id,
  w.organization_id,
  w.name,
  w.slug,
  w.settings,
  r.role as my_role,
  w.archived_at,
  w.created_at,
  w.updated_at
from core.workspaces as w
left join core.my_workspace_roles() as r on r.workspace_id = w.id;
comment on view api.workspaces is
$$Your workspaces; as owner or admin of an organization, all of its workspaces.$$;
comment on column api.workspaces.id is
$$Key of the workspace.

@notNull$$;
comment on column api.workspaces.organization_id is
$$The organization it is a part of.

@notNull$$;
comment on column api.workspaces.name is
$$Its name.

@notNull$$;
comment on column api.workspaces.slug is
$$Its name in addresses, unique in the organization.

@notNull$$;
comment on column api.workspaces.settings is
$$Settings of the client application; an object of at most 16 KiB.

@notNull$$;
comment on column api.workspaces.my_role is
$$What you may do there: owner, editor or viewer. Owners and admins of the organization are owner everywhere.

@notNull$$;
comment on column api.workspaces.archived_at is $$Since when it can only be read; null while it is in use.$$;
comment on column api.workspaces.created_at is
$$When it was made.

@notNull$$;
comment on column api.workspaces.updated_at is
$$When it last changed.

@notNull$$;
revoke all on api.workspaces from howdah_anon, howdah_user, howdah_admin;
grant select on api.workspaces to howdah_user, howdah_admin;

create or replace view api.workspace_members
  with (security_invoker = true)
as
select
  m.organization_id,
  m.workspace_id,
  m.user_id,
  m.role,
  m.created_at,
  m.updated_at
from core.workspace_members as m;
comment on view api.workspace_members is
$$Who is in your workspaces. Owners and admins of the organization may do all an owner may without being listed.$$;
comment on column api.workspace_members.organization_id is $$The organization of the workspace.$$;
comment on column api.workspace_members.workspace_id is $$The workspace.$$;
comment on column api.workspace_members.user_id is $$The account of the member.$$;
comment on column api.workspace_members.role is $$owner, editor or viewer.$$;
comment on column api.workspace_members.created_at is $$Since when.$$;
comment on column api.workspace_members.updated_at is $$When the role last changed.$$;
revoke all on api.workspace_members from howdah_anon, howdah_user, howdah_admin;
grant select on api.workspace_members to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/views.sql
--! Included core/workspaces/create_team.sql
-- A group of people inside an organization, so far without anybody in it.
-- security definer: web roles write no team; the caller must run the organization.
create or replace function api.create_team(organization_id uuid, name text)
  returns setof api.teams
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_team_id uuid;
begin
  perform private.lock_organization(create_team.organization_id, 'manage_teams');
  perform private.require_team_name(coalesce(create_team.name, ''));
  insert into core.teams as t (organization_id, name, created_at, updated_at)
  values (create_team.organization_id, create_team.name, core.now(), core.now())
  -- The names' index is the only rule that can be broken here.
  on conflict do nothing
  returning t.id into v_team_id;
  if v_team_id is null then
    perform core.raise_error('team_name_taken', format('The organization has a team named %s.', create_team.name));
  end if;
  return query select t.* from api.teams as t where t.id = v_team_id;
end
$$;
comment on function api.create_team(uuid, text) is
$$Make a team in an organization that you are owner or admin of.

name: 1 to 80 characters, unique in the organization whatever the case of its letters.

Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403), team_name_invalid (400),
team_name_taken (409), plan_limit_reached (402).$$;
revoke all on function api.create_team(uuid, text) from public;
grant execute on function api.create_team(uuid, text) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/create_team.sql
--! Included core/workspaces/update_team.sql
-- Another name for a team.
-- security definer: web roles write no team; the caller must run its organization.
create or replace function api.update_team(team_id uuid, name text)
  returns setof api.teams
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_team(update_team.team_id);
  perform private.require_team_name(coalesce(update_team.name, ''));
  begin
    update core.teams as t set name = update_team.name where t.id = update_team.team_id;
  exception when unique_violation then
    perform core.raise_error('team_name_taken', format('The organization has a team named %s.', update_team.name));
  end;
  return query select t.* from api.teams as t where t.id = update_team.team_id;
end
$$;
comment on function api.update_team(uuid, text) is
$$Rename a team, as owner or admin of its organization.

Errors: not_signed_in (401), team_not_found (404), organization_role_required (403), team_name_invalid (400),
team_name_taken (409).$$;
revoke all on function api.update_team(uuid, text) from public;
grant execute on function api.update_team(uuid, text) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/update_team.sql
--! Included core/workspaces/delete_team.sql
-- Takes a team away; its people stay in the organization.
-- security definer: web roles write no team; the caller must run its organization.
create or replace function api.delete_team(team_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_team(delete_team.team_id);
  delete from core.teams as t where t.id = delete_team.team_id;
end
$$;
comment on function api.delete_team(uuid) is
$$Delete a team, as owner or admin of its organization. Its members stay in the organization.

Errors: not_signed_in (401), team_not_found (404), organization_role_required (403).$$;
revoke all on function api.delete_team(uuid) from public;
grant execute on function api.delete_team(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/delete_team.sql
--! Included core/workspaces/add_team_member.sql
-- Puts a member of the organization into a team, or changes what they are there.
-- security definer: web roles write no membership; the caller must run the organization. A lead may not: what a lead is
-- shown about the team as a whole would be about one person once they could choose who is in it.
create or replace function api.add_team_member(team_id uuid, user_id uuid, role text default 'member')
  returns setof api.team_members
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_organization_id uuid := private.lock_team(add_team_member.team_id);
begin
  if coalesce(add_team_member.role not in ('lead', 'member'), true) then
    perform core.raise_error('team_role_unknown',
      format('The role sent was %s.', coalesce(to_json(left(add_team_member.role, 80))::text, 'null')));
  end if;
  -- The lock keeps the member from leaving the organization meanwhile.
  perform private.lock_organization_member(v_organization_id, add_team_member.user_id);
  insert into core.team_members as m (organization_id, team_id, user_id, role, created_at, updated_at)
  values (v_organization_id, add_team_member.team_id, add_team_member.user_id, add_team_member.role,
    core.now(), core.now())
  on conflict on constraint team_members_pkey do update
    set role = excluded.role
    where m.role <> excluded.role;
  return query
    select m.* from api.team_members as m
    where m.team_id = add_team_member.team_id and m.user_id = add_team_member.user_id;
end
$$;
comment on function api.add_team_member(uuid, uuid, text) is
$$Put a member of the organization into a team, as owner or admin of the organization. Safe to repeat.

role: lead or member. Adding somebody again gives them the role sent.

Errors: not_signed_in (401), team_not_found (404), organization_role_required (403), team_role_unknown (400),
member_not_found (404).$$;
revoke all on function api.add_team_member(uuid, uuid, text) from public;
grant execute on function api.add_team_member(uuid, uuid, text) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/add_team_member.sql
--! Included core/workspaces/remove_team_member.sql
-- Takes somebody out of a team; they stay in the organization.
-- security definer: web roles write no membership; the caller must run the organization.
create or replace function api.remove_team_member(team_id uuid, user_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_team(remove_team_member.team_id);
  delete from core.team_members as m
  where m.team_id = remove_team_member.team_id and m.user_id = remove_team_member.user_id;
  if not found then
    perform core.raise_error('team_member_not_found',
      format('The id sent was %s.', coalesce(remove_team_member.user_id::text, 'null')));
  end if;
end
$$;
comment on function api.remove_team_member(uuid, uuid) is
$$Take somebody out of a team, as owner or admin of its organization.

Errors: not_signed_in (401), team_not_found (404), organization_role_required (403), team_member_not_found (404).$$;
revoke all on function api.remove_team_member(uuid, uuid) from public;
grant execute on function api.remove_team_member(uuid, uuid) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/remove_team_member.sql
--! Included core/workspaces/leave_team.sql
-- The caller goes out of a team.
-- security definer: web roles write no membership; the row is the caller's own.
create or replace function api.leave_team(team_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
begin
  delete from core.team_members as m where m.team_id = leave_team.team_id and m.user_id = v_user_id;
  if not found then
    perform core.raise_error('team_not_found',
      format('You are in no team %s.', coalesce(leave_team.team_id::text, 'null')));
  end if;
end
$$;
comment on function api.leave_team(uuid) is
$$Leave a team; you stay in the organization.

Errors: not_signed_in (401), team_not_found (404).$$;
revoke all on function api.leave_team(uuid) from public;
grant execute on function api.leave_team(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/leave_team.sql
--! Included core/workspaces/create_workspace.sql
-- Makes a workspace and its first owner, together or not at all.
-- security definer: web roles write no workspace; the caller must run the organization.
create or replace function api.create_workspace(organization_id uuid, name text, slug text)
  returns setof api.workspaces
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_workspace_id uuid;
begin
  perform private.lock_organization(create_workspace.organization_id, 'manage_workspaces');
  perform private.require_workspace(coalesce(create_workspace.name, ''), coalesce(create_workspace.slug, ''));
  insert into core.workspaces as w (organization_id, name, slug, created_at, updated_at)
  values (create_workspace.organization_id, create_workspace.name, create_workspace.slug, core.now(), core.now())
  on conflict on constraint workspaces_organization_id_slug_key do nothing
  returning w.id into v_workspace_id;
  if v_workspace_id is null then
    perform core.raise_error('workspace_slug_taken', format('The slug %s is in use.', create_workspace.slug));
  end if;
  insert into core.workspace_members (organization_id, workspace_id, user_id, role, created_at, updated_at)
  values (create_workspace.organization_id, v_workspace_id, core.current_user_id(), 'owner', core.now(), core.now());
  return query select w.* from api.workspaces as w where w.id = v_workspace_id;
end
$$;
comment on function api.create_workspace(uuid, text, text) is
$$Make a workspace in an organization that you are owner or admin of; you become its owner.

name: 1 to 80 characters. slug is its name in addresses: a-z, 0-9 and single hyphens between them, 3 to 63 characters,
unique in the organization.

Errors: not_signed_in (401), organization_not_found (404), organization_role_required (403),
workspace_name_invalid (400), workspace_slug_invalid (400), workspace_slug_taken (409), plan_limit_reached (402).$$;
revoke all on function api.create_workspace(uuid, text, text) from public;
grant execute on function api.create_workspace(uuid, text, text) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/create_workspace.sql
--! Included core/workspaces/update_workspace.sql
-- Name, slug and settings of a workspace.
-- security definer: web roles write no workspace; the caller must be owner there.
create or replace function api.update_workspace(
  workspace_id uuid,
  name text default null,
  slug text default null,
  settings jsonb default null
)
  returns setof api.workspaces
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_settings jsonb;
  v_problem text;
begin
  perform private.lock_workspace(update_workspace.workspace_id, array['owner']);
  perform private.require_workspace(update_workspace.name, update_workspace.slug);
  select w.settings into v_settings from core.workspaces as w where w.id = update_workspace.workspace_id;
  if update_workspace.settings is not null then
    select m.merged, m.problem into v_settings, v_problem
    from core.merge_object(v_settings, update_workspace.settings) as m;
    if octet_length(v_settings::text) > 16384 then
      v_problem := format('Merged they take %s bytes.', octet_length(v_settings::text));
    end if;
    if v_problem is not null then
      perform core.raise_error('workspace_settings_invalid', v_problem);
    end if;
  end if;
  begin
    update core.workspaces as w
    set
      name = coalesce(update_workspace.name, w.name),
      slug = coalesce(update_workspace.slug, w.slug),
      settings = v_settings
    where w.id = update_workspace.workspace_id;
  exception when unique_violation then
    perform core.raise_error('workspace_slug_taken', format('The slug %s is in use.', update_workspace.slug));
  end;
  return query select w.* from api.workspaces as w where w.id = update_workspace.workspace_id;
end
$$;
comment on function api.update_workspace(uuid, text, text, jsonb) is
$$Change a workspace that you are owner of; what is left out or null stays as it is.

settings is merged into what there is, key by key: a key with null goes, any other replaces the value of its key. Keys
are snake_case (at most 63 characters), values any JSON, 16 KiB together.

Errors: not_signed_in (401), workspace_not_found (404), workspace_role_required (403), workspace_archived (409),
workspace_name_invalid (400), workspace_slug_invalid (400), workspace_slug_taken (409),
workspace_settings_invalid (400).$$;
revoke all on function api.update_workspace(uuid, text, text, jsonb) from public;
grant execute on function api.update_workspace(uuid, text, text, jsonb) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/update_workspace.sql
--! Included core/workspaces/archive_workspace.sql
-- Puts a workspace away without losing anything: from then on it is there to be read.
-- security definer: web roles write no workspace; the caller must be owner there.
create or replace function api.archive_workspace(workspace_id uuid)
  returns setof api.workspaces
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_workspace(archive_workspace.workspace_id, array['owner'], allow_archived => true);
  update core.workspaces as w
  set archived_at = core.now()
  where w.id = archive_workspace.workspace_id and w.archived_at is null;
  return query select w.* from api.workspaces as w where w.id = archive_workspace.workspace_id;
end
$$;
comment on function api.archive_workspace(uuid) is
$$Archive a workspace that you are owner of: it can be read, and nobody can write in it. Safe to repeat.

Errors: not_signed_in (401), workspace_not_found (404), workspace_role_required (403).$$;
revoke all on function api.archive_workspace(uuid) from public;
grant execute on function api.archive_workspace(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/archive_workspace.sql
--! Included core/workspaces/restore_workspace.sql
-- Takes an archived workspace into use again.
-- security definer: web roles write no workspace; the caller must be owner there.
create or replace function api.restore_workspace(workspace_id uuid)
  returns setof api.workspaces
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_workspace(restore_workspace.workspace_id, array['owner'], allow_archived => true);
  update core.workspaces as w
  set archived_at = null
  where w.id = restore_workspace.workspace_id and w.archived_at is not null;
  return query select w.* from api.workspaces as w where w.id = restore_workspace.workspace_id;
end
$$;
comment on function api.restore_workspace(uuid) is
$$Take an archived workspace that you are owner of into use again. Safe to repeat.

Errors: not_signed_in (401), workspace_not_found (404), workspace_role_required (403).$$;
revoke all on function api.restore_workspace(uuid) from public;
grant execute on function api.restore_workspace(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/restore_workspace.sql
--! Included core/workspaces/delete_workspace.sql
-- Takes a workspace away with everything in it, so a stolen token is not enough for it.
-- security definer: web roles write no workspace; the caller must be owner there and prove who they are.
create or replace function api.delete_workspace(workspace_id uuid, password text)
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
  perform core.require_workspace_role(delete_workspace.workspace_id, array['owner'], allow_archived => true);
  v_refusal := private.reauthenticate(delete_workspace.password);
  if v_refusal is not null then
    return v_refusal;
  end if;
  perform private.lock_workspace(delete_workspace.workspace_id, array['owner'], allow_archived => true);
  delete from core.workspaces as w where w.id = delete_workspace.workspace_id;
  return '{"status": "done"}'::jsonb;
end
$$;
comment on function api.delete_workspace(uuid, text) is
$$Delete a workspace that you are owner of, archived or not, with everything in it. Nothing brings it back.

@returns core.done_schema
Errors: not_signed_in (401), workspace_not_found (404), workspace_role_required (403), password_wrong (403),
too_many_attempts (429).$$;
revoke all on function api.delete_workspace(uuid, text) from public;
grant execute on function api.delete_workspace(uuid, text) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/delete_workspace.sql
--! Included core/workspaces/add_workspace_member.sql
-- Lets a member of the organization into a workspace.
-- security definer: web roles write no membership; the caller must be owner there.
create or replace function api.add_workspace_member(workspace_id uuid, user_id uuid, role text default 'viewer')
  returns setof api.workspace_members
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_organization_id uuid := private.lock_workspace(add_workspace_member.workspace_id, array['owner']);
begin
  perform private.require_workspace_member_role(add_workspace_member.role);
  perform private.lock_organization_member(v_organization_id, add_workspace_member.user_id);
  insert into core.workspace_members as m (organization_id, workspace_id, user_id, role, created_at, updated_at)
  values (v_organization_id, add_workspace_member.workspace_id, add_workspace_member.user_id,
    add_workspace_member.role, core.now(), core.now())
  on conflict on constraint workspace_members_pkey do nothing;
  if not found then
    perform core.raise_error('workspace_member_exists', format('The id sent was %s.', add_workspace_member.user_id));
  end if;
  return query
    select m.* from api.workspace_members as m
    where m.workspace_id = add_workspace_member.workspace_id and m.user_id = add_workspace_member.user_id;
end
$$;
comment on function api.add_workspace_member(uuid, uuid, text) is
$$Let a member of the organization into a workspace that you are owner of.

role: owner, editor or viewer.

Errors: not_signed_in (401), workspace_not_found (404), workspace_role_required (403), workspace_archived (409),
workspace_role_unknown (400), member_not_found (404), workspace_member_exists (409).$$;
revoke all on function api.add_workspace_member(uuid, uuid, text) from public;
grant execute on function api.add_workspace_member(uuid, uuid, text) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/add_workspace_member.sql
--! Included core/workspaces/change_workspace_member_role.sql
-- Another role for somebody in a workspace.
-- security definer: web roles write no membership; the caller must be owner there.
create or replace function api.change_workspace_member_role(workspace_id uuid, user_id uuid, role text)
  returns setof api.workspace_members
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.lock_workspace(change_workspace_member_role.workspace_id, array['owner']);
  perform private.require_workspace_member_role(change_workspace_member_role.role);
  if change_workspace_member_role.role <> 'owner' then
    perform private.require_other_owner(change_workspace_member_role.workspace_id, change_workspace_member_role.user_id);
  end if;
  update core.workspace_members as m
  set role = change_workspace_member_role.role
  where m.workspace_id = change_workspace_member_role.workspace_id
    and m.user_id = change_workspace_member_role.user_id;
  if not found then
    perform core.raise_error('workspace_member_not_found',
      format('The id sent was %s.', coalesce(change_workspace_member_role.user_id::text, 'null')));
  end if;
  return query
    select m.* from api.workspace_members as m
    where m.workspace_id = change_workspace_member_role.workspace_id
      and m.user_id = change_workspace_member_role.user_id;
end
$$;
comment on function api.change_workspace_member_role(uuid, uuid, text) is
$$Give somebody in a workspace that you are owner of another role. The last owner stays one.

role: owner, editor or viewer.

Errors: not_signed_in (401), workspace_not_found (404), workspace_role_required (403), workspace_archived (409),
workspace_role_unknown (400), workspace_member_not_found (404), workspace_needs_owner (409).$$;
revoke all on function api.change_workspace_member_role(uuid, uuid, text) from public;
grant execute on function api.change_workspace_member_role(uuid, uuid, text) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/change_workspace_member_role.sql
--! Included core/workspaces/remove_workspace_member.sql
-- Takes somebody out of a workspace, from their next request on; they stay in the organization.
-- security definer: web roles write no membership; the caller must be owner there.
create or replace function api.remove_workspace_member(workspace_id uuid, user_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Of an archived workspace too: who may no longer read it must not wait until it is in use again.
  perform private.lock_workspace(remove_workspace_member.workspace_id, array['owner'], allow_archived => true);
  perform private.require_other_owner(remove_workspace_member.workspace_id, remove_workspace_member.user_id);
  delete from core.workspace_members as m
  where m.workspace_id = remove_workspace_member.workspace_id and m.user_id = remove_workspace_member.user_id;
end
$$;
comment on function api.remove_workspace_member(uuid, uuid) is
$$Take somebody out of a workspace that you are owner of, archived or not. The last owner stays.

Errors: not_signed_in (401), workspace_not_found (404), workspace_role_required (403),
workspace_member_not_found (404), workspace_needs_owner (409).$$;
revoke all on function api.remove_workspace_member(uuid, uuid) from public;
grant execute on function api.remove_workspace_member(uuid, uuid) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/remove_workspace_member.sql
--! Included core/workspaces/leave_workspace.sql
-- The caller goes out of a workspace.
-- security definer: web roles write no membership; the row is the caller's own.
create or replace function api.leave_workspace(workspace_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
begin
  perform private.lock_workspace(leave_workspace.workspace_id, array['owner', 'editor', 'viewer'],
    allow_archived => true);
  -- Whoever runs the organization acts in every workspace without being listed in it.
  perform private.require_other_owner(leave_workspace.workspace_id, v_user_id);
  delete from core.workspace_members as m
  where m.workspace_id = leave_workspace.workspace_id and m.user_id = v_user_id;
end
$$;
comment on function api.leave_workspace(uuid) is
$$Leave a workspace; you stay in the organization. Its last owner makes somebody else owner first.

Errors: not_signed_in (401), workspace_not_found (404), workspace_member_not_found (404),
workspace_needs_owner (409).$$;
revoke all on function api.leave_workspace(uuid) from public;
grant execute on function api.leave_workspace(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/workspaces/leave_workspace.sql
--! EndIncluded core/workspaces/_module.sql
--! Included core/subscriptions/_module.sql
-- Subscriptions: what plans there are, who has which, and what the billing provider reports.
--! Included core/subscriptions/plan_limits_schema.sql
-- What a plan can limit, said once: the table's check, the SDK's validator and the list of names come from here.
create or replace function core.plan_limits_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "description": "Most of each at a time; null or left out: no limit.",
  "type": "object",
  "additionalProperties": false,
  "properties": {
    "members": {"description": "Members of the organization.",
      "type": ["integer", "null"], "minimum": 0, "maximum": 2147483647},
    "pending_invitations": {"description": "Open invitations of the organization.",
      "type": ["integer", "null"], "minimum": 0, "maximum": 2147483647},
    "teams": {"description": "Teams of the organization.",
      "type": ["integer", "null"], "minimum": 0, "maximum": 2147483647},
    "workspaces": {"description": "Workspaces of the organization.",
      "type": ["integer", "null"], "minimum": 0, "maximum": 2147483647}
  }
}'::jsonb;
comment on function core.plan_limits_schema() is $$JSON Schema of core.plans.limits: every limit that is known.$$;
revoke all on function core.plan_limits_schema() from public;
--! EndIncluded core/subscriptions/plan_limits_schema.sql
--! Included core/subscriptions/is_feature_set.sql
-- Features are named by the application that asks for them, so only their form is fixed.
create or replace function core.is_feature_set(features jsonb)
  returns boolean
  language sql
  immutable
  parallel safe
return case
  when jsonb_typeof(is_feature_set.features) is distinct from 'object' then false
  else not exists (
    select from jsonb_each(is_feature_set.features) as f (name, is_included)
    where f.name !~ '^[a-z][a-z0-9_]{0,59}$' or jsonb_typeof(f.is_included) <> 'boolean'
  )
end;
comment on function core.is_feature_set(jsonb) is
$$Whether a JSON value is an object of booleans under snake_case names.$$;
revoke all on function core.is_feature_set(jsonb) from public;
--! EndIncluded core/subscriptions/is_feature_set.sql
--! Included core/subscriptions/subscription_state.sql
-- The provider knows eight states, we know four. Whatever is not paid for gives nothing: a first payment that has not
-- arrived (incomplete) must not open a paid plan for the days of grace, and one that was given up does not either.
create or replace function core.subscription_state(provider_status text)
  returns text
  language sql
  immutable
  strict
  parallel safe
return case subscription_state.provider_status
  when 'trialing' then 'trialing'
  when 'active' then 'active'
  when 'past_due' then 'past_due'
  when 'canceled' then 'canceled'
  -- The first payment is open. The update that follows the payment says active.
  when 'incomplete' then 'canceled'
  -- It did not come within 23 hours; the end.
  when 'incomplete_expired' then 'canceled'
  -- The provider has stopped trying to be paid.
  when 'unpaid' then 'canceled'
  -- A trial ended without a way to pay; resuming says active.
  when 'paused' then 'canceled'
end;
comment on function core.subscription_state(text) is
$$Our state for a Stripe subscription's status; null for one we do not know.

Source: Stripe API, the subscription object, status.$$;
revoke all on function core.subscription_state(text) from public;
--! EndIncluded core/subscriptions/subscription_state.sql
--! Included core/subscriptions/triggers.sql
-- What keeps the tables of subscriptions true.

create or replace trigger _100_touch_updated_at
  before update on core.plans
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.subscriptions
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.billing_customers
  for each row execute function core.tg__touch_updated_at();

-- An account shows the end of its trial (api.users.trial_ends_at). Here is the only place that writes it.
-- security definer: whoever may change a subscription need not be able to write accounts.
create or replace function core.tg_subscriptions__tell_trial_end()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  update core.users as u
  set trial_ends_at = t.trial_ends_at
  from (
    select i.user_id, (select max(s.trial_ends_at) from core.subscriptions as s where s.user_id = i.user_id)
    from (select distinct unnest(array[old.user_id, new.user_id])) as i (user_id)
  ) as t (user_id, trial_ends_at)
  where u.id = t.user_id and u.trial_ends_at is distinct from t.trial_ends_at;
  return null;
end
$$;
comment on function core.tg_subscriptions__tell_trial_end() is
$$core.users.trial_ends_at is the latest end of a trial among the account's subscriptions.$$;
revoke all on function core.tg_subscriptions__tell_trial_end() from public;

create or replace trigger _500_tell_trial_end
  after insert or delete or update of user_id, trial_ends_at on core.subscriptions
  for each row execute function core.tg_subscriptions__tell_trial_end();
--! EndIncluded core/subscriptions/triggers.sql
--! Included core/subscriptions/policies.sql
-- Row-level security of subscriptions. Writes go through functions only.

-- What is for sale is for everybody; plans made for one customer, and old ones, are not shown.
alter table core.plans enable row level security;
drop policy if exists select_public on core.plans;
create policy select_public on core.plans
  for select to howdah_anon, howdah_user, howdah_admin
  using (is_public);
revoke all on core.plans from howdah_anon, howdah_user, howdah_admin;
grant select (
  key, name, description, audience, limits, features, trial_days, price_cents, currency, billing_interval, position,
  is_public
) on core.plans to howdah_anon, howdah_user, howdah_admin;

alter table core.subscriptions enable row level security;
drop policy if exists select_own on core.subscriptions;
create policy select_own on core.subscriptions
  for select to howdah_user, howdah_admin
  using (
    user_id = (select core.current_user_id())
    -- An organization's money is the business of those who decide about it.
    or organization_id in (select core.my_organization_ids_as(core.organization_roles_for('manage_billing')))
  );
revoke all on core.subscriptions from howdah_anon, howdah_user, howdah_admin;
grant select (
  id, user_id, organization_id, plan, state, is_comped, is_surplus, trial_ends_at, current_period_start,
  current_period_end, cancel_at_period_end, canceled_at, past_due_at, provider, created_at, updated_at
) on core.subscriptions to howdah_user, howdah_admin;

-- No policy: nobody but their owner's functions reads these.
alter table core.plan_prices enable row level security;
alter table core.billing_customers enable row level security;
alter table core.billing_events enable row level security;
--! EndIncluded core/subscriptions/policies.sql
--! Included core/subscriptions/views.sql
-- What subscriptions show through the API.

create or replace view api.plans
  with (security_invoker = true)
as
select
  p.key,
  p.name,
  p.description,
  p.audience,
  p.limits,
  p.features,
  p.trial_days,
  p.price_cents,
  p.currency,
  p.billing_interval,
  p.position
from core.plans as p;
comment on view api.plans is $$The plans that are for sale.$$;
comment on column api.plans.key is $$Key of the plan.$$;
comment on column api.plans.name is $$Its name.$$;
comment on column api.plans.description is $$What it is for, in a sentence.$$;
comment on column api.plans.audience is $$user or organization: who can have it.$$;
comment on column api.plans.limits is $$Most of each at a time; null or left out: no limit.$$;
comment on column api.plans.features is $$Names of features and whether the plan includes them.$$;
comment on column api.plans.trial_days is $$Days that start_trial gives; 0: no trial.$$;
comment on column api.plans.price_cents is $$Price for one billing interval, in hundredths of the currency.$$;
comment on column api.plans.currency is $$ISO 4217, such as EUR.$$;
comment on column api.plans.billing_interval is $$month or year.$$;
comment on column api.plans.position is $$Order among the plans; a higher one counts as the better plan.$$;
revoke all on api.plans from howdah_anon, howdah_user, howdah_admin;
grant select on api.plans to howdah_anon, howdah_user, howdah_admin;

create or replace view api.subscriptions
  with (security_invoker = true)
as
select
  s.id,
  s.user_id,
  s.organization_id,
  s.plan,
  s.state,
  s.is_comped,
  s.is_surplus,
  s.trial_ends_at,
  s.current_period_start,
  s.current_period_end,
  s.cancel_at_period_end,
  s.canceled_at,
  s.past_due_at,
  s.provider,
  s.created_at,
  s.updated_at
from core.subscriptions as s;
comment on view api.subscriptions is
$$Your subscriptions, old ones too, and those of organizations where you are owner or billing.$$;
comment on column api.subscriptions.id is $$Key of the subscription.$$;
comment on column api.subscriptions.user_id is $$The account it is of; null when it is an organization's.$$;
comment on column api.subscriptions.organization_id is $$The organization it is of; null when it is an account's.$$;
comment on column api.subscriptions.plan is $$Key of the plan.$$;
comment on column api.subscriptions.state is $$trialing, active, past_due or canceled.$$;
comment on column api.subscriptions.is_comped is $$Given by the operator; nothing is charged.$$;
comment on column api.subscriptions.is_surplus is
$$A second living subscription: another one counts, and the provider still charges for this one.$$;
comment on column api.subscriptions.trial_ends_at is $$End of its trial; null without one.$$;
comment on column api.subscriptions.current_period_start is $$Beginning of the period that is paid or to be paid.$$;
comment on column api.subscriptions.current_period_end is $$End of that period.$$;
comment on column api.subscriptions.cancel_at_period_end is $$It ends with the period.$$;
comment on column api.subscriptions.canceled_at is $$When it ended; null while it lives.$$;
comment on column api.subscriptions.past_due_at is $$Since when a payment is missing; null when none is.$$;
comment on column api.subscriptions.provider is $$stripe; null for trials of our own and what operators give.$$;
comment on column api.subscriptions.created_at is $$When it was first known here.$$;
comment on column api.subscriptions.updated_at is $$When it last changed here.$$;
revoke all on api.subscriptions from howdah_anon, howdah_user, howdah_admin;
grant select on api.subscriptions to howdah_user, howdah_admin;
--! EndIncluded core/subscriptions/views.sql
--! Included core/subscriptions/lock_plan_subject.sql
-- Whatever counts before it adds, and whatever changes a plan, waits here for its turn with the same account or
-- organization. The lock lets foreign keys point at the row meanwhile.
create or replace function core.lock_plan_subject(user_id uuid, organization_id uuid)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform from core.organizations as o where o.id = lock_plan_subject.organization_id for no key update;
  perform from core.users as u where u.id = lock_plan_subject.user_id for no key update;
end
$$;
comment on function core.lock_plan_subject(uuid, uuid) is
$$Locks the account or the organization that a plan is of, until the end of the transaction.

Count only after it, in a statement of its own: what others have added meanwhile is seen then.$$;
revoke all on function core.lock_plan_subject(uuid, uuid) from public;
--! EndIncluded core/subscriptions/lock_plan_subject.sql
--! Included core/subscriptions/effective_plan.sql
-- Which plan counts now. Read by the clock and not only by what jobs have written: a trial is over at its end, and the
-- days of grace are over when they are, whether or not the worker runs.

create or replace function core.grace_ends_at(past_due_at timestamptz)
  returns timestamptz
  language sql
  stable
return grace_ends_at.past_due_at + make_interval(hours => 24 * (core.setting('past_due_grace_days') #>> '{}')::integer);
comment on function core.grace_ends_at(timestamptz) is $$How long a plan goes on after a payment was missed.$$;
revoke all on function core.grace_ends_at(timestamptz) from public;

create or replace function private.living_subscription(user_id uuid, organization_id uuid)
  returns setof core.subscriptions
  language sql
  stable
  rows 1
begin atomic
  select s.*
  from core.subscriptions as s
  where (s.user_id = living_subscription.user_id or s.organization_id = living_subscription.organization_id)
    and s.state <> 'canceled'
    and not s.is_surplus
    -- Trials of our own end by the clock; of the provider's it tells.
    and not (s.state = 'trialing' and s.provider is null and s.trial_ends_at <= core.now());
end;
comment on function private.living_subscription(uuid, uuid) is
$$The one subscription of an account or an organization (the other argument is null) that counts; none, or one.$$;
revoke all on function private.living_subscription(uuid, uuid) from public;

create or replace function private.effective_plan(user_id uuid, organization_id uuid)
  returns setof core.plans
  language sql
  stable
  rows 1
begin atomic
  select p.*
  from core.plans as p
  where p.key = coalesce(
    (
      select s.plan
      from private.living_subscription(effective_plan.user_id, effective_plan.organization_id) as s
      where s.state <> 'past_due' or core.grace_ends_at(s.past_due_at) > core.now()
    ),
    core.setting(
      case when effective_plan.user_id is null then 'default_organization_plan' else 'default_user_plan' end
    ) #>> '{}'
  );
end;
comment on function private.effective_plan(uuid, uuid) is
$$The plan that counts for an account or an organization: that of its subscription, else the default plan.

No row where the default plan does not exist: an instance without plans limits nothing.$$;
revoke all on function private.effective_plan(uuid, uuid) from public;
--! EndIncluded core/subscriptions/effective_plan.sql
--! Included core/subscriptions/plan_limit.sql
-- What a plan allows, for functions that create things.

-- security definer: plans that are not for sale, and subscriptions of others, are nobody's to read; a number answers.
create or replace function core.plan_limit(limit_name text, organization_id uuid default null)
  returns integer
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid;
begin
  if not core.plan_limits_schema() -> 'properties' ? plan_limit.limit_name then
    raise exception 'there is no limit named % in core.plan_limits_schema()', plan_limit.limit_name;
  end if;
  -- Not inside the query: its planner would call the function to guess at rows, and be refused.
  if plan_limit.organization_id is null then
    v_user_id := core.require_user();
  end if;
  return (
    select (p.limits ->> plan_limit.limit_name)::integer
    from private.effective_plan(v_user_id, plan_limit.organization_id) as p
  );
end
$$;
comment on function core.plan_limit(text, uuid) is
$$How many of something the plan of an organization, or of whoever asks, allows; null: no limit.$$;
revoke all on function core.plan_limit(text, uuid) from public;

-- security definer: as above.
create or replace function core.require_plan_limit(limit_name text, organization_id uuid, used integer)
  returns void
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit integer := core.plan_limit(require_plan_limit.limit_name, require_plan_limit.organization_id);
begin
  if require_plan_limit.used >= v_limit then
    perform core.raise_error('plan_limit_reached', format(
      'The plan %s allows %s of %s; %s are in use.',
      (select p.key from private.effective_plan(null, require_plan_limit.organization_id) as p),
      v_limit, require_plan_limit.limit_name, require_plan_limit.used));
  end if;
end
$$;
comment on function core.require_plan_limit(text, uuid, integer) is
$$Refuses one more of something when an organization's plan allows no more than are in use.

To be safe when two come at once, call core.lock_plan_subject() first and count after it; core.tg__require_plan_limit()
does both. Errors: plan_limit_reached (402).$$;
revoke all on function core.require_plan_limit(text, uuid, integer) from public;
--! EndIncluded core/subscriptions/plan_limit.sql
--! Included core/subscriptions/plan_usage.sql
-- What is in use of each limit, and the guard on the tables themselves: whichever way a row comes in, the plan is asked.
create or replace function private.plan_usage(limit_name text, organization_id uuid)
  returns integer
  language sql
  stable
begin atomic
  select (case plan_usage.limit_name
    when 'members' then (
      select count(*) from core.organization_members as m where m.organization_id = plan_usage.organization_id
    )
    when 'pending_invitations' then (
      select count(*)
      from core.invitations as i
      where i.organization_id = plan_usage.organization_id and i.state = 'pending' and i.expires_at > core.now()
    )
    when 'teams' then (select count(*) from core.teams as t where t.organization_id = plan_usage.organization_id)
    when 'workspaces' then (
      select count(*) from core.workspaces as w where w.organization_id = plan_usage.organization_id
    )
  end)::integer;
end;
comment on function private.plan_usage(text, uuid) is $$How many of something an organization has now.$$;
revoke all on function private.plan_usage(text, uuid) from public;

-- After the insert and not before it: "on conflict do nothing" must not be refused for a row that is there already.
-- security definer: counts what the caller may not see, and locks the organization.
create or replace function core.tg__require_plan_limit()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform core.lock_plan_subject(null, new.organization_id);
  -- A statement of its own sees what others have committed while this one waited; the new row is in it too.
  perform core.require_plan_limit(
    tg_argv[0], new.organization_id, private.plan_usage(tg_argv[0], new.organization_id) - 1);
  if tg_nargs > 1 then
    perform core.require_plan_limit(
      tg_argv[1], new.organization_id, private.plan_usage(tg_argv[1], new.organization_id));
  end if;
  return null;
exception when sqlstate 'PT402' then
  -- Whoever comes in by an invitation or a domain is not in yet: what the organization pays for, and how many it has, is
  -- not theirs to hear.
  if tg_argv[0] = 'members' and (to_jsonb(new) ->> 'user_id')::uuid = core.current_user_id() then
    perform core.raise_error('plan_limit_reached', 'The organization has no room for another member.');
  end if;
  raise;
end
$$;
comment on function core.tg__require_plan_limit() is
$$Refuses a row beyond what its organization's plan allows; the first argument names the limit.

A second one names what else must have room for one more.

Errors: plan_limit_reached (402).$$;
revoke all on function core.tg__require_plan_limit() from public;

create or replace trigger _500_require_plan_limit
  after insert on core.organization_members
  for each row execute function core.tg__require_plan_limit('members');

-- Nobody is invited whom the plan would turn away at the door.
create or replace trigger _500_require_plan_limit
  after insert on core.invitations
  for each row execute function core.tg__require_plan_limit('pending_invitations', 'members');

create or replace trigger _500_require_plan_limit
  after insert on core.teams
  for each row execute function core.tg__require_plan_limit('teams');

create or replace trigger _500_require_plan_limit
  after insert on core.workspaces
  for each row execute function core.tg__require_plan_limit('workspaces');
--! EndIncluded core/subscriptions/plan_usage.sql
--! Included core/subscriptions/current_plan_schema.sql
-- What current_plan and start_trial answer.
create or replace function core.current_plan_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["plan", "name", "state", "limits", "features", "is_comped", "trial_ends_at", "current_period_end",
    "cancel_at_period_end", "grace_ends_at"],
  "properties": {
    "plan": {"type": ["string", "null"], "description": "Key of the plan that counts now; null: this instance has none."},
    "name": {"type": ["string", "null"], "description": "Its name."},
    "state": {"type": "string", "enum": ["trialing", "active", "past_due", "none"],
      "description": "Of the subscription; none: no subscription lives, and the default plan counts."},
    "limits": {"type": "object",
      "description": "Most of each at a time; null or left out: no limit."},
    "features": {"type": "object", "description": "Names of features and whether they are included."},
    "is_comped": {"type": "boolean", "description": "Given by the operator."},
    "trial_ends_at": {"type": ["string", "null"], "format": "date-time"},
    "current_period_end": {"type": ["string", "null"], "format": "date-time"},
    "cancel_at_period_end": {"type": "boolean"},
    "grace_ends_at": {"type": ["string", "null"], "format": "date-time",
      "description": "While past_due: until then the plan still counts, afterwards the default plan does."}
  }
}'::jsonb;
comment on function core.current_plan_schema() is $$JSON Schema of what current_plan and start_trial answer.$$;
revoke all on function core.current_plan_schema() from public;
--! EndIncluded core/subscriptions/current_plan_schema.sql
--! Included core/subscriptions/current_plan.sql
-- What somebody may do, in one answer.
create or replace function private.current_plan(user_id uuid, organization_id uuid)
  returns jsonb
  language sql
  stable
begin atomic
  select jsonb_build_object(
    'plan', p.key,
    'name', p.name,
    'state', coalesce(s.state, 'none'),
    'limits', coalesce(p.limits, '{}'),
    'features', coalesce(p.features, '{}'),
    'is_comped', coalesce(s.is_comped, false),
    'trial_ends_at', s.trial_ends_at,
    'current_period_end', s.current_period_end,
    'cancel_at_period_end', coalesce(s.cancel_at_period_end, false),
    'grace_ends_at', core.grace_ends_at(s.past_due_at)
  )
  from (values (true)) as one (row)
  left join private.living_subscription(current_plan.user_id, current_plan.organization_id) as s on true
  left join private.effective_plan(current_plan.user_id, current_plan.organization_id) as p on true;
end;
comment on function private.current_plan(uuid, uuid) is $$The answer of api.current_plan for an account or an organization.$$;
revoke all on function private.current_plan(uuid, uuid) from public;

-- security definer: plans that are not for sale are nobody's to read, but whoever has one sees what it allows. Reads
-- the caller's own, or that of an organization whose member the caller is.
create or replace function api.current_plan(organization_id uuid default null)
  returns jsonb
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
begin
  if current_plan.organization_id is null then
    return private.current_plan(v_user_id, null);
  end if;
  perform core.require_organization_role(
    current_plan.organization_id, core.organization_roles_for('see_organization')
  );
  return private.current_plan(null, current_plan.organization_id);
end
$$;
comment on function api.current_plan(uuid) is
$$Your plan with its limits and features, or that of an organization you belong to.

@returns core.current_plan_schema
Errors: not_signed_in (401), organization_not_found (404).$$;
revoke all on function api.current_plan(uuid) from public;
grant execute on function api.current_plan(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/subscriptions/current_plan.sql
--! Included core/subscriptions/settle_subscriptions.sql
-- Several subscriptions of one subject may live at once: a trial and the paid one after it, a new one before the old
-- has ended, or one that somebody else pays for by mistake. One of them counts; the others are surplus. Which one
-- depends on nothing but the rows, so the order in which they came cannot matter: what the operator gave, then what is
-- billed, then what is paid, then the better plan (nobody can make another's plan worse by paying for it), then the
-- newer.
create or replace function private.settle_subscriptions(user_id uuid, organization_id uuid)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_id uuid;
begin
  select s.id into v_id
  from core.subscriptions as s
  join core.plans as p on p.key = s.plan
  where (s.user_id = settle_subscriptions.user_id or s.organization_id = settle_subscriptions.organization_id)
    and s.state <> 'canceled'
  order by
    s.is_comped desc, s.provider is not null desc, array_position('{active,trialing,past_due}', s.state),
    p.position desc, s.provider_created_at desc nulls last, s.provider_subscription_id, s.id
  limit 1;

  -- Two statements: at no moment may two count.
  update core.subscriptions as s
  set is_surplus = s.state <> 'canceled'
  where (s.user_id = settle_subscriptions.user_id or s.organization_id = settle_subscriptions.organization_id)
    and s.id is distinct from v_id
    and s.is_surplus <> (s.state <> 'canceled');
  update core.subscriptions as s set is_surplus = false where s.id = v_id and s.is_surplus;
end
$$;
comment on function private.settle_subscriptions(uuid, uuid) is
$$Decides which of an account's or an organization's living subscriptions counts. Safe to repeat.$$;
revoke all on function private.settle_subscriptions(uuid, uuid) from public;
--! EndIncluded core/subscriptions/settle_subscriptions.sql
--! Included core/subscriptions/start_trial.sql
-- A trial of our own: no provider, no payment, once in the life of an account or organization.
-- security definer: web roles write no subscription. Whoever asks gets one for themselves, or for an organization in
-- which they may decide about money.
create or replace function api.start_trial(plan text, organization_id uuid default null)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_caller_id uuid := core.require_user();
  v_user_id uuid := case when start_trial.organization_id is null then v_caller_id end;
  v_plan core.plans;
begin
  if v_user_id is null then
    perform core.require_organization_role(
      start_trial.organization_id, core.organization_roles_for('manage_billing')
    );
  end if;

  select p.* into v_plan
  from core.plans as p
  where p.key = start_trial.plan and p.is_public;
  if v_plan.key is null then
    perform core.raise_error('plan_not_found',
      format('The plan sent was %s.', coalesce(left(to_json(start_trial.plan)::text, 80), 'null')));
  end if;
  if v_plan.trial_days = 0 or v_plan.audience <> (case when v_user_id is null then 'organization' else 'user' end) then
    perform core.raise_error('trial_not_offered',
      format('%s is a plan for a %s with %s days of trial.', v_plan.key, v_plan.audience, v_plan.trial_days));
  end if;

  perform core.lock_plan_subject(v_user_id, start_trial.organization_id);
  if exists (
    select from core.subscriptions as s
    where (s.user_id = v_user_id or s.organization_id = start_trial.organization_id) and s.trial_ends_at is not null
  ) then
    perform core.raise_error('trial_already_used', 'There was a trial before.');
  end if;
  if exists (select from private.living_subscription(v_user_id, start_trial.organization_id)) then
    perform core.raise_error('already_subscribed', 'There is a subscription already.');
  end if;

  -- Days of 24 hours: the end must not depend on a zone's change of clocks.
  insert into core.subscriptions (user_id, organization_id, plan, state, trial_ends_at, created_at, updated_at)
  values (
    v_user_id, start_trial.organization_id, v_plan.key, 'trialing',
    core.now() + make_interval(hours => 24 * v_plan.trial_days), core.now(), core.now()
  );
  return private.current_plan(v_user_id, start_trial.organization_id);
end
$$;
comment on function api.start_trial(text, uuid) is
$$Begin the trial of a plan, for yourself or for an organization where you are owner or billing.

Once in the life of an account or an organization. When it ends, the default plan counts again.

@returns core.current_plan_schema
Errors: not_signed_in (401), plan_not_found (404), trial_not_offered (400), trial_already_used (409),
already_subscribed (409), organization_not_found (404), organization_role_required (403).$$;
revoke all on function api.start_trial(text, uuid) from public;
grant execute on function api.start_trial(text, uuid) to howdah_user, howdah_admin;
--! EndIncluded core/subscriptions/start_trial.sql
--! Included core/subscriptions/expire_trials.sql
-- Writes down what has already happened: a trial is over by the clock, see private.living_subscription().
-- security definer: the worker writes no table by right; what is written is fixed here.
create or replace function core.expire_trials()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  update core.subscriptions as s
  set state = 'canceled', canceled_at = s.trial_ends_at, is_surplus = false
  where s.state = 'trialing' and s.provider is null and s.trial_ends_at <= core.now();
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
comment on function core.expire_trials() is
$$Ends trials of our own whose time is up; returns how many. The provider tells of its trials itself.

Safe to repeat.$$;
revoke all on function core.expire_trials() from public;
grant execute on function core.expire_trials() to howdah_worker;
--! EndIncluded core/subscriptions/expire_trials.sql
--! Included core/subscriptions/set_plan.sql
-- Operators give a plan away, or take back what they gave. What a provider bills goes on beside it as surplus.
create or replace function ops.set_plan(subject text, plan text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid;
  v_organization_id uuid;
begin
  if set_plan.subject like '%@%' then
    v_user_id := ops.find_account(set_plan.subject);
  else
    select o.id into v_organization_id from core.organizations as o where o.slug = set_plan.subject;
    if v_organization_id is null then
      perform core.raise_error('organization_not_found',
        format('There is no organization %s.', coalesce(to_json(set_plan.subject)::text, 'null')));
    end if;
  end if;
  if set_plan.plan is not null and not exists (
    select from core.plans as p
    where p.key = set_plan.plan and p.audience = case when v_user_id is null then 'organization' else 'user' end
  ) then
    perform core.raise_error('plan_not_found', format('%s is no plan for this subject.', to_json(set_plan.plan)));
  end if;

  perform core.lock_plan_subject(v_user_id, v_organization_id);
  update core.subscriptions as s
  set state = 'canceled', canceled_at = core.now(), is_surplus = false
  where (s.user_id = v_user_id or s.organization_id = v_organization_id)
    and s.is_comped and s.state <> 'canceled' and s.plan is distinct from set_plan.plan;
  if set_plan.plan is not null and not exists (
    select from core.subscriptions as s
    where (s.user_id = v_user_id or s.organization_id = v_organization_id) and s.is_comped and s.state <> 'canceled'
  ) then
    insert into core.subscriptions (
      user_id, organization_id, plan, state, is_comped, is_surplus, created_at, updated_at
    )
    values (v_user_id, v_organization_id, set_plan.plan, 'active', true, true, core.now(), core.now());
  end if;
  perform private.settle_subscriptions(v_user_id, v_organization_id);
end
$$;
comment on function ops.set_plan(text, text) is
$$Gives an account (its address) or an organization (its slug) a plan for nothing; null takes back what was given.

Safe to repeat. Errors: account_not_found (404), organization_not_found (404), plan_not_found (404).$$;
revoke all on function ops.set_plan(text, text) from public;
--! EndIncluded core/subscriptions/set_plan.sql
--! Included core/subscriptions/billing_signature.sql
-- Stripe's signature of a webhook: v1 is HMAC-SHA256 over "<t>.<body>". Source: Stripe's documentation, "Verify webhook
-- signatures manually". Other schemes are ignored, so that nobody can ask for a weaker one.

create or replace function core.billing_tolerance_seconds() returns integer language sql immutable parallel safe
return 300;
comment on function core.billing_tolerance_seconds() is
$$How far a signature's instant may lie from now, in both directions: what Stripe's own libraries take.$$;
revoke all on function core.billing_tolerance_seconds() from public;

create or replace function core.billing_body_limit() returns integer language sql immutable parallel safe
return 1048576;
comment on function core.billing_body_limit() is
$$Most bytes of an event's body; more are not hashed at all. Stripe's largest are a fraction of this.$$;
revoke all on function core.billing_body_limit() from public;

-- A short key could be guessed, an empty one is known to everybody: neither ever counts.
create or replace function private.billing_secrets()
  returns setof text
  language sql
  stable
begin atomic
  select s.secret
  from regexp_split_to_table(private.secret('billing_webhook_secrets'), '[[:space:],]+') as s (secret)
  where char_length(s.secret) >= 16;
end;
comment on function private.billing_secrets() is $$The secrets that signatures are checked with; several while they change.$$;
revoke all on function private.billing_secrets() from public;

create or replace function private.billing_signature_problem(header text, body text)
  returns text
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_fields text[] := string_to_array(billing_signature_problem.header, ',');
  v_instants text[];
  v_signatures text[];
  v_payload bytea;
  v_key bytea := extensions.gen_random_bytes(32);
begin
  if octet_length(billing_signature_problem.body) > core.billing_body_limit() then
    return 'body_too_large';
  end if;
  if billing_signature_problem.header is null or octet_length(billing_signature_problem.header) > 4096 then
    return 'header_missing_or_too_long';
  end if;
  select array_agg(substr(f.field, 3)) into v_instants
  from unnest(v_fields) as f (field) where starts_with(f.field, 't=');
  select array_agg(substr(f.field, 4)) into v_signatures
  from unnest(v_fields) as f (field) where f.field ~ '^v1=[0-9a-f]{64}$';
  if cardinality(v_instants) is distinct from 1 or v_instants[1] !~ '^[0-9]{1,11}$' then
    return 'header_without_instant';
  end if;
  if v_signatures is null or cardinality(v_signatures) > 16 then
    return 'header_without_signature';
  end if;
  -- The real clock, not the one that tests move: a replay must stay impossible whatever core.now() says.
  if abs(extract(epoch from clock_timestamp()) - v_instants[1]::bigint) > core.billing_tolerance_seconds() then
    return 'instant_out_of_tolerance';
  end if;
  if not exists (select from private.billing_secrets()) then
    return 'no_secret_configured';
  end if;

  -- "=" stops at the first byte that differs, and how long it took would tell how many bytes of a forged signature are
  -- right. So both sides are hashed under a key that nobody knows and that is new for each request: where the hashes
  -- differ says nothing about the signatures. bool_or looks at every pair.
  v_payload := convert_to(v_instants[1] || '.' || billing_signature_problem.body, 'UTF8');
  if not (
    select bool_or(
      extensions.hmac(e.signature, v_key, 'sha256') = extensions.hmac(decode(g.signature, 'hex'), v_key, 'sha256')
    )
    from (
      select extensions.hmac(v_payload, convert_to(s.secret, 'UTF8'), 'sha256')
      from private.billing_secrets() as s (secret)
      offset 0
    ) as e (signature)
    cross join unnest(v_signatures) as g (signature)
  ) then
    return 'signature_wrong';
  end if;
  return null;
end
$$;
comment on function private.billing_signature_problem(text, text) is
$$Why a Stripe-Signature header does not vouch for a body; null when it does. For the audit log, never for the caller.$$;
revoke all on function private.billing_signature_problem(text, text) from public;

create or replace function ops.set_billing_secrets(secrets text[])
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (
    select from unnest(set_billing_secrets.secrets) as s (secret)
    where coalesce(s.secret, '') !~ '^[!-+.-~-]{16,200}$'
  ) then
    perform core.raise_error('billing_secret_invalid', 'One of the secrets is none.');
  end if;
  perform private.set_secret('billing_webhook_secrets', array_to_string(set_billing_secrets.secrets, ' '));
end
$$;
comment on function ops.set_billing_secrets(text[]) is
$$Sets the signing secrets of the billing webhook: each of them counts. An empty list refuses every event.

Errors: billing_secret_invalid (400).$$;
revoke all on function ops.set_billing_secrets(text[]) from public;
--! EndIncluded core/subscriptions/billing_signature.sql
--! Included core/subscriptions/read_billing_event.sql
-- Of an event only what is used here is kept, and that is ids, states and instants: no name, no address, no card.

create or replace function private.instant_of(value jsonb)
  returns timestamptz
  language sql
  immutable
  parallel safe
return case
  when jsonb_typeof(instant_of.value) = 'number' and (instant_of.value #>> '{}')::numeric between 0 and 253402300799
    then to_timestamp(trunc((instant_of.value #>> '{}')::numeric))
end;
comment on function private.instant_of(jsonb) is $$Seconds since 1970 as an instant; null for anything else.$$;
revoke all on function private.instant_of(jsonb) from public;

create or replace function private.text_of(value jsonb)
  returns text
  language sql
  immutable
  parallel safe
return case
  when jsonb_typeof(text_of.value) = 'string' and char_length(text_of.value #>> '{}') between 1 and 255
    then text_of.value #>> '{}'
end;
comment on function private.text_of(jsonb) is $$A JSON string of at most 255 characters; null for anything else.$$;
revoke all on function private.text_of(jsonb) from public;

-- A price's period stands in the subscription, and since Stripe's API of 2025-03-31 in its items.
create or replace function private.read_billing_event(event jsonb)
  returns jsonb
  language sql
  stable
  parallel safe
begin atomic
  select jsonb_strip_nulls(jsonb_build_object(
    'customer_id', private.text_of(o.object -> 'customer'),
    'user_id', private.text_of(o.object -> 'metadata' -> 'howdah_user_id'),
    'organization_id', private.text_of(o.object -> 'metadata' -> 'howdah_organization_id'),
    'reference', private.text_of(o.object -> 'client_reference_id')
  )) || case
    when o.object -> 'object' <> '"subscription"' then '{}'
    else jsonb_strip_nulls(jsonb_build_object(
      'subscription_id', private.text_of(o.object -> 'id'),
      'status', private.text_of(o.object -> 'status'),
      'prices', coalesce(
        (
          select jsonb_agg(private.text_of(i.item -> 'price' -> 'id'))
          from jsonb_array_elements(o.items) as i (item)
        ),
        '[]'
      ),
      'trial_ends_at', private.instant_of(o.object -> 'trial_end'),
      'current_period_start',
        coalesce(private.instant_of(o.object -> 'current_period_start'), private.instant_of(o.items -> 0 -> 'current_period_start')),
      'current_period_end',
        coalesce(private.instant_of(o.object -> 'current_period_end'), private.instant_of(o.items -> 0 -> 'current_period_end')),
      'cancel_at_period_end', o.object -> 'cancel_at_period_end' = 'true' or jsonb_typeof(o.object -> 'cancel_at') = 'number',
      'canceled_at',
        coalesce(private.instant_of(o.object -> 'ended_at'), private.instant_of(o.object -> 'canceled_at')),
      'created_at', private.instant_of(o.object -> 'created')
    ))
  end
  from (
    select
      d.object,
      case
        when jsonb_typeof(d.object -> 'items' -> 'data') = 'array' then d.object -> 'items' -> 'data' else '[]'
      end
    from (values (read_billing_event.event -> 'data' -> 'object')) as d (object)
  ) as o (object, items);
end;
comment on function private.read_billing_event(jsonb) is
$$What is kept of a Stripe event: whom it is about and, of a subscription, how it stands.$$;
revoke all on function private.read_billing_event(jsonb) from public;
--! EndIncluded core/subscriptions/read_billing_event.sql
--! Included core/subscriptions/billing_order.sql
-- Events come in any order, and several can carry the same second. What counts is the last by this order, so every
-- order of arrival ends in the same state: the later second; within a second creation, then changes, then the end;
-- then the event's id, which says nothing but says it always.
create or replace function core.billing_order(occurred_at timestamptz, kind text, event_id text)
  returns text
  language sql
  immutable
  parallel safe
return lpad(extract(epoch from billing_order.occurred_at)::bigint::text, 12, '0')
  || case billing_order.kind
    when 'customer.subscription.created' then '0'
    when 'customer.subscription.deleted' then '2'
    else '1'
  end
  || billing_order.event_id;
comment on function core.billing_order(timestamptz, text, text) is
$$The place of a billing event among others, as a text to compare in the order of its bytes (collate "C").$$;
revoke all on function core.billing_order(timestamptz, text, text) from public;
--! EndIncluded core/subscriptions/billing_order.sql
--! Included core/subscriptions/link_billing_customer.sql
-- Whose account or organization a customer of the provider pays for. Events name it in the metadata that the server of
-- the application gave (howdah_organization_id, howdah_user_id). A checkout's client_reference_id counts only where an
-- operator says that nobody else writes it: in the address of a payment link the payer may put whose plan they please.

create or replace function private.named_subject(facts jsonb, out user_id uuid, out organization_id uuid)
  returns record
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_reference text := case
    when core.setting('billing_trust_client_reference') = 'true' then named_subject.facts ->> 'reference'
  end;
  v_user uuid := core.uuid_or_null(coalesce(named_subject.facts ->> 'user_id', v_reference));
  v_organization uuid := core.uuid_or_null(coalesce(named_subject.facts ->> 'organization_id', v_reference));
begin
  select o.id into named_subject.organization_id from core.organizations as o where o.id = v_organization;
  if named_subject.organization_id is null then
    select u.id into named_subject.user_id from core.users as u where u.id = v_user and u.deleted_at is null;
  end if;
end
$$;
comment on function private.named_subject(jsonb) is
$$The organization, or else the account, that an event names and that exists; nulls without one.$$;
revoke all on function private.named_subject(jsonb) from public;

create or replace function private.link_billing_customer(event core.billing_events)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_customer_id text := event.facts ->> 'customer_id';
  v_order text := core.billing_order(event.occurred_at, event.kind, event.provider_event_id);
  v_named record := private.named_subject(event.facts);
  v_before core.billing_customers;
begin
  if v_customer_id is null or num_nonnulls(v_named.user_id, v_named.organization_id) = 0 then
    return false;
  end if;
  select c.* into v_before
  from core.billing_customers as c
  where c.provider = event.provider and c.provider_customer_id = v_customer_id;
  -- The first that named somebody decides: a later one cannot carry a paid plan away. First by the provider's order
  -- and not by arrival, so an earlier one that comes late still decides.
  if v_before.linked_by <= v_order collate "C" then
    return false;
  end if;

  insert into core.billing_customers as c (
    provider, provider_customer_id, user_id, organization_id, linked_by, created_at, updated_at
  )
  values (
    event.provider, v_customer_id, v_named.user_id, v_named.organization_id, v_order, core.now(), core.now()
  )
  on conflict on constraint billing_customers_pkey do update set
    user_id = excluded.user_id,
    organization_id = excluded.organization_id,
    linked_by = excluded.linked_by;
  if (v_before.user_id, v_before.organization_id) is distinct from (v_named.user_id, v_named.organization_id) then
    update core.subscriptions as s
    set user_id = v_named.user_id, organization_id = v_named.organization_id, is_surplus = s.state <> 'canceled'
    where s.provider = event.provider and s.provider_customer_id = v_customer_id;
    perform private.settle_subscriptions(v_before.user_id, v_before.organization_id);
    perform private.settle_subscriptions(v_named.user_id, v_named.organization_id);
  end if;
  return true;
end
$$;
comment on function private.link_billing_customer(core.billing_events) is
$$Remembers whom an event's customer pays for, if the event names somebody; true when that is new.$$;
revoke all on function private.link_billing_customer(core.billing_events) from public;
--! EndIncluded core/subscriptions/link_billing_customer.sql
--! Included core/subscriptions/apply_snapshot.sql
-- Every event about a subscription carries the whole of it, so the last one is all there is to know.

-- Of all reports since the last one that was not past_due, the first. Asked of the events and not of the row: then it
-- does not matter in which order they came.
create or replace function private.past_due_since(provider text, subscription_id text)
  returns timestamptz
  language sql
  stable
begin atomic
  select min(e.occurred_at)
  from core.billing_events as e
  where e.provider = past_due_since.provider
    and e.subscription_id = past_due_since.subscription_id
    and e.facts ->> 'status' = 'past_due'
    and e.occurred_at > coalesce(
      (
        select max(o.occurred_at)
        from core.billing_events as o
        where o.provider = past_due_since.provider
          and o.subscription_id = past_due_since.subscription_id
          and o.facts ->> 'status' <> 'past_due'
      ),
      '-infinity'
    );
end;
comment on function private.past_due_since(text, text) is $$Since when a subscription is past due without a break.$$;
revoke all on function private.past_due_since(text, text) from public;

create or replace function private.apply_snapshot(event core.billing_events, customer core.billing_customers)
  returns text
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_id text := event.facts ->> 'subscription_id';
  v_order text := core.billing_order(event.occurred_at, event.kind, event.provider_event_id);
  v_before core.subscriptions;
  v_state text := core.subscription_state(event.facts ->> 'status');
  v_plan text;
begin
  perform core.lock_plan_subject(customer.user_id, customer.organization_id);

  select s.* into v_before
  from core.subscriptions as s
  where s.provider = event.provider and s.provider_subscription_id = v_id;
  if v_before.provider_order >= v_order collate "C" then
    update core.subscriptions as s
    set past_due_at = coalesce(private.past_due_since(event.provider, v_id), s.provider_updated_at)
    where s.id = v_before.id and s.state = 'past_due';
    return 'superseded';
  end if;

  if v_state is null then
    perform core.raise_error('billing_status_unknown', format('The status is %s.', event.facts -> 'status'));
  end if;
  select p.key into v_plan
  from core.plan_prices as r
  join core.plans as p on p.key = r.plan
  where r.provider = event.provider and event.facts -> 'prices' ? r.provider_price_id
  order by p.position desc, p.key
  limit 1;
  if v_plan is null then
    perform core.raise_error('billing_price_unknown', format('The prices are %s.', event.facts -> 'prices'));
  end if;

  insert into core.subscriptions as s (
    user_id, organization_id, plan, state, is_surplus, trial_ends_at, current_period_start, current_period_end,
    cancel_at_period_end, canceled_at, past_due_at, provider, provider_customer_id, provider_subscription_id,
    provider_status, provider_created_at, provider_updated_at, provider_order, created_at, updated_at
  )
  select
    customer.user_id, customer.organization_id, v_plan, v_state, v_state <> 'canceled', x.trial_ends_at,
    x.current_period_start, x.current_period_end, coalesce(x.cancel_at_period_end, false),
    case when v_state = 'canceled' then coalesce(x.canceled_at, event.occurred_at) end,
    case
      when v_state = 'past_due' then coalesce(private.past_due_since(event.provider, v_id), event.occurred_at)
    end,
    event.provider, x.customer_id, v_id, x.status, x.created_at, event.occurred_at, v_order, core.now(), core.now()
  from jsonb_to_record(event.facts) as x (
    customer_id text, status text, trial_ends_at timestamptz, current_period_start timestamptz,
    current_period_end timestamptz, cancel_at_period_end boolean, canceled_at timestamptz, created_at timestamptz
  )
  on conflict on constraint subscriptions_provider_provider_subscription_id_key do update set
    plan = excluded.plan,
    state = excluded.state,
    -- One that comes back to life waits to be chosen; one that lives stays what it was chosen to be.
    is_surplus = excluded.is_surplus and (s.is_surplus or s.state = 'canceled'),
    trial_ends_at = excluded.trial_ends_at,
    current_period_start = excluded.current_period_start,
    current_period_end = excluded.current_period_end,
    cancel_at_period_end = excluded.cancel_at_period_end,
    canceled_at = excluded.canceled_at,
    past_due_at = excluded.past_due_at,
    provider_status = excluded.provider_status,
    provider_created_at = excluded.provider_created_at,
    provider_updated_at = excluded.provider_updated_at,
    provider_order = excluded.provider_order;
  perform private.settle_subscriptions(customer.user_id, customer.organization_id);
  return 'processed';
end
$$;
comment on function private.apply_snapshot(core.billing_events, core.billing_customers) is
$$Brings a subscription to the state that an event tells, unless a later one has been told; returns the outcome.

Errors: billing_status_unknown (422), billing_price_unknown (422).$$;
revoke all on function private.apply_snapshot(core.billing_events, core.billing_customers) from public;
--! EndIncluded core/subscriptions/apply_snapshot.sql
--! Included core/subscriptions/process_billing_event.sql
-- One stored event does what it tells. What goes wrong is undone, noted, and tried again; the event itself stays.

create or replace function core.is_billing_kind(kind text)
  returns boolean
  language sql
  immutable
  parallel safe
return is_billing_kind.kind = 'checkout.session.completed' or starts_with(is_billing_kind.kind, 'customer.subscription.');
comment on function core.is_billing_kind(text) is $$Whether something is done about events of this kind; others are only noted.$$;
revoke all on function core.is_billing_kind(text) from public;

create or replace function private.process_billing_event(provider text, event_id text)
  returns text
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_event core.billing_events;
  v_customer core.billing_customers;
  v_outcome text;
  v_error text;
  v_detail text;
  v_is_link_new boolean := false;
  v_waiting_id text;
begin
  -- Events of one customer one after the other: each then sees what the others have done.
  perform pg_advisory_xact_lock(hashtextextended('howdah:billing:' || e.customer_id, 0))
  from core.billing_events as e
  where e.provider = process_billing_event.provider and e.provider_event_id = process_billing_event.event_id;
  select e.* into strict v_event
  from core.billing_events as e
  where e.provider = process_billing_event.provider and e.provider_event_id = process_billing_event.event_id
  for update;
  if v_event.outcome in ('processed', 'superseded', 'ignored') then
    return v_event.outcome;
  end if;

  begin
    v_is_link_new := private.link_billing_customer(v_event);
    select c.* into v_customer
    from core.billing_customers as c
    where c.provider = v_event.provider and c.provider_customer_id = v_event.customer_id;
    v_outcome := case
      when v_customer.provider is null then 'unmatched'
      when v_event.subscription_id is null then 'processed'
      else private.apply_snapshot(v_event, v_customer)
    end;
  exception when others then
    get stacked diagnostics v_error = message_text, v_detail = pg_exception_detail;
    v_outcome := 'failed';
    v_is_link_new := false;
  end;

  update core.billing_events as e
  set outcome = v_outcome, error = left(concat_ws(': ', v_error, nullif(v_detail, '')), 500),
    attempt_count = e.attempt_count + 1, processed_at = core.now(),
    user_id = v_customer.user_id, organization_id = v_customer.organization_id
  where e.provider = v_event.provider and e.provider_event_id = v_event.provider_event_id;

  -- What came before anybody knew whose it was.
  if v_is_link_new then
    for v_waiting_id in
      select e.provider_event_id
      from core.billing_events as e
      where e.provider = v_event.provider and e.customer_id = v_event.customer_id and e.outcome = 'unmatched'
      order by core.billing_order(e.occurred_at, e.kind, e.provider_event_id) collate "C"
    loop
      perform private.process_billing_event(v_event.provider, v_waiting_id);
    end loop;
  end if;
  return v_outcome;
end
$$;
comment on function private.process_billing_event(text, text) is
$$Does what a stored event tells and notes the outcome: processed, superseded, unmatched or failed. Safe to repeat.$$;
revoke all on function private.process_billing_event(text, text) from public;
--! EndIncluded core/subscriptions/process_billing_event.sql
--! Included core/subscriptions/receive_billing_event_schema.sql
-- What the billing provider hears.
create or replace function core.receive_billing_event_schema()
  returns jsonb
  language sql
  immutable
  parallel safe
return '{
  "type": "object",
  "additionalProperties": false,
  "required": ["received"],
  "properties": {"received": {"type": "boolean", "const": true}}
}'::jsonb;
comment on function core.receive_billing_event_schema() is $$JSON Schema of the answer of receive_billing_event.$$;
revoke all on function core.receive_billing_event_schema() from public;
--! EndIncluded core/subscriptions/receive_billing_event_schema.sql
--! Included core/subscriptions/receive_billing_event.sql
-- The webhook of the billing provider. Its signature is over the bytes of the body, so those bytes have to get here:
-- PostgREST hands the body to a single unnamed json argument as it is, and json (unlike jsonb) keeps the text. Blanks,
-- the order of keys, repeated keys, escapes and long numbers survive; the tests compare.

-- Whoever sends rubbish must not fill the audit log with it.
create or replace function private.record_billing_refusal(reason text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if private.take_attempt(private.attempt_bucket('billing_refusal', record_billing_refusal.reason), 10, interval '1 hour') = 0
  then
    perform core.record_security_event(
      'billing_event_refused', null, jsonb_build_object('reason', record_billing_refusal.reason));
  end if;
end
$$;
comment on function private.record_billing_refusal(text) is
$$Writes a security event for a webhook that was refused: at most 10 an hour for each reason.$$;
revoke all on function private.record_billing_refusal(text) from public;

-- An event that cannot be read has no id to keep it under. Nothing but a damaged provider signs such a thing.
create or replace function private.billing_event_of(body text, out event jsonb)
  returns jsonb
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  billing_event_of.event := billing_event_of.body::jsonb;
  if coalesce(private.text_of(billing_event_of.event -> 'id'), '') !~ '^[A-Za-z0-9_-]{1,255}$'
    or coalesce(private.text_of(billing_event_of.event -> 'type'), '') !~ '^[a-z0-9_.]{1,120}$'
    or private.instant_of(billing_event_of.event -> 'created') is null
  then
    billing_event_of.event := null;
  end if;
exception
  when invalid_text_representation or untranslatable_character or statement_too_complex
    or program_limit_exceeded or numeric_value_out_of_range
  then
    billing_event_of.event := null;
end
$$;
comment on function private.billing_event_of(text) is $$A body as an event with id, type and created; null when it is none.$$;
revoke all on function private.billing_event_of(text) from public;

-- security definer: the provider has no account. The signature over the body is the authorisation, and is checked first.
create or replace function api.receive_billing_event(json)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_body text := $1::text;
  v_headers jsonb := nullif(current_setting('request.headers', true), '')::jsonb;
  v_problem text;
  v_event jsonb;
  v_kind text;
  v_outcome text;
begin
  perform core.require_plain_call();
  v_problem := private.billing_signature_problem(v_headers ->> 'stripe-signature', coalesce(v_body, ''));
  if v_problem is not null then
    perform private.record_billing_refusal(v_problem);
    return core.error_response('billing_signature_invalid');
  end if;
  v_event := private.billing_event_of(v_body);
  if v_event is null then
    perform private.record_billing_refusal('event_unreadable');
    return core.error_response('billing_event_invalid');
  end if;

  v_kind := v_event ->> 'type';
  -- The same event in twenty deliveries at once: one inserts, the others wait for it here.
  insert into core.billing_events as e (provider, provider_event_id, kind, occurred_at, facts, outcome, received_at)
  values (
    'stripe', v_event ->> 'id', v_kind, private.instant_of(v_event -> 'created'),
    case when core.is_billing_kind(v_kind) then private.read_billing_event(v_event) else '{}' end,
    case when core.is_billing_kind(v_kind) then 'received' else 'ignored' end,
    core.now()
  )
  on conflict on constraint billing_events_pkey do nothing;
  select e.outcome into v_outcome
  from core.billing_events as e
  where e.provider = 'stripe' and e.provider_event_id = v_event ->> 'id';
  if v_outcome in ('received', 'failed') then
    v_outcome := private.process_billing_event('stripe', v_event ->> 'id');
  end if;

  -- The event is kept either way; this only makes the provider send it again.
  if v_outcome = 'failed' then
    return core.error_response('billing_event_failed');
  end if;
  return jsonb_build_object('received', true);
end
$$;
comment on function api.receive_billing_event(json) is
$$Webhook for Stripe: POST an event as it came, with its header Stripe-Signature.

Each event is stored once and acted upon once, in whatever order events come. A signature may be 300 seconds old.

@returns core.receive_billing_event_schema
Errors: billing_signature_invalid (400), billing_event_invalid (400), billing_event_failed (424), call_not_plain (400).$$;
revoke all on function api.receive_billing_event(json) from public;
-- Whoever asks: a token makes no difference, the signature does.
grant execute on function api.receive_billing_event(json) to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/subscriptions/receive_billing_event.sql
--! Included core/subscriptions/retry_billing_events.sql
-- The provider gives up after some days; what failed for want of a price, for instance, is still tried here.
-- security definer: the worker writes no table by right; what is done stands in the stored event.
create or replace function core.retry_billing_events()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_event record;
  v_done_count integer := 0;
begin
  for v_event in
    select e.provider, e.provider_event_id
    from core.billing_events as e
    where e.outcome = 'failed'
    order by core.billing_order(e.occurred_at, e.kind, e.provider_event_id) collate "C"
    limit 1000
    -- One that is being delivered again right now needs no second hand.
    for update skip locked
  loop
    if private.process_billing_event(v_event.provider, v_event.provider_event_id) <> 'failed' then
      v_done_count := v_done_count + 1;
    end if;
  end loop;
  return v_done_count;
end
$$;
comment on function core.retry_billing_events() is
$$Tries billing events again that failed; returns how many went through. Safe to repeat.$$;
revoke all on function core.retry_billing_events() from public;
grant execute on function core.retry_billing_events() to howdah_worker;
--! EndIncluded core/subscriptions/retry_billing_events.sql
--! Included core/subscriptions/clean_up_billing_events.sql
-- An event serves no purpose once nobody can ask about it; a signature is worthless after five minutes, and the
-- provider repeats an event for some weeks at most.
-- security definer: the worker writes no table by right; what is deleted is fixed here.
create or replace function core.clean_up_billing_events()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted_count integer;
begin
  delete from core.billing_events as e
  where e.received_at < core.now() - make_interval(
      hours => 24 * (core.setting('billing_event_retention_days') #>> '{}')::integer)
    -- private.past_due_since() still asks these.
    and not exists (
      select from core.subscriptions as s
      where s.provider = e.provider and s.provider_subscription_id = e.subscription_id and s.state = 'past_due'
    );
  get diagnostics v_deleted_count = row_count;
  return v_deleted_count;
end
$$;
comment on function core.clean_up_billing_events() is
$$Deletes billing events older than the setting billing_event_retention_days; returns how many. Safe to repeat.$$;
revoke all on function core.clean_up_billing_events() from public;
grant execute on function core.clean_up_billing_events() to howdah_worker;
--! EndIncluded core/subscriptions/clean_up_billing_events.sql
--! EndIncluded core/subscriptions/_module.sql
--! Included core/notifications/_module.sql
-- Notifications: what people are told, in their inbox and on their devices.
--! Included core/notifications/notification_limits.sql
-- The limits of notifications, each with its reason.

create or replace function core.notification_token_limit() returns integer language sql immutable parallel safe
return 20;
comment on function core.notification_token_limit() is
$$Most devices of an account: more than anybody carries, and one message never becomes a flood of jobs.$$;
revoke all on function core.notification_token_limit() from public;

create or replace function core.notification_ttl() returns interval language sql immutable parallel safe
return interval '24 hours';
comment on function core.notification_ttl() is
$$How long a message may wait for a device unless whoever sends it says otherwise: longer than any quiet hours.$$;
revoke all on function core.notification_ttl() from public;

create or replace function core.delivery_attempt_limit() returns integer language sql immutable parallel safe
return 8;
comment on function core.delivery_attempt_limit() is
$$So many refusals of the kind "later" and a delivery has failed: with the pauses between them, about an hour.$$;
revoke all on function core.delivery_attempt_limit() from public;

create or replace function core.delivery_pause(attempt_count integer)
  returns interval
  language sql
  immutable
  strict
  parallel safe
return least(interval '15 seconds' * power(2, delivery_pause.attempt_count), interval '1 hour');
comment on function core.delivery_pause(integer) is
$$The pause after so many attempts, where the push service names none: 30 seconds, doubled each time, at most an hour.$$;
revoke all on function core.delivery_pause(integer) from public;
--! EndIncluded core/notifications/notification_limits.sql
--! Included core/notifications/declare_notification_kind.sql
-- A module says in its registry.sql which kinds of notification it sends; people switch each kind by itself.
create or replace function core.declare_notification_kind(
  name text,
  description text,
  default_channels text[] default '{inbox,push}',
  is_urgent boolean default false
)
  returns void
  language sql
  volatile
begin atomic
  insert into core.notification_kinds as k (name, description, default_channels, is_urgent)
  values (
    declare_notification_kind.name, declare_notification_kind.description,
    declare_notification_kind.default_channels, declare_notification_kind.is_urgent
  )
  on conflict on constraint notification_kinds_pkey do update set
    description = excluded.description,
    default_channels = excluded.default_channels,
    is_urgent = excluded.is_urgent
  where (k.description, k.default_channels, k.is_urgent)
    is distinct from (excluded.description, excluded.default_channels, excluded.is_urgent);
end;
comment on function core.declare_notification_kind(text, text, text[], boolean) is
$$Declares a kind of notification: what it is for people, and its channels until somebody chooses others.

An urgent kind does not wait for the end of quiet hours and always reaches the inbox. Safe to repeat.$$;
revoke all on function core.declare_notification_kind(text, text, text[], boolean) from public;
--! EndIncluded core/notifications/declare_notification_kind.sql
--! Included core/notifications/quiet_until.sql
-- Whether somebody's night is on, and when it ends. A night is a stretch between two instants, one for each local day it
-- begins on, so that clocks that jump neither tear it apart nor begin it twice.
create or replace function core.quiet_until(timezone text, starts_at text, ends_at text, at timestamptz)
  returns timestamptz
  language sql
  stable
  strict
  parallel safe
return (
  select max(night.ends_at)
  from (
    -- Two days back: zones have skipped a whole day (Pacific/Apia, 30 December 2011).
    select
      (day + quiet_until.starts_at::time) at time zone quiet_until.timezone as starts_at,
      (
        day + quiet_until.ends_at::time
        + case when quiet_until.ends_at <= quiet_until.starts_at then interval '1 day' else interval '0' end
      ) at time zone quiet_until.timezone as ends_at
    from (
      select (quiet_until.at at time zone quiet_until.timezone)::date + d.offset_days as day
      from generate_series(-2, 1) as d (offset_days)
    ) as days
  ) as night
  where night.starts_at <= quiet_until.at and quiet_until.at < night.ends_at
);
comment on function core.quiet_until(text, text, text, timestamptz) is
$$When the quiet hours that hold at an instant end, by a zone's own clocks; null when it is not quiet.

Where clocks jump over a border, it is as much later as they jumped (02:30 becomes 03:30 in Berlin on the last Sunday of
March). Where they show it twice, it is the second time.$$;
revoke all on function core.quiet_until(text, text, text, timestamptz) from public;
--! EndIncluded core/notifications/quiet_until.sql
--! Included core/notifications/push_at.sql
-- The earliest instant at which somebody may be pushed.
create or replace function core.push_at(user_id uuid, is_urgent boolean, at timestamptz)
  returns timestamptz
  language sql
  stable
begin atomic
  select coalesce(
    (
      select core.quiet_until(u.timezone, q.starts_at, q.ends_at, push_at.at)
      from core.quiet_hours as q join core.users as u on u.id = q.user_id
      where q.user_id = push_at.user_id and not push_at.is_urgent
    ),
    push_at.at
  );
end;
comment on function core.push_at(uuid, boolean, timestamptz) is
$$The instant itself, or the end of the quiet hours it lies in.$$;
revoke all on function core.push_at(uuid, boolean, timestamptz) from public;
--! EndIncluded core/notifications/push_at.sql
--! Included core/notifications/web_push_keys.sql
-- The key pair that names this instance to push services (VAPID, RFC 8292). Every subscription of a browser is bound to it,
-- so it lives and is backed up with the subscriptions: made once, by the first worker, and never replaced by itself.
-- security definer: the worker reads no secret by right; these two are the ones it signs with.
create or replace function core.keep_web_push_keys(public_key text, private_key text)
  returns boolean
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  with kept as (
    insert into private.secrets (name, value)
    select k.name, k.value
    from (values
      ('web_push_public_key', keep_web_push_keys.public_key),
      ('web_push_private_key', keep_web_push_keys.private_key)
    ) as k (name, value)
    where not exists (select from private.secrets as s where s.name = 'web_push_private_key')
      and octet_length(core.base64url_decode(keep_web_push_keys.public_key)) = 65
      and octet_length(core.base64url_decode(keep_web_push_keys.private_key)) = 32
    on conflict on constraint secrets_pkey do nothing
    returning 1
  )
  select exists (select from kept)
$$;
comment on function core.keep_web_push_keys(text, text) is
$$Keeps a VAPID key pair if there is none yet; says whether it did. Both base64url.$$;
revoke all on function core.keep_web_push_keys(text, text) from public;
grant execute on function core.keep_web_push_keys(text, text) to howdah_worker;
--! EndIncluded core/notifications/web_push_keys.sql
--! Included core/notifications/disable_token.sql
-- A device that gets nothing any more, until it registers again. What still waited for it is given up.
create or replace function private.disable_tokens(token_ids uuid[], reason text)
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_disabled_count integer;
begin
  update core.notification_tokens as t
  set disabled_reason = disable_tokens.reason, disabled_at = core.now()
  where t.id = any (disable_tokens.token_ids) and t.disabled_at is null;
  get diagnostics v_disabled_count = row_count;
  update core.notification_deliveries as d
  set state = 'skipped', finished_at = core.now(), last_error = 'The device was disabled: ' || disable_tokens.reason
  where d.token_id = any (disable_tokens.token_ids) and d.state = 'waiting';
  return v_disabled_count;
end
$$;
comment on function private.disable_tokens(uuid[], text) is
$$Disables devices for one of the reasons that core.notification_tokens knows; returns how many were enabled.$$;
revoke all on function private.disable_tokens(uuid[], text) from public;
--! EndIncluded core/notifications/disable_token.sql
--! Included core/notifications/triggers.sql
-- What keeps the tables of notifications true.

create or replace trigger _100_touch_updated_at
  before update on core.notification_kinds
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.notification_preferences
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.quiet_hours
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.notification_tokens
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.notifications
  for each row execute function core.tg__touch_updated_at();

create or replace trigger _100_touch_updated_at
  before update on core.notification_deliveries
  for each row execute function core.tg__touch_updated_at();

-- However a session ends: the device it was on must not go on showing what is the account's.
create or replace function core.tg_sessions__disable_tokens()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.disable_tokens(array_agg(t.id), 'session_ended')
  from core.notification_tokens as t
  where t.session_id = new.id and t.disabled_at is null
  having count(*) > 0;
  return null;
end
$$;
comment on function core.tg_sessions__disable_tokens() is $$Disables the devices that were registered through a session.$$;
revoke all on function core.tg_sessions__disable_tokens() from public;

create or replace trigger _500_disable_tokens
  after update of revoked_at on core.sessions
  for each row
  when (old.revoked_at is null and new.revoked_at is not null)
  execute function core.tg_sessions__disable_tokens();
--! EndIncluded core/notifications/triggers.sql
--! Included core/notifications/policies.sql
-- Row-level security of notifications. Writes go through functions; web roles only read what is theirs.

alter table core.notification_kinds enable row level security;
drop policy if exists select_all on core.notification_kinds;
create policy select_all on core.notification_kinds
  for select to howdah_user, howdah_admin
  using (true);
revoke all on core.notification_kinds from howdah_anon, howdah_user, howdah_admin;
grant select (name, description, default_channels, is_urgent) on core.notification_kinds to howdah_user, howdah_admin;

alter table core.notification_preferences enable row level security;
drop policy if exists select_own on core.notification_preferences;
create policy select_own on core.notification_preferences
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on core.notification_preferences from howdah_anon, howdah_user, howdah_admin;
grant select (user_id, kind, channels) on core.notification_preferences to howdah_user, howdah_admin;

alter table core.quiet_hours enable row level security;
drop policy if exists select_own on core.quiet_hours;
create policy select_own on core.quiet_hours
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on core.quiet_hours from howdah_anon, howdah_user, howdah_admin;
grant select (user_id, starts_at, ends_at) on core.quiet_hours to howdah_user, howdah_admin;

-- The token and its keys are in no grant: whoever has them can be the device.
alter table core.notification_tokens enable row level security;
drop policy if exists select_own on core.notification_tokens;
create policy select_own on core.notification_tokens
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on core.notification_tokens from howdah_anon, howdah_user, howdah_admin;
grant select (
  id, user_id, session_id, platform, device_name, app_version, locale, disabled_reason, disabled_at, last_seen_at,
  created_at
) on core.notification_tokens to howdah_user, howdah_admin;

alter table core.notifications enable row level security;
drop policy if exists select_own on core.notifications;
create policy select_own on core.notifications
  for select to howdah_user, howdah_admin
  using (user_id = (select core.current_user_id()));
revoke all on core.notifications from howdah_anon, howdah_user, howdah_admin;
grant select (id, user_id, kind, title, body, data, channels, not_before, read_at, created_at)
  on core.notifications to howdah_user, howdah_admin;

-- No policy: nobody but their owner's functions reads these.
alter table core.notification_deliveries enable row level security;
--! EndIncluded core/notifications/policies.sql
--! Included core/notifications/views.sql
-- What notifications show through the API.

create or replace view api.notification_tokens
  with (security_invoker = true)
as
select
  t.id,
  t.platform,
  t.device_name,
  t.app_version,
  t.locale,
  t.disabled_reason,
  t.disabled_at,
  t.last_seen_at,
  t.created_at,
  coalesce(t.session_id = (select core.current_session_id()), false) as is_current
from core.notification_tokens as t;
comment on view api.notification_tokens is $$One's own devices that notifications are pushed to.$$;
comment on column api.notification_tokens.id is $$Key of the device.$$;
comment on column api.notification_tokens.platform is $$ios, android or web.$$;
comment on column api.notification_tokens.device_name is $$Name the client gave the device.$$;
comment on column api.notification_tokens.app_version is $$Version of the client application.$$;
comment on column api.notification_tokens.locale is $$Language tag of the device; null: the account's own.$$;
comment on column api.notification_tokens.disabled_reason is
$$Why it gets nothing (gone, invalid, session_ended, stale); null while it does. Registering again enables it.$$;
comment on column api.notification_tokens.disabled_at is $$When it was disabled; null while it is enabled.$$;
comment on column api.notification_tokens.last_seen_at is $$When it was last registered.$$;
comment on column api.notification_tokens.created_at is $$When it was first registered for this account.$$;
comment on column api.notification_tokens.is_current is
$$Whether it was registered through the session of this request.

@notNull$$;
revoke all on api.notification_tokens from howdah_anon, howdah_user, howdah_admin;
grant select on api.notification_tokens to howdah_user, howdah_admin;

create or replace view api.notifications
  with (security_invoker = true)
as
select
  n.id,
  n.kind,
  n.title,
  n.body,
  n.data,
  n.created_at,
  n.read_at
from core.notifications as n
where 'inbox' = any (n.channels) and n.not_before <= (select core.now());
comment on view api.notifications is $$One's own inbox.$$;
comment on column api.notifications.id is $$Key of the notification.$$;
comment on column api.notifications.kind is $$What it is about; notification_preferences lists the kinds.$$;
comment on column api.notifications.title is $$First line, 1 to 200 characters.$$;
comment on column api.notifications.body is $$Text; may be empty.$$;
comment on column api.notifications.data is $$What the client needs to open the right screen.$$;
comment on column api.notifications.created_at is $$When it was made.$$;
comment on column api.notifications.read_at is $$When it was marked as read; null while it is not.$$;
revoke all on api.notifications from howdah_anon, howdah_user, howdah_admin;
grant select on api.notifications to howdah_user, howdah_admin;

create or replace view api.notification_preferences
  with (security_invoker = true)
as
select
  (select core.current_user_id()) as user_id,
  k.name as kind,
  k.description,
  k.is_urgent,
  coalesce(p.channels, k.default_channels) as channels,
  p.user_id is null as is_default
from core.notification_kinds as k
left join core.notification_preferences as p
  on p.kind = k.name and p.user_id = (select core.current_user_id());
comment on view api.notification_preferences is $$Every kind of notification, and through which channels you get it.$$;
comment on column api.notification_preferences.user_id is
$$Whose they are: yours.

@notNull$$;
comment on column api.notification_preferences.kind is
$$Name of the kind.

@notNull$$;
comment on column api.notification_preferences.description is
$$What it is about.

@notNull$$;
comment on column api.notification_preferences.is_urgent is
$$Whether it is pushed in quiet hours too; its inbox cannot be switched off.

@notNull$$;
comment on column api.notification_preferences.channels is
$$Any of inbox and push.

@notNull$$;
comment on column api.notification_preferences.is_default is
$$Whether you have chosen nothing for this kind.

@notNull$$;
revoke all on api.notification_preferences from howdah_anon, howdah_user, howdah_admin;
grant select on api.notification_preferences to howdah_user, howdah_admin;

create or replace view api.quiet_hours
  with (security_invoker = true)
as
select
  q.user_id,
  q.starts_at,
  q.ends_at
from core.quiet_hours as q;
comment on view api.quiet_hours is $$Your quiet hours: one row, or none. What comes in them is pushed at their end.$$;
comment on column api.quiet_hours.user_id is $$Whose they are: yours.$$;
comment on column api.quiet_hours.starts_at is $$HH:MM by the clocks of your zone.$$;
comment on column api.quiet_hours.ends_at is $$HH:MM by the clocks of your zone; before starts_at it is on the next day.$$;
revoke all on api.quiet_hours from howdah_anon, howdah_user, howdah_admin;
grant select on api.quiet_hours to howdah_user, howdah_admin;
--! EndIncluded core/notifications/views.sql
--! Included core/notifications/read_push_subscription.sql
-- What a browser says about itself (JSON.stringify of its PushSubscription), said wrong in words before a table sees it.
create or replace function private.read_push_subscription(
  subscription jsonb,
  out endpoint text,
  out p256dh bytea,
  out auth bytea
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  endpoint := read_push_subscription.subscription ->> 'endpoint';
  p256dh := private.base64url_bytes(read_push_subscription.subscription #>> '{keys,p256dh}');
  auth := private.base64url_bytes(read_push_subscription.subscription #>> '{keys,auth}');
  if not coalesce(endpoint ~ '^https://[a-z0-9.-]+(:[0-9]{1,5})?/[!-~]*$' and char_length(endpoint) <= 2000, false) then
    perform core.raise_error('notification_token_invalid',
      'The endpoint must be an https address of at most 2,000 characters, with its host in lower case.');
  end if;
  if not coalesce(octet_length(p256dh) = 65 and get_byte(p256dh, 0) = 4, false) then
    perform core.raise_error('notification_token_invalid',
      'keys.p256dh must be the 65 bytes of an uncompressed point, as base64url.');
  end if;
  if octet_length(auth) is distinct from 16 then
    perform core.raise_error('notification_token_invalid', 'keys.auth must be 16 bytes, as base64url.');
  end if;
end
$$;
comment on function private.read_push_subscription(jsonb) is
$$Endpoint and keys of a PushSubscription. Errors: notification_token_invalid (400).$$;
revoke all on function private.read_push_subscription(jsonb) from public;

-- Only the alphabet of base64url: decode() would overlook white space, and one key would have many spellings.
create or replace function private.base64url_bytes(encoded text)
  returns bytea
  language sql
  immutable
  parallel safe
return case
  when base64url_bytes.encoded ~ '^[A-Za-z0-9_-]{1,200}={0,2}$'
    then core.base64url_decode(rtrim(base64url_bytes.encoded, '='))
end;
comment on function private.base64url_bytes(text) is $$The bytes of a short base64url text, padded or not; null for any other.$$;
revoke all on function private.base64url_bytes(text) from public;
--! EndIncluded core/notifications/read_push_subscription.sql
--! Included core/notifications/require_device_token.sql
-- What a phone says of itself, said wrong in words before a table sees it.
create or replace function private.require_device_token(platform text, token text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  -- Hexadecimal has two spellings of one token.
  v_token text := case require_device_token.platform
    when 'ios' then lower(require_device_token.token)
    else require_device_token.token
  end;
begin
  if not coalesce(require_device_token.platform in ('ios', 'android', 'web'), false) then
    perform core.raise_error('notification_token_invalid', 'The platform must be ios, android or web.');
  elsif require_device_token.platform = 'ios' and not coalesce(v_token ~ '^[0-9a-f]{64,200}$', false) then
    perform core.raise_error('notification_token_invalid', 'The token of an ios device has 64 to 200 hexadecimal digits.');
  elsif require_device_token.platform = 'android'
    and not coalesce(v_token ~ '^[A-Za-z0-9_:.-]+$' and char_length(v_token) between 20 and 1000, false)
  then
    perform core.raise_error('notification_token_invalid',
      'The token of an android device has 20 to 1,000 letters, digits, underscores, colons, dots and hyphens.');
  end if;
  return v_token;
end
$$;
comment on function private.require_device_token(text, text) is
$$The token as it is kept. Errors: notification_token_invalid (400).$$;
revoke all on function private.require_device_token(text, text) from public;
--! EndIncluded core/notifications/require_device_token.sql
--! Included core/notifications/require_device_texts.sql
-- What a device may be called: as a session's device, and as a profile's locale.
create or replace function private.require_device_texts(device_name text, app_version text, locale text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform private.require_device(null, require_device_texts.device_name);
  perform private.require_profile(null, null, null, null, require_device_texts.locale);
  if char_length(require_device_texts.app_version) not between 1 and 40 then
    perform core.raise_error('device_invalid', 'app_version must have 1 to 40 characters.');
  end if;
end
$$;
comment on function private.require_device_texts(text, text, text) is
$$Refuses what a device cannot be called. Errors: device_invalid (400), locale_invalid (400).$$;
revoke all on function private.require_device_texts(text, text, text) from public;
--! EndIncluded core/notifications/require_device_texts.sql
--! Included core/notifications/register_notification_token.sql
-- A device says: push to me, for whoever is signed in here. Clients say it at every start.
-- A token belongs to one account. Registered by another it moves: the row before goes, with what still waited for it, and
-- the new owner cannot tell whether there was one.
-- security definer: web roles write no device, and RLS would hide the row that another account has.
create or replace function api.register_notification_token(
  platform text,
  token text default null,
  subscription jsonb default null,
  device_name text default null,
  app_version text default null,
  locale text default null
)
  returns setof api.notification_tokens
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_id uuid;
  v_token text := private.require_device_token(register_notification_token.platform, register_notification_token.token);
  v_p256dh bytea;
  v_auth bytea;
  v_hash bytea;
begin
  perform private.require_device_texts(
    register_notification_token.device_name, register_notification_token.app_version,
    register_notification_token.locale
  );
  if register_notification_token.platform = 'web' then
    select s.endpoint, s.p256dh, s.auth into v_token, v_p256dh, v_auth
    from private.read_push_subscription(register_notification_token.subscription) as s;
  end if;
  v_hash := extensions.digest(register_notification_token.platform || ':' || v_token, 'sha256');

  -- The account first, then the token, everywhere: two that want the same device wait, and the later one has it.
  perform from core.users as u where u.id = v_user_id for no key update;
  perform pg_advisory_xact_lock(('x' || encode(substring(v_hash for 8), 'hex'))::bit(64)::bigint);
  delete from core.notification_tokens as t where t.token_hash = v_hash and t.user_id <> v_user_id;
  insert into core.notification_tokens as t (
    user_id, session_id, platform, token, web_p256dh, web_auth, device_name, app_version, locale,
    last_seen_at, created_at, updated_at
  )
  values (
    v_user_id,
    (select s.id from core.sessions as s where s.id = core.current_session_id() and s.user_id = v_user_id),
    register_notification_token.platform, v_token, v_p256dh, v_auth,
    register_notification_token.device_name, register_notification_token.app_version,
    register_notification_token.locale, core.now(), core.now(), core.now()
  )
  on conflict on constraint notification_tokens_token_hash_key do update set
    session_id = excluded.session_id,
    web_p256dh = excluded.web_p256dh,
    web_auth = excluded.web_auth,
    device_name = coalesce(excluded.device_name, t.device_name),
    app_version = coalesce(excluded.app_version, t.app_version),
    locale = coalesce(excluded.locale, t.locale),
    disabled_reason = null,
    disabled_at = null,
    last_seen_at = excluded.last_seen_at
  returning t.id into v_id;

  -- Beyond the limit, the devices not seen for longest go: a new phone must never be locked out by old ones.
  delete from core.notification_tokens as t
  where t.user_id = v_user_id and t.id in (
    select o.id from core.notification_tokens as o
    where o.user_id = v_user_id and o.id <> v_id
    order by o.last_seen_at desc, o.id desc
    offset core.notification_token_limit() - 1
  );
  return query select t.* from api.notification_tokens as t where t.id = v_id;
end
$$;
comment on function api.register_notification_token(text, text, jsonb, text, text, text) is
$$Push notifications to this device from now on. Call it at every start of the client; safe to repeat.

platform ios (token: hexadecimal) or android (token) or web (subscription: the browser's PushSubscription as JSON). The
device belongs to whoever registered it last, is disabled when the session ends, and after 20 devices the one not seen
for longest goes.

Errors: not_signed_in (401), notification_token_invalid (400), device_invalid (400), locale_invalid (400).$$;
revoke all on function api.register_notification_token(text, text, jsonb, text, text, text) from public;
grant execute on function api.register_notification_token(text, text, jsonb, text, text, text)
  to howdah_user, howdah_admin;
--! EndIncluded core/notifications/register_notification_token.sql
--! Included core/notifications/unregister_notification_token.sql
-- security definer: web roles write no device; the row must belong to the caller.
create or replace function api.unregister_notification_token(token_id uuid)
  returns void
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from core.notification_tokens as t
  where t.id = unregister_notification_token.token_id and t.user_id = core.current_user_id();
  if not found then
    perform core.raise_error('notification_token_not_found',
      format('The id sent was %s.', coalesce(unregister_notification_token.token_id::text, 'null')));
  end if;
end
$$;
comment on function api.unregister_notification_token(uuid) is
$$Push no more notifications to one of your devices, and forget it.

Errors: notification_token_not_found (404).$$;
revoke all on function api.unregister_notification_token(uuid) from public;
grant execute on function api.unregister_notification_token(uuid) to howdah_user, howdah_admin;
--! EndIncluded core/notifications/unregister_notification_token.sql
--! Included core/notifications/update_notification_preferences.sql
-- security definer: web roles write no preference; the row is the caller's own.
create or replace function api.update_notification_preferences(kind text, channels text[] default null)
  returns setof api.notification_preferences
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_channels text[];
  v_is_urgent boolean;
begin
  select k.is_urgent into v_is_urgent
  from core.notification_kinds as k where k.name = update_notification_preferences.kind;
  if not found then
    perform core.raise_error('notification_kind_unknown',
      format('The kind sent was %s.', coalesce(to_json(left(update_notification_preferences.kind, 80))::text, 'null')));
  end if;
  if update_notification_preferences.channels is null then
    delete from core.notification_preferences as p
    where p.user_id = v_user_id and p.kind = update_notification_preferences.kind;
  else
    select coalesce(array_agg(distinct c.channel order by c.channel), '{}') into v_channels
    from unnest(update_notification_preferences.channels) as c (channel);
    if cardinality(update_notification_preferences.channels) > 10
      or not coalesce(v_channels <@ array['inbox', 'push'], false)
      or (v_is_urgent and not 'inbox' = any (v_channels))
    then
      perform core.raise_error('notification_channels_invalid',
        case when v_is_urgent then 'This kind is urgent: its channels are any of inbox and push, inbox among them.'
        else 'The channels are any of inbox and push.' end);
    end if;
    insert into core.notification_preferences as p (user_id, kind, channels, created_at, updated_at)
    values (v_user_id, update_notification_preferences.kind, v_channels, core.now(), core.now())
    on conflict on constraint notification_preferences_pkey do update set channels = excluded.channels
    where p.channels <> excluded.channels;
  end if;
  return query
    select p.* from api.notification_preferences as p where p.kind = update_notification_preferences.kind;
end
$$;
comment on function api.update_notification_preferences(text, text[]) is
$$Choose the channels of one kind of notification: any of inbox and push, or none; null goes back to the default.

Holds for what is sent from now on. An urgent kind keeps its inbox.

Errors: not_signed_in (401), notification_kind_unknown (404), notification_channels_invalid (400).$$;
revoke all on function api.update_notification_preferences(text, text[]) from public;
grant execute on function api.update_notification_preferences(text, text[]) to howdah_user, howdah_admin;
--! EndIncluded core/notifications/update_notification_preferences.sql
--! Included core/notifications/set_quiet_hours.sql
-- security definer: web roles write no quiet hours; the row is the caller's own.
create or replace function api.set_quiet_hours(starts_at text default null, ends_at text default null)
  returns setof api.quiet_hours
  language plpgsql
  volatile
  security definer
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := core.require_user();
  v_pattern constant text := '^([01][0-9]|2[0-3]):[0-5][0-9]$';
begin
  if set_quiet_hours.starts_at is null and set_quiet_hours.ends_at is null then
    delete from core.quiet_hours as q where q.user_id = v_user_id;
    return;
  end if;
  if not coalesce(
    set_quiet_hours.starts_at ~ v_pattern and set_quiet_hours.ends_at ~ v_pattern
      and set_quiet_hours.starts_at <> set_quiet_hours.ends_at,
    false
  ) then
    perform core.raise_error('quiet_hours_invalid', 'They must be two different times from 00:00 to 23:59.');
  end if;
  insert into core.quiet_hours as q (user_id, starts_at, ends_at, created_at, updated_at)
  values (v_user_id, set_quiet_hours.starts_at, set_quiet_hours.ends_at, core.now(), core.now())
  on conflict on constraint quiet_hours_pkey do update set starts_at = excluded.starts_at, ends_at = excluded.ends_at
  where (q.starts_at, q.ends_at) <> (excluded.starts_at, excluded.ends_at);
  return query select q.* from api.quiet_hours as q where q.user_id = v_user_id;
end
$$;
comment on function api.set_quiet_hours(text, text) is
$$Set your quiet hours, HH:MM by the clocks of your own zone; without arguments you have none.

What comes in them is pushed when they end; urgent kinds are pushed at once. The inbox does not wait.

Errors: not_signed_in (401), quiet_hours_invalid (400).$$;
revoke all on function api.set_quiet_hours(text, text) from public;
grant execute on function api.set_quiet_hours(text, text) to howdah_user, howdah_admin;
--! EndIncluded core/notifications/set_quiet_hours.sql
--! Included core/notifications/mark_notifications_read.sql
-- security definer: web roles write no notification; only the caller's own rows and their read_at change.
create or replace function api.mark_notifications_read(notification_ids uuid[])
  returns integer
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  with marked as (
    update core.notifications as n
    set read_at = core.now()
    where n.id = any (mark_notifications_read.notification_ids)
      and n.user_id = core.require_user()
      and n.read_at is null
    returning 1
  )
  select count(*)::integer from marked
$$;
comment on function api.mark_notifications_read(uuid[]) is
$$Mark notifications of your inbox as read; answers how many were not. Safe to repeat, ids that are not yours are passed over.

Errors: not_signed_in (401).$$;
revoke all on function api.mark_notifications_read(uuid[]) from public;
grant execute on function api.mark_notifications_read(uuid[]) to howdah_user, howdah_admin;
--! EndIncluded core/notifications/mark_notifications_read.sql
--! Included core/notifications/mark_all_notifications_read.sql
-- security definer: web roles write no notification; only the caller's own rows and their read_at change.
-- A function of its own, so that a list forgotten by a client never means "all".
create or replace function api.mark_all_notifications_read()
  returns integer
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  with marked as (
    update core.notifications as n
    set read_at = core.now()
    where n.user_id = core.require_user() and n.read_at is null and n.not_before <= core.now()
    returning 1
  )
  select count(*)::integer from marked
$$;
comment on function api.mark_all_notifications_read() is
$$Mark your whole inbox as read; answers how many notifications were not.

Errors: not_signed_in (401).$$;
revoke all on function api.mark_all_notifications_read() from public;
grant execute on function api.mark_all_notifications_read() to howdah_user, howdah_admin;
--! EndIncluded core/notifications/mark_all_notifications_read.sql
--! Included core/notifications/enqueue_delivery.sql
-- One job a device, so that one that hangs holds up no other. The key lets a later turn replace one that still waits.
create or replace function private.enqueue_delivery(delivery_id uuid, at timestamptz)
  returns bigint
  language sql
  volatile
begin atomic
  select core.enqueue_job(
    'core/send_notification',
    jsonb_build_object('delivery_id', enqueue_delivery.delivery_id),
    'core/send_notification:' || enqueue_delivery.delivery_id,
    -- The worker's clock is the server's own; core.now() may be moved.
    case when enqueue_delivery.at > core.now() then now() + (enqueue_delivery.at - core.now()) end
  );
end;
comment on function private.enqueue_delivery(uuid, timestamptz) is $$Has the worker look at a delivery at an instant.$$;
revoke all on function private.enqueue_delivery(uuid, timestamptz) from public;
--! EndIncluded core/notifications/enqueue_delivery.sql
--! Included core/notifications/notify.sql
-- The one way to tell people something: into their inbox and to each of their devices, as they wish it for the kind.
-- Any function of a module that runs as the owner may call it; no web role and not the worker.
create or replace function core.notify(
  user_id uuid,
  kind text,
  title text,
  body text default '',
  data jsonb default '{}',
  dedupe_key text default null,
  collapse_key text default null,
  not_before timestamptz default null,
  expires_at timestamptz default null
)
  returns uuid
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_id uuid;
  v_kind core.notification_kinds;
  v_channels text[];
  v_not_before timestamptz := coalesce(notify.not_before, core.now());
  v_push_at timestamptz;
  v_delivery_id uuid;
begin
  select k.* into v_kind from core.notification_kinds as k where k.name = notify.kind;
  if not found then
    perform core.raise_error('notification_kind_unknown',
      format('The kind was %s.', coalesce(to_json(left(notify.kind, 80))::text, 'null')));
  end if;
  select coalesce(
    (
      select p.channels from core.notification_preferences as p
      where p.user_id = notify.user_id and p.kind = notify.kind
    ),
    v_kind.default_channels
  ) into v_channels;

  insert into core.notifications as n (
    user_id, kind, title, body, data, channels, dedupe_key, collapse_key, not_before, expires_at, created_at, updated_at
  )
  values (
    notify.user_id, notify.kind, notify.title, notify.body, notify.data, v_channels, notify.dedupe_key,
    notify.collapse_key, v_not_before, coalesce(notify.expires_at, v_not_before + core.notification_ttl()),
    core.now(), core.now()
  )
  on conflict on constraint notifications_user_id_dedupe_key_key do nothing
  returning n.id into v_id;
  if v_id is null then
    return (
      select n.id from core.notifications as n
      where n.user_id = notify.user_id and n.dedupe_key = notify.dedupe_key
    );
  end if;

  if 'push' = any (v_channels) then
    v_push_at := core.push_at(notify.user_id, v_kind.is_urgent, v_not_before);
    for v_delivery_id in
      insert into core.notification_deliveries as d (
        user_id, notification_id, token_id, next_attempt_at, created_at, updated_at
      )
      select t.user_id, v_id, t.id, v_push_at, core.now(), core.now()
      from core.notification_tokens as t
      where t.user_id = notify.user_id and t.disabled_at is null
      returning d.id
    loop
      perform private.enqueue_delivery(v_delivery_id, v_push_at);
    end loop;
  end if;
  return v_id;
end
$$;
comment on function core.notify(uuid, text, text, text, jsonb, text, text, timestamptz, timestamptz) is
$$Notifies somebody of a declared kind and returns the notification's id.

dedupe_key: the same key for the same person again does nothing and returns the first one's id. collapse_key: on a device
a later message replaces one of the same key. not_before: not in the inbox and not pushed earlier. expires_at: not pushed
later (24 hours when not given). data: an object of what the client needs; title, body and data may take 3,000 bytes.

Errors: notification_kind_unknown (404).$$;
revoke all on function core.notify(uuid, text, text, text, jsonb, text, text, timestamptz, timestamptz) from public;
--! EndIncluded core/notifications/notify.sql
--! Included core/notifications/web_push_contact.sql
-- Push services want to know whom to write to about what we send (RFC 8292 section 2.1): https or mailto.
create or replace function core.web_push_contact()
  returns text
  language sql
  stable
begin atomic
  select case
    when core.setting('app_url') #>> '{}' ~ '^https://' then core.setting('app_url') #>> '{}'
    else 'mailto:' || (core.setting('mail_sender') #>> '{}')
  end;
end;
comment on function core.web_push_contact() is
$$Where push services find us: app_url where it is https, else the address that mails come from.$$;
revoke all on function core.web_push_contact() from public;
--! EndIncluded core/notifications/web_push_contact.sql
--! Included core/notifications/begin_delivery.sql
-- The worker's first step with a delivery: decides whether it goes out now and hands over what it takes, once.
-- From here to core.finish_delivery() it is "sending". Found in that state again, its worker has died on the way: nobody
-- knows whether the push service has it, so it becomes "unknown" and is never sent a second time.
-- security definer: the worker reads no device and no notification; it gets what one delivery needs, nothing else.
create or replace function core.begin_delivery(delivery_id uuid)
  returns jsonb
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery core.notification_deliveries;
  v_notification core.notifications;
  v_token core.notification_tokens;
  v_is_urgent boolean;
  v_attempt_at timestamptz;
begin
  select d.* into v_delivery
  from core.notification_deliveries as d where d.id = begin_delivery.delivery_id for update;
  if v_delivery.state = 'sending' then
    update core.notification_deliveries as d
    set state = 'unknown', finished_at = core.now(), last_error = 'The worker died on the way.'
    where d.id = v_delivery.id;
    return null;
  elsif v_delivery.state is distinct from 'waiting' then
    return null;
  end if;

  select n.* into v_notification from core.notifications as n where n.id = v_delivery.notification_id;
  select t.* into v_token from core.notification_tokens as t where t.id = v_delivery.token_id;
  select k.is_urgent into v_is_urgent from core.notification_kinds as k where k.name = v_notification.kind;
  -- Asked again at the last moment: the night or the zone may have been changed since.
  v_attempt_at := core.push_at(
    v_delivery.user_id, v_is_urgent, greatest(v_delivery.next_attempt_at, v_notification.not_before, core.now())
  );

  if v_notification.expires_at <= v_attempt_at then
    update core.notification_deliveries as d
    set state = 'expired', finished_at = core.now()
    where d.id = v_delivery.id;
    return null;
  end if;
  -- A worker makes the keys at its first start; nothing can be signed before.
  if v_token.platform = 'web' and private.secret('web_push_private_key') is null then
    v_attempt_at := greatest(v_attempt_at, core.now() + core.delivery_pause(1));
  end if;

  if v_attempt_at > core.now() then
    update core.notification_deliveries as d set next_attempt_at = v_attempt_at where d.id = v_delivery.id;
    perform private.enqueue_delivery(v_delivery.id, v_attempt_at);
    return null;
  elsif v_token.session_id is not null and not exists (
    select from core.sessions as s
    where s.id = v_token.session_id and s.revoked_at is null and s.expires_at > core.now()
  ) then
    perform private.disable_tokens(array[v_token.id], 'session_ended');
    return null;
  elsif v_token.disabled_at is not null or not exists (
    select from core.users as u
    where u.id = v_delivery.user_id and u.status = 'active' and u.deleted_at is null
  ) then
    update core.notification_deliveries as d
    set state = 'skipped', finished_at = core.now()
    where d.id = v_delivery.id;
    return null;
  end if;

  update core.notification_deliveries as d
  set state = 'sending', started_at = core.now(), attempt_count = d.attempt_count + 1
  where d.id = v_delivery.id;
  return jsonb_build_object(
    'platform', v_token.platform,
    'token', v_token.token,
    'keys', case when v_token.platform = 'web' then jsonb_build_object(
      'p256dh', core.base64url(v_token.web_p256dh),
      'auth', core.base64url(v_token.web_auth),
      'public_key', private.secret('web_push_public_key'),
      'private_key', private.secret('web_push_private_key'),
      'contact', core.web_push_contact()
    ) end,
    'message', jsonb_build_object(
      'id', v_notification.id,
      'kind', v_notification.kind,
      'title', v_notification.title,
      'body', v_notification.body,
      'data', v_notification.data
    ),
    'is_urgent', v_is_urgent,
    'collapse_key', v_notification.collapse_key,
    'ttl_seconds', ceil(extract(epoch from v_notification.expires_at - core.now()))::integer
  );
end
$$;
comment on function core.begin_delivery(uuid) is
$$Takes a waiting delivery for sending and returns what it needs; null when there is nothing to send now.

Called for a delivery already being sent, it notes that its fate is unknown. In quiet hours it comes again at their end.$$;
revoke all on function core.begin_delivery(uuid) from public;
grant execute on function core.begin_delivery(uuid) to howdah_worker;
--! EndIncluded core/notifications/begin_delivery.sql
--! Included core/notifications/finish_delivery.sql
-- The worker's last step with a delivery: what became of it.
-- security definer: the worker writes no table by right; only a delivery that is being sent can change here.
create or replace function core.finish_delivery(
  delivery_id uuid,
  outcome text,
  error text default null,
  retry_after_seconds integer default null
)
  returns text
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_delivery core.notification_deliveries;
  v_expires_at timestamptz;
  v_next_at timestamptz;
  v_state text := case
    when finish_delivery.outcome in ('gone', 'invalid') then 'failed'
    when finish_delivery.outcome = 'later' then 'waiting'
    else finish_delivery.outcome
  end;
begin
  select d.* into v_delivery
  from core.notification_deliveries as d
  where d.id = finish_delivery.delivery_id and d.state = 'sending' for update;
  if not found then
    return null;
  end if;
  if v_state = 'waiting' then
    select n.expires_at into strict v_expires_at
    from core.notifications as n where n.id = v_delivery.notification_id;
    v_next_at := core.now() + coalesce(
      finish_delivery.retry_after_seconds * interval '1 second', core.delivery_pause(v_delivery.attempt_count)
    );
    v_state := case
      when v_delivery.attempt_count >= core.delivery_attempt_limit() then 'failed'
      when v_next_at >= v_expires_at then 'expired'
      else 'waiting'
    end;
  end if;
  update core.notification_deliveries as d
  set
    state = v_state,
    last_error = left(finish_delivery.error, 500),
    next_attempt_at = coalesce(v_next_at, d.next_attempt_at),
    finished_at = case when v_state <> 'waiting' then core.now() end
  where d.id = v_delivery.id;
  if v_state = 'waiting' then
    perform private.enqueue_delivery(v_delivery.id, v_next_at);
  elsif finish_delivery.outcome in ('gone', 'invalid') then
    perform private.disable_tokens(array[v_delivery.token_id], finish_delivery.outcome);
  end if;
  return v_state;
end
$$;
comment on function core.finish_delivery(uuid, text, text, integer) is
$$Notes what a delivery came to and returns its state; null when it was not being sent.

Outcomes: sent; failed; unknown (it may have arrived); skipped; later (it certainly did not arrive: tried again after so
many seconds, or after a pause that grows, until it expires); gone and invalid (failed, and the device is disabled).$$;
revoke all on function core.finish_delivery(uuid, text, text, integer) from public;
grant execute on function core.finish_delivery(uuid, text, text, integer) to howdah_worker;
--! EndIncluded core/notifications/finish_delivery.sql
--! Included core/notifications/clean_up_notifications.sql
-- Devices nobody uses any more get nothing, and messages are kept no longer than they serve.
-- security definer: the worker writes no table by right; what changes is fixed here.
create or replace function core.clean_up_notifications()
  returns integer
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_deleted_count integer;
  v_stale_at timestamptz := core.now()
    - (core.setting('notification_token_stale_days') #>> '{}')::integer * interval '24 hours';
begin
  perform private.disable_tokens(array_agg(t.id), 'session_ended')
  from core.notification_tokens as t
  join core.sessions as s on s.id = t.session_id
  where t.disabled_at is null and s.expires_at <= core.now()
  having count(*) > 0;
  perform private.disable_tokens(array_agg(t.id), 'stale')
  from core.notification_tokens as t
  where t.disabled_at is null and t.last_seen_at < v_stale_at
  having count(*) > 0;
  delete from core.notification_tokens as t where t.disabled_at < v_stale_at;

  -- No attempt takes that long; its worker died, and so did its job.
  update core.notification_deliveries as d
  set state = 'unknown', finished_at = core.now(), last_error = 'The worker died on the way.'
  where d.state = 'sending' and d.started_at < core.now() - interval '1 hour';

  delete from core.notifications as n
  where n.created_at < core.now()
    - (core.setting('notification_retention_days') #>> '{}')::integer * interval '24 hours'
    and n.expires_at < core.now();
  get diagnostics v_deleted_count = row_count;
  return v_deleted_count;
end
$$;
comment on function core.clean_up_notifications() is
$$Disables devices whose session is over or that were not seen for long, forgets those disabled for as long, and deletes
notifications that are old enough; returns how many notifications. Safe to repeat.$$;
revoke all on function core.clean_up_notifications() from public;
grant execute on function core.clean_up_notifications() to howdah_worker;
--! EndIncluded core/notifications/clean_up_notifications.sql
--! Included core/notifications/web_push_public_key.sql
-- What a browser needs to subscribe: PushManager.subscribe({ applicationServerKey }).
-- security definer: web roles read no secret; this half of the pair is none.
create or replace function api.web_push_public_key()
  returns text
  language sql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  select private.secret('web_push_public_key')
$$;
comment on function api.web_push_public_key() is
$$The instance's public key (VAPID, base64url), for PushManager.subscribe().

Null until a worker has run for the first time.$$;
revoke all on function api.web_push_public_key() from public;
grant execute on function api.web_push_public_key() to howdah_anon, howdah_user, howdah_admin;
--! EndIncluded core/notifications/web_push_public_key.sql
--! EndIncluded core/notifications/_module.sql
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
  v_user_id uuid := ops.find_account(act_as.email);
  v_user core.users;
begin
  select u.* into v_user from core.users as u where u.id = v_user_id;
  perform set_config('request.jwt.claims', jsonb_build_object(
    'sub', v_user.id, 'role', core.database_role(v_user.role), 'act', session_user
  )::text, false);
  perform set_config('role', core.database_role(v_user.role), false);
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
--! Included ops/appoint_owner.sql
-- The way out when an organization's only owner is suspended, erased or gone for good.
create or replace function ops.appoint_owner(slug text, email text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ops.find_account(appoint_owner.email);
  v_organization_id uuid;
begin
  select o.id into v_organization_id from core.organizations as o where o.slug = appoint_owner.slug;
  if v_organization_id is null then
    perform core.raise_error('organization_not_found', format('The slug was %s.', coalesce(to_json(appoint_owner.slug)::text, 'null')));
  end if;
  perform private.add_member(v_organization_id, v_user_id, 'owner');
  update core.organization_members as m
  set role = 'owner'
  where m.organization_id = v_organization_id and m.user_id = v_user_id and m.role <> 'owner';
end
$$;
comment on function ops.appoint_owner(text, text) is
$$Makes an account an owner of an organization, named by its slug. Safe to repeat.

Errors: account_not_found (404), organization_not_found (404).$$;
revoke all on function ops.appoint_owner(text, text) from public;
--! EndIncluded ops/appoint_owner.sql
--! Included ops/set_role.sql
-- Makes someone an admin or a helper, or no longer one. An admin's role stands in the access token, so the old tokens
-- must go.
create or replace function ops.set_role(email text, role text)
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ops.find_account(set_role.email);
begin
  if set_role.role is null or set_role.role not in ('user', 'support', 'admin') then
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
$$Gives an account the role user, support or admin and ends its sessions; returns how many ended.

Safe to repeat. Errors: account_not_found (404), role_unknown (400).$$;
revoke all on function ops.set_role(text, text) from public;
--! EndIncluded ops/set_role.sql
--! Included ops/forget_previous_jwt_secret.sql
-- Last step: the old key opens nothing any more.
create or replace function ops.forget_previous_jwt_secret(is_leaked boolean default false)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_changed_at timestamptz;
begin
  select s.updated_at into v_changed_at from private.secrets as s where s.name = 'jwt_secret_previous';
  if not found then
    return false;
  end if;
  if not forget_previous_jwt_secret.is_leaked and v_changed_at + core.access_token_ttl() > core.now() then
    perform core.raise_error('secret_still_used',
      format('The last of its tokens expires at %s.', v_changed_at + core.access_token_ttl()));
  end if;
  delete from private.secrets as s where s.name = 'jwt_secret_previous';
  notify pgrst, 'reload config';
  return true;
end
$$;
comment on function ops.forget_previous_jwt_secret(boolean) is
$$Ends the time in which tokens of the previous secret are accepted; true when there was one.

is_leaked: at once. Clients then refresh their tokens; nobody signs in again. Errors: secret_still_used (409).$$;
revoke all on function ops.forget_previous_jwt_secret(boolean) from public;
--! EndIncluded ops/forget_previous_jwt_secret.sql
--! Included ops/announce_jwt_secret.sql
-- First step of changing the key of access tokens: every PostgREST learns to accept the new one before anything is
-- signed with it.
create or replace function ops.announce_jwt_secret(secret text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(octet_length(announce_jwt_secret.secret), 0) < 32 then
    perform core.raise_error('secret_too_short',
      format('It has %s bytes.', coalesce(octet_length(announce_jwt_secret.secret), 0)));
  end if;
  -- There is room for one old key; changing twice in a quarter of an hour would drop one whose tokens are out.
  perform ops.forget_previous_jwt_secret();
  perform private.set_secret('jwt_secret_next', announce_jwt_secret.secret);
  notify pgrst, 'reload config';
end
$$;
comment on function ops.announce_jwt_secret(text) is
$$Makes PostgREST accept tokens of a secret that nothing is signed with yet. Safe to repeat.

Errors: secret_too_short (400), secret_still_used (409).$$;
revoke all on function ops.announce_jwt_secret(text) from public;
--! EndIncluded ops/announce_jwt_secret.sql
--! Included ops/use_announced_jwt_secret.sql
-- Second step: sign with the announced key. The old one stays good for the tokens that are out.
create or replace function ops.use_announced_jwt_secret()
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_next text := private.secret('jwt_secret_next');
begin
  if v_next is null then
    perform core.raise_error('secret_not_announced');
  end if;
  perform private.tell_jwt_secret(v_next);
end
$$;
comment on function ops.use_announced_jwt_secret() is
$$Signs access tokens with the announced secret from now on.

Errors: secret_not_announced (409).$$;
revoke all on function ops.use_announced_jwt_secret() from public;
--! EndIncluded ops/use_announced_jwt_secret.sql
--! Included ops/retire_jwt_secret.sql
-- An old key that nobody ended is ended by the clock: what it signed has expired, and who stole it could still sign.
-- security definer: the worker reads no secret; it can only end one whose time is over.
create or replace function ops.retire_jwt_secret()
  returns boolean
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from private.secrets as s
  where s.name = 'jwt_secret_previous' and s.updated_at + core.access_token_ttl() <= core.now();
  if not found then
    return false;
  end if;
  notify pgrst, 'reload config';
  return true;
end
$$;
comment on function ops.retire_jwt_secret() is
$$Ends the previous secret of access tokens once the last of its tokens has expired; true when there was one.

Safe to repeat.$$;
revoke all on function ops.retire_jwt_secret() from public;
grant execute on function ops.retire_jwt_secret() to howdah_worker;
--! EndIncluded ops/retire_jwt_secret.sql
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
--! Included ops/remove_second_factor.sql
-- For somebody who has lost phone and recovery codes and has proven in another way who they are.
create or replace function ops.remove_second_factor(email text)
  returns boolean
  language sql
  volatile
begin atomic
  select private.remove_second_factor(ops.find_account(remove_second_factor.email));
end;
comment on function ops.remove_second_factor(text) is
$$Takes an account's second factor away; answers whether there was one. The owner is told by mail.

Safe to repeat. Errors: account_not_found (404).$$;
revoke all on function ops.remove_second_factor(text) from public;
--! EndIncluded ops/remove_second_factor.sql
--! Included ops/add_identity_issuer.sql
-- Whom we believe. The address of the keys is the operator's; no token can bring one.
create or replace function ops.add_identity_issuer(
  issuer text,
  audiences text[],
  jwks_url text,
  is_email_trusted boolean default true
)
  returns text
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into core.identity_issuers as i (issuer, audiences, jwks_url, is_email_trusted)
  values (
    add_identity_issuer.issuer,
    add_identity_issuer.audiences,
    add_identity_issuer.jwks_url,
    add_identity_issuer.is_email_trusted
  )
  on conflict on constraint identity_issuers_pkey do update set
    audiences = excluded.audiences,
    jwks_url = excluded.jwks_url,
    is_email_trusted = excluded.is_email_trusted,
    is_active = true,
    next_fetch_at = core.now();
  perform core.record_security_event('identity_issuer_added', null, jsonb_build_object(
    'issuer', add_identity_issuer.issuer, 'jwks_url', add_identity_issuer.jwks_url
  ));
  perform core.enqueue_job('core/refresh_identity_keys', job_key => 'core/refresh_identity_keys');
  return add_identity_issuer.issuer;
end
$$;
comment on function ops.add_identity_issuer(text, text[], text, boolean) is
$$Lets people sign in with id_tokens of this issuer (its iss, to the letter) that are meant for one of these audiences.

The worker fetches its keys, now and every hour. is_email_trusted: whether its email_verified is believed; if not,
identities of it can be linked, but open no accounts. Safe to repeat: the new values count.$$;
revoke all on function ops.add_identity_issuer(text, text[], text, boolean) from public;
--! EndIncluded ops/add_identity_issuer.sql
--! Included ops/remove_identity_issuer.sql
-- Whom we believe no longer. Identities stay, for the day it is added again.
create or replace function ops.remove_identity_issuer(issuer text)
  returns boolean
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from core.identity_keys as k where k.issuer = remove_identity_issuer.issuer;
  update core.identity_issuers as i
  set is_active = false
  where i.issuer = remove_identity_issuer.issuer and i.is_active;
  if not found then
    return false;
  end if;
  perform core.record_security_event('identity_issuer_removed', null, jsonb_build_object('issuer', remove_identity_issuer.issuer));
  return true;
end
$$;
comment on function ops.remove_identity_issuer(text) is
$$From here on nobody signs in with tokens of this issuer; sessions go on. Answers whether it was believed. Safe to repeat.$$;
revoke all on function ops.remove_identity_issuer(text) from public;
--! EndIncluded ops/remove_identity_issuer.sql
--! Included ops/notify.sql
-- Operators name people by their address.
create or replace function ops.notify(email text, kind text, title text, body text default '', data jsonb default '{}')
  returns uuid
  language sql
  volatile
begin atomic
  select core.notify(ops.find_account(notify.email), notify.kind, notify.title, notify.body, notify.data);
end;
comment on function ops.notify(text, text, text, text, jsonb) is
$$Notifies the account with this address and returns the notification's id.

Errors: account_not_found (404), notification_kind_unknown (404).$$;
revoke all on function ops.notify(text, text, text, text, jsonb) from public;
--! EndIncluded ops/notify.sql
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
  delete from private.sign_in_challenges as c where c.expires_at < core.now();
  delete from private.totp_factors as f
  where f.confirmed_at is null and f.created_at < core.now() - core.totp_enrollment_ttl();
  -- Older tokens are refused for their age.
  delete from private.used_identity_tokens as t
  where t.used_at < core.now() - 2 * core.identity_token_max_age();
  delete from private.attempts as a where a.window_started_at < core.now() - interval '1 day';
  return v_deleted_count;
end
$$;
comment on function ops.cleanup_expired_sessions() is
$$Deletes sessions that ended more than 30 days ago, what expired on the way to one, and counters of attempts older than
a day; returns how many sessions.

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
  parallel safe
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
    sha256(coalesce(string_agg(checked.row_hash, ''::bytea order by checked.transaction_id, checked.id), ''::bytea)),
    (array_agg(checked.id order by checked.transaction_id, checked.id) filter (where not checked.is_intact))[1],
    count(*) filter (where checked.is_blank)
  from (
    select
      e.transaction_id,
      e.id,
      e.row_hash,
      e.salt is null as is_blank,
      ops.is_audit_event_intact(e) and (e.salt is not null or exists (
        -- Blank without an event that says so is a forgery.
        select from core.audit_log as b
        where b.id = e.blanked_by and b.operation = 'audit_blanked' and b.new_values -> 'event_ids' @> to_jsonb(e.id)
      )) as is_intact
    from core.audit_log as e
    where e.transaction_id >= audit_digest.from_transaction
      and (audit_digest.until_transaction is null or e.transaction_id < audit_digest.until_transaction)
    -- Checked first: what is sorted are hashes, and no payloads.
    offset 0
  ) as checked;
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
  select count(*) + (
    -- Where there is no superuser there are none of these; switched off they are by somebody.
    select count(*) from pg_catalog.pg_event_trigger as e
    where e.evtname like 'howdah\_keep\_audit\_%' and e.evtenabled not in ('O', 'A')
  )
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
      and t.tgqual is null
  );
end;
comment on function ops.audit_guards_missing() is
$$How many triggers that write the audit log, or keep it as it is, are missing or switched off.$$;
revoke all on function ops.audit_guards_missing() from public;
--! EndIncluded ops/audit_guards_missing.sql
--! Included ops/audit_expectations.sql
-- What a verification of the audit log may expect: the copy of the seals outside, and where the log begins.
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

create or replace function ops.lost_audit_seals()
  returns table (seal bigint, hash text)
  language sql
  stable
begin atomic
  select (line.value ->> 'seal')::bigint, line.value ->> 'hash'
  from core.audit_landmarks('recovery') as e
  cross join lateral jsonb_array_elements(e.new_values -> 'lost') as line
  where e.salt is not null;
end;
comment on function ops.lost_audit_seals() is $$Lines of the copy that a restore made untrue, as ops.record_audit_recovery() noted them.$$;
revoke all on function ops.lost_audit_seals() from public;

create or replace function ops.copied_audit_seals(exported jsonb)
  returns table (seal bigint, hash text)
  language sql
  stable
begin atomic
  select (l.value ->> 'seal')::bigint, l.value ->> 'hash'
  from jsonb_array_elements(ops.as_array(copied_audit_seals.exported)) as l
  except
  select lost.seal, lost.hash from ops.lost_audit_seals() as lost;
end;
comment on function ops.copied_audit_seals(jsonb) is
$$The seals that the copy outside knows, without those that a noted restore has lost.$$;
revoke all on function ops.copied_audit_seals(jsonb) from public;

create or replace function ops.expected_audit_seals(exported jsonb)
  returns jsonb
  language sql
  stable
begin atomic
  -- A copy that says two things about one seal is contradicted by any.
  select coalesce(jsonb_object_agg(c.seal::text, c.hash), '{}')
  from (
    select s.seal, string_agg(s.hash, ' or ') as hash
    from ops.copied_audit_seals(expected_audit_seals.exported) as s
    group by s.seal
  ) as c;
end;
comment on function ops.expected_audit_seals(jsonb) is $$Number to hash of the seals that the copy outside knows.$$;
revoke all on function ops.expected_audit_seals(jsonb) from public;
--! EndIncluded ops/audit_expectations.sql
--! Included ops/verify_audit.sql
-- Whether the audit log is what was sealed. Looks at everything, oldest first, and names the first thing that is wrong.
-- deploy/verify_audit.py does the same from a dump, in another language.
create or replace function ops.verify_audit(expected jsonb default null, from_seal bigint default null)
  returns table (
    is_ok boolean,
    problem text,
    seal bigint,
    event bigint,
    seal_count bigint,
    sealed_count bigint,
    unsealed_count bigint,
    blanked_count bigint,
    dropped_count bigint,
    lost_seal_count bigint
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_expected jsonb := ops.expected_audit_seals(verify_audit.expected);
  v_cut jsonb := (select e.new_values from core.audit_landmarks('months') as e order by e.id desc limit 1);
  v_cut_seal bigint := coalesce((v_cut ->> 'seal')::bigint, 0);
  v_seal core.audit_seals;
  v_before core.audit_seals := row(0, '0', '0', 1, 0, null, null, decode(repeat('00', 32), 'hex'));
  v_found record;
begin
  seal_count := 0;
  sealed_count := 0;
  blanked_count := 0;
  dropped_count := coalesce((v_cut ->> 'dropped_count')::bigint, 0);
  lost_seal_count := (select count(*) from ops.lost_audit_seals());

  if verify_audit.from_seal is not null then
    seal := verify_audit.from_seal;
    if v_expected -> seal::text is null then
      perform core.raise_error('audit_seal_unknown', format('The seal was %s.', seal));
    end if;
    select s.* into v_before from core.audit_seals as s where s.number = verify_audit.from_seal;
    problem := case
      when v_before.number is null then 'seal_missing'
      when encode(v_before.hash, 'hex') <> v_expected ->> seal::text then 'seal_differs_from_export'
    end;
  end if;

  if problem is null then
    for v_seal in select s.* from core.audit_seals as s where s.number > v_before.number order by s.number loop
      seal := v_seal.number;
      event := null;
      problem := case
        when v_seal.number <> v_before.number + 1 then 'seal_removed'
        when v_seal.previous_hash <> v_before.hash
          or v_seal.from_transaction <> v_before.until_transaction
          or v_seal.first_event <> v_before.first_event + v_before.event_count then 'seal_changed'
        when v_seal.number = v_cut_seal and encode(v_seal.hash, 'hex') <> v_cut ->> 'seal_hash' then 'seal_changed'
        when encode(v_seal.hash, 'hex') <> v_expected ->> seal::text then 'seal_differs_from_export'
      end;
      -- Of seals whose months are dropped only the chain is left. What the last of them still covers was counted then.
      if v_seal.number >= v_cut_seal then
        v_found := ops.audit_digest(
          case when v_seal.number = v_cut_seal then '0' else v_seal.from_transaction end, v_seal.until_transaction);
        event := v_found.first_bad_event;
        problem := coalesce(
          case when problem in ('seal_removed', 'seal_changed') then problem end,
          case
            when event is not null then 'event_changed'
            when v_seal.number = v_cut_seal then ops.audit_count_problem(
              v_found.event_count, (v_cut ->> 'kept_count')::bigint,
              encode(v_found.events_hash, 'hex') = v_cut ->> 'kept_hash')
            else ops.audit_count_problem(
              v_found.event_count, v_seal.event_count,
              v_seal.hash = core.audit_seal_hash(v_seal, v_found.events_hash))
          end,
          problem
        );
        sealed_count := sealed_count + v_found.event_count;
        blanked_count := blanked_count + v_found.blanked_count;
      end if;
      exit when problem is not null;
      seal_count := seal_count + 1;
      v_before := v_seal;
    end loop;
  end if;

  if problem is null then
    v_found := ops.audit_digest(v_before.until_transaction, null);
    unsealed_count := v_found.event_count;
    blanked_count := blanked_count + v_found.blanked_count;
    event := v_found.first_bad_event;
    seal := (select min(k::bigint) from jsonb_object_keys(v_expected) as k where k::bigint > v_before.number);
    problem := case
      when seal is not null or v_cut_seal > v_before.number then 'seal_missing'
      when event is not null then 'event_changed'
      when ops.audit_guards_missing() > 0 then 'guard_missing'
    end;
  end if;
  is_ok := problem is null;
  return next;
end
$$;
comment on function ops.verify_audit(jsonb, bigint) is
$$Says that the audit log is intact, or names the first seal and event that are not.

expected is what was copied outside the database: the newest line of audit-seals.jsonl, or an array of lines.
Without it a log that was cut off, or rewritten from some point to its end, cannot be told from an intact one.
from_seal: everything up to this seal was verified before, and its line is in expected; only what came later is read.
problem: event_changed, event_removed, event_added, events_or_seal_changed, seal_changed, seal_removed,
seal_differs_from_export, seal_missing (the log is shorter than the export), guard_missing (a trigger is off).
dropped_count: events of months past their retention; lost_seal_count: seals that a noted restore has lost.
Events not sealed yet are checked one by one only. Errors: audit_seal_unknown (400).$$;
revoke all on function ops.verify_audit(jsonb, bigint) from public;

create or replace function ops.audit_count_problem(found_count bigint, sealed_count bigint, is_hash_equal boolean)
  returns text
  language sql
  immutable
  parallel safe
return case
  when audit_count_problem.is_hash_equal and audit_count_problem.found_count = audit_count_problem.sealed_count then null
  when audit_count_problem.found_count < audit_count_problem.sealed_count then 'event_removed'
  when audit_count_problem.found_count > audit_count_problem.sealed_count then 'event_added'
  else 'events_or_seal_changed'
end;
comment on function ops.audit_count_problem(bigint, bigint, boolean) is
$$What is wrong with the events under a seal, by their number and the seal's hash; null when nothing is.$$;
revoke all on function ops.audit_count_problem(bigint, bigint, boolean) from public;
--! EndIncluded ops/verify_audit.sql
--! Included ops/record_audit_recovery.sql
-- After a restore the copy outside knows seals that the database has lost. Somebody answers for that, in the log itself:
-- from then on exactly these lines are excused, and no others.
create or replace function ops.record_audit_recovery(exported jsonb, reason text)
  returns bigint
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_lost jsonb;
begin
  if coalesce(record_audit_recovery.reason, '') !~ '\S' then
    perform core.raise_error('audit_reason_missing', 'The reason was empty.');
  end if;
  select jsonb_agg(jsonb_build_object('seal', l.seal, 'hash', l.hash) order by l.seal) into v_lost
  from ops.copied_audit_seals(record_audit_recovery.exported) as l
  where not exists (
    select from core.audit_seals as s where s.number = l.seal and encode(s.hash, 'hex') = l.hash
  );
  if v_lost is null then
    return 0;
  end if;
  perform core.write_audit_landmark('recovery', 'audit_recovered', jsonb_build_object(
    'reason', record_audit_recovery.reason,
    'after_seal', (select count(*) from core.audit_seals as s where s.number < (v_lost -> 0 ->> 'seal')::bigint),
    'lost', v_lost
  ));
  return jsonb_array_length(v_lost);
end
$$;
comment on function ops.record_audit_recovery(jsonb, text) is
$$Says in the audit log that a restore has lost these seals of the copy, and why; returns how many. Safe to repeat.

exported: an array of the lines of audit-seals.jsonl, or at least of those the database does not have any more.
ops.verify_audit() excuses exactly these lines afterwards, counts them in its answer, and the worker's copy goes on.$$;
revoke all on function ops.record_audit_recovery(jsonb, text) from public;
--! EndIncluded ops/record_audit_recovery.sql
--! Included ops/drop_audit_months.sql
-- The log forgets by whole months: only what is past retention, sealed, verified, and known to the copy outside. What
-- stays of the last seal concerned is counted and hashed into an event first, so that a beginning that was cut off by
-- this is told from one that was cut off by somebody.
create or replace function ops.audit_months_before(before timestamptz)
  returns table (partition_name text)
  language sql
  stable
begin atomic
  select c.relname::text
  from pg_catalog.pg_inherits as i
  join pg_catalog.pg_class as c on c.oid = i.inhrelid
  where i.inhparent = 'core.audit_log'::regclass
    and c.relname ~ '^audit_log_\d{4}_\d{2}$'
    and (to_date(right(c.relname, 7), 'YYYY_MM') + interval '1 month') at time zone 'UTC' <= audit_months_before.before
  order by c.relname;
end;
comment on function ops.audit_months_before(timestamptz) is $$Months of the audit log that were over by then, oldest first.$$;
revoke all on function ops.audit_months_before(timestamptz) from public;

create or replace function ops.drop_audit_months(exported jsonb, before timestamptz default null)
  returns integer
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_limit timestamptz := (
    select date_trunc('month', core.now(), 'UTC') - make_interval(months => p.retention_months)
    from ops.partitioned_tables as p where (p.schema_name, p.table_name) = ('core', 'audit_log')
  );
  v_before timestamptz := date_trunc('month', coalesce(drop_audit_months.before, v_limit), 'UTC');
  v_months text[] := array(select m.partition_name from ops.audit_months_before(v_before) as m);
  v_until xid8;
  v_seal core.audit_seals;
  v_kept record;
  v_month text;
begin
  if v_before > v_limit then
    perform core.raise_error('audit_month_kept', format('What is older than %s may go.', v_limit));
  end if;
  if v_months = '{}' then
    return 0;
  end if;
  -- Nobody drops, seals or blanks meanwhile; writers go on until the months themselves go.
  perform pg_advisory_xact_lock(hashtextextended('howdah:seal_audit', 0));
  v_kept := ops.verify_audit(drop_audit_months.exported);
  if not v_kept.is_ok then
    perform core.raise_error('audit_not_intact', format('%s, seal %s, event %s.', v_kept.problem, v_kept.seal, v_kept.event));
  end if;

  v_until := (select max(e.transaction_id) from core.audit_log as e where e.occurred_at < v_before);
  -- Empty months lie under no seal: what was cut before stays cut.
  select s.* into v_seal from core.audit_seals as s
  where s.until_transaction > coalesce(v_until, '0')
    and s.number >= coalesce(
      (select (e.new_values ->> 'seal')::bigint from core.audit_landmarks('months') as e order by e.id desc limit 1), 0)
  order by s.number limit 1;
  if v_seal.number is null or not exists (
    select from jsonb_object_keys(ops.expected_audit_seals(drop_audit_months.exported)) as k where k::bigint >= v_seal.number
  ) then
    perform core.raise_error('audit_month_not_exported', format('Seal %s covers the end of %s.',
      coalesce(v_seal.number::text, 'that does not exist yet'), v_months[cardinality(v_months)]));
  end if;
  select
    count(*) as kept_count,
    sha256(coalesce(string_agg(e.row_hash, ''::bytea order by e.transaction_id, e.id), ''::bytea)) as kept_hash
  into v_kept
  from core.audit_log as e
  where e.transaction_id < v_seal.until_transaction and e.occurred_at >= v_before;
  perform core.write_audit_landmark('months', 'audit_months_dropped', jsonb_build_object(
    'partitions', v_months,
    'before', v_before at time zone 'UTC',
    'seal', v_seal.number,
    'seal_hash', encode(v_seal.hash, 'hex'),
    'kept_count', v_kept.kept_count,
    'kept_hash', encode(v_kept.kept_hash, 'hex'),
    'dropped_count', v_seal.first_event + v_seal.event_count - 1 - v_kept.kept_count
  ));
  foreach v_month in array v_months loop
    execute format('drop table core.%I', v_month);
  end loop;
  return cardinality(v_months);
end
$$;
comment on function ops.drop_audit_months(jsonb, timestamptz) is
$$Drops the months of the audit log past their retention (ops.partitioned_tables), and returns how many.

exported: the newest line of audit-seals.jsonl as it was copied to another machine. before: drops fewer of them.
Verifies the whole log first. An event (audit_months_dropped) says what went; ops.verify_audit() goes on from there.
Errors: audit_month_kept (409), audit_not_intact (409), audit_month_not_exported (409).$$;
revoke all on function ops.drop_audit_months(jsonb, timestamptz) from public;
--! EndIncluded ops/drop_audit_months.sql
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
--! Included ops/upkeep/_module.sql
-- Tasks that run by the clock, and what became of them.
--! Included ops/upkeep/declare_scheduled_tasks.sql
-- A worker that starts says what its crontab schedules, so that a task that never comes is missed.
-- security definer: the worker writes no table by right.
create or replace function ops.declare_scheduled_tasks(tasks jsonb)
  returns void
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  delete from ops.scheduled_tasks as k where not declare_scheduled_tasks.tasks ? k.task;
  insert into ops.scheduled_tasks as k (task, period_seconds)
  select t.key, t.value::text::integer from jsonb_each(declare_scheduled_tasks.tasks) as t
  on conflict on constraint scheduled_tasks_pkey do update set period_seconds = excluded.period_seconds
    where k.period_seconds <> excluded.period_seconds;
$$;
comment on function ops.declare_scheduled_tasks(jsonb) is
$$Notes which tasks the clock starts: an object from task to the longest time between two turns, in seconds. Safe to repeat.$$;
revoke all on function ops.declare_scheduled_tasks(jsonb) from public;
grant execute on function ops.declare_scheduled_tasks(jsonb) to howdah_worker;
--! EndIncluded ops/upkeep/declare_scheduled_tasks.sql
--! Included ops/upkeep/begin_task_run.sql
-- security definer: the worker writes no table by right.
create or replace function ops.begin_task_run(task text, job_id bigint)
  returns bigint
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  insert into ops.task_runs (task, job_id) values (begin_task_run.task, begin_task_run.job_id) returning id
$$;
comment on function ops.begin_task_run(text, bigint) is
$$Notes that a scheduled task has begun; returns the run. Not safe to repeat: each call is a run. One that never
finishes was cut off with its worker.$$;
revoke all on function ops.begin_task_run(text, bigint) from public;
grant execute on function ops.begin_task_run(text, bigint) to howdah_worker;
--! EndIncluded ops/upkeep/begin_task_run.sql
--! Included ops/upkeep/finish_task_run.sql
-- security definer: the worker writes no table by right.
create or replace function ops.finish_task_run(run_id bigint, error text default null)
  returns void
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  update ops.task_runs as r
  set finished_at = core.now(), error = left(finish_task_run.error, 200)
  where r.id = finish_task_run.run_id and r.finished_at is null
$$;
comment on function ops.finish_task_run(bigint, text) is
$$Notes that a run is over: well, or with an error's key. Safe to repeat.$$;
revoke all on function ops.finish_task_run(bigint, text) from public;
grant execute on function ops.finish_task_run(bigint, text) to howdah_worker;
--! EndIncluded ops/upkeep/finish_task_run.sql
--! Included ops/upkeep/clean_up_monitoring.sql
-- security definer: the worker writes no table by right; what is deleted is fixed here.
create or replace function ops.clean_up_monitoring()
  returns integer
  language sql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
  with runs as (
    delete from ops.task_runs as r where r.started_at < core.now() - interval '30 days' returning 1
  ),
  alerts as (
    delete from ops.alerts as a where a.resolved_at < core.now() - interval '1 year' returning 1
  )
  select ((select count(*) from runs) + (select count(*) from alerts))::integer
$$;
comment on function ops.clean_up_monitoring() is
$$Deletes runs older than 30 days and alerts resolved a year ago; returns how many. Safe to repeat.$$;
revoke all on function ops.clean_up_monitoring() from public;
grant execute on function ops.clean_up_monitoring() to howdah_worker;
--! EndIncluded ops/upkeep/clean_up_monitoring.sql
--! EndIncluded ops/upkeep/_module.sql
--! Included ops/monitoring/_module.sql
-- What is measured, what counts as bad, and what is said when it is.
--! Included ops/monitoring/declare_metric.sql
-- Whoever can measure something says so in its registry.sql: which function answers, and from when on a value is bad.
-- The monitoring reads the declaration and knows no module.
create or replace function ops.declare_metric(
  name text,
  area text,
  unit text,
  source text,
  summary text,
  warn_at numeric default null,
  critical_at numeric default null,
  is_low_bad boolean default false
)
  returns void
  language sql
  volatile
begin atomic
  insert into ops.metrics as m (
    name, area, unit, source_schema, source_function, summary, warn_at, critical_at, is_low_bad
  )
  select
    declare_metric.name, declare_metric.area, declare_metric.unit, n.nspname, p.proname, declare_metric.summary,
    declare_metric.warn_at, declare_metric.critical_at, declare_metric.is_low_bad
  from pg_catalog.pg_proc as p join pg_catalog.pg_namespace as n on n.oid = p.pronamespace
  where p.oid = declare_metric.source::regprocedure
  -- Thresholds that an operator changed stay; the rest follows from the function.
  on conflict on constraint metrics_pkey do update set
    area = excluded.area,
    unit = excluded.unit,
    source_schema = excluded.source_schema,
    source_function = excluded.source_function,
    summary = excluded.summary,
    is_low_bad = excluded.is_low_bad
  where (m.area, m.unit, m.source_schema, m.source_function, m.summary, m.is_low_bad)
    is distinct from
    (excluded.area, excluded.unit, excluded.source_schema, excluded.source_function, excluded.summary, excluded.is_low_bad);
end;
comment on function ops.declare_metric(text, text, text, text, text, numeric, numeric, boolean) is
$$Declares a metric: its area (database, performance, product), unit, the function that measures it, and its thresholds.

source is a function without arguments that returns (metric text, labels jsonb, value numeric); it may answer several
metrics, and one metric several times with different labels. warn_at and critical_at are what a new installation
begins with: `update ops.metrics set warn_at = …` changes them for good. Safe to repeat.$$;
revoke all on function ops.declare_metric(text, text, text, text, text, numeric, numeric, boolean) from public;
--! EndIncluded ops/monitoring/declare_metric.sql
--! Included ops/monitoring/metric_status.sql
-- The one place that says what a threshold means.
create or replace function ops.metric_status(value numeric, warn_at numeric, critical_at numeric, is_low_bad boolean)
  returns text
  language sql
  immutable
  parallel safe
return case
  when metric_status.value is null then 'unknown'
  when metric_status.is_low_bad and metric_status.value <= metric_status.critical_at then 'critical'
  when metric_status.is_low_bad and metric_status.value <= metric_status.warn_at then 'warn'
  when not metric_status.is_low_bad and metric_status.value >= metric_status.critical_at then 'critical'
  when not metric_status.is_low_bad and metric_status.value >= metric_status.warn_at then 'warn'
  else 'ok'
end;
comment on function ops.metric_status(numeric, numeric, numeric, boolean) is
$$ok, warn, critical, or unknown where nothing was measured. A value that reaches its threshold is bad already.$$;
revoke all on function ops.metric_status(numeric, numeric, numeric, boolean) from public;
--! EndIncluded ops/monitoring/metric_status.sql
--! Included ops/monitoring/measure.sql
-- Asks every declared function once. One that fails costs its own metrics, which are then unknown, and no others.
create or replace function ops.measure()
  returns table (metric text, labels jsonb, value numeric, error_code text)
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_source record;
  v_code text;
begin
  for v_source in
    select distinct m.source_schema, m.source_function from ops.metrics as m order by 1, 2
  loop
    begin
      return query execute format(
        'select s.metric, s.labels, s.value, null::text from %I.%I() as s', v_source.source_schema, v_source.source_function
      );
    exception when others then
      get stacked diagnostics v_code = returned_sqlstate;
      return query
        select m.name, '{}'::jsonb, null::numeric, v_code
        from ops.metrics as m
        where m.source_schema = v_source.source_schema and m.source_function = v_source.source_function;
    end;
  end loop;
end
$$;
comment on function ops.measure() is
$$Measures everything that is declared in ops.metrics, now.

A row a metric and set of labels; value is null and error_code the SQLSTATE where its function failed.$$;
revoke all on function ops.measure() from public;
--! EndIncluded ops/monitoring/measure.sql
--! Included ops/monitoring/measure_connections.sql
-- How full the server is and how long its sessions hold on to what others want.
create or replace function ops.measure_connections()
  returns table (metric text, labels jsonb, value numeric)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with sessions as (
    select a.state, a.backend_type, a.state_change, a.query_start, a.wait_event_type, a.pid, a.datname
    from pg_stat_activity as a
    where a.backend_type = 'client backend'
  )
  select 'connections_used_ratio', '{}'::jsonb, round(
    count(*)::numeric
    / (current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer), 4)
  from sessions
  union all
  select 'connections', jsonb_build_object('state', coalesce(s.state, 'unknown')), count(*)::numeric
  from sessions as s
  group by s.state
  union all
  select 'longest_query_seconds', '{}', coalesce(round(max(extract(epoch from clock_timestamp() - s.query_start)), 3), 0)
  from sessions as s
  where s.state = 'active' and s.pid <> pg_backend_pid() and s.datname = current_database()
  union all
  select 'longest_idle_transaction_seconds', '{}',
    coalesce(round(max(extract(epoch from clock_timestamp() - s.state_change)), 3), 0)
  from sessions as s
  where s.state like 'idle in transaction%' and s.datname = current_database()
  union all
  select 'longest_lock_wait_seconds', '{}',
    coalesce(round(max(extract(epoch from clock_timestamp() - l.waitstart)), 3), 0)
  from pg_locks as l
  where not l.granted
$$;
comment on function ops.measure_connections() is $$Use of connections, and the longest query, idle transaction and wait for a lock.$$;
revoke all on function ops.measure_connections() from public;
--! EndIncluded ops/monitoring/measure_connections.sql
--! Included ops/monitoring/measure_database.sql
-- What Postgres counts for this database.
create or replace function ops.measure_database()
  returns table (metric text, labels jsonb, value numeric)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with counters as (
    select d.* from pg_stat_database as d where d.datname = current_database()
  )
  select v.metric, '{}'::jsonb, v.value
  from counters as c, lateral (values
    -- A cache that was hardly asked says nothing about its size.
    ('cache_hit_ratio', case when c.blks_hit + c.blks_read >= 100000
      then round(c.blks_hit::numeric / (c.blks_hit + c.blks_read), 4) else 1 end),
    ('transactions_total', (c.xact_commit + c.xact_rollback)::numeric),
    ('rolled_back_total', c.xact_rollback::numeric),
    ('deadlocks_total', c.deadlocks::numeric),
    ('temporary_bytes_total', c.temp_bytes::numeric),
    ('database_size_bytes', pg_database_size(c.datid)::numeric),
    -- At 1 the server stops taking writes; autovacuum freezes from 0.1 on.
    ('transaction_ids_used_ratio', (
      select round(age(d.datfrozenxid)::numeric / 2147483648, 4) from pg_database as d where d.oid = c.datid
    ))
  ) as v (metric, value)
$$;
comment on function ops.measure_database() is $$Cache, transactions, deadlocks, size and the age of the oldest transaction id.$$;
revoke all on function ops.measure_database() from public;
--! EndIncluded ops/monitoring/measure_database.sql
--! Included ops/monitoring/measure_statements.sql
-- What pg_stat_statements knows. plpgsql, because the library may be absent from the server's preloaded ones: then
-- asking fails, and only these metrics are unknown.
create or replace function ops.measure_statements()
  returns table (metric text, labels jsonb, value numeric)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select v.metric, '{}'::jsonb, v.value
    from (
      select
        sum(s.total_exec_time) / nullif(sum(s.calls), 0) as mean_ms,
        count(*) filter (where s.mean_exec_time > 1000) as slow_count,
        sum(s.calls) as calls
      from extensions.pg_stat_statements as s
      where s.dbid = (select d.oid from pg_database as d where d.datname = current_database()) and s.toplevel
    ) as t, lateral (values
      ('query_mean_milliseconds', round(coalesce(t.mean_ms, 0)::numeric, 3)),
      ('slow_queries', t.slow_count::numeric),
      ('queries_total', coalesce(t.calls, 0)::numeric)
    ) as v (metric, value);
end
$$;
comment on function ops.measure_statements() is
$$Mean time of a query, how many kinds of query take more than a second on average, and how many ran, since
pg_stat_statements_reset(). Needs pg_stat_statements in shared_preload_libraries.$$;
revoke all on function ops.measure_statements() from public;
--! EndIncluded ops/monitoring/measure_statements.sql
--! Included ops/monitoring/measure_tables.sql
-- Tables that collect dead rows faster than autovacuum sweeps them.
create or replace function ops.measure_tables()
  returns table (metric text, labels jsonb, value numeric)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  -- Small tables are vacuumed late on purpose, and nobody waits for them.
  select 'dead_rows_ratio', jsonb_build_object('relation', t.schemaname || '.' || t.relname),
    round(t.n_dead_tup::numeric / (t.n_live_tup + t.n_dead_tup), 4)
  from pg_stat_user_tables as t
  where t.n_dead_tup >= 10000
$$;
comment on function ops.measure_tables() is $$Share of dead rows of each table that has at least 10,000 of them.$$;
revoke all on function ops.measure_tables() from public;
--! EndIncluded ops/monitoring/measure_tables.sql
--! Included ops/monitoring/measure_replication.sql
-- How far the replicas are behind; on a replica, how far it is itself.
create or replace function ops.measure_replication()
  returns table (metric text, labels jsonb, value numeric)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'replication_lag_seconds', jsonb_build_object('replica', r.application_name),
    -- Null means that the replica has caught up and nothing has happened since.
    coalesce(round(extract(epoch from r.replay_lag), 3), 0)
  from pg_stat_replication as r
  where r.state = 'streaming'
  union all
  select 'replication_lag_seconds', '{"replica": "self"}',
    case when pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() then 0
      else round(extract(epoch from clock_timestamp() - pg_last_xact_replay_timestamp()), 3) end
  where pg_is_in_recovery()
$$;
comment on function ops.measure_replication() is $$Seconds each streaming replica is behind; no row without one.$$;
revoke all on function ops.measure_replication() from public;
--! EndIncluded ops/monitoring/measure_replication.sql
--! Included ops/monitoring/measure_partitions.sql
-- A month that is missing refuses writes: how long the months that exist will do.
create or replace function ops.measure_partitions()
  returns table (metric text, labels jsonb, value numeric)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
  select 'partition_runway_days', jsonb_build_object('relation', p.schema_name || '.' || p.table_name),
    coalesce(round(extract(epoch from max(b.upper_bound) - core.now()) / 86400, 1), 0)
  from ops.partitioned_tables as p
  left join pg_inherits as i on i.inhparent = format('%I.%I', p.schema_name, p.table_name)::regclass
  left join pg_class as c on c.oid = i.inhrelid
  left join lateral (
    select (regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$TO \('([^']+)'\)$re$))[1]::timestamptz as upper_bound
  ) as b on true
  group by p.schema_name, p.table_name
$$;
comment on function ops.measure_partitions() is $$Days until the last existing month of each partitioned table ends.$$;
revoke all on function ops.measure_partitions() from public;
--! EndIncluded ops/monitoring/measure_partitions.sql
--! Included ops/monitoring/measure_jobs.sql
-- Whether jobs are done: what waits, what has given up, who works, and what the clock should have started long ago.
create or replace function ops.measure_jobs()
  returns table (metric text, labels jsonb, value numeric)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
    select v.metric, '{}'::jsonb, v.value
    from (
      select
        count(*) filter (where j.is_due) as waiting_count,
        coalesce(extract(epoch from now() - min(j.run_at) filter (where j.is_due)), 0) as lag_seconds,
        count(*) filter (where j.attempts >= j.max_attempts) as failed_count
      from (
        select q.run_at, q.attempts, q.max_attempts,
          q.locked_at is null and q.attempts < q.max_attempts and q.run_at <= now() as is_due
        from graphile_worker._private_jobs as q
      ) as j
    ) as t, lateral (values
      ('jobs_waiting', t.waiting_count::numeric),
      ('job_lag_seconds', round(t.lag_seconds, 3)),
      ('jobs_failed', t.failed_count::numeric)
    ) as v (metric, value);

  return query
    select 'task_overdue_ratio', jsonb_build_object('task', k.task),
      round(extract(epoch from core.now() - coalesce(
        (select max(r.started_at) from ops.task_runs as r where r.task = k.task and r.error is null and r.finished_at is not null),
        k.declared_at
      )) / k.period_seconds, 2)
    from ops.scheduled_tasks as k;
end
$$;
comment on function ops.measure_jobs() is
$$Jobs that are due, how long the first of them has waited, jobs that gave up, and for each scheduled task the time since
its last success as a multiple of its period.$$;
revoke all on function ops.measure_jobs() from public;
--! EndIncluded ops/monitoring/measure_jobs.sql
--! Included ops/monitoring/monitor_connection_usage.sql
-- Who has the connections, against what each may have.
create or replace function ops.monitor_connection_usage()
  returns table (
    role name, application text, session_count bigint, active_count bigint, idle_count bigint,
    idle_in_transaction_count bigint, waiting_count bigint, connection_limit integer, used_ratio numeric
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select
    a.usename, a.application_name, count(*), count(*) filter (where a.state = 'active'),
    count(*) filter (where a.state = 'idle'), count(*) filter (where a.state like 'idle in transaction%'),
    count(*) filter (where a.wait_event_type = 'Lock'),
    max(case when r.rolconnlimit >= 0 then r.rolconnlimit else current_setting('max_connections')::integer end),
    round(count(*)::numeric
      / max(case when r.rolconnlimit >= 0 then r.rolconnlimit else current_setting('max_connections')::integer end), 4)
  from pg_stat_activity as a left join pg_roles as r on r.oid = a.usesysid
  where a.backend_type = 'client backend'
  group by a.usename, a.application_name
  order by 3 desc, 1, 2
$$;
comment on function ops.monitor_connection_usage() is
$$Sessions by role and application, what they are doing, and their share of what the role (or the server) allows.$$;
revoke all on function ops.monitor_connection_usage() from public;
--! EndIncluded ops/monitoring/monitor_connection_usage.sql
--! Included ops/monitoring/get_long_running_queries.sql
-- What has been running for long, and what it waits for.
create or replace function ops.get_long_running_queries(min_seconds numeric default 30)
  returns table (
    pid integer, role name, application text, state text, running_seconds numeric, waits_for text,
    blocked_by integer[], query text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select
    a.pid, a.usename, a.application_name, a.state,
    round(extract(epoch from clock_timestamp() - coalesce(a.xact_start, a.query_start)), 1),
    a.wait_event_type || ': ' || a.wait_event,
    pg_blocking_pids(a.pid),
    left(regexp_replace(a.query, '\s+', ' ', 'g'), 500)
  from pg_stat_activity as a
  where a.backend_type = 'client backend'
    and a.state <> 'idle'
    and a.pid <> pg_backend_pid()
    and clock_timestamp() - coalesce(a.xact_start, a.query_start) >= make_interval(secs => get_long_running_queries.min_seconds)
  order by 5 desc
$$;
comment on function ops.get_long_running_queries(numeric) is
$$Transactions that have been open for at least so many seconds (30), longest first; `select pg_cancel_backend(pid)` ends a query.$$;
revoke all on function ops.get_long_running_queries(numeric) from public;
--! EndIncluded ops/monitoring/get_long_running_queries.sql
--! Included ops/monitoring/evaluate_alerts.sql
-- Turns what is measured into alerts: one for a metric and its labels, open as long as the value is bad.
-- security definer: the worker reads no registry and no statistics by right; what it learns is what it has to report.
create or replace function ops.evaluate_alerts()
  returns table (event text, metric text, labels jsonb, severity text, value numeric)
  language plpgsql
  volatile
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  -- Two workers at once: the second one would open the same alert.
  if not pg_try_advisory_xact_lock(hashtextextended('howdah:evaluate_alerts', 0)) then
    return;
  end if;
  return query
    with measured as (
      select l.metric, l.labels, l.value, l.status from ops.service_levels as l
    ),
    bad as (
      select m.metric, m.labels, m.value, m.status from measured as m where m.status in ('warn', 'critical')
    ),
    opened as (
      insert into ops.alerts as a (metric, labels, severity, value)
      select b.metric, b.labels, b.status, b.value from bad as b
      where not exists (
        select from ops.alerts as o where o.metric = b.metric and o.labels = b.labels and o.resolved_at is null
      )
      returning a.metric, a.labels, a.severity, a.value
    ),
    updated as (
      update ops.alerts as a
      set value = b.value, severity = b.status, evaluated_at = core.now()
      from bad as b, ops.alerts as was
      where a.metric = b.metric and a.labels = b.labels and a.resolved_at is null and was.id = a.id
      returning a.metric, a.labels, a.severity, a.value, was.severity as earlier_severity
    ),
    resolved as (
      update ops.alerts as a
      set resolved_at = core.now(), evaluated_at = core.now()
      where a.resolved_at is null
        and not exists (select from bad as b where b.metric = a.metric and b.labels = a.labels)
        -- Not being able to measure is not a sign of health.
        and not exists (select from measured as m where m.metric = a.metric and m.status = 'unknown')
      returning a.metric, a.labels, a.severity, a.value
    )
    select 'opened', o.metric, o.labels, o.severity, o.value from opened as o
    union all
    select 'changed', u.metric, u.labels, u.severity, u.value from updated as u where u.severity <> u.earlier_severity
    union all
    select 'resolved', r.metric, r.labels, r.severity, r.value from resolved as r;
end
$$;
comment on function ops.evaluate_alerts() is
$$Measures everything, opens alerts for what is bad, updates open ones, and resolves those that are over.

Answers with what changed: opened, changed (another severity), resolved. Safe to repeat and to call from several sessions.$$;
revoke all on function ops.evaluate_alerts() from public;
grant execute on function ops.evaluate_alerts() to howdah_worker;
--! EndIncluded ops/monitoring/evaluate_alerts.sql
--! Included ops/monitoring/triggers.sql
-- What keeps the tables of the monitoring true.

create or replace trigger _100_touch_updated_at
  before update on ops.metrics
  for each row execute function core.tg__touch_updated_at();
--! EndIncluded ops/monitoring/triggers.sql
--! Included ops/monitoring/policies.sql
-- Row-level security of the monitoring. No policy: operators own these tables, and nobody else reads them.

alter table ops.metrics enable row level security;
alter table ops.alerts enable row level security;
alter table ops.scheduled_tasks enable row level security;
alter table ops.task_runs enable row level security;
--! EndIncluded ops/monitoring/policies.sql
--! Included ops/monitoring/views.sql
-- What an operator looks at to see how the system is.

create or replace view ops.service_levels
  with (security_invoker = true)
as
select
  m.name as metric,
  s.labels,
  s.value,
  m.unit,
  m.warn_at,
  m.critical_at,
  ops.metric_status(s.value, m.warn_at, m.critical_at, m.is_low_bad) as status,
  m.area,
  m.summary,
  s.error_code
from ops.measure() as s join ops.metrics as m on m.name = s.metric;
comment on view ops.service_levels is
$$Everything that is measured, with its thresholds and what they say of it; measured when asked.$$;
comment on column ops.service_levels.metric is $$Name of the metric.$$;
comment on column ops.service_levels.labels is $$What the value is about where a metric has several: a table, a task, a replica.$$;
comment on column ops.service_levels.value is $$The value; null where it could not be measured.$$;
comment on column ops.service_levels.unit is $$Unit of value: ratio, seconds, days, milliseconds, bytes, count.$$;
comment on column ops.service_levels.warn_at is $$From here on the value is a warning; null: never.$$;
comment on column ops.service_levels.critical_at is $$From here on the value is critical; null: never.$$;
comment on column ops.service_levels.status is $$ok, warn, critical or unknown.$$;
comment on column ops.service_levels.area is $$database, performance or product.$$;
comment on column ops.service_levels.summary is $$What is measured.$$;
comment on column ops.service_levels.error_code is $$SQLSTATE where measuring failed.$$;

create or replace view ops.database_health
  with (security_invoker = true)
as
select l.metric, l.labels, l.value, l.unit, l.status, l.summary from ops.service_levels as l where l.area = 'database';
comment on view ops.database_health is $$The state of the database itself: connections, cache, months, jobs, replicas.$$;
comment on column ops.database_health.metric is $$Name of the metric.$$;
comment on column ops.database_health.labels is $$What the value is about where a metric has several.$$;
comment on column ops.database_health.value is $$The value; null where it could not be measured.$$;
comment on column ops.database_health.unit is $$Unit of value.$$;
comment on column ops.database_health.status is $$ok, warn, critical or unknown.$$;
comment on column ops.database_health.summary is $$What is measured.$$;

create or replace view ops.performance_metrics
  with (security_invoker = true)
as
select l.metric, l.labels, l.value, l.unit, l.status, l.summary from ops.service_levels as l where l.area = 'performance';
comment on view ops.performance_metrics is $$How fast the database answers, and what slows it down.$$;
comment on column ops.performance_metrics.metric is $$Name of the metric.$$;
comment on column ops.performance_metrics.labels is $$What the value is about where a metric has several.$$;
comment on column ops.performance_metrics.value is $$The value; null where it could not be measured.$$;
comment on column ops.performance_metrics.unit is $$Unit of value.$$;
comment on column ops.performance_metrics.status is $$ok, warn, critical or unknown.$$;
comment on column ops.performance_metrics.summary is $$What is measured.$$;

create or replace view ops.user_activity_summary
  with (security_invoker = true)
as
select
  d.day,
  (select count(*) from core.users as u where u.created_at >= d.starts_at and u.created_at < d.ends_at) as sign_up_count,
  (select count(*) from core.sessions as s where s.created_at >= d.starts_at and s.created_at < d.ends_at)
    as sign_in_count,
  (
    select count(distinct s.user_id) from core.sessions as s
    where s.created_at < d.ends_at and coalesce(s.refreshed_at, s.created_at) >= d.starts_at
  ) as active_user_count
from (
  select day::date as day, day at time zone 'UTC' as starts_at, (day + interval '1 day') at time zone 'UTC' as ends_at
  from generate_series(
    (core.now() at time zone 'UTC')::date - interval '29 days', (core.now() at time zone 'UTC')::date, interval '1 day'
  ) as day
) as d;
comment on view ops.user_activity_summary is $$The last 30 days, in UTC, newest last. Sessions that ended a month ago are gone.$$;
comment on column ops.user_activity_summary.day is $$Day, in UTC.$$;
comment on column ops.user_activity_summary.sign_up_count is $$Accounts made that day.$$;
comment on column ops.user_activity_summary.sign_in_count is $$Sessions begun that day.$$;
comment on column ops.user_activity_summary.active_user_count is
$$Accounts with a session that began by that day and was refreshed on it or later.$$;

create or replace view ops.table_statistics
  with (security_invoker = true)
as
select
  t.schemaname || '.' || t.relname as relation,
  t.n_live_tup as row_count,
  t.n_dead_tup as dead_row_count,
  pg_total_relation_size(t.relid) as total_bytes,
  pg_indexes_size(t.relid) as index_bytes,
  t.seq_scan as sequential_scan_count,
  t.idx_scan as index_scan_count,
  greatest(t.last_vacuum, t.last_autovacuum) as vacuumed_at,
  greatest(t.last_analyze, t.last_autoanalyze) as analyzed_at
from pg_stat_user_tables as t;
comment on view ops.table_statistics is $$Size, rows and upkeep of every table and partition; rows are Postgres's estimate.$$;
comment on column ops.table_statistics.relation is $$Schema and table.$$;
comment on column ops.table_statistics.row_count is $$Living rows, estimated.$$;
comment on column ops.table_statistics.dead_row_count is $$Rows that a vacuum will free, estimated.$$;
comment on column ops.table_statistics.total_bytes is $$Table, indexes and long values.$$;
comment on column ops.table_statistics.index_bytes is $$Its indexes.$$;
comment on column ops.table_statistics.sequential_scan_count is $$How often it was read from end to end.$$;
comment on column ops.table_statistics.index_scan_count is $$How often one of its indexes was used.$$;
comment on column ops.table_statistics.vacuumed_at is $$Last vacuum, by hand or by itself.$$;
comment on column ops.table_statistics.analyzed_at is $$Last analyze, by hand or by itself.$$;

create or replace view ops.index_usage
  with (security_invoker = true)
as
select
  i.schemaname || '.' || i.relname as relation,
  i.indexrelname as index,
  i.idx_scan as scan_count,
  pg_relation_size(i.indexrelid) as size_bytes,
  x.indisunique as is_unique,
  (
    select string_agg(o.indexrelid::regclass::text, ', ' order by o.indexrelid)
    from pg_index as o
    where o.indrelid = x.indrelid and o.indexrelid <> x.indexrelid
      and (o.indkey, o.indclass, o.indcollation, o.indoption) = (x.indkey, x.indclass, x.indcollation, x.indoption)
      and o.indexprs::text is not distinct from x.indexprs::text
      and o.indpred::text is not distinct from x.indpred::text
  ) as duplicates
from pg_stat_user_indexes as i join pg_index as x on x.indexrelid = i.indexrelid;
comment on view ops.index_usage is $$How often each index was used, and which others say the same.$$;
comment on column ops.index_usage.relation is $$Schema and table.$$;
comment on column ops.index_usage.index is $$Name of the index.$$;
comment on column ops.index_usage.scan_count is $$How often it was used; 0 on a system that has run for weeks: it costs writes for nothing.$$;
comment on column ops.index_usage.size_bytes is $$Its size.$$;
comment on column ops.index_usage.is_unique is $$Whether it also guards a rule, and is needed unused.$$;
comment on column ops.index_usage.duplicates is $$Other indexes with the same columns, or null.$$;

create or replace view ops.blocked_queries
  with (security_invoker = true)
as
select
  a.pid,
  a.usename as role,
  round(extract(epoch from clock_timestamp() - l.waitstart), 3) as waiting_seconds,
  pg_blocking_pids(a.pid) as blocked_by,
  l.relation::regclass::text as relation,
  l.mode,
  left(regexp_replace(a.query, '\s+', ' ', 'g'), 500) as query
from pg_locks as l join pg_stat_activity as a on a.pid = l.pid
where not l.granted and a.datname = current_database();
comment on view ops.blocked_queries is $$Who waits for a lock, and for whom.$$;
comment on column ops.blocked_queries.pid is $$Process that waits.$$;
comment on column ops.blocked_queries.role is $$Its role.$$;
comment on column ops.blocked_queries.waiting_seconds is $$How long it has waited.$$;
comment on column ops.blocked_queries.blocked_by is $$Processes it waits for; `select pg_cancel_backend(pid)` ends what they do.$$;
comment on column ops.blocked_queries.relation is $$Table whose lock it wants, where it is one of a table.$$;
comment on column ops.blocked_queries.mode is $$Lock it wants.$$;
comment on column ops.blocked_queries.query is $$What it is doing.$$;
--! EndIncluded ops/monitoring/views.sql
--! EndIncluded ops/monitoring/_module.sql
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

create or replace view ops.settings
  with (security_invoker = true)
as
select
  c.name,
  coalesce(s.value, c.default_value) as value,
  c.default_value,
  s.name is null as is_default,
  s.updated_at,
  c.json_schema,
  c.description
from core.setting_catalogue() as c
left join core.settings as s on s.name = c.name;
comment on view ops.settings is $$Every setting with its value; ops.set_setting() changes one.$$;
comment on column ops.settings.name is $$Name of the setting.$$;
comment on column ops.settings.value is $$What holds now.$$;
comment on column ops.settings.default_value is $$What holds where nobody has changed it.$$;
comment on column ops.settings.is_default is $$Whether it was never changed.$$;
comment on column ops.settings.updated_at is $$When it was last changed.$$;
comment on column ops.settings.json_schema is $$What it takes.$$;
comment on column ops.settings.description is $$What it is for.$$;
grant select on ops.settings to howdah_readonly;
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
    schema_name, table_name, column_name, class, subject, on_export, on_erase, reason, erased_with
  )
  select
    v_schema, v_table, c.key, d.class,
    case when d.class <> 'none' then declare_columns.subject end,
    d.on_export, d.on_erase, d.reason, d.erased_with
  from jsonb_each(declare_columns.columns) as c
  cross join lateral jsonb_to_record(declare_columns.defaults || c.value)
    as d (class text, on_export text, on_erase text, reason text, erased_with text)
  on conflict on constraint column_policies_pkey do update set
    class = excluded.class,
    subject = excluded.subject,
    on_export = excluded.on_export,
    on_erase = excluded.on_erase,
    reason = excluded.reason,
    erased_with = excluded.erased_with
  where (p.class, p.subject, p.on_export, p.on_erase, p.reason, p.erased_with)
    is distinct from
    (excluded.class, excluded.subject, excluded.on_export, excluded.on_erase, excluded.reason, excluded.erased_with);
end
$$;
comment on function gdpr.declare_columns(text, text, jsonb, jsonb) is
$$Declares every column of a table: class (none, personal, sensitive, secret), on_export (include, exclude),
on_erase (delete, null, anonymize with erased_with, keep with a reason). subject names the column that leads to the person.

columns maps each column's name to what differs from defaults. erased_with is the SQL expression whose value takes the
place of what was there; a generated column needs none. Safe to repeat; columns left out are forgotten.$$;
revoke all on function gdpr.declare_columns(text, text, jsonb, jsonb) from public;
--! EndIncluded gdpr/declare_columns.sql
--! Included gdpr/subject_filter.sql
-- How a row leads to a person, said once for everything that asks: export, inventory, erasure. A table declares one
-- column; the foreign keys say where that leads, over as many tables as it takes.
create or replace function gdpr.subject_filter(schema_name text, table_name text)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_subject text;
  v_target record;
begin
  if (subject_filter.schema_name, subject_filter.table_name) = ('core', 'users') then
    return 'id = $1';
  end if;
  select min(p.subject) into v_subject
  from gdpr.column_policies as p
  where p.schema_name = subject_filter.schema_name and p.table_name = subject_filter.table_name;

  select n.nspname, c.relname, target.attname into v_target
  from pg_constraint as f
  join pg_attribute as own on own.attrelid = f.conrelid and own.attname = v_subject
  -- A composite key names the tenant too; the person is its column at the same place.
  join lateral unnest(f.conkey, f.confkey) as pair (own_number, target_number) on pair.own_number = own.attnum
  join pg_attribute as target on target.attrelid = f.confrelid and target.attnum = pair.target_number
  join pg_class as c on c.oid = f.confrelid
  join pg_namespace as n on n.oid = c.relnamespace
  where f.contype = 'f'
    and f.conparentid = 0
    and f.conrelid = format('%I.%I', subject_filter.schema_name, subject_filter.table_name)::regclass
    and f.confrelid <> f.conrelid
  -- The shortest way first.
  order by f.confrelid <> 'core.users'::regclass, cardinality(f.conkey), f.conname
  limit 1;
  if v_target.nspname is null then
    -- Somebody who has no account yet, known by an address: the account's own, whoever typed it.
    return case v_subject when 'email'
      then 'core.email_key(email) = (select u.email_key from core.users as u where u.id = $1)' end;
  end if;
  if (v_target.nspname, v_target.relname) = ('core', 'users') then
    return format('%I = $1', v_subject);
  end if;
  return format(
    '%I in (select %I from %I.%I where %s)', v_subject, v_target.attname, v_target.nspname, v_target.relname,
    gdpr.subject_filter(v_target.nspname, v_target.relname)
  );
end
$$;
comment on function gdpr.subject_filter(text, text) is
$$The condition, in SQL, that picks a person's rows of a table: $1 is the id of the account. Null where no row leads to
an account.$$;
revoke all on function gdpr.subject_filter(text, text) from public;
--! EndIncluded gdpr/subject_filter.sql
--! Included gdpr/export/_module.sql
-- What is held about a person, handed out.
--! Included gdpr/export/export_rows.sql
-- A person's rows as the registry says they are to be handed out: every table, every column marked include, no other.
-- What an address alone leads to is handed out only once the address is proven to us: anybody can sign up with another's.
create or replace function gdpr.export_rows(user_id uuid)
  returns table (relation text, content jsonb)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_table record;
begin
  for v_table in
    select p.schema_name, p.table_name, string_agg(format('%I', p.column_name), ', ' order by a.attnum) as columns
    from gdpr.column_policies as p
    join pg_attribute as a
      on a.attrelid = format('%I.%I', p.schema_name, p.table_name)::regclass and a.attname = p.column_name
    where p.on_export = 'include'
      and (
        exists (
          select from core.users as u
          where u.id = export_rows.user_id and u.email_verified_at is not null and u.email_vouched_by is null
        )
        or not exists (
          select from gdpr.column_policies as s
          where (s.schema_name, s.table_name, s.subject) = (p.schema_name, p.table_name, 'email')
        )
      )
    group by p.schema_name, p.table_name
    order by p.schema_name <> 'core', p.table_name <> 'users', p.schema_name, p.table_name
  loop
    return query execute format(
      'select %L::text, to_jsonb(t) from (select %s from %I.%I where %s) as t',
      v_table.schema_name || '.' || v_table.table_name, v_table.columns, v_table.schema_name, v_table.table_name,
      gdpr.subject_filter(v_table.schema_name, v_table.table_name)
    ) using export_rows.user_id;
  end loop;
end
$$;
comment on function gdpr.export_rows(uuid) is
$$Every row held about an account that an export includes, table by table, the account itself first.$$;
revoke all on function gdpr.export_rows(uuid) from public;
--! EndIncluded gdpr/export/export_rows.sql
--! Included gdpr/export/export_user_data.sql
-- Article 15 and 20 in one statement, for the operator who answers a letter.
create or replace function gdpr.export_user_data(email text)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ops.find_account(export_user_data.email);
  v_tables jsonb;
  v_counts jsonb;
begin
  select jsonb_object_agg(t.relation, t.contents), jsonb_object_agg(t.relation, t.row_count)
  into v_tables, v_counts
  from (
    select r.relation, jsonb_agg(r.content) as contents, count(*) as row_count
    from gdpr.export_rows(v_user_id) as r
    group by r.relation
  ) as t;
  perform core.record_security_event('data_exported', v_user_id, jsonb_build_object('row_counts', v_counts));
  return jsonb_build_object(
    'format', 'howdah-export-1',
    'user_id', v_user_id,
    'exported_at', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'row_counts', v_counts,
    'tables', v_tables
  );
end
$$;
comment on function gdpr.export_user_data(text) is
$$Everything held about the account with this address, as JSON: tables by name, each an array of rows, and how many.

What an export leaves out (secrets, other people's data) is declared in gdpr.column_policies. Built in memory: for an
account with millions of rows read gdpr.export_rows(user_id) instead. Each export is a security event of the audit log.
Errors: account_not_found (404).$$;
revoke all on function gdpr.export_user_data(text) from public;
--! EndIncluded gdpr/export/export_user_data.sql
--! Included gdpr/export/generate_user_data_inventory.sql
-- The list that a data protection officer asks for, from the declarations that the machinery itself obeys.
create or replace function gdpr.generate_user_data_inventory()
  returns table (
    relation text, column_name text, data_type text, class text, leads_to_person_by text, on_export text,
    on_erase text, reason text, description text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select
    p.schema_name || '.' || p.table_name, p.column_name::text, format_type(a.atttypid, a.atttypmod), p.class,
    coalesce(replace(gdpr.subject_filter(p.schema_name, p.table_name), '$1', 'the account'), p.subject),
    p.on_export, p.on_erase, p.reason, col_description(a.attrelid, a.attnum)
  from gdpr.column_policies as p
  join pg_attribute as a
    on a.attrelid = format('%I.%I', p.schema_name, p.table_name)::regclass and a.attname = p.column_name
  where p.class <> 'none'
  order by 1, a.attnum
$$;
comment on function gdpr.generate_user_data_inventory() is
$$Every column that holds something about people: its class, how its rows lead to a person, and what an export and an
erasure do with it.$$;
revoke all on function gdpr.generate_user_data_inventory() from public;
--! EndIncluded gdpr/export/generate_user_data_inventory.sql
--! EndIncluded gdpr/export/_module.sql
--! Included gdpr/erasure/_module.sql
-- What is held about a person, taken away, and the search that shows it is gone.
--! Included gdpr/erasure/soft_delete_user.sql
-- Takes an account out of service at once and keeps everything: the step before erasing, which can still be taken back.
create or replace function gdpr.soft_delete_user(email text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ops.find_account(soft_delete_user.email);
begin
  update core.users as u set deleted_at = core.now() where u.id = v_user_id and u.deleted_at is null;
  if found then
    perform core.record_security_event('account_soft_deleted', v_user_id);
  end if;
  delete from private.one_time_tokens as t where t.user_id = v_user_id and t.used_at is null;
  perform private.end_sessions(v_user_id, 'erased');
end
$$;
comment on function gdpr.soft_delete_user(text) is
$$Marks an account as deleted: its sessions end, nobody can sign in to it, and nothing of it is lost.

restore_user() takes it back, erase_user() erases what is held. Safe to repeat. Errors: account_not_found (404).$$;
revoke all on function gdpr.soft_delete_user(text) from public;
--! EndIncluded gdpr/erasure/soft_delete_user.sql
--! Included gdpr/erasure/restore_user.sql
create or replace function gdpr.restore_user(email text)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ops.find_account(restore_user.email);
begin
  update core.users as u set deleted_at = null where u.id = v_user_id and u.deleted_at is not null;
  if found then
    perform core.record_security_event('account_restored', v_user_id);
  end if;
end
$$;
comment on function gdpr.restore_user(text) is
$$Takes a soft_delete_user() back; its sessions stay ended. Safe to repeat. Errors: account_not_found (404).$$;
revoke all on function gdpr.restore_user(text) from public;
--! EndIncluded gdpr/erasure/restore_user.sql
--! Included gdpr/erasure/tables_to_erase.sql
-- The plan of an erasure, table by table, those first that point at others: what the registry says, as SQL.
create or replace function gdpr.tables_to_erase()
  returns table (schema_name name, table_name name, filter text, assignments text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with recursive declared as (
    select p.schema_name, p.table_name, format('%I.%I', p.schema_name, p.table_name)::regclass::oid as relid,
      bool_or(p.on_erase = 'delete') as is_deleted,
      string_agg(
        format('%I = %s', p.column_name, case p.on_erase when 'null' then 'null' else p.erased_with end), ', '
        order by p.column_name
      ) filter (where p.on_erase = 'null' or p.erased_with is not null) as assignments
    from gdpr.column_policies as p
    where p.class <> 'none'
    group by p.schema_name, p.table_name
  ),
  -- How many tables stand above one; a table that points at itself, or in a circle, is met once.
  depths as (
    select d.relid, 0 as depth, array[d.relid] as path from declared as d
    union all
    select f.conrelid, s.depth + 1, s.path || f.conrelid
    from depths as s
    join pg_constraint as f on f.confrelid = s.relid and f.contype = 'f' and f.conparentid = 0
    where f.conrelid <> all (s.path)
  )
  select d.schema_name, d.table_name, f.filter,
    case when not d.is_deleted then d.assignments end
  from declared as d
  cross join lateral (select gdpr.subject_filter(d.schema_name, d.table_name) as filter) as f
  where (d.is_deleted or d.assignments is not null) and f.filter is not null
  order by (select max(s.depth) from depths as s where s.relid = d.relid) desc, d.schema_name, d.table_name
$$;
comment on function gdpr.tables_to_erase() is
$$Which tables an erasure touches, in its order: the filter that picks the person's rows ($1 is the account), and what
their columns become; null assignments: the rows go.$$;
revoke all on function gdpr.tables_to_erase() from public;
--! EndIncluded gdpr/erasure/tables_to_erase.sql
--! Included gdpr/erasure/erase_rows.sql
-- One table of the plan.
create or replace function gdpr.erase_rows(
  schema_name name, table_name name, filter text, assignments text, user_id uuid
)
  returns bigint
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_row_count bigint;
begin
  if erase_rows.assignments is null then
    execute format('delete from %I.%I where %s', erase_rows.schema_name, erase_rows.table_name, erase_rows.filter)
      using erase_rows.user_id;
  else
    execute format(
      'update %I.%I set %s where %s', erase_rows.schema_name, erase_rows.table_name, erase_rows.assignments,
      erase_rows.filter
    ) using erase_rows.user_id;
  end if;
  get diagnostics v_row_count = row_count;
  return v_row_count;
end
$$;
comment on function gdpr.erase_rows(name, name, text, text, uuid) is
$$Deletes or overwrites a person's rows of one table; returns how many.$$;
revoke all on function gdpr.erase_rows(name, name, text, text, uuid) from public;
--! EndIncluded gdpr/erasure/erase_rows.sql
--! Included gdpr/erasure/renew_statistics.sql
-- The planner keeps samples of what it saw, and keeps them of a table that has become empty. From Postgres 18 on they
-- can be taken away; before, an emptied table keeps its samples until it has rows again and is analyzed.
create or replace function gdpr.renew_statistics(schema_name name, table_name name)
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_column record;
begin
  if current_setting('server_version_num')::integer >= 180000 then
    for v_column in
      select n.nspname, c.relname, p.column_name, c.relkind = 'p' as is_parent
      from pg_partition_tree(format('%I.%I', renew_statistics.schema_name, renew_statistics.table_name)::regclass) as t
      join pg_class as c on c.oid = t.relid
      join pg_namespace as n on n.oid = c.relnamespace
      join gdpr.column_policies as p
        on p.schema_name = renew_statistics.schema_name and p.table_name = renew_statistics.table_name
      where p.class <> 'none'
      union all
      select p.schema_name, p.table_name, p.column_name, false
      from gdpr.column_policies as p
      where p.schema_name = renew_statistics.schema_name and p.table_name = renew_statistics.table_name
        and p.class <> 'none'
    loop
      execute 'select pg_catalog.pg_clear_attribute_stats($1, $2, $3, $4)'
        using v_column.nspname::text, v_column.relname::text, v_column.column_name::text, v_column.is_parent;
    end loop;
  end if;
  execute format('analyze %I.%I', renew_statistics.schema_name, renew_statistics.table_name);
end
$$;
comment on function gdpr.renew_statistics(name, name) is
$$Makes the planner forget what it sampled of a table's personal columns, and look again.$$;
revoke all on function gdpr.renew_statistics(name, name) from public;
--! EndIncluded gdpr/erasure/renew_statistics.sql
--! Included gdpr/erasure/erase_user.sql
-- Article 17: everything that the registry gives to the person goes, in one transaction: all of it or nothing.
create or replace function gdpr.erase_user(email text)
  returns jsonb
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := ops.find_account(erase_user.email);
  v_table record;
  v_row_count bigint;
  v_counts jsonb := jsonb_build_object();
  v_blanked_count bigint;
  v_email_key text;
begin
  -- Whoever writes as this person at the moment is waited for, and comes too late afterwards.
  select u.email_key into v_email_key from core.users as u where u.id = v_user_id for update;
  update core.users as u
  set status = 'erased', deleted_at = coalesce(u.deleted_at, core.now())
  where u.id = v_user_id;

  for v_table in select t.* from gdpr.tables_to_erase() as t loop
    v_row_count := gdpr.erase_rows(
      v_table.schema_name, v_table.table_name, v_table.filter, v_table.assignments, v_user_id
    );
    if v_row_count > 0 then
      v_counts := v_counts || jsonb_build_object(v_table.schema_name || '.' || v_table.table_name, v_row_count);
    end if;
    -- Also where no row was left: rows that went earlier were sampled too.
    perform gdpr.renew_statistics(v_table.schema_name, v_table.table_name);
  end loop;

  -- Last: the log has just written down everything that was deleted.
  v_blanked_count := core.blank_audit_payload(array(
    select core.audit_events_about(v_user_id) union select core.audit_events_at(v_email_key)
  ));
  perform gdpr.renew_statistics('core', 'audit_log');
  perform core.record_security_event('account_erased', v_user_id, jsonb_build_object('row_counts', v_counts));
  return jsonb_build_object(
    'user_id', v_user_id,
    'erased_at', to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'row_counts', v_counts,
    'audit_events_blanked', v_blanked_count
  );
end
$$;
comment on function gdpr.erase_user(text) is
$$Erases what is held about the account with this address, as gdpr.column_policies says, and blanks its events in the
audit log; returns how many rows of which tables. Cannot be undone. All or nothing.

The account's row stays without anything personal, so that what belongs to others stays whole. Dead rows and old WAL and
backups hold the values until vacuum, recycling and their own end. Errors: account_not_found (404), also when it was
erased before.$$;
revoke all on function gdpr.erase_user(text) from public;
--! EndIncluded gdpr/erasure/erase_user.sql
--! Included gdpr/erasure/find_traces.sql
-- Searches everything for words: the proof of an erasure looks where nobody thought of, so it asks the catalog and no
-- registry. Every schema that the asking role may read, partitions by themselves, and the planner's statistics.
create or replace function gdpr.find_traces(words text[])
  returns table (relation text, word text, row_count bigint)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_relation record;
begin
  if exists (select from unnest(find_traces.words) as w (word) where char_length(trim(w.word)) < 4)
    or coalesce(cardinality(find_traces.words), 0) = 0
  then
    perform core.raise_error('search_words_invalid', 'A word had fewer than four characters, or there was none.');
  end if;
  for v_relation in
    select n.nspname as schema_name, c.relname as table_name, n.nspname || '.' || c.relname as full_name
    from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm')
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      and has_table_privilege(c.oid, 'select')
    union all
    select 'pg_catalog', 'pg_stats', 'pg_catalog.pg_stats'
    order by 1, 2
  loop
    return query execute format(
      'select %L::text, w.word, count(*) from %I.%I as t, unnest($1) as w (word)
       where strpos(lower(t::text), lower(w.word)) > 0 group by w.word',
      v_relation.full_name, v_relation.schema_name, v_relation.table_name
    ) using find_traces.words;
  end loop;
end
$$;
comment on function gdpr.find_traces(text[]) is
$$How many rows of which relation hold one of these words, in any column, in any case. Reads the whole database.

Words of at least four characters. Errors: search_words_invalid (400).$$;
revoke all on function gdpr.find_traces(text[]) from public;
--! EndIncluded gdpr/erasure/find_traces.sql
--! EndIncluded gdpr/erasure/_module.sql
--! Included gdpr/policies.sql
-- No web role reads the registry; operators own it.
alter table gdpr.column_policies enable row level security;
--! EndIncluded gdpr/policies.sql
--! Included gdpr/readers/_module.sql
-- readers: what people and tools with a login of their own may read, worked out from what the columns hold.
--! Included gdpr/readers/reader_rules.sql
-- Which classes of columns each reading role sees. A class that stands nowhere here is read by nobody: secrets, and
-- what may hold anybody's anything (the old and new values of the audit log).
create or replace function gdpr.reader_rules()
  returns table (role name, classes text[], closed_schemas name[])
  language sql
  immutable
  parallel safe
begin atomic
  select r.role, r.classes, r.closed_schemas
  from (values
    ('howdah_analytics'::name, array['none'], array['private', 'gdpr', 'ops']::name[]),
    ('howdah_readonly', array['none', 'personal'], array['private'])
  ) as r (role, classes, closed_schemas);
end;
comment on function gdpr.reader_rules() is $$Which classes of columns each reading role may read, and in which schemas nothing.$$;
revoke all on function gdpr.reader_rules() from public;
--! EndIncluded gdpr/readers/reader_rules.sql
--! Included gdpr/readers/readable_columns.sql
-- What should be granted: declared columns of the right classes. Partitions are never listed: they are read through
-- their parent.
create or replace function gdpr.readable_columns(role name, relation regclass)
  returns name[]
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(a.attname order by a.attnum), '{}')
  from gdpr.reader_rules() as r
  join pg_class as c on c.oid = readable_columns.relation and not c.relispartition
  join pg_namespace as n on n.oid = c.relnamespace and n.nspname <> all (r.closed_schemas)
  join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  join gdpr.column_policies as p
    on (p.schema_name, p.table_name, p.column_name) = (n.nspname, c.relname, a.attname) and p.class = any (r.classes)
  where r.role = readable_columns.role
$$;
comment on function gdpr.readable_columns(name, regclass) is $$The columns of a table that a reading role may read.$$;
revoke all on function gdpr.readable_columns(name, regclass) from public;
--! EndIncluded gdpr/readers/readable_columns.sql
--! Included gdpr/readers/declare_readers.sql
-- Runs after everything else: a module that declares its columns is readable as far as it declared, and no file names
-- its tables a second time. A role must have a policy too, or row-level security would show it nothing.
create or replace function gdpr.declare_readers()
  returns void
  language plpgsql
  volatile
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_cell record;
  v_column name;
begin
  for v_cell in
    select
      r.role, c.oid, n.nspname, c.relname, 'select_' || replace(r.role::text, 'howdah_', '') as policy,
      gdpr.readable_columns(r.role, c.oid) as columns,
      gdpr.reader_privileges(r.role, c.oid) as held,
      exists (
        select from pg_policy as p where p.polrelid = c.oid and p.polroles = array[r.role::regrole::oid]
      ) as has_policy
    from gdpr.reader_rules() as r
    cross join pg_class as c join pg_namespace as n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and c.relowner = 'howdah_migrations'::regrole
      and exists (select from gdpr.column_policies as p where p.schema_name = n.nspname)
  loop
    if v_cell.held <> (
      select coalesce(array_agg('SELECT ' || t.name order by 'SELECT ' || t.name), '{}') from unnest(v_cell.columns) as t (name)
    ) then
      execute format('revoke all on %I.%I from %I', v_cell.nspname, v_cell.relname, v_cell.role);
      foreach v_column in array v_cell.columns loop
        execute format('grant select (%I) on %I.%I to %I', v_column, v_cell.nspname, v_cell.relname, v_cell.role);
      end loop;
    end if;
    if v_cell.columns <> '{}' and not has_schema_privilege(v_cell.role, v_cell.nspname, 'usage') then
      execute format('grant usage on schema %I to %I', v_cell.nspname, v_cell.role);
    end if;
    if v_cell.has_policy <> (v_cell.columns <> '{}') then
      execute format('drop policy if exists %I on %I.%I', v_cell.policy, v_cell.nspname, v_cell.relname);
      if v_cell.columns <> '{}' then
        execute format(
          'create policy %I on %I.%I for select to %I using (true)',
          v_cell.policy, v_cell.nspname, v_cell.relname, v_cell.role
        );
      end if;
    end if;
  end loop;
end
$$;
comment on function gdpr.declare_readers() is
$$Grants every reading role the columns that gdpr.reader_rules() and the declared classes give it, and no others.

Safe to repeat; changes only what differs.$$;
revoke all on function gdpr.declare_readers() from public;

create or replace function gdpr.reader_privileges(role name, relation regclass)
  returns text[]
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(held.privilege order by held.privilege), '{}')
  from (
    select acl.privilege_type || ' *' as privilege
    from pg_class as c, aclexplode(c.relacl) as acl
    where c.oid = reader_privileges.relation and acl.grantee = reader_privileges.role::regrole
    union all
    select acl.privilege_type || ' ' || a.attname
    from pg_attribute as a, aclexplode(a.attacl) as acl
    where a.attrelid = reader_privileges.relation and not a.attisdropped
      and acl.grantee = reader_privileges.role::regrole
  ) as held
$$;
comment on function gdpr.reader_privileges(name, regclass) is
$$What a role was granted on a table itself, as `SELECT column`, or `SELECT *` for all of it.$$;
revoke all on function gdpr.reader_privileges(name, regclass) from public;
--! EndIncluded gdpr/readers/declare_readers.sql
--! EndIncluded gdpr/readers/_module.sql
--! EndIncluded gdpr/_module.sql
-- What these three declare needs the registries' functions, so it comes after them.
--! Included core/registry.sql
-- What core's own columns hold about whom; each room of core declares its tables itself.
select gdpr.declare_columns('core.settings', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"name": {}, "value": {}, "updated_at": {}}');

select gdpr.declare_columns('private.secrets', null, '{"class": "secret", "on_export": "exclude", "on_erase": "keep",
  "reason": "The instance''s own secrets; about no person."}',
  '{"name": {"class": "none"}, "value": {}, "updated_at": {"class": "none"}}');

select gdpr.declare_columns('private.attempts', 'bucket',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"bucket": {}, "attempt_count": {}, "window_started_at": {}}');

select core.audit_table('core.settings');
select core.audit_table('private.secrets');
select core.declare_unaudited_table('private.attempts', 'Counters; refused passwords are security events.');
--! EndIncluded core/registry.sql
--! Included core/audit/registry.sql
-- What the audit log holds about whom.

-- No foreign key leads from an event to a person: it outlives them. core.audit_events_about() finds what is theirs.
-- Values are as sensitive as the most sensitive column they were taken from.
select gdpr.declare_columns('core.audit_log', 'subject_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "keep",
    "reason": "That something was done, and when, stays true; with the values blanked it tells nothing of whom."}',
  '{"id": {}, "occurred_at": {}, "transaction_id": {}, "kind": {}, "relation": {}, "operation": {},
    "actor_user_id": {"reason": "Who did it; leads nowhere once the account is erased."},
    "actor_session_id": {"reason": "Leads nowhere once the session is deleted."},
    "subject_id": {"reason": "Finds what is to be blanked; leads nowhere afterwards."},
    "tenant_id": {}, "database_role": {}, "acting_role": {}, "job_id": {}, "request_id": {},
    "key": {"class": "sensitive", "on_erase": "null"}, "old_values": {"class": "sensitive", "on_erase": "null"},
    "new_values": {"class": "sensitive", "on_erase": "null"}, "salt": {"class": "sensitive", "on_erase": "null"},
    "payload_hash": {}, "row_hash": {}, "blanked_by": {}}');

select gdpr.declare_columns('core.audit_seals', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"number": {}, "from_transaction": {}, "until_transaction": {}, "first_event": {}, "event_count": {},
    "sealed_at": {}, "previous_hash": {}, "hash": {}}');

select gdpr.declare_columns('core.audited_tables', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"schema_name": {}, "table_name": {}, "is_audited": {}, "reason": {}}');

-- Seven years, a year ahead: without its month the log would refuse every audited write.
select ops.declare_partitioned_table('core.audit_log', 'occurred_at', 12, 84);

select core.audit_table('core.audited_tables');
select core.declare_unaudited_table('core.audit_log', 'The log itself.');
select core.declare_unaudited_table('core.audit_seals', 'The log''s own seals.');
--! EndIncluded core/audit/registry.sql
--! Included core/mails/registry.sql
-- What the outbox holds about whom.

select gdpr.declare_columns('core.mails', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "kind": {}, "user_id": {}, "session_id": {}, "sign_up_request_id": {"on_export": "exclude"}, "invitation_id": {},
    "recipient": {}, "state": {}, "last_error": {"on_export": "exclude"}, "started_at": {}, "finished_at": {},
    "created_at": {}, "updated_at": {}}');

select core.declare_unaudited_table('core.mails',
  'The outbox: what is to be mailed and how far it came; rows go after 30 days.');
--! EndIncluded core/mails/registry.sql
--! Included core/accounts/registry.sql
-- What accounts hold about whom.

select gdpr.declare_columns('core.users', 'id', '{"class": "personal", "on_export": "include", "on_erase": "null"}',
  '{"id": {"on_erase": "keep", "reason": "Holds the rows of others together; leads nowhere once the rest is gone."},
    "email": {"on_erase": "anonymize", "erased_with": "''erased-'' || gen_random_uuid() || ''@erased.invalid''"},
    "email_key": {"on_export": "exclude", "on_erase": "anonymize"},
    "email_verified_at": {}, "email_vouched_by": {}, "role": {"class": "none", "on_erase": "keep"},
    "status": {"class": "none", "on_erase": "keep"}, "full_name": {}, "display_name": {}, "avatar_url": {},
    "timezone": {"on_erase": "anonymize", "erased_with": "''UTC''"},
    "locale": {"on_erase": "anonymize", "erased_with": "''en''"},
    "preferences": {"on_erase": "anonymize", "erased_with": "''{}''"}, "has_onboarded": {"class": "none", "on_erase": "keep"},
    "trial_ends_at": {}, "deleted_at": {"class": "none", "on_erase": "keep"},
    "created_at": {"class": "none", "on_erase": "keep"}, "updated_at": {"class": "none", "on_erase": "keep"}}');

select gdpr.declare_columns('core.sessions', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "device_fingerprint": {}, "device_name": {}, "user_agent": {}, "client_address": {},
    "refreshed_at": {}, "expires_at": {}, "revoked_at": {}, "revoked_reason": {}, "created_at": {},
    "updated_at": {}}');

select gdpr.declare_columns('private.passwords', 'user_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"user_id": {}, "password_hash": {"class": "secret"}, "updated_at": {}}');

select gdpr.declare_columns('private.refresh_tokens', 'session_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"token_hash": {"class": "secret"}, "session_id": {}, "successor_nonce": {"class": "secret"}, "rotated_at": {},
    "created_at": {}}');

-- The address is all that leads to someone who has no account yet.
select gdpr.declare_columns('private.sign_up_requests', 'email',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"id": {}, "email": {}, "email_key": {}, "password_hash": {"class": "secret"}, "display_name": {}, "timezone": {},
    "locale": {}, "created_at": {}}');

select gdpr.declare_columns('private.one_time_tokens', 'user_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"token_hash": {"class": "secret"}, "purpose": {}, "user_id": {}, "sign_up_request_id": {}, "email": {},
    "created_at": {}, "expires_at": {}, "used_at": {}}');

select gdpr.declare_columns('private.common_passwords', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}', '{"password": {}}');

select core.audit_table('core.users');
select core.audit_table('core.sessions');
select core.audit_table('private.passwords');
select core.declare_unaudited_table('private.refresh_tokens',
  'Traded in every few minutes, and nothing in a token but its secret; reuse is a security event.');
select core.declare_unaudited_table('private.sign_up_requests',
  'Nobody''s account yet, and gone after two days; opening the account is audited.');
select core.declare_unaudited_table('private.one_time_tokens',
  'Used once and soon expired; what opening a link changes is audited.');
select core.declare_unaudited_table('private.common_passwords', 'A published list, loaded as reference data; nobody''s.');
--! EndIncluded core/accounts/registry.sql
--! Included core/second_factor/registry.sql
-- What the second factor holds about whom.

select gdpr.declare_columns('private.totp_factors', 'user_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"user_id": {}, "secret": {"class": "secret"}, "last_step": {}, "confirmed_at": {}, "created_at": {}}');

select gdpr.declare_columns('private.recovery_codes', 'user_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"user_id": {}, "code_hash": {"class": "secret"}, "created_at": {}}');

select gdpr.declare_columns('private.sign_in_challenges', 'user_id',
  '{"class": "personal", "on_export": "exclude", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "secret_hash": {"class": "secret"}, "attempt_bucket": {}, "attempt_count": {},
    "device_fingerprint": {}, "device_name": {}, "created_at": {}, "expires_at": {}}');

select core.declare_unaudited_table('private.totp_factors',
  'Changes with every code; that it was turned on or off is a security event.');
select core.declare_unaudited_table('private.recovery_codes', 'Made ten at a time and used up; both are security events.');
select core.declare_unaudited_table('private.sign_in_challenges', 'Gone in minutes; what comes of them is a security event.');
--! EndIncluded core/second_factor/registry.sql
--! Included core/identities/registry.sql
-- What identities hold about whom.

select gdpr.declare_columns('core.identities', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "issuer": {}, "subject": {}, "email": {}, "created_at": {}, "last_used_at": {}}');

select gdpr.declare_columns('core.identity_issuers', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"issuer": {}, "audiences": {}, "jwks_url": {}, "is_email_trusted": {}, "is_active": {}, "next_fetch_at": {},
    "attempted_at": {}, "fetched_at": {}, "last_error": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.identity_keys', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"issuer": {}, "kid": {}, "algorithm": {}, "modulus": {}, "created_at": {}}');

select gdpr.declare_columns('private.used_identity_tokens', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}', '{"token_hash": {}, "used_at": {}}');

select core.audit_table('core.identities');
select core.audit_table('core.identity_keys');
select core.declare_unaudited_table('core.identity_issuers',
  'Touched by each fetch; what operators change in it they write in SQL of their own.');
select core.declare_unaudited_table('private.used_identity_tokens', 'Hashes of tokens that were used; gone in hours.');
--! EndIncluded core/identities/registry.sql
--! Included core/analytics/registry.sql
-- What analytics holds about whom.

select ops.declare_partitioned_table('core.analytics_events', 'filed_at');

-- The row goes with the person; the counts stay, they are about nobody. What happened when is nobody's either, once the
-- columns that say whose are out of reach.
select gdpr.declare_columns('core.analytics_events', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"visitor_id": {}, "id": {}, "filed_at": {"on_export": "exclude"}, "user_id": {}, "session_id": {}, "name": {"class": "none"},
    "occurred_at": {"class": "none"}, "received_at": {"class": "none"}, "properties": {}}');

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

select core.audit_table('core.analytics_event_schemas');
select core.declare_unaudited_table('core.analytics_events', 'A log by itself, written once and too fast for another.');
select core.declare_unaudited_table('core.analytics_deltas', 'Counts on their way into the roll-ups.');
select core.declare_unaudited_table('core.analytics_hourly', 'Counts that can be made again from the events.');
select core.declare_unaudited_table('core.analytics_daily', 'Counts that can be made again from the events.');
--! EndIncluded core/analytics/registry.sql
--! Included core/tenancy/registry.sql
-- What tenancy holds about whom.

-- An organization is nobody's personal data; who made it is.
select gdpr.declare_columns('core.organizations', 'created_by',
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "name": {}, "slug": {}, "settings": {}, "branding": {},
    "created_by": {"class": "personal", "on_erase": "null"}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.organization_members', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"organization_id": {}, "user_id": {}, "role": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.organization_exclusions', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"organization_id": {}, "user_id": {}, "created_at": {}}');

select core.audit_table('core.organizations');
select core.audit_table('core.organization_members');
select core.audit_table('core.organization_exclusions');

-- The address is all that leads to someone who has no account yet.
select gdpr.declare_columns('core.invitations', 'email',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "organization_id": {}, "organization_name": {"class": "none"}, "email": {},
    "email_key": {"on_export": "exclude"}, "role": {}, "state": {}, "token_hash": {"class": "secret", "on_export": "exclude"},
    "invited_by": {}, "expires_at": {}, "created_at": {}, "updated_at": {}}');

select core.audit_table('core.invitations');

-- A domain is a company's; who claimed it is a person.
select gdpr.declare_columns('core.organization_domains', 'created_by',
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "organization_id": {}, "domain": {}, "token": {}, "has_auto_join": {}, "verified_at": {}, "expires_at": {},
    "next_check_at": {}, "last_checked_at": {}, "failure_count": {}, "last_problem": {},
    "created_by": {"class": "personal", "on_erase": "null"}, "created_at": {}, "updated_at": {}}');

select core.audit_table('core.organization_domains');
--! EndIncluded core/tenancy/registry.sql
--! Included core/workspaces/registry.sql
-- What teams and workspaces hold about whom.

select gdpr.declare_columns('core.teams', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "organization_id": {}, "name": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.team_members', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"organization_id": {}, "team_id": {}, "user_id": {}, "role": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.workspaces', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "organization_id": {}, "name": {}, "slug": {}, "settings": {}, "archived_at": {}, "created_at": {},
    "updated_at": {}}');

select gdpr.declare_columns('core.workspace_members', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"organization_id": {}, "workspace_id": {}, "user_id": {}, "role": {}, "created_at": {}, "updated_at": {}}');

select core.audit_table('core.teams');
select core.audit_table('core.team_members');
select core.audit_table('core.workspaces');
select core.audit_table('core.workspace_members');
--! EndIncluded core/workspaces/registry.sql
--! Included core/subscriptions/registry.sql
-- What subscriptions hold about whom. What was paid, and by which card, stands with the provider and not here.

select gdpr.declare_columns('core.plans', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"key": {}, "name": {}, "description": {}, "audience": {}, "limits": {}, "features": {}, "trial_days": {},
    "price_cents": {}, "currency": {}, "billing_interval": {}, "is_public": {}, "position": {}, "archived_at": {},
    "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.plan_prices', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"provider": {}, "provider_price_id": {}, "plan": {}, "created_at": {}}');

select gdpr.declare_columns('core.subscriptions', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "organization_id": {}, "audience": {}, "plan": {}, "state": {}, "is_comped": {},
    "is_surplus": {}, "trial_ends_at": {}, "current_period_start": {}, "current_period_end": {},
    "cancel_at_period_end": {}, "canceled_at": {}, "past_due_at": {}, "provider": {}, "provider_customer_id": {},
    "provider_subscription_id": {}, "provider_status": {}, "provider_created_at": {}, "provider_updated_at": {},
    "provider_order": {"on_export": "exclude"}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.billing_customers', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"provider": {}, "provider_customer_id": {}, "user_id": {}, "organization_id": {},
    "linked_by": {"on_export": "exclude"}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.billing_events', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"provider": {}, "provider_event_id": {}, "kind": {}, "occurred_at": {}, "facts": {}, "customer_id": {},
    "subscription_id": {}, "user_id": {}, "organization_id": {}, "outcome": {}, "error": {"on_export": "exclude"},
    "attempt_count": {"class": "none", "on_export": "exclude"}, "received_at": {}, "processed_at": {}}');

select core.audit_table('core.plans');
select core.audit_table('core.plan_prices');
select core.audit_table('core.subscriptions');
select core.audit_table('core.billing_customers');
select core.declare_unaudited_table('core.billing_events',
  'A log of its own; what an event changes in a subscription is audited.');
--! EndIncluded core/subscriptions/registry.sql
--! Included core/notifications/registry.sql
-- What notifications hold about whom, and the kinds that core itself sends.

select gdpr.declare_columns('core.notification_kinds', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"name": {}, "description": {}, "default_channels": {}, "is_urgent": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.notification_preferences', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"user_id": {}, "kind": {}, "channels": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.quiet_hours', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"user_id": {}, "starts_at": {}, "ends_at": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.notification_tokens', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "session_id": {}, "platform": {},
    "token": {"class": "secret", "on_export": "exclude"}, "token_hash": {"class": "secret", "on_export": "exclude"},
    "web_p256dh": {"class": "secret", "on_export": "exclude"}, "web_auth": {"class": "secret", "on_export": "exclude"},
    "device_name": {}, "app_version": {}, "locale": {}, "disabled_reason": {}, "disabled_at": {}, "last_seen_at": {},
    "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.notifications', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "kind": {}, "title": {}, "body": {}, "data": {}, "channels": {},
    "dedupe_key": {"on_export": "exclude"}, "collapse_key": {"on_export": "exclude"}, "not_before": {},
    "expires_at": {}, "read_at": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('core.notification_deliveries', 'user_id',
  '{"class": "personal", "on_export": "include", "on_erase": "delete"}',
  '{"id": {}, "user_id": {}, "notification_id": {}, "token_id": {}, "state": {}, "attempt_count": {},
    "last_error": {"on_export": "exclude"}, "next_attempt_at": {"on_export": "exclude"}, "started_at": {},
    "finished_at": {}, "created_at": {}, "updated_at": {}}');

select core.audit_table('core.notification_kinds');
select core.audit_table('core.notification_preferences');
select core.audit_table('core.quiet_hours');
select core.declare_unaudited_table('core.notification_tokens',
  'Renewed at every start of a client; sessions, through which devices register, are audited.');
select core.declare_unaudited_table('core.notifications', 'Messages as they were sent; rows go after a while.');
select core.declare_unaudited_table('core.notification_deliveries',
  'The outbox: what is to be pushed and how far it came; rows go with their notification.');

select core.declare_notification_kind('announcement', 'News about this product');
select core.declare_notification_kind('security', 'What happens to your account', is_urgent => true);
--! EndIncluded core/notifications/registry.sql
--! Included ops/registry.sql
-- What ops declares about its own columns: nothing personal.
select gdpr.declare_columns('ops.partitioned_tables', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"schema_name": {}, "table_name": {}, "key_column": {}, "months_ahead": {}, "retention_months": {}}');

select core.audit_table('ops.partitioned_tables');
--! EndIncluded ops/registry.sql
--! Included ops/monitoring/registry.sql
-- What the monitoring holds (nothing personal) and what ops measures. Thresholds: PulseX's, where it names one.
select gdpr.declare_columns('ops.metrics', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"name": {}, "area": {}, "unit": {}, "source_schema": {}, "source_function": {}, "summary": {}, "warn_at": {},
    "critical_at": {}, "is_low_bad": {}, "created_at": {}, "updated_at": {}}');

select gdpr.declare_columns('ops.alerts', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "metric": {}, "labels": {}, "severity": {}, "value": {}, "opened_at": {}, "evaluated_at": {},
    "resolved_at": {}}');

select gdpr.declare_columns('ops.scheduled_tasks', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"task": {}, "period_seconds": {}, "declared_at": {}}');

select gdpr.declare_columns('ops.task_runs', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "task": {}, "job_id": {}, "started_at": {}, "finished_at": {}, "error": {}}');

select core.audit_table('ops.metrics');
select core.declare_unaudited_table('ops.alerts', 'A log by itself: opened, evaluated, resolved.');
select core.declare_unaudited_table('ops.scheduled_tasks', 'What worker/crontab says, noted at each start of a worker.');
select core.declare_unaudited_table('ops.task_runs', 'A log by itself; rows go after 30 days.');

select ops.declare_metric('connections_used_ratio', 'database', 'ratio', 'ops.measure_connections()',
  'Sessions as a share of what the server allows.', 0.8, 0.95);
select ops.declare_metric('connections', 'database', 'count', 'ops.measure_connections()', 'Sessions by state.');
select ops.declare_metric('longest_query_seconds', 'performance', 'seconds', 'ops.measure_connections()',
  'How long the longest running query has run.', 30, 300);
select ops.declare_metric('longest_idle_transaction_seconds', 'performance', 'seconds', 'ops.measure_connections()',
  'How long the longest idle transaction has kept its locks.', 60, 600);
select ops.declare_metric('longest_lock_wait_seconds', 'performance', 'seconds', 'ops.measure_connections()',
  'How long somebody has waited for a lock.', 5, 30);
select ops.declare_metric('cache_hit_ratio', 'performance', 'ratio', 'ops.measure_database()',
  'Blocks found in memory, as a share of all that were asked for.', 0.95, 0.8, true);
select ops.declare_metric('transactions_total', 'performance', 'count', 'ops.measure_database()', 'Transactions so far.');
select ops.declare_metric('rolled_back_total', 'performance', 'count', 'ops.measure_database()', 'Those rolled back.');
select ops.declare_metric('deadlocks_total', 'performance', 'count', 'ops.measure_database()', 'Deadlocks so far.');
select ops.declare_metric('temporary_bytes_total', 'performance', 'bytes', 'ops.measure_database()',
  'Written to disk because work_mem was too small.');
select ops.declare_metric('database_size_bytes', 'database', 'bytes', 'ops.measure_database()', 'Size of the database.');
select ops.declare_metric('transaction_ids_used_ratio', 'database', 'ratio', 'ops.measure_database()',
  'Age of the oldest transaction id; at 1 the server stops taking writes.', 0.3, 0.7);
select ops.declare_metric('query_mean_milliseconds', 'performance', 'milliseconds', 'ops.measure_statements()',
  'Mean time of a query.', 100, 1000);
select ops.declare_metric('slow_queries', 'performance', 'count', 'ops.measure_statements()',
  'Kinds of query that take more than a second on average.');
select ops.declare_metric('queries_total', 'performance', 'count', 'ops.measure_statements()', 'Queries so far.');
select ops.declare_metric('dead_rows_ratio', 'performance', 'ratio', 'ops.measure_tables()',
  'Dead rows as a share of a table that has 10,000 of them or more.', 0.2, 0.5);
select ops.declare_metric('replication_lag_seconds', 'database', 'seconds', 'ops.measure_replication()',
  'How far a replica is behind.', 1, 10);
-- Three months are made ahead, daily: fewer than two say that nobody makes them.
select ops.declare_metric('partition_runway_days', 'database', 'days', 'ops.measure_partitions()',
  'Days until the last existing month of a table ends.', 60, 15, true);
select ops.declare_metric('jobs_waiting', 'product', 'count', 'ops.measure_jobs()', 'Jobs that are due and wait.');
select ops.declare_metric('job_lag_seconds', 'product', 'seconds', 'ops.measure_jobs()',
  'How long the first of them has waited.', 120, 900);
select ops.declare_metric('jobs_failed', 'product', 'count', 'ops.measure_jobs()', 'Jobs that gave up.', 1, 100);
-- A turn a minute may be late by one; who has missed two whole turns is not coming by itself.
select ops.declare_metric('task_overdue_ratio', 'product', 'ratio', 'ops.measure_jobs()',
  'Time since the last success of a scheduled task, in its periods.', 3, 10);
--! EndIncluded ops/monitoring/registry.sql
--! Included gdpr/registry.sql
-- What gdpr declares about its own columns: nothing personal.
select gdpr.declare_columns('gdpr.column_policies', null, '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"schema_name": {}, "table_name": {}, "column_name": {}, "class": {}, "subject": {}, "on_export": {},
    "on_erase": {}, "reason": {}, "erased_with": {}}');

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

-- A private feed carries its password in its address.
select gdpr.declare_columns('briefing.content_sources', null,
  '{"class": "none", "on_export": "exclude", "on_erase": "keep"}',
  '{"id": {}, "kind": {}, "url": {"class": "secret", "reason": "Needed to fetch the feed; about no person."},
    "canonical_url": {"class": "secret", "reason": "Needed to know the feed again; about no person."},
    "title": {}, "site_url": {}, "language": {}, "topics": {}, "weight": {}, "is_active": {}, "fetch_interval_seconds": {}, "next_fetch_at": {}, "last_fetched_at": {},
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
-- Modules stand above this line: what may be read is worked out from what they declared.
--! Included gdpr/readers/registry.sql
-- The last word of index.sql: every module has declared its columns by now.
select gdpr.declare_readers();
--! EndIncluded gdpr/readers/registry.sql
--! EndIncluded index.sql
-- Partitions exist from the first minute on.
select ops.create_monthly_partitions();
