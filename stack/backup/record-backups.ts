/** Tells the database what lies in its backup folder, so that the monitoring knows. The folder is the truth. */
import { type Target, urlFor } from '../provision/target.ts'
import { withClient } from '../provision/with-client.ts'
import { totalBytes } from './manifest.ts'
import { type Repository, storedBackups } from './repository.ts'

/** Notes all of them; those that are gone are noted as gone. */
export async function recordBackups(target: Target, repository: Repository): Promise<void> {
  const known = storedBackups(repository).map(({ id, at, manifest, verification, problem }) => ({
    name: id,
    created_at: at.toISOString(),
    size_bytes: manifest ? totalBytes(manifest) : null,
    verified_at: verification?.verified_at ?? null,
    problem: problem ?? null,
  }))
  await withClient(urlFor(target, 'howdah_migrations'), (owner) =>
    owner.query('select ops.record_backups($1::jsonb)', [JSON.stringify(known)]),
  )
}
