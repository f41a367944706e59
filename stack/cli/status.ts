/** npm run stack:status: what runs on this data folder. Exit code 0 when a stack runs, 3 when none does. */
import { program } from 'commander'
import { isStillAlive } from '../process/identity.ts'
import { readRunFile } from '../run-file.ts'
import { runCommand } from '../terminal/run-command.ts'
import { renderTable } from '../terminal/table.ts'

/** "Program is not running". Source: LSB, init script actions. */
const NOT_RUNNING = 3

program.name('npm run stack:status').description('What runs on this data folder.').parse()

runCommand(async (settings) => {
  const record = readRunFile(settings.dataDir)
  if (!record) {
    console.log(`No stack runs on ${settings.dataDir}. Start one: npm start`)
    return NOT_RUNNING
  }
  const ports: Record<string, string> = {
    postgres: String(record.ports.database ?? ''),
    postgrest: `${record.ports.api} (admin ${record.ports.admin})`,
  }
  const isRunning = isStillAlive(record.stack)
  const rows = Object.entries({ stack: record.stack, ...record.children }).flatMap(([name, mark]) =>
    mark ? [[name, String(mark.pid), isStillAlive(mark) ? 'running' : 'gone', ports[name] ?? '']] : [],
  )
  console.log(renderTable(['process', 'pid', 'state', 'port'], rows))
  if (isRunning) {
    console.log(
      `${record.ready ? 'Ready' : 'Starting'}, since ${record.since}; data folder ${settings.dataDir}`,
    )
    return 0
  }
  const isLeft = Object.values(record.children).some((mark) => mark && isStillAlive(mark))
  console.log(
    `The stack is gone (it crashed or was killed). ${
      isLeft ? 'npm run stack:stop ends what it left behind.' : 'Nothing is left of it; npm start recovers.'
    }`,
  )
  return NOT_RUNNING
})
