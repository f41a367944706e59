/** The mails in English. */
import { alertLine, alertSubject } from './alert-texts.ts'
import type { MailTexts } from './mail-texts.ts'

const NOT_YOU = 'If you did not ask for this, ignore this mail: nothing changes.'
const WORRIED = 'If that was not you, set a new password now; it signs out every device.'
const WORRIED_OF_IDENTITY =
  'If that was not you, set a new password now, then look which services are linked to your account and remove this one.'

export const en: MailTexts = {
  language: 'en',
  greeting: 'Hello,',
  mails: {
    sign_up: ({ appName }) => ({
      subject: `Confirm your address for ${appName}`,
      paragraphs: [
        `someone, hopefully you, wants to open an account at ${appName} with this address. The link opens it; it works once, for 24 hours.`,
        'If you did not ask for this, do not open the link: without it there is no account.',
      ],
      action: 'Open my account',
    }),
    account_exists: ({ appName }) => ({
      subject: `You have an account at ${appName}`,
      paragraphs: [
        `someone wanted to use this address for an account at ${appName}. It belongs to your account already, so nothing was changed.`,
        'If it was you: sign in as always. If you forgot the password, ask for a new one there.',
      ],
      action: `Go to ${appName}`,
    }),
    verify_email: ({ appName }) => ({
      subject: `Confirm your address for ${appName}`,
      paragraphs: [
        'please confirm that this address is yours. The link works once, for 24 hours, until a newer one is sent.',
        NOT_YOU,
      ],
      action: 'Confirm my address',
    }),
    reset_password: ({ appName }) => ({
      subject: `Your new password for ${appName}`,
      paragraphs: [
        'the link lets you set a new password. It works once, for 10 minutes, until a newer one is sent.',
        NOT_YOU,
      ],
      action: 'Set a new password',
    }),
    password_changed: ({ appName }) => ({
      subject: `Your password for ${appName} was changed`,
      paragraphs: ['your password has just been changed.', WORRIED],
      action: `Go to ${appName}`,
    }),
    change_email: ({ appName }) => ({
      subject: `Confirm your new address for ${appName}`,
      paragraphs: [
        'the link makes this the address of your account. It works once, for an hour, until a newer one is sent.',
        NOT_YOU,
      ],
      action: 'Use this address',
    }),
    email_change_requested: ({ appName }) => ({
      subject: `Your address for ${appName} is about to change`,
      paragraphs: [
        'someone who knows your password wants to move your account to another address. It happens when the link in that mailbox is opened.',
        WORRIED,
      ],
      action: `Go to ${appName}`,
    }),
    email_changed: ({ appName }) => ({
      subject: `Your address for ${appName} was changed`,
      paragraphs: [
        'your account now has another address; this one no longer belongs to it.',
        'If that was not you, write to whoever runs the service.',
      ],
    }),
    totp_enabled: ({ appName }) => ({
      subject: `Two-step sign-in at ${appName} is on`,
      paragraphs: [
        'from now on signing in to your account takes a code of your authenticator app besides the password. Keep the recovery codes where you find them without your phone.',
        WORRIED,
      ],
      action: `Go to ${appName}`,
    }),
    totp_disabled: ({ appName }) => ({
      subject: `Two-step sign-in at ${appName} is off`,
      paragraphs: ['from now on the password alone signs in to your account.', WORRIED],
      action: `Go to ${appName}`,
    }),
    recovery_code_used: ({ appName }) => ({
      subject: `A recovery code was used at ${appName}`,
      paragraphs: [
        'one of the recovery codes of your account has just been used, in place of the authenticator app. It works no second time.',
        WORRIED,
      ],
      action: `Go to ${appName}`,
    }),
    recovery_codes_regenerated: ({ appName }) => ({
      subject: `New recovery codes at ${appName}`,
      paragraphs: ['your account has new recovery codes; the old ones work no longer.', WORRIED],
      action: `Go to ${appName}`,
    }),
    identity_linked: ({ appName }) => ({
      subject: `A new way to sign in to ${appName}`,
      paragraphs: ['an account at another service can now sign in to yours.', WORRIED_OF_IDENTITY],
      action: `Go to ${appName}`,
    }),
    identity_unlinked: ({ appName }) => ({
      subject: `A way to sign in to ${appName} was removed`,
      paragraphs: ['an account at another service that could sign in to yours no longer can.', WORRIED],
      action: `Go to ${appName}`,
    }),
    new_device: ({ appName, deviceName, deviceAddress, signedInAt }) => ({
      subject: `New sign-in to ${appName}`,
      paragraphs: [
        [
          `your account was used on a device that we have not seen before, at ${signedInAt ?? 'an unknown time'}`,
          deviceName && `by ${deviceName}`,
          deviceAddress && `from ${deviceAddress}`,
        ]
          .filter(Boolean)
          .join(', ')
          .concat('.'),
        `If that was you, all is well. ${WORRIED}`,
      ],
      action: `Go to ${appName}`,
    }),
    alert: ({ appName, alerts }) => ({
      subject: alertSubject(appName, alerts),
      paragraphs: ['this is what changed:', ...alerts.map(alertLine)],
    }),
    invitation: ({ appName, organizationName }) => ({
      subject: `An invitation to ${appName}`,
      paragraphs: [
        `you are invited to join ${organizationName ? `the organization “${organizationName}”` : 'an organization'} at ${appName}. The link works once, for 7 days, until a newer one is sent.`,
        'It is meant for this address: sign in, or open an account, with it. If you expected no invitation, ignore this mail.',
      ],
      action: 'See the invitation',
    }),
  },
}
