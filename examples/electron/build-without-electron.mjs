// electron-builder as it is, where Electron and its tools cannot be downloaded:
// node build-without-electron.mjs [--version 1.1.0] [--url https://…/electron/demo/] [--output dist]
// What README.md says stands in for what is absent. All else is made as it is always made.
import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const EXAMPLE = fileURLToPath(new URL('.', import.meta.url))
const require = createRequire(import.meta.url)
const { values } = parseArgs({
  options: { version: { type: 'string' }, url: { type: 'string' }, output: { type: 'string', default: 'dist' } },
})
const output = resolve(values.output)
const temporary = mkdtempSync(join(tmpdir(), 'hotpatch-electron-'))

try {
  const env = { ...process.env, ...tools(join(temporary, 'tools')), ELECTRON_BUILDER_OFFLINE: 'true' }
  build('--linux', 'AppImage', '--x64', '--arm64', `-c.electronDist=${electron(join(temporary, 'electron'))}`)
  build('--mac', 'zip', '--x64', '--arm64', '--prepackaged', macApp(join(temporary, 'Demo.app')))

  function build(...args) {
    const given = [`-c.directories.output=${output}`, '-c.npmRebuild=false', '--publish', 'never']
    if (values.version) given.push(`-c.extraMetadata.version=${values.version}`)
    if (values.url) given.push(`-c.publish.url=${values.url}`)
    const command = require.resolve('electron-builder/cli.js')
    execFileSync(process.execPath, [command, ...args, ...given], { cwd: EXAMPLE, env, stdio: ['ignore', 2, 2] })
  }
} finally {
  rmSync(temporary, { recursive: true })
}

/** In the place of Electron's own files: a program of its name. */
function electron(folder) {
  mkdirSync(join(folder, 'resources'), { recursive: true })
  writeFileSync(join(folder, 'version'), '38.0.0')
  program(join(folder, 'electron'), 'echo "This is not Electron."')
  return folder
}

/** electron-builder packs the app, but cannot make one for macOS without Electron's. */
function macApp(folder) {
  mkdirSync(join(folder, 'Contents', 'MacOS'), { recursive: true })
  const version = values.version ?? require('./package.json').version
  const facts = {
    CFBundleIdentifier: 'com.example.demo',
    CFBundleShortVersionString: version,
    CFBundleVersion: version,
  }
  const entries = Object.entries(facts).map(([key, value]) => `<key>${key}</key><string>${value}</string>`)
  writeFileSync(
    join(folder, 'Contents', 'Info.plist'),
    `<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict>${entries.join('')}</dict></plist>\n`,
  )
  program(join(folder, 'Contents', 'MacOS', 'Demo'), `echo "Demo ${version}"`)
  return folder
}

/** What electron-builder would download: the system's mksquashfs, and the first bytes of an AppImage's runtime. */
function tools(folder) {
  for (const part of ['linux-x64', 'linux-arm64', 'lib/x64']) mkdirSync(join(folder, part), { recursive: true })
  const runtime = Buffer.alloc(64)
  runtime.write('\x7fELF\x02\x01\x01\x00AI\x02', 'latin1')
  for (const part of ['linux-x64', 'linux-arm64']) {
    symlinkSync(findOnPath('mksquashfs'), join(folder, part, 'mksquashfs'))
    symlinkSync(findOnPath('true'), join(folder, part, 'desktop-file-validate'))
  }
  for (const name of ['runtime-x64', 'runtime-arm64']) writeFileSync(join(folder, name), runtime)
  const { path7za } = require('7zip-bin')
  chmodSync(path7za, 0o755)
  return { APPIMAGE_TOOLS_PATH: folder, ELECTRON_BUILDER_7ZIP_PATH: path7za }
}

function program(path, command) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, `#!/bin/sh\n${command}\n`, { mode: 0o755 })
}

function findOnPath(name) {
  const found = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(existsSync)
  if (found) return found
  throw new Error(`${name} is not on PATH. Debian: apt-get install squashfs-tools`)
}
