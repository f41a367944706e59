/**
 * One thread that reads feeds under limits of time and memory, and is killed when it passes them. Parsing is linear
 * in all we tried; this is for what we did not try.
 */
import { Worker } from 'node:worker_threads'
import { isFeedErrorKey, WorkerError } from '../worker-error.ts'
import type { ReadFeed, ReadOptions } from './read-feed.ts'
import type { ThreadAnswer, ThreadQuestion } from './read-feed-thread.ts'

/** What a read may take. */
export type ReadLimits = {
  /** Processor time in milliseconds. A feed of 5 MB takes about a fifth. (Default: 2000) */
  cpuLimitMs: number
  /** Heap in MB; 5 MB of small elements need about 100. (Default: 192) */
  heapLimitMb: number
}

/** A machine under load may give the thread little; after this much of the wall clock it ends all the same. */
const WALL_LIMIT_MS = 20_000

const CHECK_EVERY_MS = 50

/** A thread, and whether it has ended. Reads must not overlap. */
export class ReadingThread {
  readonly #limits: ReadLimits
  readonly #worker: Worker
  #settle: { resolve: (answer: ThreadAnswer) => void; reject: (error: unknown) => void } | undefined
  #hasEnded = false
  #overLimit = 'its limits'

  constructor(limits: ReadLimits) {
    this.#limits = limits
    this.#worker = new Worker(new URL('./read-feed-thread.ts', import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: limits.heapLimitMb, stackSizeMb: 4 },
      env: {},
      execArgv: [],
    })
    this.#worker.on('message', (answer: ThreadAnswer) => this.#settle?.resolve(answer))
    this.#worker.on('error', (error: Error & { code?: string }) => this.#settle?.reject(memoryError(error)))
    this.#worker.on('exit', () => {
      this.#hasEnded = true
      this.#settle?.reject(tooMuch(this.#overLimit))
    })
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  /** Waits until the thread has loaded its modules. */
  async ready(): Promise<this> {
    await this.#nextAnswer()
    return this
  }

  /** Reads one feed, as readFeed does. */
  async read(bytes: Uint8Array, options: ReadOptions): Promise<ReadFeed> {
    this.#worker.ref()
    const stopWatching = await this.#watch()
    try {
      const answer = this.#nextAnswer()
      this.#worker.postMessage({ bytes, options } satisfies ThreadQuestion)
      return readOf(await answer)
    } finally {
      stopWatching()
      this.#worker.unref()
    }
  }

  async end(): Promise<void> {
    this.#hasEnded = true
    await this.#worker.terminate()
  }

  #nextAnswer(): Promise<ThreadAnswer> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
  }

  async #watch(): Promise<() => void> {
    const before = await this.#worker.cpuUsage()
    const started = performance.now()
    const timer = setInterval(() => {
      if (performance.now() - started > WALL_LIMIT_MS) this.#kill(`${WALL_LIMIT_MS} ms`)
      // A thread that is just ending no longer knows its use of time; then there is nothing to stop.
      this.#worker.cpuUsage(before).then(
        ({ user, system }) => {
          const { cpuLimitMs } = this.#limits
          if ((user + system) / 1000 > cpuLimitMs) this.#kill(`${cpuLimitMs} ms of processor time`)
        },
        () => undefined,
      )
    }, CHECK_EVERY_MS)
    return () => clearInterval(timer)
  }

  #kill(limit: string): void {
    this.#overLimit = limit
    void this.end()
  }
}

function readOf(answer: ThreadAnswer): ReadFeed {
  if (answer === 'ready') throw new Error('A reading thread said it is ready in answer to a feed.')
  if ('read' in answer) return answer.read
  const { key, message, hint } = answer.error
  throw new WorkerError(isFeedErrorKey(key) ? key : 'feed_malformed', message, { hint })
}

function tooMuch(limit: string): WorkerError {
  return new WorkerError('feed_malformed', `Reading the feed took more than ${limit}; no feed needs that.`)
}

function memoryError(error: Error & { code?: string }): Error {
  return error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooMuch('the memory a feed may take') : error
}
