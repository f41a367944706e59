/** What every language has to say. */
import type { AlertNews, MailKind } from '../queued-mail.ts'

/**
 * What a text may mention. Of what strangers typed only short names without dots and slashes: our mails must not carry
 * other people's messages.
 */
export type MailFacts = {
  appName: string
  /** Who invites. */
  organizationName: string | undefined
  /** Program or device of a new session, and the address it came from, where known. */
  deviceName: string | undefined
  deviceAddress: string | undefined
  /** In UTC, to the minute. */
  signedInAt: string | undefined
  /** When an account goes. In UTC, to the minute. */
  eraseAt: string | undefined
  /** Who outside is told that it went; our own words. */
  recipients: string[]
  /** What operators are told. */
  alerts: AlertNews[]
}

/** The words of one mail. With an `action` it has a button. */
export type MailText = { subject: string; paragraphs: string[]; action?: string }

/** All words of one language. */
export type MailTexts = {
  /** As the HTML's `lang`. */
  language: string
  greeting: string
  mails: Record<MailKind, (facts: MailFacts) => MailText>
}
