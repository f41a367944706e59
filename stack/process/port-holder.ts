/** Which process listens on a port, as far as /proc tells. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { basename } from 'node:path'

/** The state of a listening socket in /proc/net/tcp. Source: proc(5), net/tcp_states.h. */
const LISTEN = '0A'

/** A sentence part such as `pid 4711 (node server.js)`, or undefined when it cannot be found out. */
export function portHolder(port: number): string | undefined {
  const inodes = listeningInodes(port)
  if (inodes.size === 0) return undefined
  for (const pid of numericEntries('/proc')) {
    if (holdsSocket(pid, inodes)) return `pid ${pid} (${commandOf(pid)})`
  }
  return 'a process of another user'
}

function listeningInodes(port: number): Set<string> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  const inodes = new Set<string>()
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of readLines(table)) {
      const column = line.trim().split(/\s+/)
      if (column[1]?.endsWith(`:${hexPort}`) && column[3] === LISTEN && column[9]) inodes.add(column[9])
    }
  }
  return inodes
}

function holdsSocket(pid: string, inodes: Set<string>): boolean {
  return numericEntries(`/proc/${pid}/fd`).some((fd) => {
    try {
      const target = readlinkSync(`/proc/${pid}/fd/${fd}`)
      return target.startsWith('socket:[') && inodes.has(target.slice(8, -1))
    } catch {
      return false // closed meanwhile
    }
  })
}

function commandOf(pid: string): string {
  const [program = '', ...args] = readLines(`/proc/${pid}/cmdline`).join(' ').split('\0')
  const command = [basename(program), ...args].join(' ').trim()
  return command.length > 80 ? `${command.slice(0, 77)}...` : command
}

/** Not Linux, not permitted or gone: then there is nothing to read, and nothing is claimed. */
function readLines(path: string): string[] {
  try {
    return readFileSync(path, 'utf8').split('\n')
  } catch {
    return []
  }
}

function numericEntries(path: string): string[] {
  try {
    return readdirSync(path).filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}
