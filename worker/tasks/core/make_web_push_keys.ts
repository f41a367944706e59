/** Makes the key pair that names this instance to push services, once: browsers subscribe for its public half. */
import webPush from 'web-push'
import { z } from 'zod'
import { defineTask } from '../../define-task.ts'

export const payload = z.object({})

export const task = defineTask(payload, async (_payload, { pool, log }) => {
  const { publicKey, privateKey } = webPush.generateVAPIDKeys()
  const { rows } = await pool.query('select core.keep_web_push_keys($1, $2) as is_new', [
    publicKey,
    privateKey,
  ])
  if (z.tuple([z.object({ is_new: z.boolean() })]).parse(rows)[0].is_new) log.info('made the web push keys')
})

declare global {
  namespace GraphileWorker {
    interface Tasks {
      'core/make_web_push_keys': z.infer<typeof payload>
    }
  }
}
