/** The first five minutes: a first start that is cut off, the next one, and the commands it suggests. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { PROJECT_DIR } from '../../stack/project-dir.ts'
import { makeHome, startProcess } from './start-process.ts'

const home = await makeHome('data')
afterAll(() => home.remove())

/** Starts and kills it with kill -9 as soon as it says `moment`. */
async function killedAt(moment: RegExp): Promise<string> {
  const child = spawn(process.execPath, [join(PROJECT_DIR, 'stack', 'cli', 'start.ts')], { env: home.env })
  home.started.add(child)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
    if (moment.test(output)) child.kill('SIGKILL')
  })
  await new Promise((resolve) => child.once('close', resolve))
  return output
}

function typed(commands: string): Promise<string> {
  const shell = spawn('bash', ['-ec', commands], { cwd: PROJECT_DIR, env: home.env })
  let output = ''
  for (const stream of [shell.stdout, shell.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk
    })
  }
  return new Promise((resolve) => shell.once('close', () => resolve(output)))
}

describe('the first start', { timeout: 60_000 }, () => {
  it('killed before the seeds are in, is made up for by the next one', async () => {
    expect(await killedAt(/✓ Migrations/)).not.toMatch(/✓ Seeds/)
    const next = await startProcess(home)
    expect(next.output()).toMatch(/✓ Seeds: demo data/)
    expect(next.output()).toContain('ada@example.com / correct horse battery')
    next.kill('SIGTERM')
    expect(await next.exited).toBe(0)
  })

  it('is made once: a later one keeps the data', async () => {
    const start = await startProcess(home)
    expect(start.output()).toMatch(/✓ Seeds: kept as they are/)
    start.kill('SIGTERM')
    expect(await start.exited).toBe(0)
  })

  it('suggests commands that work as they are printed', async () => {
    const start = await startProcess(home)
    const commands = /Try next.*:\n([\s\S]*?)\n\nready in/.exec(start.output())?.[1] ?? ''
    const output = await typed(commands)
    expect(output).toMatch(/"briefing_date": ?"20/)
    expect(output).toMatch(/^why +what$/m)
    expect(output).toMatch(/\(\d+ rows\)/)
    start.kill('SIGTERM')
    expect(await start.exited).toBe(0)
  })
})
