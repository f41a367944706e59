/** The database signs access tokens itself, so it must know the secret PostgREST checks them with. */
import { type Target, urlFor } from './target.ts'
import { withClient } from './with-client.ts'

/** Tells the stack's secret, as the owner. A changed one takes over; tokens of the old one stay good for the overlap. */
export async function tellSecret(target: Target): Promise<void> {
  await withClient(urlFor(target, 'howdah_migrations'), (owner) =>
    owner.query('select private.tell_jwt_secret($1)', [target.secrets.jwt_secret]),
  )
}
