/** Reads what fileDelivery() has kept. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import PostalMime from 'postal-mime'

/** A kept mail as a person reads it. */
export type KeptMail = { date: string; to: string; subject: string; text: string; html: string }

/** File names, newest first; none when the folder does not exist yet. */
export async function listKeptMails(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .filter((name) => name.endsWith('.eml'))
    .sort()
    .reverse()
}

/** One mail, decoded. */
export async function readKeptMail(folder: string, name: string): Promise<KeptMail> {
  const mail = await PostalMime.parse(await readFile(join(folder, name)))
  return {
    date: mail.date?.slice(0, 16).replace('T', ' ') ?? '',
    to: (mail.to ?? []).map(({ address }) => address).join(', '),
    subject: mail.subject ?? '',
    text: mail.text ?? '',
    html: mail.html ?? '',
  }
}
