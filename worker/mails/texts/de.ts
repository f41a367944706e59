/** The mails in German. */
import { alertLine, alertSubject } from './alert-texts.ts'
import type { MailTexts } from './mail-texts.ts'

const NOT_YOU = 'Wenn das nicht von Ihnen kam, beachten Sie diese Mail nicht weiter: Es ändert sich nichts.'
const WORRIED = 'Wenn Sie das nicht waren, setzen Sie jetzt ein neues Passwort; das meldet alle Geräte ab.'
const WORRIED_OF_IDENTITY =
  'Wenn Sie das nicht waren, setzen Sie jetzt ein neues Passwort, sehen Sie dann nach, welche Dienste mit Ihrem Konto verbunden sind, und entfernen Sie diesen.'

export const de: MailTexts = {
  language: 'de',
  greeting: 'Guten Tag,',
  mails: {
    sign_up: ({ appName }) => ({
      subject: `Bestätigen Sie Ihre Adresse für ${appName}`,
      paragraphs: [
        `jemand, hoffentlich Sie, möchte mit dieser Adresse ein Konto bei ${appName} eröffnen. Der Link eröffnet es; er gilt einmal und 24 Stunden lang.`,
        'Wenn das nicht von Ihnen kam, öffnen Sie den Link nicht: Ohne ihn entsteht kein Konto.',
      ],
      action: 'Mein Konto eröffnen',
    }),
    account_exists: ({ appName }) => ({
      subject: `Sie haben schon ein Konto bei ${appName}`,
      paragraphs: [
        `jemand wollte diese Adresse für ein Konto bei ${appName} verwenden. Sie gehört schon zu Ihrem Konto, darum wurde nichts geändert.`,
        'Wenn Sie das waren: Melden Sie sich an wie immer. Ein vergessenes Passwort können Sie dort neu setzen.',
      ],
      action: `Zu ${appName}`,
    }),
    verify_email: ({ appName }) => ({
      subject: `Bestätigen Sie Ihre Adresse für ${appName}`,
      paragraphs: [
        'bitte bestätigen Sie, dass diese Adresse Ihnen gehört. Der Link gilt einmal und 24 Stunden lang, solange kein neuerer kommt.',
        NOT_YOU,
      ],
      action: 'Meine Adresse bestätigen',
    }),
    reset_password: ({ appName }) => ({
      subject: `Ihr neues Passwort für ${appName}`,
      paragraphs: [
        'mit dem Link setzen Sie ein neues Passwort. Er gilt einmal und 10 Minuten lang, solange kein neuerer kommt.',
        NOT_YOU,
      ],
      action: 'Neues Passwort setzen',
    }),
    password_changed: ({ appName }) => ({
      subject: `Ihr Passwort für ${appName} wurde geändert`,
      paragraphs: ['Ihr Passwort wurde soeben geändert.', WORRIED],
      action: `Zu ${appName}`,
    }),
    change_email: ({ appName }) => ({
      subject: `Bestätigen Sie Ihre neue Adresse für ${appName}`,
      paragraphs: [
        'der Link macht diese Adresse zu der Ihres Kontos. Er gilt einmal und eine Stunde lang, solange kein neuerer kommt.',
        NOT_YOU,
      ],
      action: 'Diese Adresse verwenden',
    }),
    email_change_requested: ({ appName }) => ({
      subject: `Ihre Adresse für ${appName} soll sich ändern`,
      paragraphs: [
        'jemand, der Ihr Passwort kennt, möchte Ihr Konto auf eine andere Adresse umstellen. Das geschieht, sobald dort der Link geöffnet wird.',
        WORRIED,
      ],
      action: `Zu ${appName}`,
    }),
    email_changed: ({ appName }) => ({
      subject: `Ihre Adresse für ${appName} wurde geändert`,
      paragraphs: [
        'Ihr Konto hat jetzt eine andere Adresse; diese hier gehört nicht mehr dazu.',
        'Wenn Sie das nicht waren, schreiben Sie dem Betreiber des Dienstes.',
      ],
    }),
    totp_enabled: ({ appName }) => ({
      subject: `Anmeldung in zwei Schritten bei ${appName} ist an`,
      paragraphs: [
        'ab jetzt braucht die Anmeldung neben dem Passwort einen Code Ihrer Authenticator-App. Bewahren Sie die Wiederherstellungscodes so auf, dass Sie sie auch ohne Ihr Telefon finden.',
        WORRIED,
      ],
      action: `Zu ${appName}`,
    }),
    totp_disabled: ({ appName }) => ({
      subject: `Anmeldung in zwei Schritten bei ${appName} ist aus`,
      paragraphs: ['ab jetzt genügt für die Anmeldung das Passwort.', WORRIED],
      action: `Zu ${appName}`,
    }),
    recovery_code_used: ({ appName }) => ({
      subject: `Ein Wiederherstellungscode für ${appName} wurde benutzt`,
      paragraphs: [
        'soeben wurde statt der Authenticator-App einer der Wiederherstellungscodes Ihres Kontos benutzt. Er gilt kein zweites Mal.',
        WORRIED,
      ],
      action: `Zu ${appName}`,
    }),
    recovery_codes_regenerated: ({ appName }) => ({
      subject: `Neue Wiederherstellungscodes für ${appName}`,
      paragraphs: ['Ihr Konto hat neue Wiederherstellungscodes; die alten gelten nicht mehr.', WORRIED],
      action: `Zu ${appName}`,
    }),
    identity_linked: ({ appName }) => ({
      subject: `Ein neuer Weg zur Anmeldung bei ${appName}`,
      paragraphs: [
        'ein Konto bei einem anderen Dienst kann sich ab jetzt an Ihrem anmelden.',
        WORRIED_OF_IDENTITY,
      ],
      action: `Zu ${appName}`,
    }),
    identity_unlinked: ({ appName }) => ({
      subject: `Ein Weg zur Anmeldung bei ${appName} wurde entfernt`,
      paragraphs: [
        'ein Konto bei einem anderen Dienst, das sich an Ihrem anmelden konnte, kann das nicht mehr.',
        WORRIED,
      ],
      action: `Zu ${appName}`,
    }),
    deletion_requested: ({ appName, eraseAt }) => ({
      subject: `Ihr Konto bei ${appName} wird gelöscht`,
      paragraphs: [
        `Sie haben uns gebeten, Ihr Konto zu löschen. Am ${eraseAt ?? 'Ende der Wartezeit'} wird alles, was über Sie gespeichert ist, endgültig gelöscht.`,
        'Bis dahin geht nichts verloren: Melden Sie sich an, sehen Sie alles an, und behalten Sie das Konto, wenn Sie es sich anders überlegen. Ihre anderen Geräte wurden abgemeldet.',
        'Wenn Sie das nicht waren, melden Sie sich an, behalten Sie das Konto und setzen Sie ein neues Passwort.',
      ],
      action: 'Mein Konto behalten',
    }),
    deletion_soon: ({ appName, eraseAt }) => ({
      subject: `Ihr Konto bei ${appName} wird in drei Tagen gelöscht`,
      paragraphs: [
        `wie gewünscht wird Ihr Konto am ${eraseAt ?? 'Ende der Wartezeit'} gelöscht. Danach kann es niemand zurückholen.`,
        'Wenn Sie es behalten möchten, melden Sie sich vorher an und sagen Sie es uns dort.',
      ],
      action: 'Mein Konto behalten',
    }),
    deletion_cancelled: ({ appName }) => ({
      subject: `Ihr Konto bei ${appName} bleibt`,
      paragraphs: ['Ihr Konto wird nicht gelöscht; alles ist wie zuvor.', WORRIED],
      action: `Zu ${appName}`,
    }),
    deletion_held: ({ appName }) => ({
      subject: `Ihr Konto bei ${appName} kann noch nicht gelöscht werden`,
      paragraphs: [
        'Sie haben uns gebeten, Ihr Konto zu löschen. Vorläufig sind wir gesetzlich verpflichtet, Ihre Daten aufzubewahren; sobald das endet, werden sie gelöscht, ohne dass Sie noch einmal fragen müssen.',
        'Wenn Sie nicht einverstanden sind, schreiben Sie an den Betreiber, oder beschweren Sie sich bei Ihrer Datenschutzbehörde.',
      ],
    }),
    account_erased: ({ appName, recipients }) => ({
      subject: `Ihr Konto bei ${appName} ist gelöscht`,
      paragraphs: [
        'alles, was über Sie gespeichert war, ist gelöscht. Dass es ein Konto gab und wann es ging, bleibt als Nummer, die nirgendwohin führt; Kopien in Sicherungen enden mit diesen.',
        ...(recipients.length > 0
          ? [
              `Diese hatten etwas von Ihnen erhalten und werden gebeten, es zu löschen: ${recipients.join(', ')}.`,
            ]
          : []),
        'Das ist unsere letzte Mail an Sie; mit ihr vergessen wir Ihre Adresse.',
      ],
    }),
    new_device: ({ appName, deviceName, deviceAddress, signedInAt }) => ({
      subject: `Neue Anmeldung bei ${appName}`,
      paragraphs: [
        [
          `Ihr Konto wurde auf einem Gerät verwendet, das wir noch nicht kannten: ${signedInAt ?? 'Zeit unbekannt'}`,
          deviceName && `mit ${deviceName}`,
          deviceAddress && `von ${deviceAddress}`,
        ]
          .filter(Boolean)
          .join(', ')
          .concat('.'),
        `Wenn Sie das waren, ist alles gut. ${WORRIED}`,
      ],
      action: `Zu ${appName}`,
    }),
    // Operators read what the documentation says, and that is English.
    alert: ({ appName, alerts }) => ({
      subject: alertSubject(appName, alerts),
      paragraphs: ['das hat sich geändert:', ...alerts.map(alertLine)],
    }),
    invitation: ({ appName, organizationName }) => ({
      subject: `Eine Einladung zu ${appName}`,
      paragraphs: [
        `Sie sind eingeladen, bei ${appName} ${organizationName ? `der Organisation „${organizationName}“` : 'einer Organisation'} beizutreten. Der Link gilt einmal, 7 Tage lang, bis ein neuerer verschickt wird.`,
        'Er ist für diese Adresse gedacht: Melden Sie sich mit ihr an, oder eröffnen Sie mit ihr ein Konto. Wenn Sie keine Einladung erwartet haben, beachten Sie diese Mail nicht weiter.',
      ],
      action: 'Einladung ansehen',
    }),
    data_export_ready: ({ appName }) => ({
      subject: `Die Kopie Ihrer Daten bei ${appName} liegt bereit`,
      paragraphs: [
        'die Kopie Ihrer Daten, um die Sie gebeten haben, liegt bereit. Melden Sie sich an und laden Sie sie mit Ihrem Passwort herunter; das geht einmal, und nach einer Weile wird sie gelöscht.',
        WORRIED,
      ],
      action: `Zu ${appName}`,
    }),
  },
}
