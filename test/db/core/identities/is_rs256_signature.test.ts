/** RS256 in SQL against jose: a thousand signatures verify, a thousand with one bit flipped do not. */
import { constants, createHash, privateEncrypt, randomBytes, sign } from 'node:crypto'
import { exportPKCS8 } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../setup/database.ts'
import { type IssuerKey, makeIssuer, makeKey } from './issuer.ts'

let db: TestDatabase
let keys: IssuerKey[]
beforeAll(async () => {
  db = await testDatabase()
  keys = await Promise.all([makeKey(), makeKey(), makeKey('large', 3072), makeKey('largest', 4096)])
})
afterAll(() => db.drop())

const modulus = (key: IssuerKey) => Buffer.from(key.jwk.n ?? '', 'base64url')
const verified = async (signed: Buffer[], signatures: Buffer[], moduli: Buffer[]) => {
  const { rows } = await db.owner.query<{ good: number }>(
    `select count(*) filter (where core.is_rs256_signature(g.signed, g.signature, g.modulus))::int as good
     from unnest($1::bytea[], $2::bytea[], $3::bytea[]) as g (signed, signature, modulus)`,
    [signed, signatures, moduli],
  )
  return rows[0]?.good
}

test('1,000 random tokens verify, and the same 1,000 with one bit flipped anywhere do not', async () => {
  const issuer = await makeIssuer()
  const tokens = await Promise.all(
    Array.from({ length: 1000 }, async (_, n) => {
      const key = keys[n % keys.length] as IssuerKey
      const token = await issuer.token({ random: randomBytes(n % 90).toString('base64') }, {}, key)
      const at = token.lastIndexOf('.')
      return {
        signed: Buffer.from(token.slice(0, at)),
        signature: Buffer.from(token.slice(at + 1), 'base64url'),
        modulus: modulus(key),
      }
    }),
  )
  const list = (name: 'signed' | 'signature' | 'modulus', from = tokens) => from.map((t) => t[name])
  expect(await verified(list('signed'), list('signature'), list('modulus'))).toBe(1000)

  const flipped = tokens.map((token, n) => {
    const name = n % 2 ? ('signed' as const) : ('signature' as const)
    const bytes = Buffer.from(token[name])
    const bit = randomBytes(4).readUInt32BE() % (bytes.length * 8)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    return { ...token, [name]: bytes }
  })
  expect(await verified(list('signed', flipped), list('signature', flipped), list('modulus', flipped))).toBe(
    0,
  )
})

test('nothing but the exact padding is taken', async () => {
  const key = keys[0] as IssuerKey
  const pem = await exportPKCS8(key.privateKey as Parameters<typeof exportPKCS8>[0])
  const signed = Buffer.from('header.claims')
  const good = sign('sha256', signed, pem)
  const hash = createHash('sha256').update(signed).digest()
  const info = Buffer.from('3031300d060960864801650304020105000420', 'hex')
  const raw = (block: Buffer) => privateEncrypt({ key: pem, padding: constants.RSA_NO_PADDING }, block)
  const block = (head: string, filling: number, tail: Buffer, after = Buffer.alloc(0)) =>
    Buffer.concat([Buffer.from(head, 'hex'), Buffer.alloc(filling, 0xff), Buffer.from([0]), tail, after])
  const whole = Buffer.concat([info, hash])
  const n = BigInt(`0x${modulus(key).toString('hex')}`)
  const plusModulus = BigInt(`0x${good.toString('hex')}`) + n
  const cases: Record<string, Buffer> = {
    right: good,
    'right, built by hand': raw(block('0001', 202, whole)),
    'garbage after the hash': raw(block('0001', 192, whole, Buffer.alloc(10, 7))),
    'short padding': raw(block('0001', 8, whole, Buffer.alloc(194, 7))),
    'block type 2': raw(block('0002', 202, whole)),
    'the hash alone': raw(block('0001', 221, hash)),
    'another algorithm': raw(
      block('0001', 202, Buffer.concat([Buffer.from('3031300d060960864801650304020205000420', 'hex'), hash])),
    ),
    'no NULL parameter': raw(
      block(
        '0001',
        204,
        Buffer.concat([
          Buffer.from('302f300b0609608648016503040201', 'hex'),
          Buffer.from('0420', 'hex'),
          hash,
        ]),
      ),
    ),
    'signed with SHA-512': sign('sha512', signed, pem),
    zero: Buffer.alloc(256),
    one: Buffer.concat([Buffer.alloc(255), Buffer.from([1])]),
    empty: Buffer.alloc(0),
    'the modulus itself': modulus(key),
    'a zero in front': Buffer.concat([Buffer.from([0]), good]),
    'the modulus added': Buffer.from(plusModulus.toString(16).padStart(514, '0'), 'hex'),
    'of another key': sign('sha256', signed, await exportPKCS8(keys[1]?.privateKey as never)),
  }
  const seen = []
  for (const [name, signature] of Object.entries(cases)) {
    if ((await verified([signed], [signature], [modulus(key)])) === 1) seen.push(name)
  }
  expect(seen).toEqual(['right', 'right, built by hand'])
})
