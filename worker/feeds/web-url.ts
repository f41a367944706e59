/** Addresses in feeds: resolved, http(s) only, and one spelling for the same article. */
import { URL_LIMIT } from './feed-schema.ts'

/** Query parameters that only tell who sent the reader. A trailing `*` stands for any ending. */
const TRACKING =
  /^(utm_.*|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|twclid|ttclid|yclid|igshid|igsh|mc_cid|mc_eid|mkt_tok|_hsenc|_hsmi|hsctatracking|oly_anon_id|oly_enc_id|vero_id|vero_conv|ref_src|ref_url|cmpid|ncid|ocid|ftag|wt_mc|wt\.mc_id|pk_campaign|pk_kwd|mtm_.*|matomo_.*|piwik_.*|s_cid|sr_share|at_medium|at_campaign|at_custom\d|xtor|__twitter_impression|spm|cvid|guccounter|guce_.*)$/i

/**
 * The absolute http(s) address a feed means, or undefined when it means none (javascript:, data:, mailto:, garbage).
 * Bases are tried from the innermost outwards.
 */
export function webUrl(reference: string | undefined, bases: (string | undefined)[]): string | undefined {
  // Line breaks inside an address come from wrapped XML; the URL parser would glue "java\nscript:" together too.
  const text = reference?.replace(/\p{Cc}/gu, '').trim()
  if (!text) return undefined
  const url = URL.parse(text, resolveBase(bases))
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:') || !url.hostname) return undefined
  if (url.username || url.password) return undefined
  return url.href.length <= URL_LIMIT ? url.href : undefined
}

/**
 * One spelling for the same article: no tracking, no fragment, sorted query, no trailing slash.
 * @example canonicalUrl('https://Example.com:443/a/?b=1&utm_source=x&a=2#top') // 'https://example.com/a?a=2&b=1'
 */
export function canonicalUrl(address: string): string {
  const url = new URL(address)
  const kept = [...url.searchParams].filter(([name]) => !TRACKING.test(name))
  kept.sort(([a, av], [b, bv]) => (a === b ? compare(av, bv) : compare(a, b)))
  url.search = new URLSearchParams(kept).toString()
  url.hash = ''
  url.hostname = url.hostname.replace(/\.$/, '')
  url.pathname = url.pathname.replace(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '')
  // Encoding anew may lengthen an address; one that no longer fits stays as it was.
  return url.href.length <= URL_LIMIT ? url.href : address
}

function resolveBase(bases: (string | undefined)[]): string | undefined {
  return bases.reduceRight<string | undefined>((outer, inner) => {
    const resolved = inner === undefined ? null : URL.parse(inner.trim(), outer)
    return resolved && /^https?:$/.test(resolved.protocol) ? resolved.href : outer
  }, undefined)
}

function compare(a: string, b: string): number {
  if (a === b) return 0
  return a < b ? -1 : 1
}
