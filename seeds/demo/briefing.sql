-- What the demo accounts are interested in. They keep what they chose since.
update briefing.user_preferences as p
set preferences = demo.preferences
from (values
  ('ada@example.com', '{"topics": ["space", "ai", "climate", "science"], "briefing_time": "06:30"}'::jsonb),
  ('bob@example.com', '{"topics": ["business", "sports", "culture"], "card_limit": 8}'::jsonb)
) as demo (email, preferences)
join core.users as u on u.email_key = core.email_key(demo.email)
where p.user_id = u.id and p.preferences = '{}';
