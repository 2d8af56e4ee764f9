import { execFile } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { need } from './needs.ts'

const exec = promisify(execFile)
const INSTALL_TIMEOUT_MS = 5 * 60_000
const DONE = 'installed.json'

/**
 * What a peer has published, in a folder outside of this repository, as npm installs it on the day: what it depends on is as
 * new as it allows. It stays there for the next run. Nothing in it runs at the install.
 *
 * @throws NotHere when it cannot be had
 */
export async function installPackages(name: string, packages: Readonly<Record<string, string>>): Promise<string> {
  const folder = join(tmpdir(), 'hotpatch-peers', name)
  const wanted = JSON.stringify({ private: true, dependencies: packages })
  if ((await readFile(join(folder, DONE), 'utf8').catch(() => '')) === wanted) return folder
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), wanted)
  const flags = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock', '--loglevel=error']
  const install = exec('npm', ['install', ...flags], { cwd: folder, timeout: INSTALL_TIMEOUT_MS })
  await need(`npm install of ${Object.keys(packages).join(', ')}`, install)
  await writeFile(join(folder, DONE), wanted)
  return folder
}
