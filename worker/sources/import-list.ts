/** Adds the feeds of a list, a few at a time: one that cannot be read keeps no other from being added. */
import type { WorkerServices } from '../define-task.ts'
import type { ListedFeed } from '../feeds/opml.ts'
import { isWorkerError, type WorkerError } from '../worker-error.ts'
import { type AddedFeed, addFeed, type SourceOptions } from './add-feed.ts'
import { topicsCalled } from './store.ts'

const AT_ONCE = 4

/** What became of one feed of the list. */
export type ListOutcome = { feed: ListedFeed } & ({ added: AddedFeed } | { error: WorkerError })

/**
 * Fetches and adds every feed, and says of each what became of it, as they come in. Folders that are called like a topic
 * give their feeds that topic. Safe to repeat: what was added before is found again.
 */
export async function* importList(
  services: WorkerServices,
  feeds: readonly ListedFeed[],
  options: SourceOptions,
): AsyncGenerator<ListOutcome> {
  const topics = await topicsCalled(services.pool, [...new Set(feeds.flatMap(({ folders }) => folders))])
  const waiting = [...feeds]
  const running = new Map<ListedFeed, Promise<ListOutcome>>()
  const begin = (feed: ListedFeed) => {
    const found = feed.folders.flatMap((folder) => topics.get(folder) ?? [])
    const wish = { ...options, topics: [...new Set([...(options.topics ?? []), ...found])] }
    running.set(feed, addOne(services, feed, wish))
  }
  while (waiting.length > 0 || running.size > 0) {
    while (running.size < AT_ONCE && waiting.length > 0) begin(waiting.shift() as ListedFeed)
    const outcome = await Promise.race(running.values())
    running.delete(outcome.feed)
    yield outcome
  }
}

async function addOne(
  services: WorkerServices,
  feed: ListedFeed,
  options: SourceOptions,
): Promise<ListOutcome> {
  try {
    return { feed, added: await addFeed(services, feed.url, options) }
  } catch (error) {
    // Anything else is about us, not about this feed.
    if (!isWorkerError(error)) throw error
    return { feed, error }
  }
}
