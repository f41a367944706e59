/** What a task gets, for calling it without a worker. */
import type { TaskContext, WorkerServices } from '../../../worker/define-task.ts'
import { createLog } from '../../../worker/log.ts'
import type { DeliverMail } from '../../../worker/mails/mail-delivery.ts'

/** A context that logs nowhere, never aborts and queues nothing. */
export function taskContext(services: WorkerServices, deliver: DeliverMail = unexpectedMail): TaskContext {
  return {
    ...services,
    deliver,
    lookUpTxt: () => Promise.reject(new Error('This task was not expected to ask the DNS.')),
    log: createLog({ write: () => undefined }),
    signal: new AbortController().signal,
    addJob: () => Promise.reject(new Error('This task was not expected to queue a job.')),
  }
}

const unexpectedMail: DeliverMail = () =>
  Promise.reject(new Error('This task was not expected to send a mail.'))
