/** The worker's health check in docker-compose.yml: exit code 0 while it lives. */
import pg from 'pg'
import { readWorkerSettings } from '../worker/settings.ts'
import { workerLives } from './worker-lives.ts'

const client = new pg.Client({
  connectionString: readWorkerSettings(process.env).databaseUrl,
  connectionTimeoutMillis: 5_000,
})
await client.connect()
const lives = await workerLives(client)
await client.end()
if (!lives) console.error('No worker at this address holds its lock.')
process.exitCode = lives ? 0 : 1
