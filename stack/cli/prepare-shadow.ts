/** Started by graphile-migrate during db:commit: gives the shadow database the job queue's schema. */
import { Logger, runMigrations } from 'graphile-worker'
import { z } from 'zod'

const { HOWDAH_SHADOW_WORKER_URL } = z.object({ HOWDAH_SHADOW_WORKER_URL: z.url() }).parse(process.env)
await runMigrations({ connectionString: HOWDAH_SHADOW_WORKER_URL, logger: new Logger(() => () => {}) })
