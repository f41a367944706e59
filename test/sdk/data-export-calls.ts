/** Example calls of what people do with the copy of their data. */
import { type HowdahClient, orThrow } from '../../sdk/src/index.ts'
import type { TestApi } from '../setup/api.ts'
import type { TestDatabase } from '../setup/database.ts'
import { openExporting } from '../worker/support/exporting.ts'

/** Asking comes first; downloading takes what was made away. */
export function dataExportCalls(db: TestDatabase, api: TestApi, client: HowdahClient, password: string) {
  return {
    first: { request_data_export: { kind: 'portability' }, data_export_status: {} },
    last: {
      start_data_export_download: async () => {
        const { id } = await orThrow(client.dataExports.request())
        await using exporting = openExporting(db, api)
        await exporting.make(id)
        return { export_id: id, password }
      },
    },
  }
}
