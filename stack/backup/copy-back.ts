/** The files of a backup, put back as a data folder; each one's checksum is compared on the way. */
import { chown, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { OsUser } from '../postgres/os-user.ts'
import { damaged } from './check-base-backup.ts'
import { copyFileHashed } from './copy-file.ts'
import { inParallel } from './in-parallel.ts'
import { type BackupManifest, DATA_FOLDER } from './manifest.ts'

/** Copies into `into`, which exists and is empty. The server itself writes it through when it recovers. */
export async function copyBack(
  from: string,
  manifest: BackupManifest,
  into: string,
  user: OsUser | undefined,
): Promise<void> {
  const data = join(from, DATA_FOLDER)
  const give = async (path: string) => {
    if (user) await chown(path, user.uid, user.gid)
  }
  await give(into)
  const entries = await readdir(data, { recursive: true, withFileTypes: true })
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(data.length + 1))
    .sort()
  for (const folder of [...folders, 'pg_wal/archive_status', 'pg_wal/summaries']) {
    await mkdir(join(into, folder), { recursive: true, mode: 0o700 })
    await give(join(into, folder))
  }
  await inParallel(Object.entries(manifest.files), async ([path, { sha256 }]) => {
    const copied = await copyFileHashed(join(data, path), join(into, path), false)
    if (copied.sha256 !== sha256) throw damaged(from, `${path} has other content than when it was copied`)
    await give(join(into, path))
  })
}
