/** Ports of 127.0.0.1: finding a free one, and asking whether one is free. */
import { createServer } from 'node:net'

/** A port nobody listens on at this moment, chosen by the kernel. */
export function freePort(): Promise<number> {
  return listenOnce(0)
}

/** True when this process could listen on 127.0.0.1:port now. */
export async function isPortFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EADDRINUSE' || code === 'EACCES') return false
    throw error
  }
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : port))
    })
  })
}
