/** Places in the write-ahead log, and the names of the files that hold them. Source: PostgreSQL, xlog_internal.h. */

/** Matches the name of a whole segment: timeline, then number, in 24 hex digits. */
export const SEGMENT_NAME: RegExp = /^[0-9A-F]{24}$/

/** "1/2A000028" as a number of bytes. */
export function lsnToBytes(lsn: string): bigint {
  const [high = '0', low = '0'] = lsn.split('/')
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`)
}

/** The number of the segment that holds a byte; a place at a segment's very end belongs to that segment. */
export function segmentOf(lsn: string, segmentBytes: number, isEnd = false): bigint {
  const byte = lsnToBytes(lsn) - (isEnd ? 1n : 0n)
  return byte / BigInt(segmentBytes)
}

/** The file that holds a segment of a timeline. */
export function segmentName(timeline: number, segment: bigint, segmentBytes: number): string {
  const perFile = 0x1_0000_0000n / BigInt(segmentBytes)
  return [BigInt(timeline), segment / perFile, segment % perFile].map(hex).join('')
}

/** The number a segment's file has on its timeline. */
export function segmentNumber(name: string, segmentBytes: number): bigint {
  const perFile = 0x1_0000_0000n / BigInt(segmentBytes)
  return BigInt(`0x${name.slice(8, 16)}`) * perFile + BigInt(`0x${name.slice(16, 24)}`)
}

/** The files from one segment to another, both included. */
export function segmentNames(timeline: number, first: bigint, last: bigint, segmentBytes: number): string[] {
  const names: string[] = []
  for (let segment = first; segment <= last; segment += 1n)
    names.push(segmentName(timeline, segment, segmentBytes))
  return names
}

function hex(value: bigint): string {
  return value.toString(16).toUpperCase().padStart(8, '0')
}
