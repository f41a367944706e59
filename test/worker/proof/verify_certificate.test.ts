/** deploy/verify_certificate.py: another language, from the written format, says valid to ours and no to ten forged ones. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { canonicalJson } from '../../../worker/proof/canonical-json.ts'
import { loadSigningKey, rotateSigningKey, type SigningKey } from '../../../worker/proof/signing-key.ts'

const PROOF = {
  kind: 'howdah.erasure',
  version: 1,
  erasure: '01a1fa9b-8d71-73cc-8977-71fd4fb87de5',
  instance: 'https://app.example/Größe "ü" \\ \u0001 €',
  erased_at: '2026-11-20T20:19:40Z',
  relations: { 'core.users': 9, 'ops.Ärger': 0 },
  hits: [] as object[],
  kept: [{ column: 'core.users.id', rows: 1, reason: 'Holds the rows of others together.' }],
}

let folder: string
let key: SigningKey
let strange: SigningKey
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'howdah-certificates-'))
  key = loadSigningKey(join(folder, 'ours'))
  strange = loadSigningKey(join(folder, 'theirs'))
})
afterAll(() => rm(folder, { recursive: true }))

/** What the script says to a text, or to a certificate; it trusts our current key unless told otherwise. */
async function judge(certificate: unknown, pems = [key.current.pem]) {
  const [file, keys] = [join(folder, 'certificate.json'), join(folder, 'keys.pem')]
  await writeFile(file, typeof certificate === 'string' ? certificate : JSON.stringify(certificate))
  await writeFile(keys, pems.join(''))
  return promisify(execFile)('python3', ['deploy/verify_certificate.py', file, keys]).then(
    ({ stdout }) => ({ code: 0, ...JSON.parse(stdout) }),
    ({ code, stdout }) => ({ code, ...JSON.parse(stdout) }),
  )
}
const issue = (proof: object, by = key) => ({
  certificate: proof,
  key: by.current.id,
  signature: by.sign(proof),
})

test('ours is valid, in whatever order and with whatever space it is written', async () => {
  expect(await judge(issue(PROOF))).toMatchObject({
    code: 0,
    is_valid: true,
    erasure: PROOF.erasure,
    relations: 2,
  })
  const turned = { ...issue(PROOF), certificate: Object.fromEntries(Object.entries(PROOF).reverse()) }
  expect(await judge(JSON.stringify(turned, null, 4))).toMatchObject({ code: 0, is_valid: true })
})

test('one that a former key has signed is valid with that key, and with it alone', async () => {
  const dataDir = join(folder, 'rotated')
  const old = loadSigningKey(dataDir)
  const certificate = issue(PROOF, old)
  const now = rotateSigningKey(dataDir)
  expect(now.current.id).not.toBe(old.current.id)
  const everyKey = [now.current, ...now.former].map(({ pem }) => pem)
  expect(await judge(certificate, everyKey)).toMatchObject({ code: 0 })
  expect(await judge(certificate, [now.current.pem])).toMatchObject({
    code: 1,
    problem: /no key that you trust/,
  })
  expect(now.isSigned(PROOF, certificate.key, certificate.signature)).toBe(true)
})

const FORGED: [string, () => unknown][] = [
  ['another date', () => ({ ...issue(PROOF), certificate: { ...PROOF, erased_at: '2025-11-20T20:19:40Z' } })],
  ['a reason left out', () => ({ ...issue(PROOF), certificate: { ...PROOF, kept: [] } })],
  [
    'a relation added',
    () => ({ ...issue(PROOF), certificate: { ...PROOF, relations: { ...PROOF.relations, x: 1 } } }),
  ],
  ['a number as a text', () => ({ ...issue(PROOF), certificate: { ...PROOF, version: '1' } })],
  ['signed by somebody else', () => issue(PROOF, strange)],
  ['signed by somebody else, in our name', () => ({ ...issue(PROOF, strange), key: key.current.id })],
  ['one bit of the signature', () => ({ ...issue(PROOF), signature: flipped(issue(PROOF).signature) })],
  ['half a signature', () => ({ ...issue(PROOF), signature: issue(PROOF).signature.slice(0, 44) })],
  [
    'the signature of another certificate',
    () => ({ ...issue(PROOF), signature: key.sign({ ...PROOF, version: 2 }) }),
  ],
  ['of another kind', () => issue({ ...PROOF, kind: 'howdah.other' })],
  ['signed, although something was found', () => issue({ ...PROOF, hits: [{ relation: 'core.leak' }] })],
  [
    'a key that is there twice',
    () => JSON.stringify(issue(PROOF)).replace('"version":1', '"version":2,"version":1'),
  ],
  ['a fraction', () => JSON.stringify(issue(PROOF)).replace('"version":1', '"version":1.0')],
  ['a part more', () => ({ ...issue(PROOF), note: 'trust me' })],
  [
    'the larger form of the same signature',
    () => ({ ...issue(PROOF), signature: enlarged(issue(PROOF).signature) }),
  ],
  ['no JSON', () => 'certificate'],
]

test.each(FORGED)('forged: %s', async (_what, forge) => {
  expect(await judge(forge())).toMatchObject({ code: 1, is_valid: false })
})

test('a key of small order would sign anything, and is no key', async () => {
  const identity = Buffer.concat([
    Buffer.from('302a300506032b6570032100', 'hex'),
    Buffer.from([1]),
    Buffer.alloc(31),
  ])
  const pem = `-----BEGIN PUBLIC KEY-----\n${identity.toString('base64')}\n-----END PUBLIC KEY-----\n`
  const { createHash } = await import('node:crypto')
  const id = createHash('sha256').update(identity.subarray(12)).digest('hex').slice(0, 16)
  const signature = Buffer.concat([Buffer.from([1]), Buffer.alloc(63)]).toString('base64')
  expect(await judge({ certificate: PROOF, key: id, signature }, [pem])).toMatchObject({
    code: 1,
    problem: /small order/,
  })
})

test('what cannot be written alike everywhere is not signed', () => {
  for (const value of [0.5, 2 ** 60, { '\u{1F418}': 1 }, undefined, Number.NaN]) {
    expect(() => canonicalJson(value)).toThrow(TypeError)
  }
  expect(canonicalJson({ b: [1, null, true], a: 'é"\n' })).toBe('{"a":"é\\"\\n","b":[1,null,true]}')
})

function flipped(signature: string): string {
  const bytes = Buffer.from(signature, 'base64')
  bytes[10] = (bytes[10] ?? 0) ^ 1
  return bytes.toString('base64')
}

/** S + L verifies as well where nobody checks that S is below L. */
function enlarged(signature: string): string {
  const bytes = Buffer.from(signature, 'base64')
  const order = 2n ** 252n + 27742317777372353535851937790883648493n
  let scalar = BigInt(`0x${Buffer.from(bytes.subarray(32)).reverse().toString('hex')}`) + order
  for (let index = 32; index < 64; index++) {
    bytes[index] = Number(scalar & 255n)
    scalar >>= 8n
  }
  return bytes.toString('base64')
}
