/** What an address must look like before anybody resolves it. */
import { WorkerError } from '../worker-error.ts'

const LENGTH_LIMIT = 2048

/**
 * Parses an address that somebody typed or a server sent.
 * @throws feed_url_invalid, feed_url_forbidden
 */
export function checkUrl(address: string, base?: URL): URL {
  const url = address.length <= LENGTH_LIMIT ? URL.parse(address.trim(), base) : null
  const shown = JSON.stringify(address.slice(0, 200))
  if (!url) throw new WorkerError('feed_url_invalid', `${shown} is not an address.`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new WorkerError('feed_url_forbidden', `Refused ${shown}: only http and https are fetched.`)
  }
  if (!url.hostname) throw new WorkerError('feed_url_invalid', `${shown} names no host.`)
  if (url.username || url.password) {
    // The address is not repeated: it may hold a real password.
    throw new WorkerError('feed_url_forbidden', `Refused an address of ${url.host} with a user name in it.`)
  }
  return url
}
