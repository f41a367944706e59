/** Reads strangers' feeds in threads: each read has one to itself, and threads that behaved are used again. */
import type { ReadFeed, ReadOptions } from './read-feed.ts'
import { ReadingThread, type ReadLimits } from './reading-thread.ts'

/** Loading the modules takes a quarter of a second and 60 MB, so threads are few and wait for the next feed. */
const MAX_THREADS = 2

/** A bounded reader of feeds. Close it, or let `await using` do so. */
export type FeedReader = AsyncDisposable & {
  /**
   * Like readFeed, bounded in time and memory.
   * @throws feed_too_large, feed_forbidden_entities, feed_not_recognised, feed_malformed
   */
  read(bytes: Uint8Array, options: ReadOptions): Promise<ReadFeed>
}

/**
 * Makes a reader; nothing runs before the first read.
 * @example await using reader = createFeedReader(); await reader.read(bytes, { now: new Date() })
 */
export function createFeedReader(limits: Partial<ReadLimits> = {}): FeedReader {
  const threads = new Set<ReadingThread>()
  const idle: ReadingThread[] = []
  const waiting: (() => void)[] = []
  let busy = 0

  async function take(): Promise<ReadingThread> {
    if (busy < MAX_THREADS) busy++
    else await new Promise<void>((resolve) => waiting.push(resolve))
    const waitingThread = idle.pop()
    if (waitingThread) return waitingThread
    const thread = new ReadingThread({ cpuLimitMs: 2000, heapLimitMb: 192, ...limits })
    threads.add(thread)
    return await thread.ready()
  }

  function giveBack(thread: ReadingThread): void {
    if (thread.hasEnded) threads.delete(thread)
    else idle.push(thread)
  }

  return {
    async read(bytes, options) {
      try {
        const thread = await take()
        try {
          return await thread.read(bytes, options)
        } finally {
          giveBack(thread)
        }
      } finally {
        // The place goes straight to who waits longest, so that nobody slips in between.
        const next = waiting.shift()
        if (next) next()
        else busy--
      }
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...threads].map((thread) => thread.end()))
    },
  }
}
