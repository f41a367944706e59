/**
 * npm run db:maintain: what the worker does weekly and monthly to tables and indexes, now and as their owner. The runs are
 * noted as the worker's are, so that on a server that gives the worker no right to it, nothing is missed.
 */
import { program } from 'commander'
import pg from 'pg'
import { withTarget } from '../../stack/db/with-target.ts'
import { urlFor } from '../../stack/provision/target.ts'
import { runCommand } from '../../stack/terminal/run-command.ts'
import { createLog } from '../log.ts'
import { recordRun } from '../running/task-runs.ts'
import { rebuildIndexes, vacuumTables } from '../upkeep/maintain.ts'
import { printKnown } from './run-feeds-command.ts'

program
  .name('npm run db:maintain')
  .description('Vacuums tables and rebuilds indexes that need it, as their owner.')
  .parse()

const TASKS = { 'ops/vacuum_tables': vacuumTables, 'ops/rebuild_indexes': rebuildIndexes }

runCommand(async (settings) => {
  try {
    await withTarget(settings, async (target) => {
      const pool = new pg.Pool({ connectionString: urlFor(target, 'howdah_migrations'), max: 3 })
      const maintenance = { pool, log: createLog(process.stdout), signal: new AbortController().signal }
      try {
        for (const [task, run] of Object.entries(TASKS)) {
          // No job started it.
          await recordRun(pool, { id: '0', key: `cron:${task}`, task_identifier: task }, async () => {
            const done = await run(maintenance)
            console.log(`${task}: ${done === undefined ? 'somebody else is at it' : done}`)
            return done
          })
        }
      } finally {
        await pool.end()
      }
    })
    return 0
  } catch (error) {
    if (!printKnown(error)) throw error
    return 1
  }
})
