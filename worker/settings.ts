/** The worker's environment, parsed once at the edge. docs/configuration.md explains each variable. */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { z } from 'zod'
import { type FetchAllow, parseFetchAllow } from './outgoing/fetch-allow.ts'
import { WorkerError } from './worker-error.ts'

/** Jobs at the same time. Fetches wait more than they work, so more than there are processors. */
const DEFAULT_CONCURRENCY = 5

const environment = z.object({
  HOWDAH_WORKER_DATABASE_URL: z
    .string({ error: 'is not set' })
    .refine((value) => /^postgres(ql)?:$/.test(URL.parse(value)?.protocol ?? ''), 'is no Postgres URL'),
  HOWDAH_DATA_DIR: z.string().default('.howdah'),
  HOWDAH_FETCH_ALLOW: z.string().default(''),
  HOWDAH_SMTP_URL: z
    .string()
    .refine(
      (value) => /^smtps?:$/.test(URL.parse(value)?.protocol ?? ''),
      'is no URL like smtp://user:password@mail.example.com:587',
    )
    .optional(),
  HOWDAH_DNS_SERVERS: z
    .string()
    .default('')
    .transform((value) =>
      value
        .split(',')
        .map((server) => server.trim())
        .filter(Boolean),
    )
    .refine((servers) => servers.every(isDnsServer), 'is no list of addresses like 9.9.9.9,[2620:fe::fe]:53'),
  HOWDAH_WORKER_CONCURRENCY: z.coerce.number().int().min(1).max(100).default(DEFAULT_CONCURRENCY),
})

/** What the worker is told from outside. */
export type WorkerSettings = {
  /** Direct to Postgres, not through a transaction pooler: jobs are announced by LISTEN. */
  databaseUrl: string
  allow: FetchAllow
  /** Absolute: the copy of the audit seals, mails when no mail server is named. (Default: `.howdah` in the working folder) */
  dataDir: string
  smtpUrl: string | undefined
  /** Servers that are asked about claimed domains. (Default: those of the system) */
  dnsServers: string[]
  concurrency: number
}

/**
 * Reads the HOWDAH_* variables. An empty variable counts as not set.
 * @throws settings_invalid; values are not repeated, a URL holds a password
 */
export function readWorkerSettings(env: NodeJS.ProcessEnv): WorkerSettings {
  const parsed = environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value)))
  if (!parsed.success) {
    const problems = parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
    throw new WorkerError('settings_invalid', `The worker cannot start: ${problems.join('; ')}.`, {
      hint: 'Set HOWDAH_WORKER_DATABASE_URL=postgres://howdah_worker:password@host:5432/howdah; npm start does it for you.',
    })
  }
  return {
    databaseUrl: parsed.data.HOWDAH_WORKER_DATABASE_URL,
    allow: parseFetchAllow(parsed.data.HOWDAH_FETCH_ALLOW),
    dataDir: resolve(parsed.data.HOWDAH_DATA_DIR),
    smtpUrl: parsed.data.HOWDAH_SMTP_URL,
    dnsServers: parsed.data.HOWDAH_DNS_SERVERS,
    concurrency: parsed.data.HOWDAH_WORKER_CONCURRENCY,
  }
}

/** An address, with or without a port; one of IPv6 stands in brackets when a port follows. */
function isDnsServer(server: string): boolean {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(server) ?? []
  return isIP(bracketed ?? plain ?? server) > 0
}
