/** Notes the runs of scheduled tasks, so that one that fails, hangs or never comes is seen. */
import type { Job } from 'graphile-worker'
import type pg from 'pg'
import type { Done } from '../define-task.ts'
import { errorKey } from '../error-key.ts'

/** What worker/crontab and start-up give to the jobs of scheduled tasks. */
const SCHEDULED = /^(cron|at_start):/

/** Runs `work`; where the job is a scheduled one, with a row in ops.task_runs. */
export async function recordRun(
  pool: pg.Pool,
  job: Pick<Job, 'id' | 'key' | 'task_identifier'>,
  work: () => Promise<Done>,
): Promise<void> {
  if (!SCHEDULED.test(job.key ?? '')) {
    await work()
    return
  }
  const { rows } = await pool.query<{ id: string }>('select ops.begin_task_run($1, $2) as id', [
    job.task_identifier,
    job.id,
  ])
  const finish = (error: string | null, done?: Done) =>
    pool.query('select ops.finish_task_run($1, $2, $3)', [rows[0]?.id, error, done ?? null])
  let done: Done
  try {
    done = await work()
  } catch (error) {
    // What went wrong is thrown on; that it could not be noted as well would only hide it.
    await finish(errorKey(error)).catch(() => undefined)
    throw error
  }
  await finish(null, done)
}
