-- Topics are there, and what is said twice is said alike.
select 'topics to follow' as what, 'at least 24' as expected, count(*)::text as found, count(*) >= 24 as is_ok
from briefing.topics
union all
select 'accounts without preferences or schedule', '0', count(*)::text, count(*) = 0
from core.users as u
where u.status <> 'erased' and (
  not exists (select from briefing.user_preferences as p where p.user_id = u.id)
  or not exists (select from briefing.schedules as s where s.user_id = u.id)
)
union all
select 'items whose topics differ from their index', '0', count(*)::text, count(*) = 0
from briefing.content_items as i
where i.topics is distinct from array(
  select it.topic from briefing.item_topics as it
  where it.item_id = i.id and it.published_at = i.published_at
  order by array_position(i.topics, it.topic)
)
union all
select 'followed topics that do not exist', '0', count(*)::text, count(*) = 0
from briefing.user_preferences as p, jsonb_array_elements_text(p.preferences -> 'topics') as followed (slug)
where not exists (select from briefing.topics as t where t.slug = followed.slug);
