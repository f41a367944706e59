/**
 * Values for columns whose rules the generator cannot guess. A new table needs a line here only when seeding says so.
 * Each gets a word that is unique to the row's owner and column, so that it is recognised wherever it turns up.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { eventId } from '../../../sdk/src/analytics/event-id.ts'

/** The event's instant stands in its id as well; a month that has a partition. */
const FILED_AT = Math.trunc(Date.now() / 1000) * 1000

/** `table.column` to a value; the word is for example `canary-b-saved-cards-note`. */
export const FACTORIES: Readonly<Record<string, (word: string) => unknown>> = {
  'briefing.briefings.cards': (word) => JSON.stringify([card(word)]),
  'briefing.briefings.timezone': () => 'UTC',
  'briefing.content_items.topics': (word) => [word.slice(0, 40)],
  'briefing.content_items.url': (word) => `https://example.com/${word}`,
  'briefing.content_items.image_url': (word) => `https://example.com/${word}.png`,
  'briefing.content_sources.url': (word) => `https://example.com/${word}`,
  'briefing.content_sources.site_url': (word) => `https://example.com/${word}`,
  'briefing.saved_cards.card': (word) => JSON.stringify(card(word)),
  'briefing.topics.slug': (word) => word.slice(0, 40),
  'briefing.user_feedback.kind': () => 'like',
  'briefing.user_preferences.preferences': (word) => JSON.stringify({ muted_words: [word] }),
  'core.organizations.slug': (word) => word,
  'core.organization_members.role': () => 'owner',
  'core.workspaces.slug': (word) => word,
  'core.workspace_members.role': () => 'owner',
  'core.organization_domains.domain': (word) => `${word}.example`,
  'core.organization_domains.token': () => randomBytes(32).toString('base64url'),
  'core.organization_domains.expires_at': () => '2099-01-01T00:00:00Z',
  'core.organization_domains.last_problem': () => 'dns_failed',
  'core.invitations.email': (word) => `${word}@example.com`,
  'core.invitations.role': () => 'member',
  'core.invitations.state': () => 'pending',
  'core.invitations.token_hash': () => randomBytes(32),
  'core.invitations.expires_at': () => '2099-01-01T00:00:00Z',
  'core.mails.kind': () => 'verify_email',
  'core.mails.recipient': (word) => `${word}@example.com`,
  'core.mails.state': () => 'waiting',
  'core.analytics_events.id': () => eventId(FILED_AT),
  'core.analytics_events.filed_at': () => new Date(FILED_AT),
  'core.analytics_events.name': (word) => word.replaceAll('-', '_').slice(0, 64),
  'core.analytics_event_schemas.event_name': (word) => word.replaceAll('-', '_').slice(0, 64),
  'core.billing_customers.organization_id': () => undefined,
  'core.billing_customers.provider': () => 'stripe',
  'core.billing_events.outcome': () => 'processed',
  'core.billing_events.provider': () => 'stripe',
  'core.plan_prices.provider': () => 'stripe',
  'core.plans.audience': () => 'user',
  'core.plans.billing_interval': () => 'month',
  'core.plans.currency': () => 'EUR',
  'core.plans.key': (word) => word.replaceAll('-', '_').slice(0, 40),
  // Everybody reads those that are for sale.
  'core.plans.is_public': () => true,
  'core.subscriptions.organization_id': () => undefined,
  'core.subscriptions.state': () => 'active',
  'core.sessions.expires_at': () => '2099-01-01T00:00:00Z',
  'private.one_time_tokens.email': (word) => `${word}@example.com`,
  'private.one_time_tokens.expires_at': () => '2099-01-01T00:00:00Z',
  'private.one_time_tokens.purpose': () => 'verify_email',
  // A token has one subject, here the account.
  'private.one_time_tokens.sign_up_request_id': () => undefined,
  'private.one_time_tokens.token_hash': () => randomBytes(32),
  'private.sign_up_requests.email': (word) => `${word}@example.com`,
  'private.sign_up_requests.locale': () => 'en',
  'private.sign_up_requests.password_hash': () => `$2a$04$${'x'.repeat(53)}`,
  'private.sign_up_requests.timezone': () => 'UTC',
}

function card(word: string) {
  return {
    id: randomUUID(),
    type: 'article',
    title: word,
    summary: word,
    url: null,
    source: { id: randomUUID(), title: word },
    topics: [],
    image: null,
    published_at: '2026-01-01T00:00:00Z',
    score: 1,
    reason: word,
    position: 1,
  }
}
