/** No spelling of a private address, and no detour to one, may open a connection (F-11). */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseFetchAllow } from '../../../worker/outgoing/fetch-allow.ts'
import { guardedFetch } from '../../../worker/outgoing/guarded-fetch.ts'
import { startWebServer, type WebServer } from '../support/web-server.ts'

let canary: WebServer
let redirector: WebServer

beforeAll(async () => {
  // On all addresses, so that every spelling of "this machine" would reach it.
  canary = await startWebServer((_, response) => response.end('<rss/>'), '::')
  redirector = await startWebServer((request, response) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://x')
    // Headers are bytes: Node wants them as latin1, clients read them as UTF-8.
    const location = Buffer.from(searchParams.get('to') ?? '').toString('latin1')
    response.writeHead(Number(searchParams.get('status')), { location }).end()
  })
})

afterAll(async () => {
  await canary[Symbol.asyncDispose]()
  await redirector[Symbol.asyncDispose]()
})

/** Hosts that mean this machine, a private network, or a cloud's inside. */
const HOSTS = [
  ...[
    '127.0.0.1',
    '127.1',
    '0',
    '0.0.0.0',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.0.0.1.',
    '127.255.255.254',
  ],
  ...[
    '0x7f.1',
    '017700000001',
    '127.0.1',
    'localhost',
    'localhost.',
    'LOCALHOST',
    '①②⑦.⓪.⓪.①',
    '127。0。0。1',
    '１２７.0.0.1',
  ],
  ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::ffff:0:7f00:1]', '[::127.0.0.1]'],
  ...[
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
    '[fe80::1]',
    '[fec0::1]',
  ],
  ...['[fc00::1]', '[fd00:ec2::254]', '[ff02::1]', '[2001:db8::1]', '[100::1]', '[0:0:0:0:0:0:0:1]'],
  ...[
    '10.0.0.1',
    '10.255.255.255',
    '172.16.0.0',
    '172.31.255.255',
    '192.168.0.1',
    '169.254.169.254',
    '169.254.0.1',
  ],
  ...[
    '100.64.0.1',
    '100.100.100.200',
    '192.0.0.192',
    '192.0.2.1',
    '198.18.0.1',
    '198.19.255.255',
    '198.51.100.1',
  ],
  ...['203.0.113.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '192.88.99.1'],
]

/** Whole addresses that must not be fetched whatever the host means. `PORT` is the canary's. */
const ADDRESSES = [
  'http://public.example@127.0.0.1:PORT/',
  'http://127.0.0.1:PORT#@public.example/',
  'http://user:password@127.0.0.1:PORT/',
  'http:\\\\127.0.0.1:PORT\\',
  'http:127.0.0.1:PORT/',
  ' http://127.0.0.1:PORT/ ',
  'file:///etc/passwd',
  'gopher://127.0.0.1:PORT/_GET',
  'ftp://127.0.0.1:PORT/',
  'data:text/xml,<rss/>',
  'javascript:alert(1)',
  'ws://127.0.0.1:PORT/',
  'http://[::1%25lo]:PORT/',
  '//127.0.0.1:PORT/',
  'http://',
  '',
]

const canaryPortIsPublic = () => ({ publicPorts: [canary.port], connectTimeoutMs: 500 })
const allowNothing = parseFetchAllow('')

async function keyOf(promise: Promise<unknown>): Promise<string> {
  return await promise.then(
    () => 'answered',
    (error) => error.key ?? String(error),
  )
}

describe('a stranger’s address', () => {
  test.each(HOSTS)('%s is refused without a connection (feed_url_forbidden)', async (host) => {
    const before = canary.connections()
    const fetched = guardedFetch(`http://${host}:${canary.port}/`, {
      allow: allowNothing,
      accept: '*/*',
      limits: canaryPortIsPublic(),
    })
    expect(await keyOf(fetched)).toBe('feed_url_forbidden')
    expect(canary.connections()).toBe(before)
  })

  test.each(ADDRESSES)('%j is refused without a connection', async (address) => {
    const fetched = guardedFetch(address.replace('PORT', String(canary.port)), {
      allow: allowNothing,
      accept: '*/*',
      limits: canaryPortIsPublic(),
    })
    expect(await keyOf(fetched)).toMatch(/^feed_url_(forbidden|invalid)$/)
    expect(canary.connections()).toBe(0)
  })

  test.each(['22', '25', '5432', '6379', '54322', '8080'])(
    'a public address on port %s is refused',
    async (port) => {
      const resolve = async () => [{ address: '93.184.216.34', family: 4 }]
      const fetched = guardedFetch(`http://public.example:${port}/`, {
        allow: allowNothing,
        accept: '*/*',
        resolve,
      })
      expect(await keyOf(fetched)).toBe('feed_url_forbidden')
    },
  )

  test.each(['db', 'redis', 'pgbouncer', 'postgrest', 'db.'])(
    'the inner name %s is refused',
    async (name) => {
      const resolve = async () => [{ address: '172.18.0.2', family: 4 }]
      const fetched = guardedFetch(`http://${name}/`, { allow: allowNothing, accept: '*/*', resolve })
      expect(await keyOf(fetched)).toBe('feed_url_forbidden')
    },
  )
})

describe('a detour', () => {
  test('every form is refused behind every redirect, the canary sees nobody', async () => {
    const allow = parseFetchAllow(`127.0.0.1:${redirector.port}`)
    let refused = 0
    for (const status of [301, 302, 303, 307, 308]) {
      for (const host of HOSTS) {
        const to = encodeURIComponent(`http://${host}:${canary.port}/`)
        const fetched = guardedFetch(`${redirector.url}/?status=${status}&to=${to}`, {
          allow,
          accept: '*/*',
          limits: canaryPortIsPublic(),
        })
        expect(await keyOf(fetched), `${status} ${host}`).toBe('feed_url_forbidden')
        refused++
      }
    }
    expect(refused).toBe(5 * HOSTS.length)
    expect(redirector.connections()).toBe(refused)
    expect(canary.connections()).toBe(0)
  })

  test('a name that resolves to a private address is refused, also beside a public one', async () => {
    for (const addresses of [
      ['127.0.0.1'],
      ['::1'],
      ['93.184.216.34', '127.0.0.1'],
      ['2606:2800:220:1::1', '10.0.0.1'],
    ]) {
      const resolve = async () =>
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
      const fetched = guardedFetch(`http://public.example:${canary.port}/`, {
        allow: allowNothing,
        accept: '*/*',
        resolve,
        limits: canaryPortIsPublic(),
      })
      expect(await keyOf(fetched), addresses.join()).toBe('feed_url_forbidden')
    }
    expect(canary.connections()).toBe(0)
  })

  test('a name whose answer changes is resolved once and connected where it was checked', async () => {
    await using publicServer = await startWebServer((_, response) => response.end('public'), '127.0.0.2')
    await using inside = await startWebServer((_, response) => response.end(), '127.0.0.1', publicServer.port)
    const answers = ['127.0.0.2', '127.0.0.1', '127.0.0.1']
    let asked = 0
    const resolve = async () => [{ address: answers[asked++] ?? '127.0.0.1', family: 4 }]
    const options = { allow: parseFetchAllow('127.0.0.2/32'), accept: '*/*', resolve }
    const url = `http://rebinding.example:${publicServer.port}/`

    const first = await guardedFetch(url, options)
    expect(first.status === 'ok' && Buffer.from(first.bytes).toString()).toBe('public')
    expect(asked).toBe(1)
    expect(await keyOf(guardedFetch(url, options))).toBe('feed_url_forbidden')
    expect(inside.connections()).toBe(0)
  })
})

describe('HOWDAH_FETCH_ALLOW', () => {
  test.each(['127.0.0.1', '127.0.0.1:PORT', '127.0.0.0/8', ' other.lan , 127.0.0.1:PORT'])(
    '%j lets the canary be reached',
    async (list) => {
      const before = canary.connections()
      const result = await guardedFetch(`http://127.0.0.1:${canary.port}/`, {
        allow: parseFetchAllow(list.replace('PORT', String(canary.port))),
        accept: '*/*',
      })
      expect(result.status).toBe('ok')
      expect(canary.connections()).toBe(before + 1)
    },
  )

  test.each(['127.0.0.1:1', '127.0.0.2', '10.0.0.0/8', 'localhost', '::1'])('%j does not', async (list) => {
    const before = canary.connections()
    const fetched = guardedFetch(`http://127.0.0.1:${canary.port}/`, {
      allow: parseFetchAllow(list),
      accept: '*/*',
    })
    expect(await keyOf(fetched)).toBe('feed_url_forbidden')
    expect(canary.connections()).toBe(before)
  })

  test.each(['http://x', 'a b', '1.2.3.4/33', '[::1', 'host:port'])(
    '%j is refused (settings_invalid)',
    (list) => {
      expect(() => parseFetchAllow(list)).toThrow(expect.objectContaining({ key: 'settings_invalid' }))
    },
  )
})
