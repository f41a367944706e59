/** What a task gets, for calling it without a worker. */
import type { TaskContext, WorkerServices } from '../../../worker/define-task.ts'
import { createLog } from '../../../worker/log.ts'

/** A context that logs nowhere, never aborts and queues nothing. */
export function taskContext(services: WorkerServices): TaskContext {
  return {
    ...services,
    log: createLog({ write: () => undefined }),
    signal: new AbortController().signal,
    addJob: () => Promise.reject(new Error('This task was not expected to queue a job.')),
  }
}
