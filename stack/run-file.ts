/** <data>/run.json: which processes and ports a running stack has, for the other commands and for after a crash. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { isStillAlive, markProcess } from './process/identity.ts'
import { StackError } from './stack-error.ts'

const mark = z.object({ pid: z.int(), startedAt: z.string() })

const runRecord = z.object({
  /** The process of npm start. */
  stack: mark,
  since: z.iso.datetime(),
  /** False while it is still starting. */
  ready: z.boolean(),
  ports: z.object({ database: z.int().optional(), api: z.int(), admin: z.int() }),
  children: z.object({ postgres: mark.optional(), postgrest: mark.optional(), worker: mark.optional() }),
})

/** What run.json holds. */
export type RunRecord = z.infer<typeof runRecord>

/** The names of the processes a stack starts. */
export type ChildName = keyof RunRecord['children']

/** Reads run.json; undefined when there is none or it is damaged (a crash while it was written). */
export function readRunFile(dataDir: string): RunRecord | undefined {
  try {
    return runRecord.parse(JSON.parse(readFileSync(pathOf(dataDir), 'utf8')))
  } catch {
    return undefined
  }
}

/** The record of the stack that runs on this data folder right now, if one does. */
export function runningStack(dataDir: string): RunRecord | undefined {
  const record = readRunFile(dataDir)
  return record && isStillAlive(record.stack) ? record : undefined
}

/**
 * Refuses while a stack runs on this data folder.
 * @throws data_folder_in_use, naming the pid and what to type
 */
export function refuseIfRunning(dataDir: string): void {
  const occupant = runningStack(dataDir)
  if (!occupant) return
  throw new StackError(
    'data_folder_in_use',
    `A stack already runs on ${dataDir}: pid ${occupant.stack.pid}, since ${occupant.since}, ` +
      `API on port ${occupant.ports.api}.`,
    'Use it, stop it with npm run stack:stop, or run a second one beside it: ' +
      'HOWDAH_DATA_DIR=.howdah-2 HOWDAH_API_PORT=3100 npm start',
  )
}

/** Our own entry in run.json, kept up to date while we run. */
export type RunFile = {
  update(change: Partial<Omit<RunRecord, 'stack'>>): void
  child(name: ChildName, pid: number): void
  remove(): void
}

/**
 * Claims the data folder for this process.
 * @throws data_folder_in_use
 */
export function claimDataFolder(dataDir: string, ports: RunRecord['ports']): RunFile {
  const self = markProcess(process.pid)
  if (!self) throw new Error(`Process ${process.pid} cannot find its own start time.`)
  let record: RunRecord = { stack: self, since: new Date().toISOString(), ready: false, ports, children: {} }
  refuseIfRunning(dataDir)
  write(dataDir, record)
  const update: RunFile['update'] = (change) => {
    record = { ...record, ...change }
    write(dataDir, record)
  }
  return {
    update,
    child: (name, pid) => {
      const childMark = markProcess(pid)
      if (childMark) update({ children: { ...record.children, [name]: childMark } })
    },
    remove: () => rmSync(pathOf(dataDir), { force: true }),
  }
}

/** Written beside and renamed, so that a reader never sees half a file. */
function write(dataDir: string, record: RunRecord): void {
  const partial = `${pathOf(dataDir)}.${process.pid}`
  writeFileSync(partial, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 })
  renameSync(partial, pathOf(dataDir))
}

function pathOf(dataDir: string): string {
  return join(dataDir, 'run.json')
}
