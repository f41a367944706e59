-- For seeds.perf_count readers: a fifth as many sources (at most 1,000), twenty items a reader (at most 100,000) over
-- the last 30 days, and for each reader five topics and ten sources to follow. Sources are named
-- https://perf.example/source-<n>; seeds:clear removes them, and their items with them.
create temporary table perf_size on commit drop as
select
  current_setting('seeds.perf_count')::integer as readers,
  least(greatest(current_setting('seeds.perf_count')::integer / 5, 10), 1000) as sources,
  least(greatest(current_setting('seeds.perf_count')::integer * 20, 200), 100000) as items;

insert into briefing.content_sources (url, canonical_url, title, site_url, language, topics, weight, is_active)
select
  format('https://perf.example/source-%s', n),
  format('https://perf.example/source-%s', n),
  format('Perf source %s', n),
  format('https://perf.example/source-%s/home', n),
  case when n % 4 = 0 then 'de' else 'en' end,
  array[t.slug],
  0.5 + (n % 5) * 0.4,
  -- Nobody fetches what does not exist.
  false
from perf_size as size
cross join generate_series(1, size.sources) as n
join (
  select slug, row_number() over (order by slug) - 1 as place, count(*) over () as topic_count from briefing.topics
) as t on t.place = n % t.topic_count
on conflict on constraint content_sources_canonical_url_key do nothing;

create temporary table perf_item on commit drop as
with word as (
  select array[
    'harbour', 'council', 'budget', 'rocket', 'glacier', 'vaccine', 'bank', 'river', 'election', 'strike', 'museum',
    'battery', 'merger', 'court', 'goalkeeper', 'novel', 'storm', 'school', 'railway', 'bridge', 'tax', 'chip',
    'quantum', 'satellite', 'protest', 'housing', 'wheat', 'solar', 'border', 'festival', 'airport', 'union',
    'garden', 'privacy', 'robot', 'forest', 'orchestra', 'minister', 'startup', 'hospital', 'between', 'after',
    'without', 'opens', 'closes', 'finds', 'loses', 'wins', 'the', 'a', 'in', 'of', 'for', 'again', 'new', 'last'
  ] as list
), topic as (
  select array_agg(slug order by slug) as list from briefing.topics
), source as (
  select array_agg(s.id order by s.canonical_url) as list
  from briefing.content_sources as s
  where s.canonical_url like 'https://perf.example/source-%'
)
select
  n,
  source.list[1 + (n::bigint * 7919 + n / 1000) % cardinality(source.list)] as source_id,
  -- Keys sort by time, as those of imported items do.
  encode(
    set_bit(set_bit(
      overlay(uuid_send(gen_random_uuid()) placing substring(int8send(
        (extract(epoch from core.now() - interval '30 days' * n / size.items) * 1000)::bigint
      ) from 3) from 1 for 6), 52, 1), 53, 1),
    'hex')::uuid as id,
  core.now() - interval '30 days' * n / size.items as published_at,
  array(
    select distinct topic.list[1 + pick % cardinality(topic.list)]
    from unnest(array[n % 997, n % 13 + 13, n * 31 % 101]) as pick
  ) as topics,
  (
    select string_agg(word.list[1 + (hashtext(n || '/' || k) & 2147483647) % cardinality(word.list)], ' ' order by k)
    from generate_series(1, 9) as k
  ) || ' ' || substr(md5(n::text), 1, 8) as title,
  (
    select string_agg(word.list[1 + (hashtext(n || ':' || k) & 2147483647) % cardinality(word.list)], ' ' order by k)
    from generate_series(1, 45) as k
  ) as summary
from perf_size as size, word, topic, source, generate_series(1, size.items) as n
where not exists (
  select from briefing.content_items as i
  where i.source_id = source.list[1 + (n::bigint * 7919 + n / 1000) % cardinality(source.list)] and i.guid = 'perf-' || n
);

insert into briefing.content_items (
  id, source_id, guid, url, canonical_url, title, summary, author, language, image_url, topics, published_at,
  story_id, title_key, content_hash
)
select
  i.id, i.source_id, 'perf-' || i.n, 'https://perf.example/item-' || i.n, 'https://perf.example/item-' || i.n,
  i.title, i.summary, 'Author ' || i.n % 500, case when i.n % 4 = 0 then 'de' else 'en' end,
  case when i.n % 2 = 0 then format('https://perf.example/item-%s.jpg', i.n) end,
  i.topics, i.published_at,
  -- One item in twenty tells the story of its neighbour.
  case when i.n % 20 = 0 then coalesce(neighbour.id, i.id) else i.id end,
  briefing.title_key(i.title), sha256(convert_to('perf-' || i.n, 'UTF8'))
from perf_item as i
left join perf_item as neighbour on neighbour.n = i.n - 1;

insert into briefing.item_topics (topic, published_at, item_id)
select topic, i.published_at, i.id
from perf_item as i, unnest(i.topics) as topic;

create temporary table perf_reader on commit drop as
select u.id, row_number() over (order by u.email) as n
from core.users as u
where u.email like 'perf-%@perf.example.com';

update briefing.user_preferences as p
set preferences = jsonb_build_object(
  'topics', (
    select jsonb_agg(distinct topic.list[1 + (hashtext(r.n || '/' || k) & 2147483647) % cardinality(topic.list)])
    from generate_series(1, 5) as k
  )
) || case when r.n % 3 = 0 then '{"muted_words": ["goalkeeper", "new budget"]}' else '{}' end::jsonb
from perf_reader as r, (select array_agg(slug order by slug) as list from briefing.topics) as topic
where p.user_id = r.id and p.preferences = '{}';

insert into briefing.followed_sources (user_id, source_id)
select r.id, source.list[1 + (hashtext(r.n || '/' || k) & 2147483647) % cardinality(source.list)]
from perf_reader as r, generate_series(1, 10) as k, (
  select array_agg(s.id order by s.canonical_url) as list
  from briefing.content_sources as s
  where s.canonical_url like 'https://perf.example/source-%'
) as source
on conflict on constraint followed_sources_pkey do nothing;
