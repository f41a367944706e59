// A new reader's first minute. Needs a running stack (npm start) and the built SDK (npm run sdk:build).
import { createClient, isApiError, orThrow } from '@howdah/sdk'

const client = createClient({ url: process.env.HOWDAH_URL ?? 'http://127.0.0.1:3000' })
const email = `reader-${Date.now()}@example.com`

const { user } = await orThrow(
  client.auth.signUp({ email, password: 'correct horse battery', timezone: 'Europe/Berlin' }),
)
await orThrow(client.rpc('follow_topic', { topic: 'space' }))
await orThrow(client.rpc('follow_topic', { topic: 'climate' }))

const { briefing_date, cards } = await orThrow(client.briefings.today())
console.log(`${user.email}, ${briefing_date}: ${cards.length} cards`)
for (const card of cards.slice(0, 3)) console.log(`  ${card.title} (${card.reason})`)

await orThrow(client.briefings.feedback(cards[0].id, 'like'))
await orThrow(client.savedCards.save(cards[0].id, { tags: ['to read'] }))

try {
  await orThrow(client.briefings.feedback(user.id, 'like'))
} catch (error) {
  if (!isApiError(error)) throw error
  console.log(`  ${error.key} (${error.status}): ${error.hint}`)
}
