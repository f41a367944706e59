/** A certificate for 127.0.0.1, made for this run: push services are reached over TLS only. */
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generate } from 'selfsigned'

/** PEM texts, and a file that NODE_EXTRA_CA_CERTS can name. */
export type TestCertificate = { key: string; cert: string; file: string }

let made: Promise<TestCertificate> | undefined

/** The one of this process; the temporary folder is the system's to clear. */
export function testCertificate(): Promise<TestCertificate> {
  made ??= make()
  return made
}

async function make(): Promise<TestCertificate> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [
      { name: 'basicConstraints', cA: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  })
  const file = join(await mkdtemp(join(tmpdir(), 'howdah-certificate-')), 'certificate.pem')
  await writeFile(file, cert)
  return { key, cert, file }
}
