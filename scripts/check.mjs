// npm run check: what has to be right before a change is merged. Every step runs, whatever the others said. The quick ones
// run beside the tests, which first install and start what they need; what those say is shown as a whole.
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureInstalled } from './ensure-installed.mjs'
import { exitWith, run } from './lib/child.mjs'

const quick = [
  { name: 'format', command: 'run format:check' },
  { name: 'lint', command: 'run lint' },
  { name: 'types', command: 'run types' },
  { name: 'unused code', command: 'run unused' },
]
const tests = { name: 'tests', command: 'test' }

/** In this process's own group: npm has to hear a Ctrl-C from the terminal itself. */
const npm = (command, stdio) =>
  run('npm', command.split(' '), { shell: process.platform === 'win32', detached: false, stdio })

async function play({ name, command }, stdio) {
  const startedAt = performance.now()
  const code = await npm(command, stdio)
  return { name, command, code, seconds: (performance.now() - startedAt) / 1000 }
}

async function playQuick() {
  const folder = mkdtempSync(join(tmpdir(), 'hotpatch-check-'))
  const results = []
  try {
    for (const [index, step] of quick.entries()) {
      const path = join(folder, `${index}`)
      const output = openSync(path, 'w')
      const result = await play(step, ['ignore', output, output])
      closeSync(output)
      console.log(`\n── ${step.name}: npm ${step.command}\n${readFileSync(path, 'utf8')}`)
      results.push(result)
      if (result.code > 128) break // interrupted
    }
    return results
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

await exitWith(async () => {
  await ensureInstalled()
  console.log(`── ${tests.name}: npm ${tests.command}`)
  const [quickResults, testResult] = await Promise.all([playQuick(), play(tests, 'inherit')])
  const results = [...quickResults, testResult]

  console.log('')
  for (const { name, command, code, seconds } of results) {
    const outcome = code === 0 ? 'ok' : `FAILED (exit code ${code}; alone: npm ${command})`
    console.log(`${name.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s  ${outcome}`)
  }
  return results.every(({ code }) => code === 0) ? 0 : 1
})
