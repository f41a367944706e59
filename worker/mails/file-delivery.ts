/** Without a mail server, mails land as files in the data folder; npm run mail:list shows them. */
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeliverMail } from './mail-delivery.ts'

/** The folder of kept mails below a data folder. */
export function mailFolder(dataDir: string): string {
  return join(dataDir, 'mail')
}

/** Keeps each mail as <time>-<kind>-<id>.eml. The files hold links that work, so only their owner may read them. */
export function fileDelivery(dataDir: string, now: () => Date = () => new Date()): DeliverMail {
  const folder = mailFolder(dataDir)
  return async ({ id, kind, source }) => {
    const name = `${now().toISOString().replaceAll(':', '-')}-${kind}-${id}.eml`
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const part = join(folder, `.${name}.part`)
      await writeFile(part, source, { mode: 0o600 })
      await rename(part, join(folder, name))
    } catch (error) {
      return { state: 'waiting', error: `The mail could not be written to ${folder}: ${String(error)}` }
    }
    return { state: 'sent' }
  }
}
