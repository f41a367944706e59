/** What a rule over the live catalog is: one query, and the defects that prove that it bites. */
import type pg from 'pg'

/** Anything that can be asked. Rules run inside a transaction that is rolled back. */
export type Queryable = Pick<pg.ClientBase, 'query'>

/** What a rule looked at and what it has to say. */
export type Verdict = { looked: string[]; findings: string[] }

/** A rule of the catalog. */
export type CatalogRule = {
  name: string
  /** Ends the sentence "Every …". */
  says: string
  check(db: Queryable): Promise<Verdict>
  /** SQL that a superuser runs to break the rule, by what it breaks. */
  defects: Record<string, string>
}

/**
 * A rule written as one query: a row for each thing looked at, `object`, and `problem`, null where all is well.
 * Objects on the list of exceptions are looked at but not reported; an exception that is not needed is.
 */
export function sqlRule(
  rule: Omit<CatalogRule, 'check'> & { query: string; exceptions?: Record<string, string> },
): CatalogRule {
  const { query, exceptions = {}, ...rest } = rule
  return {
    ...rest,
    async check(db) {
      const { rows } = await db.query<{ object: string; problem: string | null }>(query)
      const broken = rows.filter(({ problem }) => problem !== null)
      const findings = broken
        .filter(({ object }) => !(object in exceptions))
        .map(({ object, problem }) => `${object}: ${problem}`)
      for (const object of Object.keys(exceptions)) {
        if (!broken.some((row) => row.object === object)) findings.push(`${object}: is excepted without need`)
      }
      return { looked: rows.map(({ object }) => object), findings }
    },
  }
}
