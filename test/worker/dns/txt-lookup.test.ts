/** The lookup against a real DNS server: records, none, and no answer are three different things. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTxtLookup, type TxtLookup } from '../../../worker/dns/txt-lookup.ts'
import { readWorkerSettings } from '../../../worker/settings.ts'
import { type DnsServer, startDnsServer } from '../support/dns-server.ts'

let dns: DnsServer
let lookUpTxt: TxtLookup
beforeAll(async () => {
  dns = await startDnsServer()
  lookUpTxt = createTxtLookup([dns.address])
})
afterAll(() => dns[Symbol.asyncDispose]())

test('every record is one text, its pieces put together', async () => {
  dns.records.set('a.example', ['one', ['two', '-', 'pieces'], 'x'.repeat(200)])
  expect((await lookUpTxt('a.example'))?.sort()).toEqual(['one', 'two-pieces', 'x'.repeat(200)].sort())
})

test('a name without records has none; a server that fails says nothing', async () => {
  expect(await lookUpTxt('missing.example')).toEqual([])
  dns.records.set('empty.example', [])
  expect(await lookUpTxt('empty.example')).toEqual([])
  dns.behave('fail')
  expect(await lookUpTxt('a.example')).toBeUndefined()
  dns.behave('answer')
})

const KEPT: [value: string, servers: string[]][] = [
  ['', []],
  ['9.9.9.9', ['9.9.9.9']],
  [' 127.0.0.1:5353 , [::1]:53,2620:fe::fe', ['127.0.0.1:5353', '[::1]:53', '2620:fe::fe']],
]
test.each(KEPT)('HOWDAH_DNS_SERVERS=%j is %j', (value, servers) => {
  const env = { HOWDAH_WORKER_DATABASE_URL: 'postgres://localhost/howdah', HOWDAH_DNS_SERVERS: value }
  expect(readWorkerSettings(env).dnsServers).toEqual(servers)
  expect(() => createTxtLookup(servers)).not.toThrow()
})

test.each(['dns.example', '1.2.3', '127.0.0.1:', '127.0.0.1:123456', '[::1'])(
  'HOWDAH_DNS_SERVERS=%j is refused (settings_invalid)',
  (value) => {
    const env = { HOWDAH_WORKER_DATABASE_URL: 'postgres://localhost/howdah', HOWDAH_DNS_SERVERS: value }
    expect(() => readWorkerSettings(env)).toThrow('HOWDAH_DNS_SERVERS')
  },
)
