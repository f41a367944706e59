/** The secrets of one data folder: made at the first start, kept in secrets.json, readable by its owner only. */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Settings } from './settings.ts'
import { StackError } from './stack-error.ts'

const secretsFile = z.object({
  jwt_secret: z.string().min(32),
  encryption_key: z.string().min(32),
  superuser_password: z.string().min(1),
  migrations_password: z.string().min(1),
  authenticator_password: z.string().min(1),
  worker_password: z.string().min(1),
})

/** What PostgREST, the worker and the provisioner must agree on. */
export type Secrets = z.infer<typeof secretsFile>

/** Fresh random secrets; 36 bytes each, base64url, so they need no quoting anywhere. */
export function makeSecrets(): Secrets {
  const random = () => randomBytes(36).toString('base64url')
  return {
    jwt_secret: random(),
    encryption_key: random(),
    superuser_password: random(),
    migrations_password: random(),
    authenticator_password: random(),
    worker_password: random(),
  }
}

/**
 * Reads or makes the secrets of a data folder. HOWDAH_JWT_SECRET and HOWDAH_ENCRYPTION_KEY go before the kept ones.
 * @throws settings_invalid when secrets.json is damaged; data_folder_unreachable when the folder cannot be written
 */
export function loadSecrets(settings: Pick<Settings, 'dataDir' | 'jwtSecret' | 'encryptionKey'>): Secrets {
  const path = join(settings.dataDir, 'secrets.json')
  try {
    // 0711 for root: the OS user postgres must pass through to its cluster, but may not list what is here.
    mkdirSync(settings.dataDir, { recursive: true, mode: process.getuid?.() === 0 ? 0o711 : 0o700 })
    writeFileSync(path, `${JSON.stringify(makeSecrets(), null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  } catch (cause) {
    // An EEXIST of mkdir means that the folder's name belongs to a file; then there is no secrets.json either.
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST' || !existsSync(path)) {
      throw new StackError(
        'data_folder_unreachable',
        `The data folder ${settings.dataDir} cannot be written: ${cause instanceof Error ? cause.message : cause}`,
        'Choose a folder this user may write: HOWDAH_DATA_DIR=… npm start',
        { cause },
      )
    }
  }
  const kept = parseKept(path)
  return {
    ...kept,
    jwt_secret: settings.jwtSecret ?? kept.jwt_secret,
    encryption_key: settings.encryptionKey ?? kept.encryption_key,
  }
}

/** Writes another token secret into secrets.json; a reader sees the old file or the new one, never half of one. */
export function keepJwtSecret(dataDir: string, jwtSecret: string): void {
  const path = join(dataDir, 'secrets.json')
  const partial = `${path}.${process.pid}`
  writeFileSync(partial, `${JSON.stringify({ ...parseKept(path), jwt_secret: jwtSecret }, null, 2)}\n`, {
    mode: 0o600,
  })
  renameSync(partial, path)
}

function parseKept(path: string): Secrets {
  try {
    return secretsFile.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new StackError(
      'settings_invalid',
      `The secrets of this stack in ${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      `Restore the file from a copy. Without it the database in that folder cannot be opened; ` +
        `npm start -- --fresh begins anew and deletes it.`,
      { cause },
    )
  }
}
