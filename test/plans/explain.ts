/** Plans of what people really call: of a view as PostgREST asks for it, of a function with every statement inside it. */
import type { TestApi } from '../setup/api.ts'
import type { TestDatabase } from '../setup/database.ts'
import type { Person } from '../setup/story.ts'
import { type PlanNode, parsePlan } from './plan.ts'

/** What the PostgREST of such a test has to permit. */
export const PLAN_SETTINGS = { PGRST_DB_PLAN_ENABLED: 'true' }

const PLAN_TYPE = 'application/vnd.pgrst.plan+json; for="application/json"; options=analyze|verbose'

/** The plan of a GET, as the signed-in person, by PostgREST itself. */
export async function plansOfGet(api: TestApi, path: string, person: Person): Promise<PlanNode[]> {
  const { status, body } = await api.request('GET', path, {
    token: person.token,
    headers: { Accept: PLAN_TYPE },
  })
  if (status !== 200) throw new Error(`The plan of ${path} answered ${status}: ${JSON.stringify(body)}`)
  return parsePlan(typeof body === 'string' ? JSON.parse(body) : body)
}

/**
 * The plans of a call and of every statement that it runs inside its functions, which EXPLAIN alone does not show. The
 * second time: a session's first call plans with what it cannot know yet. What it writes is undone.
 */
export async function plansOfCall(db: TestDatabase, sql: string, person: Person): Promise<PlanNode[]> {
  const client = await db.superuser.connect()
  const told: string[] = []
  const hear = ({ message }: { message?: string | undefined }) => told.push(message ?? '')
  try {
    await client.query(`load 'auto_explain'`)
    await client.query(`
      set auto_explain.log_min_duration = 0; set auto_explain.log_analyze = on; set auto_explain.log_verbose = on;
      set auto_explain.log_timing = off; set auto_explain.log_nested_statements = on;
      set auto_explain.log_format = 'json'; set auto_explain.log_level = 'notice'`)
    for (const isHeard of [false, true]) {
      await client.query('begin')
      await client.query(
        `select set_config('role', 'howdah_user', true), set_config('request.jwt.claims', $1, true)`,
        [JSON.stringify({ sub: person.id, role: 'howdah_user' })],
      )
      if (isHeard) client.on('notice', hear)
      await client.query(sql)
      client.off('notice', hear)
      await client.query('rollback')
    }
  } finally {
    client.release(true)
  }
  return told
    .filter((message) => message.startsWith('duration: '))
    .flatMap((message) => parsePlan(JSON.parse(message.slice(message.indexOf('{')))))
}
