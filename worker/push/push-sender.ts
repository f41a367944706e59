/** Chooses the connector of a delivery's platform. */
import type { FetchAllow } from '../outgoing/fetch-allow.ts'
import { type PushConnector, sendThrough } from './push-connector.ts'
import type { PushOutcome } from './push-outcome.ts'
import type { QueuedDelivery } from './queued-delivery.ts'
import { webPushConnector } from './web-push.ts'

/** Sends one delivery, once. Never throws for what a provider or the network does; the outcome says it. */
export type SendPush = (delivery: QueuedDelivery, signal: AbortSignal) => Promise<PushOutcome>

/** Those that credentials were given for. */
export type Connectors = { android?: PushConnector | undefined; ios?: PushConnector | undefined }

/** Browsers are always reached; phones through the connectors there are. */
export function createPushSender(allow: FetchAllow, phones: Connectors = {}): SendPush {
  const web = webPushConnector(allow)
  return async (delivery, signal) => {
    if (delivery.platform === 'web') return sendThrough(web, delivery, signal)
    const connector = phones[delivery.platform]
    if (connector) return sendThrough(connector, delivery, signal)
    return { outcome: 'skipped', error: `This instance has no credentials for ${delivery.platform}.` }
  }
}
