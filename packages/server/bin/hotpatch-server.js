#!/usr/bin/env node
// Plain JavaScript that any Node can read: an old one must get as far as the message below.
import { readFileSync } from 'node:fs'

const packageJson = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const needed = packageJson.engines.node.replace('>=', '')

if (isOlder(process.versions.node, needed)) {
  process.stderr.write(
    `hotpatch-server: needs Node ${needed} or newer, found ${process.versions.node} at ${process.execPath}. ` +
      'Install a current Node from https://nodejs.org.\n',
  )
  process.exitCode = 1
} else {
  await import('../src/main.ts')
}

function isOlder(found, wanted) {
  const [major = 0, minor = 0] = found.split('.').map(Number)
  const [neededMajor = 0, neededMinor = 0] = wanted.split('.').map(Number)
  return major < neededMajor || (major === neededMajor && minor < neededMinor)
}
