/** What a deployment's mails say and whether they decide, from the variables that docker-compose.yml demands. */
import type pg from 'pg'
import { z } from 'zod'
import { StackError } from '../stack/stack-error.ts'

const environment = z.object({
  HOWDAH_APP_URL: z.string({ error: 'is not set' }),
  HOWDAH_MAIL_SENDER: z.string({ error: 'is not set' }),
})

/** Links in mails start with `appUrl`; mails come from `sender`. */
export type MailSettings = { appUrl: string; sender: string }

/**
 * Reads them. What they may hold is said by core.setting_catalogue() and checked when they are written.
 * @throws settings_invalid naming each variable and its problem
 */
export function mailSettings(env: NodeJS.ProcessEnv): MailSettings {
  const parsed = environment.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value)))
  if (!parsed.success) {
    throw new StackError(
      'settings_invalid',
      parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}.`).join('\n'),
      'docs/deployment.md says what they are for.',
    )
  }
  return { appUrl: parsed.data.HOWDAH_APP_URL, sender: parsed.data.HOWDAH_MAIL_SENDER }
}

/** Writes them as settings. A new database lets a mail decide about sign-ups; later that is the operator's choice. */
export async function writeMailSettings(
  owner: pg.Client,
  settings: MailSettings,
  isNew: boolean,
): Promise<void> {
  const values = {
    app_url: settings.appUrl,
    mail_sender: settings.sender,
    ...(isNew && { sign_up_mode: 'verify' }),
  }
  for (const [name, value] of Object.entries(values)) {
    await owner.query('select ops.set_setting($1, to_jsonb($2::text))', [name, value])
  }
}
