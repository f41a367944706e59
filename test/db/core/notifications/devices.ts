/** What devices say of themselves when they register. */
import { createECDH, randomBytes } from 'node:crypto'

/** A PushSubscription as a browser makes it; nobody listens at its endpoint. */
export function webSubscription(host = 'push.example.com') {
  const keys = createECDH('prime256v1')
  return {
    endpoint: `https://${host}/send/${randomBytes(12).toString('base64url')}`,
    expirationTime: null,
    keys: { p256dh: keys.generateKeys('base64url'), auth: randomBytes(16).toString('base64url') },
  }
}

/** A token as APNs gives it. */
export const iosToken = () => randomBytes(32).toString('hex')

/** A token as FCM gives it. */
export const androidToken = () =>
  `${randomBytes(8).toString('base64url')}:APA91b${randomBytes(60).toString('base64url')}`
