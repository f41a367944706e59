/** The ZIP of an export, made while it is read: entry after entry goes through, none is ever held. */
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ZipFile } from 'yazl'
import { letGo } from './let-go.ts'
import type { FileFacts, Manifest, TableFacts } from './manifest.ts'
import { readmeText } from './readme-text.ts'
import type { Snapshot } from './snapshot.ts'
import { csvFile, jsonFile } from './table-files.ts'

/** Told after each batch and each table. */
export type OnProgress = (done: { tablesDone: number; rowsDone: number }) => void

/** The bytes, and what they turned out to hold once all have been read. */
export type Archive = { bytes: AsyncIterable<Uint8Array>; manifest: Promise<Manifest> }

/** Starts it; reading `bytes` drives it. An error in between ends both. */
export function archiveOf(snapshot: Snapshot, onProgress: OnProgress): Archive {
  const zip = new ZipFile()
  const bytes = Readable.from(zip.outputStream)
  zip.on('error', (error: Error) => bytes.destroy(error))
  const writer = new EntryWriter(zip, new Date(snapshot.dataAsOf))
  bytes.once('close', () => writer.stop())
  const manifest = fill(writer, snapshot, onProgress).then((done) => {
    writer.addText('manifest.json', `${JSON.stringify(done, null, 2)}\n`)
    zip.end()
    return done
  })
  manifest.catch((error: Error) => bytes.destroy(error))
  return { bytes, manifest }
}

async function fill(writer: EntryWriter, snapshot: Snapshot, onProgress: OnProgress): Promise<Manifest> {
  const tables: TableFacts[] = []
  let rowsDone = 0
  writer.addText('README.txt', readmeText(snapshot.dataAsOf))
  for (const { relation: name, columns } of snapshot.tables) {
    writer.requireReader()
    const batches = snapshot.rows(name, 'json')
    const first = await batches.next()
    if (first.done) {
      tables.push({ name, columns, row_count: 0, json: null, csv: null })
    } else {
      let count = 0
      const counted = tap(startingWith(first.value, batches), (rows) => {
        count += rows.length
        onProgress({ tablesDone: tables.length, rowsDone: rowsDone + count })
      })
      const json = await writer.add(`${name}.json`, jsonFile(counted))
      const csv = await writer.add(`${name}.csv`, csvFile(columns, snapshot.rows(name, 'csv')))
      rowsDone += count
      tables.push({ name, columns, row_count: count, json, csv })
    }
    onProgress({ tablesDone: tables.length, rowsDone })
  }
  const { userId: user_id, dataAsOf: data_as_of } = snapshot
  return { format: 'howdah-export-zip-1', user_id, data_as_of, row_count: rowsDone, tables }
}

/** Adds entries one by one; the next is not opened before the last went through. */
class EntryWriter {
  readonly #zip: ZipFile
  readonly #mtime: Date
  readonly #letGo = letGo()
  #open: Readable | undefined
  #isStopped = false

  constructor(zip: ZipFile, mtime: Date) {
    this.#zip = zip
    this.#mtime = mtime
  }

  addText(name: string, text: string): void {
    this.#zip.addBuffer(Buffer.from(text), name, { mtime: this.#mtime })
  }

  async add(name: string, text: AsyncGenerator<string>): Promise<FileFacts> {
    const hash = createHash('sha256')
    let size_bytes = 0
    const measured = tap(text, (chunk) => {
      hash.update(chunk)
      const bytes = Buffer.byteLength(chunk)
      size_bytes += bytes
      this.#letGo(bytes)
    })
    this.#open = Readable.from(measured, { objectMode: false })
    if (this.#isStopped) this.stop()
    else this.#zip.addReadStream(this.#open, name, { mtime: this.#mtime })
    await finished(this.#open)
    return { name, size_bytes, sha256: hash.digest('hex') }
  }

  requireReader(): void {
    if (this.#isStopped) throw new Error('Nobody reads the archive any more.')
  }

  /** Nobody reads any more: what is being read is let go. */
  stop(): void {
    this.#isStopped = true
    this.#open?.destroy()
  }
}

async function* startingWith<T>(first: T, rest: AsyncIterable<T>): AsyncGenerator<T> {
  yield first
  yield* rest
}

async function* tap<T>(items: AsyncIterable<T>, look: (item: T) => void): AsyncGenerator<T> {
  for await (const item of items) {
    look(item)
    yield item
  }
}
