/** One attempt at an export, from the first row to the last part. */
import { createHash } from 'node:crypto'
import type pg from 'pg'
import { archiveOf } from './archive.ts'
import { inParts } from './in-parts.ts'
import { addPart, finishExport, noteProgress, type RunningExport } from './running-export.ts'
import { openSnapshot } from './snapshot.ts'

/** What gdpr.data_export_parts takes at most. */
const PART_BYTES = 1_048_576

/** How often its owner sees it move. In milliseconds. */
const TELL_EVERY_MS = 500

/**
 * Reads everything at one moment and keeps it as parts of a ZIP. The reading transaction stays open all the while and
 * the parts are written through other connections, so what is seen of them is what is there.
 * @throws data_export_over when the attempt is no longer ours
 */
export async function makeExport(pool: pg.Pool, running: RunningExport, signal: AbortSignal): Promise<void> {
  await using snapshot = await openSnapshot(pool, running)
  const { dataAsOf } = snapshot
  let progress = { tablesDone: 0, rowsDone: 0 }
  const tell = () =>
    noteProgress(pool, running, { dataAsOf, tableCount: snapshot.tables.length, ...progress })
  await tell()
  let toldAt = performance.now()
  const { bytes, manifest } = archiveOf(snapshot, (done) => {
    progress = done
  })
  const hash = createHash('sha256')
  let number = 0
  const watched = whileReading(bytes, async () => {
    signal.throwIfAborted()
    if (performance.now() - toldAt < TELL_EVERY_MS) return
    await tell()
    toldAt = performance.now()
  })
  try {
    for await (const part of inParts(watched, PART_BYTES)) {
      hash.update(part)
      await addPart(pool, running, number++, part)
    }
  } finally {
    // Nobody may read in the snapshot when it closes.
    await manifest.catch(() => undefined)
  }
  await finishExport(pool, running, hash.digest(), await manifest)
}

async function* whileReading<T>(items: AsyncIterable<T>, look: () => Promise<void>): AsyncGenerator<T> {
  for await (const item of items) {
    await look()
    yield item
  }
}
