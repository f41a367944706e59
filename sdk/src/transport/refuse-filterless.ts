/** Refuses a write to every row before it is sent. The server refuses, too; this saves the way. */
import { ERROR_CATALOGUE } from '../generated/errors.ts'
import type { Fetch } from './bounded-fetch.ts'
import { failureResponse } from './failure-response.ts'

/** Query parameters that choose no rows. */
const NO_FILTERS = new Set(['select', 'columns', 'order', 'limit', 'offset', 'on_conflict'])

/** Wraps a fetch: PATCH and DELETE without a filter are answered with write_without_filter. */
export function refuseFilterless(send: Fetch): Fetch {
  return async (input, init = {}) => {
    const url = new URL(input instanceof Request ? input.url : input)
    const isWrite = init.method === 'PATCH' || init.method === 'DELETE'
    if (!isWrite || [...url.searchParams.keys()].some((name) => !NO_FILTERS.has(name)))
      return send(input, init)
    const { status, hint } = ERROR_CATALOGUE.write_without_filter
    const detail = `${init.method} on ${url.pathname.split('/').at(-1)} came without a filter and was not sent.`
    return failureResponse({ key: 'write_without_filter', status, detail, hint })
  }
}
