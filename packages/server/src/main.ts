import cluster from 'node:cluster'
import { readEnvironment } from './configuration/env.ts'
import { readWorkerCount } from './configuration/worker-count.ts'

// Only what is needed is loaded: what an operator does to the data takes no server, and a primary has none in it. What is
// wrong with the environment, the process that serves tells.

const LAST_LINES_MS = 2_000

// Database, artifacts, secrets and backups are for this user's eyes only.
process.umask(0o077)
const command = process.argv.slice(2)
const environment = readEnvironment()
const workers = readWorkerCount(environment.HOTPATCH_WORKERS) ?? 1

if (command.length > 0) {
  const { runOperatorCommand } = await import('./operating/run-operator-command.ts')
  process.exitCode = await runOperatorCommand(command, {
    print: (line) => void process.stdout.write(`${line}\n`),
    warn: (line) => void process.stderr.write(`hotpatch-server: ${line}\n`),
  })
} else if (workers > 1 && cluster.isPrimary) {
  const { runPrimary } = await import('./ground/workers/primary.ts')
  const { createPrimaryLog } = await import('./ground/workers/primary-log.ts')
  process.exitCode = await runPrimary({
    size: workers,
    stopSeconds: Number(environment.HOTPATCH_STOP_SECONDS) || 10,
    isAtTerminal: process.stdout.isTTY,
    log: createPrimaryLog(environment.HOTPATCH_LOG_LEVEL, environment.HOTPATCH_LOG_FORMAT),
  })
  // The last lines keep a process alive until somebody reads them, and nobody may.
  setTimeout(() => process.exit(), LAST_LINES_MS).unref()
} else {
  const { startServing } = await import('./serve.ts')
  await startServing()
}
