/** The worker's environment, parsed once at the edge. docs/configuration.md explains each variable. */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { z } from 'zod'
import { type FetchAllow, parseFetchAllow } from './outgoing/fetch-allow.ts'
import { WorkerError } from './worker-error.ts'

/** Jobs at the same time. Fetches wait more than they work, so more than there are processors. */
const DEFAULT_CONCURRENCY = 5
const CONCURRENCY_PROBLEM = 'is not a whole number from 1 to 100'

const environment = z.object({
  HOWDAH_WORKER_DATABASE_URL: z
    .string({ error: 'is not set' })
    .refine((value) => /^postgres(ql)?:$/.test(URL.parse(value)?.protocol ?? ''), 'is no Postgres URL'),
  HOWDAH_DATA_DIR: z.string().default('.howdah'),
  HOWDAH_LEDGER_DIR: z.string().optional(),
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
  HOWDAH_FCM_CREDENTIALS: z.string().optional(),
  HOWDAH_APNS_KEY: z.string().optional(),
  HOWDAH_APNS_KEY_ID: z.string().optional(),
  HOWDAH_APNS_TEAM_ID: z.string().optional(),
  HOWDAH_APNS_TOPIC: z.string().optional(),
  HOWDAH_APNS_URL: z
    .string()
    .regex(/^https:\/\/[^\s/]+$/, 'is no https address without a path')
    .default('https://api.push.apple.com'),
  HOWDAH_WORKER_CONCURRENCY: z.coerce
    .number(CONCURRENCY_PROBLEM)
    .int(CONCURRENCY_PROBLEM)
    .min(1, CONCURRENCY_PROBLEM)
    .max(100, CONCURRENCY_PROBLEM)
    .default(DEFAULT_CONCURRENCY),
})

/** What Apple wants to know; `keyFile` is the path of a .p8 file, `topic` the app's bundle id. */
export type ApnsSettings = { keyFile: string; keyId: string; teamId: string; topic: string; url: string }

/** What the worker is told from outside. */
export type WorkerSettings = {
  /** Direct to Postgres, not through a transaction pooler: jobs are announced by LISTEN. */
  databaseUrl: string
  allow: FetchAllow
  /** Absolute: the copy of the audit seals, mails when no mail server is named. (Default: `.howdah` in the working folder) */
  dataDir: string
  /** Absolute. (Default: dataDir) */
  ledgerDir: string | undefined
  smtpUrl: string | undefined
  /** Servers that are asked about claimed domains. (Default: those of the system) */
  dnsServers: string[]
  /** Path of a service account's JSON file; undefined: nothing is pushed to Android. */
  fcmCredentials: string | undefined
  /** Undefined: nothing is pushed to iOS. */
  apns: ApnsSettings | undefined
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
    ledgerDir:
      parsed.data.HOWDAH_LEDGER_DIR === undefined ? undefined : resolve(parsed.data.HOWDAH_LEDGER_DIR),
    smtpUrl: parsed.data.HOWDAH_SMTP_URL,
    dnsServers: parsed.data.HOWDAH_DNS_SERVERS,
    fcmCredentials: parsed.data.HOWDAH_FCM_CREDENTIALS,
    apns: readApns(parsed.data),
    concurrency: parsed.data.HOWDAH_WORKER_CONCURRENCY,
  }
}

/** An address, with or without a port; one of IPv6 stands in brackets when a port follows. */
function isDnsServer(server: string): boolean {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/.exec(server) ?? []
  return isIP(bracketed ?? plain ?? server) > 0
}

/** All four or none: three of them would push to nobody and say nothing. */
function readApns(given: z.infer<typeof environment>): ApnsSettings | undefined {
  const {
    HOWDAH_APNS_KEY: keyFile,
    HOWDAH_APNS_KEY_ID: keyId,
    HOWDAH_APNS_TEAM_ID: teamId,
    HOWDAH_APNS_TOPIC: topic,
    HOWDAH_APNS_URL: url,
  } = given
  if (keyFile && keyId && teamId && topic) return { keyFile, keyId, teamId, topic, url }
  if (!keyFile && !keyId && !teamId && !topic) return undefined
  throw new WorkerError(
    'settings_invalid',
    'The worker cannot start: some HOWDAH_APNS_* are set and some are not.',
    {
      hint: 'Set HOWDAH_APNS_KEY, HOWDAH_APNS_KEY_ID, HOWDAH_APNS_TEAM_ID and HOWDAH_APNS_TOPIC, or none of them.',
    },
  )
}
