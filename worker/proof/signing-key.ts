/**
 * The instance's key: signs certificates and the ledger of erasures. Made at first use, kept in signing-key.json of the
 * data folder, readable by its owner only. Public keys of former ones stay there, so that old signatures verify.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { WorkerError } from '../worker-error.ts'
import { canonicalJson } from './canonical-json.ts'

const keyFile = z.object({ private_key: z.string(), former_public_keys: z.array(z.string()) })

/** A public key and the id by which signatures name it: the first 16 hex digits of its SHA-256. */
export type PublicKey = { id: string; pem: string }

/** What signs and verifies. */
export type SigningKey = {
  current: PublicKey
  former: PublicKey[]
  /** Base64 of the Ed25519 signature of a value's canonical form. */
  sign(value: unknown): string
  /** Whether one of the instance's keys, former ones too, made this signature. */
  isSigned(value: unknown, keyId: string, signature: string): boolean
}

/** Where it lies. */
export function signingKeyFile(dataDir: string): string {
  return join(dataDir, 'signing-key.json')
}

/** Reads the key, or makes it. @throws settings_invalid when the file is damaged */
export function loadSigningKey(dataDir: string): SigningKey {
  const path = signingKeyFile(dataDir)
  if (!existsSync(path)) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 })
    try {
      writeFileSync(path, keyText(newPrivateKey(), []), { mode: 0o600, flag: 'wx', flush: true })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
  }
  return signingKey(readKept(path))
}

/** Puts a new key in place of the old one, whose public half stays. */
export function rotateSigningKey(dataDir: string): SigningKey {
  const { current, former } = loadSigningKey(dataDir)
  const path = signingKeyFile(dataDir)
  const partial = `${path}.${process.pid}`
  const publicKeys = [current, ...former].map(({ pem }) => pem)
  writeFileSync(partial, keyText(newPrivateKey(), publicKeys), { mode: 0o600, flush: true })
  renameSync(partial, path)
  return loadSigningKey(dataDir)
}

function signingKey(kept: z.infer<typeof keyFile>): SigningKey {
  const privateKey = createPrivateKey(kept.private_key)
  const current = publicKey(createPublicKey(privateKey))
  const former = kept.former_public_keys.map((pem) => publicKey(createPublicKey(pem)))
  return {
    current,
    former,
    sign: (value) => sign(null, Buffer.from(canonicalJson(value)), privateKey).toString('base64'),
    isSigned: (value, keyId, signature) => {
      const key = [current, ...former].find(({ id }) => id === keyId)
      if (!key) return false
      return verify(null, Buffer.from(canonicalJson(value)), key.pem, Buffer.from(signature, 'base64'))
    },
  }
}

function publicKey(key: KeyObject): PublicKey {
  const raw = Buffer.from(key.export({ format: 'jwk' }).x ?? '', 'base64url')
  const id = createHash('sha256').update(raw).digest('hex').slice(0, 16)
  return { id, pem: key.export({ type: 'spki', format: 'pem' }).toString() }
}

function newPrivateKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function keyText(privateKey: string, former: string[]): string {
  return `${JSON.stringify({ private_key: privateKey, former_public_keys: former }, null, 2)}\n`
}

function readKept(path: string): z.infer<typeof keyFile> {
  try {
    return keyFile.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    throw new WorkerError('settings_invalid', `The signing key in ${path} cannot be read.`, {
      hint: 'Restore the file from a copy. Without it a new one is made, and what the old one signed cannot be verified.',
      cause,
    })
  }
}
