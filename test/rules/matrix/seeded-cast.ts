/** The cast, signed up and with rows in every table: for attacks, and for whoever asks what is held about a person. */
import type { TestApi } from '../../setup/api.ts'
import type { TestDatabase } from '../../setup/database.ts'
import { type Person, signUp } from '../../setup/story.ts'
import { CAST } from './people.ts'
import { type Keys, seedWorld } from './seed-world.ts'

/** The people by their labels, and the ids of the rows made for them. */
export type SeededCast = { people: ReadonlyMap<string, Person>; keys: Keys }

/** Signs everybody up through the API and seeds rows for them. */
export async function seededCast(db: TestDatabase, api: TestApi): Promise<SeededCast> {
  const people = new Map(
    await Promise.all(
      CAST.map(
        async ({ label }) => [label, await signUp(api, { email: `mail-${label}@example.com` })] as const,
      ),
    ),
  )
  const client = await db.superuser.connect()
  try {
    await client.query('begin')
    const keys = await seedWorld(client, new Map([...people].map(([label, { id }]) => [label, id])))
    await client.query('commit')
    return { people, keys }
  } finally {
    await client.query('rollback')
    client.release()
  }
}
