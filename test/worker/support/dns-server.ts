/** A real DNS server on loopback that knows TXT records and can misbehave. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import dnsPacket from 'dns-packet'

/** What it says to everything. `silence`: no answer at all; `fail`: SERVFAIL. */
export type DnsBehaviour = 'answer' | 'fail' | 'silence'

/** The server. `records` maps names in lower case to texts; a list is one record in pieces. Names without get NXDOMAIN. */
export type DnsServer = AsyncDisposable & {
  /** As HOWDAH_DNS_SERVERS takes it. */
  address: string
  records: Map<string, (string | string[])[]>
  /** Names asked for, in order. */
  asked: string[]
  behave(behaviour: DnsBehaviour): void
}

const NXDOMAIN = 3
const SERVFAIL = 2

/** Starts it. */
export async function startDnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4')
  const records: DnsServer['records'] = new Map()
  const asked: string[] = []
  let behaviour: DnsBehaviour = 'answer'
  socket.on('message', (message, { port, address }) => {
    const query = dnsPacket.decode(message)
    const name = query.questions?.[0]?.name.toLowerCase() ?? ''
    asked.push(name)
    if (behaviour === 'silence') return
    const found = records.get(name)
    const code = behaviour === 'fail' ? SERVFAIL : found ? 0 : NXDOMAIN
    const answer = dnsPacket.encode({
      type: 'response',
      id: query.id ?? 0,
      flags: dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE | code,
      questions: query.questions ?? [],
      answers: code === 0 ? (found ?? []).map((data) => ({ type: 'TXT', name, ttl: 1, data })) : [],
    })
    socket.send(answer, port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return {
    address: `127.0.0.1:${socket.address().port}`,
    records,
    asked,
    behave: (next) => {
      behaviour = next
    },
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  }
}
