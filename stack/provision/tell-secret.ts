/** The database signs access tokens itself, so it must know the secret PostgREST checks them with. */
import { type Target, urlFor } from './target.ts'
import { withClient } from './with-client.ts'

/** Writes the stack's secret into private.secrets, as the owner. */
export async function tellSecret(target: Target): Promise<void> {
  await withClient(urlFor(target, 'howdah_migrations'), (owner) =>
    owner.query('select private.set_secret($1, $2)', ['jwt_secret', target.secrets.jwt_secret]),
  )
}
