/** Which language a mail is written in. A further language is a further file and a further line here. */
import { de } from './texts/de.ts'
import { en } from './texts/en.ts'
import type { MailTexts } from './texts/mail-texts.ts'

const LANGUAGES: readonly MailTexts[] = [en, de]

/** The texts for a language tag such as de-AT; English where we do not speak the language. */
export function textsForLocale(locale: string): MailTexts {
  const [language] = locale.split('-')
  return LANGUAGES.find((texts) => texts.language === language) ?? en
}
