/** Where the button of a mail leads. */
import type { MailKind, QueuedMail } from './queued-mail.ts'

/** Pages of the client application that take a token. docs/accounts.md and docs/tenancy.md say what each has to do. */
const PAGES: Partial<Record<MailKind, string>> = {
  sign_up: 'verify-email',
  verify_email: 'verify-email',
  change_email: 'verify-email',
  reset_password: 'reset-password',
  invitation: 'accept-invitation',
}

/**
 * The link. The token stands behind `#`: browsers keep that part to themselves, so it reaches no server's log and no
 * Referer header; and a mail scanner that opens links uses nothing up.
 */
export function mailLink({ kind, token, app_url }: QueuedMail): string {
  const page = PAGES[kind]
  return page && token ? `${app_url}/${page}#token=${token}` : app_url
}
