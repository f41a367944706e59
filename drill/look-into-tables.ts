/** Searches every row of every relation for the subject's words. */
import { urlFor } from '../stack/provision/target.ts'
import { withClient } from '../stack/provision/with-client.ts'
import type { Stack } from '../stack/stack.ts'
import type { Findings } from './promise.ts'
import type { Subject } from './seed-people.ts'

/** The search knows no registry, and is not the one that proves erasures. */
export async function lookIntoTables(
  stack: Stack,
  subject: Subject,
  findings: Findings,
  when: string,
): Promise<void> {
  await withClient(urlFor(stack.target, 'howdah_migrations'), async (owner) => {
    const { rows } = await owner.query<{ relation: string; row_count: number }>(
      'select relation, sum(row_count)::int as row_count from gdpr.find_traces($1) group by 1 order by 1',
      [subject.words],
    )
    findings.none(`every row of every relation, ${when}`, rows.length, rows)
  })
}
