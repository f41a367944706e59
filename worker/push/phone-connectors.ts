/** The connectors of phones, for which this instance was given credentials. */
import { readFile } from 'node:fs/promises'
import { guardedPost } from '../outgoing/guarded-post.ts'
import { http2Post } from '../outgoing/http2-post.ts'
import type { WorkerSettings } from '../settings.ts'
import { WorkerError } from '../worker-error.ts'
import { apnsConnector, apnsTokens } from './apns.ts'
import { fcmConnector } from './fcm.ts'
import { googleTokens, serviceAccount } from './google-token.ts'
import type { Connectors } from './push-sender.ts'

/**
 * Reads the credentials and makes what they allow. Dispose it to close connections.
 * @throws settings_invalid, naming the variable whose file cannot be used
 */
export async function openPhoneConnectors(
  settings: Pick<WorkerSettings, 'allow' | 'fcmCredentials' | 'apns'>,
): Promise<Connectors & Disposable> {
  const { allow, fcmCredentials, apns } = settings
  const connectors: Connectors = {}
  if (fcmCredentials) {
    const account = await usable('HOWDAH_FCM_CREDENTIALS', fcmCredentials, (text) =>
      serviceAccount.parse(JSON.parse(text)),
    )
    const post = guardedPost({ allow })
    connectors.android = fcmConnector({
      projectId: account.project_id,
      tokens: googleTokens(account, post),
      post,
    })
  }
  using opened = new DisposableStack()
  if (apns) {
    const privateKey = await usable('HOWDAH_APNS_KEY', apns.keyFile, (text) => text)
    const { post } = opened.use(http2Post(apns.url))
    const tokens = apnsTokens({ privateKey, keyId: apns.keyId, teamId: apns.teamId })
    connectors.ios = apnsConnector({ topic: apns.topic, tokens, post, baseUrl: apns.url })
  }
  const closing = opened.move()
  return { ...connectors, [Symbol.dispose]: () => closing.dispose() }
}

/** The file's content is a secret and is not repeated. */
async function usable<T>(variable: string, path: string, read: (text: string) => T): Promise<T> {
  try {
    return read(await readFile(path, 'utf8'))
  } catch {
    throw new WorkerError(
      'settings_invalid',
      `${variable} names ${path}, which cannot be read or is something else.`,
      {
        hint: 'docs/notifications.md says which files Google and Apple give.',
      },
    )
  }
}
