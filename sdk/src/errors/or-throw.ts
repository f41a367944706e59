/** From `{ data, error }` to data or an exception. */
import { toApiError } from './to-api-error.ts'

/** An answer: data, or an error. */
export type Answer = { data: unknown; error: unknown; status?: number }

/** The data of an answer that is no error. */
export type DataOf<A extends Answer> = A extends { error: null; data: infer D } ? D : never

/**
 * Waits for an answer and gives its data.
 * @throws ApiError with the answer's key
 * @example
 * const { cards } = await orThrow(client.briefings.today())
 * const topics = await orThrow(client.from('topics').select('slug, name'))
 */
export async function orThrow<A extends Answer>(answer: PromiseLike<A> | A): Promise<DataOf<A>> {
  const { data, error, status } = await answer
  if (error !== null && error !== undefined) throw toApiError(error, status ?? 0)
  return data as DataOf<A>
}
