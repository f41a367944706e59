/** A file that comes in parts, as one stream. */
import { ApiError } from '../errors/api-error.ts'
import { CLIENT_ERRORS } from '../errors/client-error-keys.ts'
import { toApiError } from '../errors/to-api-error.ts'
import type { GdprDataExportDownload } from '../generated/shapes.ts'
import { BINARY, type Fetch } from '../transport/bounded-fetch.ts'

/** A download that has begun. */
export type Download = {
  sizeBytes: number
  /** Of the whole file, in hexadecimal digits. */
  sha256: string
  /** Until when it has to be read. */
  expiresAt: string
  /** The file. Fails with an ApiError. */
  stream: ReadableStream<Uint8Array<ArrayBuffer>>
}

/** How often a part is asked for before the download fails. */
const ATTEMPTS = 3

/** Makes the stream; a part is asked for when the reader wants it. */
export function downloadOf(started: GdprDataExportDownload, send: Fetch, url: string): Download {
  const { token, part_sha256: hashes } = started
  let number = 0
  return {
    sizeBytes: started.size_bytes,
    sha256: started.sha256,
    expiresAt: started.expires_at,
    stream: new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        pull: async (controller) => {
          const expected = hashes[number]
          if (expected !== undefined) controller.enqueue(await sound(() => part(number), expected))
          number++
          if (number < hashes.length) return
          // Says that all has arrived, so that the file is deleted there. If it is lost, the clock does it.
          await part(number).catch(() => undefined)
          controller.close()
        },
      },
      { highWaterMark: 0 },
    ),
  }

  async function part(wanted: number): Promise<Uint8Array<ArrayBuffer>> {
    const response = await send(`${url}/rpc/download_data_export`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: BINARY, 'content-profile': 'api' },
      body: JSON.stringify({ token, part: wanted }),
    })
    if (!response.ok) throw toApiError(await response.json(), response.status)
    return new Uint8Array(await response.arrayBuffer())
  }
}

/** The bytes, once they are those that were announced. A part that went out may be asked for again. */
async function sound(
  fetchPart: () => Promise<Uint8Array<ArrayBuffer>>,
  sha256: string,
): Promise<Uint8Array<ArrayBuffer>> {
  for (let attempt = 1; ; attempt++) {
    const answer = await fetchPart().then(
      async (bytes) => ((await sha256Of(bytes)) === sha256 ? bytes : damaged()),
      (error: ApiError) => error,
    )
    if (answer instanceof Uint8Array) return answer
    const isRefusal = answer.status >= 400 && answer.status < 500
    if (isRefusal || attempt === ATTEMPTS) throw answer
  }
}

async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function damaged(): ApiError {
  return new ApiError({ key: 'download_damaged', status: 0, hint: CLIENT_ERRORS.download_damaged })
}
