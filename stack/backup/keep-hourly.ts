/** Under npm start with HOWDAH_BACKUP_DIR: `backup:keep` each hour, in a process of its own, so that hashing holds up nobody. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Child, watchChild } from '../process/child.ts'
import { childEnvironment } from '../process/child-environment.ts'
import { guardedSpawn } from '../process/guarded-spawn.ts'
import type { Settings } from '../settings.ts'

const PERIOD_MS = 60 * 60 * 1000
const STOP_TIMEOUT_MS = 5_000

/** What keeping needs. */
export type HourlyKeeping = {
  settings: Settings & { backupDir: string }
  /** Gets every line; logs/backup.log. */
  log(line: string): void
  /** Hears what a person should know. */
  say(line: string): void
  /** (Default: an hour) */
  periodMs?: number
}

/** Begins at once and goes on until stop() is called. */
export function keepHourly(what: HourlyKeeping): { stop(): Promise<void> } {
  const stopping = new AbortController()
  let child: Child | undefined
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      child = await launch(what)
      const { code } = await child.exited
      const words = child.lastLines()
      child = undefined
      if (stopping.signal.aborted) return
      if (code !== 0) what.say(`Backups: ${words || `backup:keep ended with exit code ${code}`}`)
      await sleep(what.periodMs ?? PERIOD_MS, undefined, { signal: stopping.signal }).catch(() => {})
    }
  })()
  return {
    stop: async () => {
      stopping.abort()
      await child?.stop('SIGTERM', STOP_TIMEOUT_MS)
      await loop
    },
  }
}

async function launch({ settings, log }: HourlyKeeping): Promise<Child> {
  const child = await watchChild(
    guardedSpawn({
      command: process.execPath,
      args: [join(settings.projectDir, 'stack', 'cli', 'backup-keep.ts')],
      env: childEnvironment(process.env, {
        HOWDAH_DATA_DIR: settings.dataDir,
        HOWDAH_BACKUP_DIR: settings.backupDir,
      }),
      cwd: settings.projectDir,
      deathSignal: 'TERM',
    }),
  )
  child.onLine((line) => log(`${new Date().toISOString()} ${line}`))
  return child
}
