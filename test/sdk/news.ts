/** Topics, sources and items for the SDK's stories. */
import { addSource, addTopic, hoursAgo, importItems } from '../db/briefing/newsroom.ts'
import type { TestDatabase } from '../setup/database.ts'

/** The topics there are. */
export const TOPICS = ['space', 'climate', 'football', 'money'] as const

/** A newsroom that can publish a day's items. */
export type Newsroom = { publish(day: number): Promise<void> }

/** Opens it: three sources for each topic. */
export async function openNewsroom(db: TestDatabase): Promise<Newsroom> {
  for (const topic of TOPICS) await addTopic(db, topic)
  const sources: { id: string; topic: string }[] = []
  for (const topic of TOPICS) {
    for (const paper of ['Times', 'Post', 'Courier']) {
      sources.push({ id: await addSource(db, `${topic} ${paper}`, [topic]), topic })
    }
  }
  return {
    publish: async (day) => {
      for (const [at, { id, topic }] of sources.entries()) {
        const items = [0, 1, 2].map((item) => ({
          guid: `${at}-${day}-${item}`,
          title: `${topic} report ${at}${day}${item}`,
          summary: `What happened on day ${day}.`,
          published_at: hoursAgo(2 + item + at / 100 - day * 24),
        }))
        await importItems(db, id, items)
      }
    },
  }
}
