/** Runs `npm start` as a process of its own, as a person would, on a data folder below the temporary folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../stack/free-port.ts'
import { outsideFolder } from '../../stack/postgres/cluster-folder.ts'
import { isStillAlive, type ProcessMark } from '../../stack/process/identity.ts'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { type RunRecord, readRunFile } from '../../stack/run-file.ts'

/** How long after kill -9 something may still be leaving. */
export const LEAVING_MS = 5_000

/** A data folder and the settings that go with it. */
export type Home = {
  dataDir: string
  env: NodeJS.ProcessEnv
  /** What was started here; a failed test may have left it running. */
  started: Set<ChildProcess>
  remove(): Promise<void>
}

/** Makes a home with free ports. The folder's parent has mode 0700, so as root the cluster lies elsewhere. */
export async function makeHome(name: string): Promise<Home> {
  const parent = mkdtempSync(join(tmpdir(), 'howdah-stack-'))
  const dataDir = join(parent, name)
  const inherited = Object.entries(process.env).filter(
    ([variable]) => !/^(HOWDAH_|npm_lifecycle)/.test(variable),
  )
  const started = new Set<ChildProcess>()
  return {
    dataDir,
    env: {
      ...Object.fromEntries(inherited),
      HOWDAH_DATA_DIR: dataDir,
      HOWDAH_API_PORT: String(await freePort()),
    },
    started,
    remove: async () => {
      for (const child of started) child.kill('SIGKILL')
      const record = readRunFile(dataDir)
      if (record) await leftAfter(processesOf(record), LEAVING_MS)
      const outside = outsideFolder(dataDir)
      if (outside) rmSync(outside, { recursive: true, force: true })
      rmSync(parent, { recursive: true, force: true })
    },
  }
}

/** A start that is ready or has ended. */
export type StartProcess = {
  pid: number
  output(): string
  /** Resolves with the exit code, null after a signal. */
  exited: Promise<number | null>
  kill(signal: NodeJS.Signals): void
  record(): RunRecord
}

/** Starts and waits for the line "ready in …", or for the end when it is refused. */
export function startProcess(
  home: Home,
  env: NodeJS.ProcessEnv = {},
  flags: string[] = [],
): Promise<StartProcess> {
  return watchStart(home, [process.execPath, join(PROJECT_DIR, 'stack', 'cli', 'start.ts'), ...flags], env)
}

/** The same through npm; `pid` is npm's then. */
export function npmStart(home: Home): Promise<StartProcess> {
  return watchStart(home, ['npm', 'start'], {})
}

async function watchStart(home: Home, command: string[], env: NodeJS.ProcessEnv): Promise<StartProcess> {
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: PROJECT_DIR,
    env: { ...home.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  home.started.add(child)
  let output = ''
  const ready = new Promise<void>((resolve) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        output += chunk
        if (/^ready in /m.test(output)) resolve()
      })
    }
  })
  const exited = new Promise<number | null>((resolve) => {
    child.once('close', (code) => {
      home.started.delete(child)
      resolve(code)
    })
  })
  await Promise.race([ready, exited])
  return {
    pid: child.pid as number,
    output: () => output,
    exited,
    kill: (signal) => child.kill(signal),
    record: () => {
      const record = readRunFile(home.dataDir)
      if (!record) throw new Error(`There is no run.json in ${home.dataDir}. The start said:\n${output}`)
      return record
    },
  }
}

/** Every process a stack consists of. */
export function processesOf(record: RunRecord): ProcessMark[] {
  return [record.stack, ...Object.values(record.children).filter((mark) => mark !== undefined)]
}

/** Waits until none of them is alive; returns those that still are after `timeoutMs`. */
export async function leftAfter(marks: ProcessMark[], timeoutMs: number): Promise<ProcessMark[]> {
  const end = Date.now() + timeoutMs
  while (marks.some(isStillAlive) && Date.now() < end) await sleep(25)
  return marks.filter(isStillAlive)
}

/** Runs another command of the stack to its end. */
export async function runCli(
  home: Home,
  cli: string,
  ...flags: string[]
): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [join(PROJECT_DIR, 'stack', 'cli', cli), ...flags], {
    env: home.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, output }
}
