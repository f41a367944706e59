/** The steps of `npm start`, in order. Each does one thing and says in a few words what it found. */
import { freePort, isPortFree } from './free-port.ts'
import { ledgerPlace } from './gdpr/ledger-place.ts'
import { replayErasures, replayText } from './gdpr/replay-erasures.ts'
import { openLog } from './log-file.ts'
import { choosePorts, type Ports } from './ports.ts'
import { postgrestBinary } from './postgrest/binary.ts'
import { launchPostgrest, type RunningApi } from './postgrest/launch.ts'
import { markSeeded } from './provision/mark-seeded.ts'
import { provision } from './provision/provision.ts'
import { type Target, urlFor } from './provision/target.ts'
import { withClient } from './provision/with-client.ts'
import { claimDataFolder, type RunFile, refuseIfRunning } from './run-file.ts'
import { loadSecrets, type Secrets } from './secrets.ts'
import { runDemoSeeds, runReferenceSeeds } from './seeds/demo.ts'
import { type EmbeddedServer, externalTarget, serverVersion, startEmbeddedServer } from './server.ts'
import type { Settings } from './settings.ts'
import { isStackError } from './stack-error.ts'
import { launchWorker, type RunningWorker } from './worker/launch.ts'

/** What the steps hand on to each other. Everything here that runs must be stopped, also when a later step fails. */
export type Starting = {
  settings: Settings
  say(line: string): void
  secrets: Secrets
  ports: Ports
  runFile: RunFile
  target: Target
  isNewDatabase: boolean
  postgres?: EmbeddedServer
  postgrest?: RunningApi
  worker?: RunningWorker
}

/** One line of the list a person watches. */
export type StartStep = {
  title: string
  /** Returns what to write behind the title when it is done. */
  run(start: Starting): Promise<string>
}

/** Reads the secrets, chooses ports and claims the data folder: all that can be refused before anything runs. */
export async function prepareStart(settings: Settings, say: (line: string) => void): Promise<Starting> {
  const secrets = loadSecrets(settings)
  // Said first, because a running stack also holds the ports, and its pid is the better news.
  refuseIfRunning(settings.dataDir)
  const ports = await choosePorts(settings)
  const runFile = claimDataFolder(settings.dataDir, {
    ...(settings.databaseUrl ? {} : { database: ports.database }),
    api: ports.api,
    admin: ports.admin,
  })
  // The first step replaces the target by the real one; an external one is known already.
  const target = externalTarget(settings.databaseUrl ?? 'postgres://127.0.0.1/', secrets)
  return { settings, say, secrets, ports, runFile, target, isNewDatabase: false }
}

/** In order: the database first, because PostgREST 12 answers nothing at all until it can connect. */
export const START_STEPS: readonly StartStep[] = [
  { title: 'Postgres', run: startPostgres },
  { title: 'Migrations', run: migrate },
  { title: 'Seeds', run: seed },
  { title: 'Erasures', run: replay },
  { title: 'PostgREST', run: startPostgrest },
  { title: 'Worker', run: startWorker },
]

async function startPostgres(start: Starting): Promise<string> {
  if (!start.settings.databaseUrl) {
    const log = openLog(start.settings.dataDir, 'postgres')
    start.postgres = await onAnotherPort(start, 'database', start.settings.dbPort, () =>
      startEmbeddedServer(start.settings, start.secrets, start.ports.database, start.say, log),
    )
    start.target = start.postgres.target
    start.runFile.child('postgres', start.postgres.server.child.pid)
  }
  const version = await serverVersion(start.target)
  if (version.warning) start.say(version.warning)
  const place = start.postgres
    ? `on port ${start.ports.database}`
    : `at ${new URL(start.target.adminUrl).host}`
  return `${version.text} ${place}${start.postgres?.isNewCluster ? ', new cluster' : ''}`
}

async function migrate(start: Starting): Promise<string> {
  const report = await provision(start.target, start.settings.projectDir)
  start.isNewDatabase = report.isNew
  if (report.isOpenMigrationNew) return 'applied, with the open current.sql'
  return report.appliedCount > 0 ? `${report.appliedCount} applied` : 'up to date'
}

async function seed(start: Starting): Promise<string> {
  if (!start.isNewDatabase) return 'kept as they are'
  const found = await firstSeeds(start)
  await markSeeded(start.target)
  return found
}

async function firstSeeds(start: Starting): Promise<string> {
  if (start.settings.databaseUrl) {
    // The demo account's password is public; who names a server of their own asks for it: npm run seeds:run.
    await runReferenceSeeds(start.target, start.settings)
    return 'reference data only'
  }
  const report = await runDemoSeeds(start.target, start.settings)
  return `demo data: ${report.feeds} feeds with ${report.items} items`
}

/** Before the API opens: who was erased does not live again because an old backup was restored. */
async function replay(start: Starting): Promise<string> {
  const report = await withClient(urlFor(start.target, 'howdah_migrations'), (owner) =>
    replayErasures(owner, ledgerPlace(start.settings)),
  )
  return replayText(report)
}

/** The launchers are exported because supervision starts the same programs again. */
export async function launchApi(start: Starting): Promise<RunningApi> {
  return launchPostgrest({
    binary: postgrestBinary(start.settings.postgrestBin),
    databaseUrl: urlFor(start.target, 'howdah_authenticator'),
    jwtSecret: start.secrets.jwt_secret,
    port: start.ports.api,
    adminPort: start.ports.admin,
    log: openLog(start.settings.dataDir, 'postgrest'),
  })
}

/** Starts worker/main.ts for this stack. */
export async function launchJobs(start: Starting): Promise<RunningWorker> {
  return launchWorker({
    settings: start.settings,
    secrets: start.secrets,
    databaseUrl: urlFor(start.target, 'howdah_worker'),
    clusterDir: start.postgres?.folder,
    log: openLog(start.settings.dataDir, 'worker'),
  })
}

async function startPostgrest(start: Starting): Promise<string> {
  start.postgrest = await onAnotherPort(start, 'admin', start.settings.adminPort, () => launchApi(start))
  start.runFile.child('postgrest', start.postgrest.child.pid)
  return `on port ${start.ports.api}`
}

async function startWorker(start: Starting): Promise<string> {
  start.worker = await launchJobs(start)
  start.runFile.child('worker', start.worker.child.pid)
  return `pid ${start.worker.child.pid}`
}

/**
 * Two stacks that start in the same moment find the same usual port free. The later one takes another, unless the port
 * was asked for.
 */
async function onAnotherPort<T>(
  start: Starting,
  which: 'database' | 'admin',
  chosen: number | undefined,
  launch: () => Promise<T>,
): Promise<T> {
  try {
    return await launch()
  } catch (error) {
    const isOurs = isStackError(error) && error.code === 'port_taken' && chosen === undefined
    // The API's own port is never changed silently.
    if (!isOurs || (which === 'admin' && !(await isPortFree(start.ports.api)))) throw error
    start.ports = { ...start.ports, [which]: await freePort() }
    start.runFile.update({ ports: start.ports })
    return await launch()
  }
}
