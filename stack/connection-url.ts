/** Postgres URLs: one login changed for another without touching host, port or parameters. */

/** Whom to be and where; what is left out stays as it is in the base URL. */
export type Login = { user?: string; password?: string; database?: string }

/**
 * The same server, another login.
 * @example connectionUrl('postgres://postgres:pw@127.0.0.1:5442/postgres', { database: 'howdah' })
 */
export function connectionUrl(base: string, login: Login): string {
  const url = new URL(base)
  if (login.user !== undefined) url.username = encodeURIComponent(login.user)
  if (login.password !== undefined) url.password = encodeURIComponent(login.password)
  if (login.database !== undefined) url.pathname = `/${encodeURIComponent(login.database)}`
  return url.href
}

/** The database a URL names, or undefined when it names none. */
export function databaseOf(url: string): string | undefined {
  return decodeURIComponent(new URL(url).pathname.slice(1)) || undefined
}

/** The URL without its password, for messages. */
export function withoutPassword(url: string): string {
  const copy = new URL(url)
  copy.password = ''
  return copy.href
}
