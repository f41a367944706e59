/** A worker process that sends through a mail server on loopback: what a test needs to follow a mail to its link. */
import type { TestDatabase } from '../../setup/database.ts'
import { type MailServer, startMailServer, tokenIn } from './mail-server.ts'
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts'

/** The two, and the way to a mail's token. */
export type PostOffice = AsyncDisposable & {
  mails: MailServer
  worker: WorkerProcess
  /** Waits for the n-th mail to an address and answers with its link's token. */
  tokenFor(address: string, count?: number): Promise<string>
}

/** Opens it for a database; `env` goes to the worker. */
export async function openPostOffice(
  db: TestDatabase,
  env: Record<string, string> = {},
): Promise<PostOffice> {
  const mails = await startMailServer()
  const worker = await startWorkerProcess(db.url('howdah_worker'), { ...env, HOWDAH_SMTP_URL: mails.url })
  return {
    mails,
    worker,
    tokenFor: async (address, count) => tokenIn(await mails.mailFor(address, count)),
    async [Symbol.asyncDispose]() {
      await worker[Symbol.asyncDispose]()
      await mails[Symbol.asyncDispose]()
    },
  }
}
