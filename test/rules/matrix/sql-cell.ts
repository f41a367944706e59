/** One statement, typed by somebody who got past views and PostgREST, and what Postgres has to answer. */
import type pg from 'pg'
import { z } from 'zod'
import type { Identity } from './identities.ts'

/**
 * `no privilege`: stopped by a missing grant, before any row or policy is looked at. `refused`: by a grant or a policy.
 * `let through`: the policies agree; what constraints say does not count. `broken key`: a foreign key says no.
 * Otherwise so many rows, and where `isClean` no word of somebody else's in them.
 */
export type Right =
  | 'no privilege'
  | 'refused'
  | 'let through'
  | 'broken key'
  | { rows: number | undefined; isClean: boolean }

/** A statement, who sends it, and the relation or function it is about. */
export type SqlCell = {
  identity: Identity
  /** `core.users`, or `core.now()`. */
  object: string
  verb: string
  sql: string
  right: Right
  /** Sent as the owner of the tables: keys must hold for the house's own functions too. */
  isOwner?: boolean
}

const answer = z.object({
  code: z.string().nullable(),
  message: z.string().nullable(),
  rows: z.number(),
  text: z.string().nullable(),
})
type SqlAnswer = z.infer<typeof answer>

/** Each statement runs in a subtransaction that its own exception undoes; a select says what it saw. */
const TRY_CELL = `create or replace function pg_temp.try_cell(role text, claims text, reads boolean, statement text)
  returns jsonb language plpgsql as $$
  declare
    v_rows bigint;
    v_text text;
    v_state text;
    v_message text;
  begin
    perform set_config('request.jwt.claims', claims, true), set_config('role', role, true);
    if reads then
      execute format('select count(*), string_agg(t::text, chr(10)) from (%s) as t', statement) into v_rows, v_text;
    else
      execute statement;
      get diagnostics v_rows = row_count;
    end if;
    raise exception using errcode = 'HWOK0';
  exception when others then
    get stacked diagnostics v_state = returned_sqlstate, v_message = message_text;
    return jsonb_build_object('code', nullif(v_state, 'HWOK0'), 'message', nullif(v_message, 'HWOK0'),
      'rows', coalesce(v_rows, 0), 'text', v_text);
  end $$`

/** Lets a session run cells until it ends, whatever is rolled back later. */
export async function prepareSqlCells(client: pg.ClientBase): Promise<void> {
  await client.query(TRY_CELL)
}

/** Runs the statements in a prepared client's transaction, undoes each, and says what was wrong. */
export async function runSqlCells(client: pg.ClientBase, cells: SqlCell[]): Promise<string[]> {
  const { rows } = await client.query(
    `select pg_temp.try_cell(c ->> 'role', c ->> 'claims', (c ->> 'reads')::boolean, c ->> 'sql') as answer
    from jsonb_array_elements($1::jsonb) with ordinality as cells (c, place) order by place`,
    [JSON.stringify(cells.map(asked))],
  )
  return rows.flatMap((row, index) => {
    const cell = cells[index]
    if (!cell) throw new Error('more answers than statements')
    const problem = problemOf(cell, answer.parse(row.answer))
    return problem ? [`${cell.identity.name}: ${cell.object}, ${cell.verb} by SQL: ${problem}`] : []
  })
}

function asked({ identity, sql, isOwner, right }: SqlCell) {
  const role = identity.role ?? 'howdah_anon'
  return {
    role: isOwner ? 'howdah_migrations' : role,
    claims: JSON.stringify({ ...identity.claims, role, sub: identity.userId }),
    reads: typeof right === 'object' && sql.startsWith('select'),
    sql,
  }
}

/** A write to what is no table underneath, refused while the query is rewritten, before grants are looked at. */
const NOT_WRITABLE = ['55000', '0A000']

function problemOf(
  { right, identity }: SqlCell,
  { code, message, rows, text }: SqlAnswer,
): string | undefined {
  const said = code ? `was answered "${message}" (${code})` : `reached ${rows} rows`
  const isRefused = code === '42501'
  switch (right) {
    case 'no privilege':
      return (isRefused && message?.startsWith('permission denied')) || NOT_WRITABLE.includes(code ?? '')
        ? undefined
        : `should want a privilege, ${said}`
    case 'refused':
      return isRefused ? undefined : `should be refused, ${said}`
    case 'let through':
      return isRefused ? `should be let through, ${said}` : undefined
    case 'broken key':
      return code === '23503' ? undefined : `should break a foreign key, ${said}`
  }
  // A constraint was asked, so the policies had let the row through.
  const reached = code?.startsWith('23') ? 1 : rows
  if (isRefused || (code && !code.startsWith('23')))
    return `should reach ${right.rows ?? 'any'} rows, ${said}`
  if (right.rows !== undefined && reached !== right.rows) return `should reach ${right.rows} rows, ${said}`
  const word = right.isClean ? identity.forbidden.find((one) => text?.includes(one)) : undefined
  return word ? `shows ${word}, which is somebody else's` : undefined
}
