/** Two people with a row in every table that holds anything about people; each word says whose it is and where it lies. */
import { seedWorld } from '../rules/matrix/seed-world.ts'
import type { TestApi } from './api.ts'
import type { TestDatabase } from './database.ts'
import { type Person, signUp } from './story.ts'

/** Signs Ada and Bob up and gives them rows; whatever is hers holds `canary-ada-`, whatever is his `canary-bob-`. */
export async function seededPeople(db: TestDatabase, api: TestApi): Promise<{ ada: Person; bob: Person }> {
  const ada = await signUp(api, { email: 'canary-ada-email@example.com' })
  const bob = await signUp(api, { email: 'canary-bob-email@example.com' })
  const client = await db.owner.connect()
  try {
    await client.query('begin')
    await seedWorld(client, [
      { id: ada.id, label: 'ada' },
      { id: bob.id, label: 'bob' },
    ])
    await client.query('commit')
  } finally {
    client.release(true)
  }
  return { ada, bob }
}
