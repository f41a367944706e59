/** The settings every PostgREST of a Howdah runs with, here and in containers. */

/** What differs from one PostgREST to the next. */
export type ApiSettings = {
  databaseUrl: string
  jwtSecret: string
  host: string
  port: number
  adminPort: number
}

/** The settings every PostgREST of a Howdah has; docker-compose says the same. */
export function postgrestSettings(options: ApiSettings): Record<string, string> {
  return {
    PGRST_DB_URI: options.databaseUrl,
    PGRST_DB_SCHEMAS: 'api',
    PGRST_DB_EXTRA_SEARCH_PATH: 'extensions',
    PGRST_DB_ANON_ROLE: 'howdah_anon',
    PGRST_DB_PRE_REQUEST: 'core.check_request',
    // Says which keys open a token; the one below serves until the database has been told its own.
    PGRST_DB_PRE_CONFIG: 'core.postgrest_settings',
    PGRST_DB_MAX_ROWS: '1000',
    PGRST_DB_POOL: '10',
    PGRST_JWT_SECRET: options.jwtSecret,
    PGRST_JWT_AUD: 'howdah',
    // 12.0 would accept tokens of an old secret out of its cache; later versions renamed the setting.
    PGRST_JWT_CACHE_MAX_LIFETIME: '0',
    PGRST_JWT_CACHE_MAX_ENTRIES: '0',
    PGRST_OPENAPI_MODE: 'follow-privileges',
    PGRST_SERVER_HOST: options.host,
    PGRST_SERVER_PORT: String(options.port),
    PGRST_ADMIN_SERVER_PORT: String(options.adminPort),
    PGRST_SERVER_TRACE_HEADER: 'X-Request-Id',
    // A request that is refused would be logged with its address, and people filter by names and mail addresses.
    PGRST_LOG_LEVEL: 'error',
  }
}
