/** Tells the database which job is at work, so that the audit log can say so. */
import type pg from 'pg'

const NAME_JOB = `select set_config('howdah.job_id', $1, false)`

/**
 * The pool as one job sees it: every connection it takes is told the job's id first. Whoever takes the connection next
 * comes through here as well and tells its own.
 */
export function poolOfJob(pool: pg.Pool, jobId: string): pg.Pool {
  const connect = async () => {
    const client = await pool.connect()
    try {
      await client.query(NAME_JOB, [jobId])
      return client
    } catch (error) {
      client.release(true)
      throw error
    }
  }
  const query = async (...given: Parameters<pg.Pool['query']>) => {
    const client = await connect()
    try {
      return await client.query(...given)
    } finally {
      client.release()
    }
  }
  return new Proxy(pool, {
    get: (target, name) => {
      if (name === 'connect') return connect
      if (name === 'query') return query
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
