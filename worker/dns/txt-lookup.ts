/** Asks the DNS for TXT records, and tells "there are none" from "nobody answered". */
import { Resolver } from 'node:dns/promises'

/** Long enough for a resolver that has to ask around, short enough for a job. */
const TIMEOUT_MS = 4000
const TRIES = 2

/** More than any honest name has; what lies beyond is not looked at. */
const MAX_RECORDS = 100

/** Answers that say the name has no such record. Source: RFC 2308 (NXDOMAIN and NODATA). */
const NO_RECORD = ['ENOTFOUND', 'ENODATA']

/**
 * The TXT records of a name, each one text; an empty list where there are none.
 * `undefined`: no answer that means anything, ask again later.
 */
export type TxtLookup = (name: string) => Promise<string[] | undefined>

/** Makes a lookup that asks these servers (`address` or `address:port`). (Default: those of the system) */
export function createTxtLookup(servers: readonly string[] = []): TxtLookup {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  if (servers.length > 0) resolver.setServers(servers)
  return async (name) => {
    try {
      const records = await resolver.resolveTxt(name)
      // One record comes in pieces of at most 255 bytes, which belong together. Source: RFC 7208 section 3.3.
      return records.slice(0, MAX_RECORDS).map((pieces) => pieces.join(''))
    } catch (error) {
      return NO_RECORD.includes((error as NodeJS.ErrnoException).code ?? '') ? [] : undefined
    }
  }
}
