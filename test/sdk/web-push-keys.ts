/** The keys that the worker makes at its first start. */
import { createECDH } from 'node:crypto'
import type { TestDatabase } from '../setup/database.ts'

/** Makes them and has the database keep them. */
export async function makeWebPushKeys(db: TestDatabase): Promise<void> {
  const vapid = createECDH('prime256v1')
  await db.as('howdah_worker').query('select core.keep_web_push_keys($1, $2)', [
    vapid.generateKeys('base64url'),
    // Leading zeros are dropped by ECDH, and a key has 32 bytes.
    Buffer.from(vapid.getPrivateKey('hex').padStart(64, '0'), 'hex').toString('base64url'),
  ])
}
