/** graphile-migrate's two built-in placeholders in SQL that we run ourselves. */
import { DATABASE_OWNER } from './migration-settings.ts'

/** Puts in the plain text, as the tool does. */
export function replacePlaceholders(sql: string, database: string): string {
  const values: Record<string, string> = { ':DATABASE_NAME': database, ':DATABASE_OWNER': DATABASE_OWNER }
  return sql.replace(/(?::DATABASE_NAME|:DATABASE_OWNER)\b/g, (name) => values[name] ?? name)
}
