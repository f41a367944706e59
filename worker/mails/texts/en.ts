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
    deletion_requested: ({ appName, eraseAt }) => ({
      subject: `Your account at ${appName} will be deleted`,
      paragraphs: [
        `you asked us to delete your account. At ${eraseAt ?? 'the end of the waiting time'} everything that is held about you goes, for good.`,
        'Until then nothing is lost: sign in, look at everything, and keep the account if you change your mind. Your other devices were signed out.',
        'If that was not you, sign in, keep the account, and set a new password.',
      ],
      action: 'Keep my account',
    }),
    deletion_soon: ({ appName, eraseAt }) => ({
      subject: `Your account at ${appName} goes in three days`,
      paragraphs: [
        `as you asked, your account is deleted at ${eraseAt ?? 'the end of the waiting time'}. After that nobody can bring it back.`,
        'If you want to keep it, sign in before then and say so.',
      ],
      action: 'Keep my account',
    }),
    deletion_cancelled: ({ appName }) => ({
      subject: `Your account at ${appName} stays`,
      paragraphs: ['your account is not deleted; everything is as it was.', WORRIED],
      action: `Go to ${appName}`,
    }),
    deletion_held: ({ appName }) => ({
      subject: `Your account at ${appName} cannot be deleted yet`,
      paragraphs: [
        'you asked us to delete your account. For now the law obliges us to keep what is held about you; as soon as that ends, it is deleted without your asking again.',
        'If you do not agree, write to whoever runs the service, or complain to your data protection authority.',
      ],
    }),
    account_erased: ({ appName, recipients }) => ({
      subject: `Your account at ${appName} is deleted`,
      paragraphs: [
        'everything that was held about you is deleted. That there was an account, and when it went, is kept as a number that leads nowhere; copies in backups end with them.',
        ...(recipients.length > 0
          ? [`These had been given something of yours and are asked to delete it: ${recipients.join(', ')}.`]
          : []),
        'This is our last mail to you, and your address is forgotten with it.',
      ],
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
    data_export_ready: ({ appName }) => ({
      subject: `The copy of your ${appName} data is ready`,
      paragraphs: [
        'the copy of your data that you asked for is ready. Sign in and download it with your password; it can be downloaded once and is deleted after a while.',
        WORRIED,
      ],
      action: `Go to ${appName}`,
    }),
  },
}
