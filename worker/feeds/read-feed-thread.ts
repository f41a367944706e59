/** The inside of a reading thread: says it is ready, then answers each feed it is sent. Only FeedReader starts it. */
import { parentPort } from 'node:worker_threads'
import { isWorkerError } from '../worker-error.ts'
import { type ReadFeed, type ReadOptions, readFeed } from './read-feed.ts'

/** What the thread is asked. */
export type ThreadQuestion = { bytes: Uint8Array; options: ReadOptions }

/** What it answers: errors travel as data, because classes do not survive the way. */
export type ThreadAnswer =
  | { read: ReadFeed }
  | { error: { key: string; message: string; hint: string } }
  | 'ready'

parentPort?.on('message', (question: ThreadQuestion) => parentPort?.postMessage(answer(question)))
parentPort?.postMessage('ready' satisfies ThreadAnswer)

function answer({ bytes, options }: ThreadQuestion): ThreadAnswer {
  try {
    return { read: readFeed(bytes, options) }
  } catch (error) {
    if (isWorkerError(error)) return { error: error.toJSON() }
    throw error
  }
}
