/** Addresses: http and https only, one spelling for one article. */
import { expect, test } from 'vitest'
import { canonicalUrl, webUrl } from '../../../worker/feeds/web-url.ts'

test.each([
  ['https://a.example/x', [], 'https://a.example/x'],
  ['/x', ['https://a.example/feed/'], 'https://a.example/x'],
  ['x', ['posts/', 'https://a.example/feed/'], 'https://a.example/feed/posts/x'],
  ['//b.example/x', ['https://a.example/'], 'https://b.example/x'],
  ['\n https://a.example/x \n', [], 'https://a.example/x'],
  ['https://a.example/ä ö', [], 'https://a.example/%C3%A4%20%C3%B6'],
  ['https://bücher.example/', [], 'https://xn--bcher-kva.example/'],
  ['x', ['javascript:alert(1)', 'https://a.example/'], 'https://a.example/x'],
])('%j in %j is %j', (reference, bases, url) => {
  expect(webUrl(reference, bases)).toBe(url)
})

test.each([
  'javascript:alert(1)',
  'JaVaScRiPt:alert(1)',
  'java\nscript:alert(1)',
  ' \u0001javascript:alert(1)',
  'data:text/html,<script>',
  'vbscript:x',
  'file:///etc/passwd',
  'mailto:ada@example.com',
  'https://user:pass@a.example/',
  'http://',
  `https://a.example/${'x'.repeat(3000)}`,
  '',
  undefined,
])('%j is dropped', (reference) => {
  expect(webUrl(reference, ['https://a.example/'])).toBeUndefined()
})

test.each([
  ['https://Example.COM:443/a/?b=1&utm_source=x&a=2#top', 'https://example.com/a?a=2&b=1'],
  ['http://example.com:80', 'http://example.com/'],
  ['https://example.com/?fbclid=1&gclid=2&mc_cid=3&UTM_Medium=4', 'https://example.com/'],
  ['https://example.com/a?id=7&id=3', 'https://example.com/a?id=3&id=7'],
  ['https://example.com./a//b/', 'https://example.com/a/b'],
  ['https://example.com:8443/a', 'https://example.com:8443/a'],
  ['https://example.com/a?utm=keep&x=', 'https://example.com/a?utm=keep&x='],
])('%s is %s', (url, canonical) => {
  expect(canonicalUrl(url)).toBe(canonical)
  expect(canonicalUrl(canonical)).toBe(canonical)
})
