#!/usr/bin/env node
// Plain JavaScript that any Node can read: an old one must get as far as the message below.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const packageJson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const needed = packageJson.engines.node.replace('>=', '')

if (isOlder(process.versions.node, needed)) {
  runOnPinnedNode()
} else {
  // Node's warnings, such as the one about type stripping, are for us and not for users, who read JSON from stderr.
  process.removeAllListeners('warning')
  const { main } = await import('../src/main.ts')
  await main()
}

/** In a clone the pinned Node lies beside the dependencies. So it may in a project that pins an old one, which has to end. */
function runOnPinnedNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  const pinned = fileURLToPath(new URL(`../../../node_modules/node/bin/${name}`, import.meta.url))
  if (!existsSync(pinned) || realpathSync(pinned) === realpathSync(process.execPath)) {
    process.stderr.write(
      `hotpatch: needs Node ${needed} or newer, found ${process.versions.node} at ${process.execPath}. ` +
        'Install a current Node from https://nodejs.org, or run "npm ci" if this is a clone of the repository.\n',
    )
    process.exitCode = 1
    return
  }
  const child = spawn(pinned, process.argv.slice(1), { stdio: 'inherit' })
  // Ctrl-C reaches the child from the terminal; this process waits for how it ends.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', (code) => {
    process.exitCode = code ?? 1
  })
}

function isOlder(found, wanted) {
  const [major = 0, minor = 0] = found.split('.').map(Number)
  const [neededMajor = 0, neededMinor = 0] = wanted.split('.').map(Number)
  return major < neededMajor || (major === neededMajor && minor < neededMinor)
}
