// Only what is needed is loaded: what an operator does to the data takes no server.

// Database, artifacts, secrets and backups are for this user's eyes only.
process.umask(0o077)
const command = process.argv.slice(2)
if (command.length > 0) {
  const { runOperatorCommand } = await import('./operating/run-operator-command.ts')
  process.exitCode = await runOperatorCommand(command, {
    print: (line) => void process.stdout.write(`${line}\n`),
    warn: (line) => void process.stderr.write(`hotpatch-server: ${line}\n`),
  })
} else {
  const { startServing } = await import('./serve.ts')
  await startServing()
}
