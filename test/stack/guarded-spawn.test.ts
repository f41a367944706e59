/** A child ends with its parent, by the kernel's way and by the portable one. */
import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { markProcess } from '../../stack/process/identity.ts'
import { leftAfter } from './start-process.ts'

const MODULE = new URL('../../stack/process/guarded-spawn.ts', import.meta.url).href

/** A parent that starts `sleep` under the guard and prints its pid. */
function parentWith(guard: 'pdeathsig' | 'watcher', command: string[]) {
  const code = `
    const { guardedSpawn } = await import(${JSON.stringify(MODULE)})
    const child = guardedSpawn({ command: ${JSON.stringify(command[0])}, args: ${JSON.stringify(command.slice(1))},
      env: process.env, deathSignal: 'TERM', guard: '${guard}' })
    child.stdout.pipe(process.stdout)
    process.on('SIGTERM', () => child.kill('SIGTERM'))
    child.on('exit', (code) => process.exit(code ?? 99))`
  const parent = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = new Promise<number>((resolve) => {
    parent.stdout.setEncoding('utf8').once('data', (text: string) => resolve(Number(text)))
  })
  return { parent, pid, exited: new Promise((resolve) => parent.once('exit', resolve)) }
}

/** Prints the pid it keeps, then waits. */
const SLEEPER = ['/bin/sh', '-c', 'echo $$; exec sleep 60']

describe.each(['pdeathsig', 'watcher'] as const)('guardedSpawn (%s)', (guard) => {
  it('ends the child when the parent is killed with kill -9', async () => {
    const { parent, pid } = parentWith(guard, SLEEPER)
    const child = markProcess(await pid)
    expect(child).toBeDefined()
    parent.kill('SIGKILL')
    expect(await leftAfter(child ? [child] : [], 5_000)).toEqual([])
  })

  it('hands on signals and the exit code', async () => {
    const graceful = ['/bin/sh', '-c', `trap 'exit 7' TERM; echo $$; while :; do sleep 0.05; done`]
    const { parent, pid, exited } = parentWith(guard, graceful)
    await pid
    parent.kill('SIGTERM')
    expect(await exited).toBe(7)
  })
})
