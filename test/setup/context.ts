/** What globalSetup tells the test files: where the server is and how to start a PostgREST for it. */
import type { Secrets } from '../../stack/secrets.ts'

/** How testApi() gets a PostgREST. */
export type ApiSource =
  | { kind: 'binary'; path: string }
  | {
      kind: 'container'
      image: string
      network: string
      databaseHost: string
      databasePort: number
      /** The process of the run, for the containers' label. */
      runPid: number
    }

/** One server for the whole run. */
export type TestServer = {
  adminUrl: string
  /** The provisioned database that every test file gets a copy of. */
  template: string
  /** Every database of this run starts with this, so that none is left behind. */
  prefix: string
  secrets: Secrets
  api: ApiSource
}

declare module 'vitest' {
  interface ProvidedContext {
    howdah: TestServer
  }
}
