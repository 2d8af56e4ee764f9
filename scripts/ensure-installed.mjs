// Installs what package-lock.json names when something of it is missing. Plain JavaScript for any Node >= 20, without
// dependencies: this runs in a clean clone.
import { existsSync, linkSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { exitWith, pathWithBinaries, pathWithoutBinaries, root, run } from './lib/child.mjs'

/** Why `directory` needs an install, or undefined when everything that its lock file names is there. */
export function whatIsMissing(directory) {
  const wanted = readPackages(join(directory, 'package-lock.json'))
  if (!wanted) throw new Error(`There is no readable package-lock.json in ${directory}.`)
  const installed = readPackages(join(directory, 'node_modules', '.package-lock.json'))
  if (!installed) return 'nothing is installed yet'

  for (const [path, { version, optional, link }] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) continue
    // Optional packages are those of other systems; one for this system comes and changes with the package that wants it.
    if (optional && !installed[path]) continue
    if (!installed[path] || !existsSync(join(directory, path))) return `${nameOf(path)} is missing`
    if (!link && installed[path].version !== version) {
      return `${nameOf(path)} is ${installed[path].version}, the lock file says ${version}`
    }
  }
  return undefined
}

export async function ensureInstalled(directory = root) {
  if (!whatIsMissing(directory)) return

  const release = await takeInstallLock(join(directory, '.install-lock'))
  try {
    const reason = whatIsMissing(directory)
    if (!reason) return
    console.error(`hotpatch: installing in ${directory} (${reason})`)
    await installFromLock(directory)
    const still = whatIsMissing(directory)
    if (still) throw new Error(`npm ci ended without an error in ${directory}, but ${still}.`)
  } finally {
    release()
  }
}

async function installFromLock(directory) {
  // NODE_ENV=production would leave out the pinned Node and all the tools.
  // Warnings about a system Node older than the packages want are beside the point: the pinned one will run them.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error']
  // At the root, npm must not run on the Node that it is about to replace. Elsewhere the pinned one is the right one.
  const env = { ...withoutOuterNpm(process.env), PATH: directory === root ? pathWithoutBinaries() : pathWithBinaries() }
  const shell = process.platform === 'win32' // npm is npm.cmd there
  let code
  try {
    code = await run('npm', args, { cwd: directory, env, shell, stdio: ['ignore', 2, 2] })
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    throw new Error('npm was not found on PATH. HotPatch needs it once, to install: see https://nodejs.org.', {
      cause: error,
    })
  }
  if (code !== 0) {
    throw new Error(`npm ci failed in ${directory} with exit code ${code}. Its own message is above.`)
  }
}

/** `npm run` hands its options down to every npm below it. These are about the outer command, not about an install. */
function withoutOuterNpm(env) {
  const outer =
    /^npm_(?!config_)|^npm_config_(local_prefix|prefix|global|location|workspaces?|include_workspace_root|if_present|ignore_scripts|omit|include|only|production|dev|dry_run|json|loglevel|package_lock(_only)?|script_shell)$/i
  return Object.fromEntries(Object.entries(env).filter(([name]) => !outer.test(name)))
}

/** Two installs in one folder break each other. The lock names its process, so that a killed one is not waited for. */
async function takeInstallLock(path) {
  const mine = `${path}.${process.pid}`
  writeFileSync(mine, String(process.pid))
  try {
    let told = false
    while (!linked(mine, path)) {
      const holder = readText(path)
      if (holder && !isRunning(Number(holder))) {
        breakLock(path, holder)
        continue
      }
      if (!told) console.error(`hotpatch: waiting for another install (process ${holder})`)
      told = true
      await sleep(200)
    }
  } finally {
    rmSync(mine, { force: true })
  }
  return () => rmSync(path, { force: true })
}

/** Renames first and looks then: in between, another process may have broken the lock and taken it. */
function breakLock(path, deadHolder) {
  const aside = `${path}.broken-${process.pid}`
  try {
    renameSync(path, aside)
  } catch {
    return // somebody else was first
  }
  if (readText(aside) !== deadHolder) linked(aside, path)
  rmSync(aside, { force: true })
}

function linked(from, to) {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // not there (any more)
  }
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages
  } catch {
    return undefined // absent, or cut short by an install that was killed: both mean to install
  }
}

function nameOf(path) {
  return path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await exitWith(() => ensureInstalled())
}
