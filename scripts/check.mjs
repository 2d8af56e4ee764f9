// npm run check: what has to be right before a change is merged. Every step runs, whatever the earlier ones said.
import { ensureInstalled } from './ensure-installed.mjs'
import { exitWith, run } from './lib/child.mjs'

const steps = [
  { name: 'format', command: 'run format:check' },
  { name: 'lint', command: 'run lint' },
  { name: 'types', command: 'run types' },
  { name: 'unused code', command: 'run unused' },
  { name: 'tests', command: 'test' },
]

await exitWith(async () => {
  await ensureInstalled()
  const results = []
  for (const { name, command } of steps) {
    console.log(`\n── ${name}: npm ${command}`)
    const startedAt = performance.now()
    // In this process's own group: npm has to hear a Ctrl-C from the terminal itself.
    const code = await run('npm', command.split(' '), { shell: process.platform === 'win32', detached: false })
    results.push({ name, command, code, seconds: (performance.now() - startedAt) / 1000 })
    if (code > 128) break // interrupted
  }

  console.log('')
  for (const { name, command, code, seconds } of results) {
    const outcome = code === 0 ? 'ok' : `FAILED (exit code ${code}; alone: npm ${command})`
    console.log(`${name.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s  ${outcome}`)
  }
  return results.every(({ code }) => code === 0) ? 0 : 1
})
