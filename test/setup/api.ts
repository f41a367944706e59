/** A real PostgREST for a test database, and short ways to ask it. */
import { inject } from 'vitest'
import { freePort } from '../../stack/free-port.ts'
import { launchPostgrest, type RunningApi } from '../../stack/postgrest/launch.ts'
import { isStackError } from '../../stack/stack-error.ts'
import { launchApiContainer } from './api-container.ts'
import type { TestDatabase } from './database.ts'

/** An answer, whatever its status. `body` is parsed JSON where the server says it is JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the body is whatever the test is about; assertions say what it must be
export type Answer = { status: number; body: any; headers: Headers }

/** What else can be sent with a request. */
export type RequestOptions = { token?: string | undefined; body?: unknown; headers?: Record<string, string> }

/** A PostgREST serving one test database. */
export type TestApi = {
  url: string
  request(method: string, path: string, options?: RequestOptions): Promise<Answer>
  /** POST /rpc/<name>. */
  rpc(name: string, args?: Record<string, unknown>, token?: string): Promise<Answer>
  get(path: string, token?: string): Promise<Answer>
  /** Stops it and starts it again on the same port: all its sessions are new then. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** Further PGRST_* settings for this PostgREST only. */
export type ApiTestOptions = { settings?: Record<string, string> }

/** Starts a PostgREST for `database`; `database.drop()` closes it. */
export async function testApi(database: TestDatabase, options: ApiTestOptions = {}): Promise<TestApi> {
  const running = await launch(database, options)
  const request = (method: string, path: string, sent: RequestOptions = {}) =>
    ask(`${running.url}${path}`, method, sent)
  const api: TestApi = {
    url: running.url,
    request,
    rpc: (name, args = {}, token) => request('POST', `/rpc/${name}`, { body: args, token }),
    get: (path, token) => request('GET', path, { token }),
    restart: () => running.restart(),
    close: async () => {
      database.apis.delete(api)
      await running.stop()
    },
  }
  database.apis.add(api)
  return api
}

/** A PostgREST that runs; `restart` keeps its URL. */
export type Launched = { url: string; restart(): Promise<void>; stop(): Promise<void> }

async function launch(database: TestDatabase, options: ApiTestOptions): Promise<Launched> {
  const source = inject('howdah').api
  const settings = options.settings ?? {}
  if (source.kind === 'container') return launchApiContainer(source, database, settings)
  const start = async (port: number) =>
    launchPostgrest({
      binary: source.path,
      databaseUrl: database.url('howdah_authenticator'),
      jwtSecret: database.target.secrets.jwt_secret,
      port,
      adminPort: await freePort(),
      settings,
    })
  let api = await onFreePort(start)
  return {
    url: api.url,
    restart: async () => {
      await api.stop()
      api = await start(Number(new URL(api.url).port))
    },
    stop: () => api.stop(),
  }
}

/** Between finding a free port and listening on it another test file may take it; then the next one is tried. */
async function onFreePort(start: (port: number) => Promise<RunningApi>): Promise<RunningApi> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort())
    } catch (error) {
      if (!isStackError(error) || error.code !== 'port_taken' || attempt === 3) throw error
    }
  }
}

async function ask(url: string, method: string, sent: RequestOptions): Promise<Answer> {
  const headers: Record<string, string> = { ...sent.headers }
  if (sent.token !== undefined) headers['authorization'] = `Bearer ${sent.token}`
  if (sent.body !== undefined) headers['content-type'] ??= 'application/json'
  const body =
    sent.body === undefined ? null : typeof sent.body === 'string' ? sent.body : JSON.stringify(sent.body)
  const answer = await fetch(url, { method, headers, body })
  const text = await answer.text()
  const isJson = answer.headers.get('content-type')?.includes('json') && text !== ''
  return { status: answer.status, body: isJson ? JSON.parse(text) : text, headers: answer.headers }
}
