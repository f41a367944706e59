/** The environment of the stack, parsed once at the edge. docs/configuration.md explains each variable. */
import { isAbsolute, resolve } from 'node:path'
import { z } from 'zod'
import { PROJECT_DIR } from './project-dir.ts'
import { StackError } from './stack-error.ts'

/** PostgREST 12 starts with a shorter secret and then validates nothing, so it is refused here. */
const MIN_SECRET_BYTES = 32

const port = z
  .string()
  .regex(/^\d+$/, 'is not a whole number; write a port between 1 and 65535')
  .transform(Number)
  .refine((value) => value >= 1 && value <= 65_535, 'is not a port; write a number between 1 and 65535')

const secret = z
  .string()
  .refine(
    (value) => Buffer.byteLength(value) >= MIN_SECRET_BYTES,
    `is shorter than ${MIN_SECRET_BYTES} bytes; make one with: openssl rand -base64 48`,
  )

const url = (protocols: RegExp, example: string) =>
  z.string().refine((value) => {
    const parsed = URL.parse(value)
    return parsed !== null && protocols.test(parsed.protocol)
  }, `is not a URL this understands; write it like ${example}`)

const environment = z.object({
  HOWDAH_DATABASE_URL: url(
    /^postgres(ql)?:$/,
    'postgres://postgres:password@127.0.0.1:5432/howdah',
  ).optional(),
  HOWDAH_DATA_DIR: z.string().default('.howdah'),
  HOWDAH_LEDGER_DIR: z.string().optional(),
  HOWDAH_DB_PORT: port.optional(),
  HOWDAH_API_PORT: port.optional(),
  HOWDAH_ADMIN_PORT: port.optional(),
  HOWDAH_JWT_SECRET: secret.optional(),
  HOWDAH_ENCRYPTION_KEY: secret.optional(),
  HOWDAH_FETCH_ALLOW: z
    .string()
    .default('')
    .transform((list) =>
      list
        .split(',')
        .map((entry) => entry.trim())
        .filter(Boolean),
    ),
  HOWDAH_SMTP_URL: url(/^smtps?:$/, 'smtp://user:password@mail.example.com:587').optional(),
  HOWDAH_POSTGREST_BIN: z.string().optional(),
  HOWDAH_BACKUP_DIR: z.string().optional(),
  HOWDAH_POSTGRES_BIN: z.string().optional(),
})

/** What the stack is told from outside. Ports left undefined were not named, so the default may give way. */
export type Settings = {
  projectDir: string
  /** Absolute. Holds the cluster, the secrets, run.json and logs. (Default: `.howdah` in the checkout) */
  dataDir: string
  /** Absolute. Where the ledger of erasures is kept. (Default: the data folder) */
  ledgerDir?: string | undefined
  /** An administrator's URL of a server to use instead of the embedded Postgres. */
  databaseUrl: string | undefined
  dbPort: number | undefined
  apiPort: number | undefined
  adminPort: number | undefined
  jwtSecret: string | undefined
  encryptionKey: string | undefined
  /** Hosts or networks outgoing fetches may reach although they are private. (Default: none) */
  fetchAllow: string[]
  smtpUrl: string | undefined
  postgrestBin: string | undefined
  /** Absolute. Where backups go; when it is named, the embedded Postgres archives its log there. */
  backupDir: string | undefined
  /** The folder with another Postgres' programs, for restoring what the embedded one cannot serve. */
  postgresBin: string | undefined
}

/**
 * Reads the HOWDAH_* variables. An empty variable counts as not set.
 * @throws settings_invalid, naming each variable, its problem and the remedy
 */
export function readSettings(env: NodeJS.ProcessEnv, projectDir: string = PROJECT_DIR): Settings {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => describe(String(issue.path[0]), given, issue.message))
    throw new StackError('settings_invalid', lines.join('\n'), 'docs/configuration.md lists every variable.')
  }
  const value = parsed.data
  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(projectDir, path))
  return {
    projectDir,
    ledgerDir: value.HOWDAH_LEDGER_DIR === undefined ? undefined : absolute(value.HOWDAH_LEDGER_DIR),
    dataDir: absolute(value.HOWDAH_DATA_DIR),
    databaseUrl: value.HOWDAH_DATABASE_URL,
    dbPort: value.HOWDAH_DB_PORT,
    apiPort: value.HOWDAH_API_PORT,
    adminPort: value.HOWDAH_ADMIN_PORT,
    jwtSecret: value.HOWDAH_JWT_SECRET,
    encryptionKey: value.HOWDAH_ENCRYPTION_KEY,
    fetchAllow: value.HOWDAH_FETCH_ALLOW,
    smtpUrl: value.HOWDAH_SMTP_URL,
    postgrestBin: value.HOWDAH_POSTGREST_BIN,
    backupDir: value.HOWDAH_BACKUP_DIR === undefined ? undefined : absolute(value.HOWDAH_BACKUP_DIR),
    postgresBin: value.HOWDAH_POSTGRES_BIN,
  }
}

/** Values of secrets and URLs (which hold passwords) are never repeated in a message. */
function describe(name: string, given: Record<string, unknown>, problem: string): string {
  const isPrivate = /SECRET|KEY|URL/.test(name)
  return `${name}${isPrivate ? '' : ` (${JSON.stringify(given[name])})`} ${problem}.`
}
