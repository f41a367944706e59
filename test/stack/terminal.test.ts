/** npm start on a terminal: the live list brings signal handlers of its own, and npm hands Ctrl-C on a second time. */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { readRunFile } from '../../stack/run-file.ts'
import { makeHome } from './start-process.ts'

const home = await makeHome('data')
afterAll(() => home.remove())

const CTRL_C = '\u0003'

/** Runs npm start on a pseudo-terminal and types Ctrl-C as soon as the screen shows `moment`. */
async function ctrlCAt(moment: RegExp): Promise<{ code: number | null; screen: string }> {
  const terminal = spawn('script', ['-qefc', 'stty cols 100; exec npm start', '/dev/null'], {
    cwd: PROJECT_DIR,
    env: home.env,
  })
  home.started.add(terminal)
  let screen = ''
  terminal.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    screen += chunk
  })
  const exited = new Promise<number | null>((resolve) => terminal.once('close', resolve))
  while (!moment.test(screen) && terminal.exitCode === null) await sleep(10)
  terminal.stdin.write(CTRL_C)
  const code = await exited
  home.started.delete(terminal)
  return { code, screen }
}

// script(1) of util-linux gives the terminal; that of macOS takes other arguments.
describe.runIf(process.platform === 'linux')('Ctrl-C on a terminal', { timeout: 60_000 }, () => {
  it('during the first start stops everything in order, once it is up', async () => {
    const { code, screen } = await ctrlCAt(/Migrations/)
    expect(screen).toMatch(/Seeds.*demo data/)
    expect(screen).toContain('Stopped.')
    expect(code, screen).toBe(0)
    expect(readRunFile(home.dataDir)).toBeUndefined()
  })

  it('later stops everything in order too', async () => {
    const { code, screen } = await ctrlCAt(/ready in/)
    expect(screen).toContain('Stopped.')
    expect(code, screen).toBe(0)
    expect(readRunFile(home.dataDir)).toBeUndefined()
  })
})
