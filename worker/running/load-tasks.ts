/** Finds the tasks by folder: tasks/briefing/fetch_source.ts is the task briefing/fetch_source. */
import { readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import type { Task } from '../define-task.ts'
import { WorkerError } from '../worker-error.ts'

const taskModule = z.object({
  payload: z.instanceof(z.ZodType, { error: 'exports no payload (a zod schema)' }),
  task: z.custom<Task>(
    (value) => typeof value === 'function',
    'exports no task (a function made by defineTask)',
  ),
})

const IDENTIFIER = /^[a-z_]+\/[a-z_]+$/

/**
 * Imports every task of a folder, by identifier.
 * @throws task_invalid, naming the file and what it lacks
 */
export async function loadTasks(folder: string): Promise<Map<string, Task>> {
  const files = await readdir(folder, { recursive: true })
  const tasks = new Map<string, Task>()
  for (const file of files.filter((name) => name.endsWith('.ts')).sort()) {
    const path = join(folder, file)
    const identifier = relative(folder, path).slice(0, -'.ts'.length).split(sep).join('/')
    if (!IDENTIFIER.test(identifier)) throw invalid(path, 'does not lie at <module>/<verb_noun>.ts')
    const loaded = taskModule.safeParse(await import(pathToFileURL(path).href))
    if (!loaded.success) throw invalid(path, loaded.error.issues.map((issue) => issue.message).join(' and '))
    tasks.set(identifier, loaded.data.task)
  }
  return tasks
}

function invalid(path: string, problem: string): WorkerError {
  return new WorkerError('task_invalid', `The task file ${path} ${problem}.`, {
    hint: 'worker/define-task.ts shows what a task file looks like.',
  })
}
