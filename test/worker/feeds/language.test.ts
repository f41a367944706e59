/** Declared languages in all spellings; detected ones only where the text is long enough. */
import { expect, test } from 'vitest'
import { declaredLanguage, detectedLanguage } from '../../../worker/feeds/language.ts'

test.each([
  ['en', 'en'],
  ['EN_us', 'en'],
  ['de-DE', 'de'],
  ['deu', 'de'],
  ['zh-Hant-TW', 'zh'],
  ['English', 'en'],
  [' fr ', 'fr'],
  ['und', null],
  ['x-default', null],
  ['klingonisch', null],
  ['', null],
  [undefined, null],
])('%j declares %j', (tag, language) => {
  expect(declaredLanguage(tag)).toBe(language)
})

test.each([
  [
    'Der Stadtrat beschließt nach langer Debatte neue Radwege am Fluss und mehr Bäume für die ganze Stadt',
    'de',
  ],
  ['The city council approves cycle lanes along the river after a long debate about trees and traffic', 'en'],
  [
    'Le conseil municipal approuve les pistes cyclables le long du fleuve après un long débat sur les arbres',
    'fr',
  ],
  ['Міська рада схвалила велодоріжки вздовж річки після довгих дебатів про дерева та рух', 'uk'],
  ['市議会は長い議論の末、川沿いの自転車道を承認した。住民は喜んでいる。', 'ja'],
  ['OK', null],
  ['GPT-5.1 API 2.0 released', null],
  ['1234567890 '.repeat(20), null],
  ['SKU-8841 HDMI USB-C RTX 5090 OLED QLED WLAN VPN SSD NVMe DDR5 PCIe GHz TB MB KB HDR UHD LCD LED', null],
])('%j is %j', (text, language) => {
  expect(detectedLanguage(text)).toBe(language)
})
