/**
 * One way to write a value, so that every language signs and verifies the same bytes: UTF-8, keys sorted, no white space,
 * whole numbers only, texts escaped as JSON must and no further. A subset of RFC 8785.
 */

/** The canonical form. @throws TypeError for a fraction, an unsafe number, or a key that languages sort differently */
export function canonicalJson(value: unknown): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value)) throw new TypeError(`${value} has no canonical form.`)
    return String(value)
  }
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object') throw new TypeError(`A ${typeof value} has no canonical form.`)
  const entries = Object.entries(value).map(([key, inner]) => {
    // Beyond the first plane, UTF-16 and code points sort differently.
    if (/[\uD800-\uDFFF]/.test(key))
      throw new TypeError(`The key ${JSON.stringify(key)} has no canonical form.`)
    return [key, `${JSON.stringify(key)}:${canonicalJson(inner)}`] as const
  })
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([, text]) => text).join(',')}}`
}
