/** People with subscribed browsers, and what the outbox says of what was pushed to them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type TestApi, testApi } from '../../setup/api.ts'
import { type TestDatabase, testDatabase } from '../../setup/database.ts'
import { type Person, signUp } from '../../setup/story.ts'
import { type Behaviour, type Browser, type PushService, startPushService } from './push-service.ts'
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts'

/** One line of the outbox. */
export type Delivery = {
  id: string
  state: string
  last_error: string | null
  attempt_count: number
  disabled_reason: string | null
  /** Seconds from the attempt to the next. */
  pause: number
}

/** A database with its API, and a push service. */
export type PushedWorld = AsyncDisposable & {
  db: TestDatabase
  api: TestApi
  service: PushService
  worker(env?: Record<string, string>): Promise<WorkerProcess>
  /** Somebody new with so many browsers, each as it behaves. */
  person(...behaviours: (Behaviour | undefined)[]): Promise<{ person: Person; browsers: Browser[] }>
  notify(person: Person, title?: string): Promise<string>
  /** In the order in which the browsers were subscribed. */
  deliveries(person: Person): Promise<Delivery[]>
  /** Waits until every delivery to somebody has one of the states. */
  settled(person: Person, ...states: string[]): Promise<Delivery[]>
  /** Lets waiting and interrupted jobs run now. */
  hurry(): Promise<void>
}

/** Opens it. */
export async function openPushedWorld(): Promise<PushedWorld> {
  const db = await testDatabase()
  const api = await testApi(db)
  const service = await startPushService()
  const deliveries = async ({ id }: Person): Promise<Delivery[]> => {
    const { rows } = await db.owner.query<Delivery>(
      `select d.id, d.state, d.last_error, d.attempt_count, t.disabled_reason,
         extract(epoch from d.next_attempt_at - d.started_at)::float8 as pause
       from core.notification_deliveries d join core.notification_tokens t on t.id = d.token_id
       where d.user_id = $1 order by d.created_at, t.id`,
      [id],
    )
    return rows
  }
  return {
    db,
    api,
    service,
    worker: (env = {}) => startWorkerProcess(db.url('howdah_worker'), { ...service.env, ...env }),
    person: async (...behaviours) => {
      const person = await signUp(api)
      const browsers = behaviours.map((behave) => service.subscribe(behave))
      for (const { subscription } of browsers) {
        const answer = await api.rpc(
          'register_notification_token',
          { platform: 'web', subscription },
          person.token,
        )
        if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
      }
      return { person, browsers }
    },
    notify: async ({ email }, title = 'Hello') => {
      const { rows } = await db.owner.query(`select ops.notify($1, 'announcement', $2) as id`, [email, title])
      return rows[0].id
    },
    deliveries,
    settled: async (person, ...states) => {
      const deadline = Date.now() + 30_000
      for (;;) {
        const found = await deliveries(person)
        if (found.length > 0 && found.every(({ state }) => states.includes(state))) return found
        if (Date.now() > deadline) throw new Error(`Not settled: ${JSON.stringify(found)}`)
        await sleep(20)
      }
    },
    hurry: async () => {
      // The reaper frees jobs of the dead 15 seconds after they were taken; here the operator's function does it at once.
      const { rows } = await db.superuser.query(
        'select array_agg(distinct locked_by) as ids from graphile_worker._private_jobs where locked_by is not null',
      )
      if (rows[0].ids)
        await db.superuser.query('select graphile_worker.force_unlock_workers($1)', [rows[0].ids])
      await db.superuser.query('update graphile_worker._private_jobs set run_at = now() where run_at > now()')
    },
    async [Symbol.asyncDispose]() {
      await service[Symbol.asyncDispose]()
      await db.drop()
    },
  }
}
