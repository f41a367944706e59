/** client.dataExports: the copy of everything that is held about oneself. */
import type { PostgrestClient } from '@supabase/postgrest-js'
import { result } from '../auth/call-result.ts'
import type { Result } from '../auth/session-calls.ts'
import type { Database } from '../generated/database.ts'
import type { Fetch } from '../transport/bounded-fetch.ts'
import { type Download, downloadOf } from './download.ts'

/** What opens the file. */
export type DownloadKey = {
  /** The account's password; where it has none, a fresh id_token of an identity it has. */
  password: string
  /** A code of the authenticator app or a recovery code, where the second factor is on. */
  code?: string
}

/** Puts client.dataExports together. */
export function createDataExports(
  api: PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'>,
  send: Fetch,
  url: string,
) {
  return {
    /** Asks for a copy; answers with the one under way where there is one. A mail tells when it is ready. */
    request: ({ kind }: { kind?: 'access' | 'portability' } = {}) =>
      api.rpc('request_data_export', { ...(kind !== undefined && { kind }) }).single(),
    /** How far the last one is; null when there is none. */
    status: () => api.rpc('data_export_status').maybeSingle(),
    /**
     * Begins to download one that is ready: a ZIP. It can be read once; parts that break on the way are fetched again,
     * and every part is compared with what the API announced.
     * @example
     * const { stream } = await orThrow(client.dataExports.download(id, { password }))
     * await writeFile('my-data.zip', stream)
     */
    download: async (exportId: string, { password, code }: DownloadKey): Promise<Result<Download>> => {
      const started = result(
        await api.rpc('start_data_export_download', {
          export_id: exportId,
          password,
          ...(code !== undefined && { code }),
        }),
      )
      return started.error ? started : { data: downloadOf(started.data, send, url), error: null }
    },
  }
}

/** Asking for one's data, and fetching them. */
export type DataExports = ReturnType<typeof createDataExports>
