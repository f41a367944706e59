/** What must be caught: erasures that are none. Each is undone again. */
import type pg from 'pg'
import { z } from 'zod'
import type { Findings } from './promise.ts'
import type { Subject } from './seed-people.ts'

const proof = z.looseObject({
  hits: z.array(z.object({ relation: z.string(), form: z.string(), rows: z.number() })),
})

/** Each control: what somebody does in place of erasing, or beside it. */
const CONTROLS: readonly { what: string; sql: string; expected: RegExp }[] = [
  {
    what: 'control: a plain DELETE of the account',
    sql: 'delete from core.users where id = $1',
    expected: /^(core\.audit_log_|pg_catalog\.pg_stats)/,
  },
  {
    what: 'control: erased, with an MD5 of the address left behind',
    sql: `with kept as (insert into core.settings (name, value) select 'app_name', to_jsonb(md5(email)) from core.users where id = $1
        on conflict (name) do update set value = excluded.value returning 1) select gdpr.erase_account($1), (select count(*) from kept)`,
    expected: /^core\.settings$/,
  },
]

/** Runs them as the owner of the database. */
export async function runControls(owner: pg.Client, subject: Subject, findings: Findings): Promise<void> {
  for (const { what, sql, expected } of CONTROLS) {
    await owner.query('begin')
    try {
      const { rows } = await owner.query<{ id: string }>('select gdpr.record_erasure($1) as id', [subject.id])
      await owner.query(sql, [subject.id])
      const verified = await owner.query<{ proof: unknown }>('select gdpr.verify_erasure($1) as proof', [
        rows[0]?.id,
      ])
      const { hits } = proof.parse(verified.rows[0]?.proof)
      const found = hits.some(({ relation }) => expected.test(relation))
      const places = [...new Set(hits.map(({ relation }) => relation))]
      findings.add({
        what,
        promised: 'caught',
        seen: found ? `caught in ${places.length} relations` : 'not caught',
        isKept: found,
        details: hits,
      })
    } finally {
      await owner.query('rollback')
    }
  }
}
