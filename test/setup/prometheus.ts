/** A real Prometheus, where the machine has one: on PATH, or where Debian puts it. `.ci/run` fetches one. */
import { execFile, spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { freePort } from '../../stack/free-port.ts'
import { PROJECT_DIR } from '../../stack/project-dir.ts'

const OURS = join(PROJECT_DIR, 'deploy', 'prometheus')
const FILES = ['prometheus.yml', 'howdah.rules.yml']
const run = promisify(execFile)

/** Path of `prometheus` or `promtool`; undefined where there is none. */
export function prometheusBinary(name: 'prometheus' | 'promtool'): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}

/** What promtool says of our files: nothing but what is wrong. */
export async function promtoolCheck(promtool: string, kind: 'config' | 'rules'): Promise<string> {
  const folder = await configFolder('', '127.0.0.1:3000')
  try {
    const { stdout } = await run(promtool, [
      'check',
      kind,
      join(folder, FILES[kind === 'config' ? 0 : 1] ?? ''),
    ])
    return stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A running Prometheus. `query` answers with what an expression is now. */
export type Prometheus = AsyncDisposable & {
  query(expression: string): Promise<{ metric: Record<string, string>; value: number }[]>
  get(path: string): Promise<unknown>
}

/** Starts it with our configuration, pointed at `target`, scraping twice a second; on loopback, in a folder of its own. */
export async function startPrometheus(binary: string, token: string, target: string): Promise<Prometheus> {
  const folder = await configFolder(token, target)
  const port = await freePort()
  const child = spawn(
    binary,
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=warn',
    ],
    { cwd: folder, stdio: 'inherit' },
  )
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${port}${path}`)).json()
  for (let n = 0; n < 200; n++) {
    const answer = await fetch(`http://127.0.0.1:${port}/-/ready`).catch(() => undefined)
    if (answer?.ok) break
    await sleep(50)
  }
  return {
    get,
    query: async (expression) => {
      const { data } = await get(`/api/v1/query?query=${encodeURIComponent(expression)}`)
      return data.result.map(
        ({ metric, value }: { metric: Record<string, string>; value: [number, string] }) => ({
          metric,
          value: Number(value[1]),
        }),
      )
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Our files as they are, but for the address and the patience. */
async function configFolder(token: string, target: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'howdah-prometheus-'))
  for (const file of FILES) copyFileSync(join(OURS, file), join(folder, file))
  const config = join(folder, 'prometheus.yml')
  const text = readFileSync(config, 'utf8')
  const changed = text.replace('127.0.0.1:3000', target).replaceAll(/(_interval): 30s/g, '$1: 500ms')
  writeFileSync(config, changed)
  writeFileSync(join(folder, 'scrape-token'), token, { mode: 0o600 })
  return folder
}
