/** Holes behind which a second line of defence stands: every cell still holds with them. Each with what that line is. */

/** Counts about nobody: every row is for admins, and no other role may select at all. */
const ADMINS_ONLY = 'only howdah_admin has the privilege, and it may see every row'

/** Every row is for everybody who has the grant. */
const FOR_EVERYBODY = 'the policy lets every row through; the grants decide'

/** By the mutant's sentence. What a cell notices must not stand here. */
export const SECOND_LINE: Readonly<Record<string, string>> = {
  'api.analytics_daily as its owner': ADMINS_ONLY,
  'core.analytics_daily select_admin: using (true)': ADMINS_ONLY,
  'core.analytics_daily without row level security': ADMINS_ONLY,
  'api.analytics_hourly as its owner': ADMINS_ONLY,
  'core.analytics_hourly select_admin: using (true)': ADMINS_ONLY,
  'core.analytics_hourly without row level security': ADMINS_ONLY,
  'api.content_items as its owner': FOR_EVERYBODY,
  'api.content_sources as its owner': FOR_EVERYBODY,
  'api.topics as its owner': FOR_EVERYBODY,
  'api.notification_preferences as its owner': 'it joins what the caller has chosen, and kinds are no secret',
  'briefing.content_items without row level security': FOR_EVERYBODY,
  'briefing.content_sources without row level security': FOR_EVERYBODY,
  'briefing.topics without row level security': FOR_EVERYBODY,
  'briefing.saved_cards update_own: with check (true)': 'user_id may not be updated',
  'briefing.user_preferences update_own: with check (true)': 'user_id may not be updated',
  'core.users select_admin: using (true)':
    'whoever has the role is an admin; the request guard compares role and account',
}
