// Runs child processes for the scripts. Plain JavaScript for any Node >= 20: this runs before anything is installed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

const binaries = join(root, 'node_modules', '.bin')
const windows = process.platform === 'win32'
const pinnedNode = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node')

/**
 * Runs a command and resolves to its exit code (128 + signal number when a signal ended it).
 *
 * The child gets a process group of its own, so that a Ctrl-C, which the terminal sends to the whole group and npm then
 * sends once more, reaches it once: from here. A repeat a second later is somebody insisting, and is passed on.
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', detached: !windows, ...options })
    const passedOnAt = new Map()
    const passOn = (signal) => {
      const now = Date.now()
      if (windows || now - (passedOnAt.get(signal) ?? -Infinity) < 1000) return
      passedOnAt.set(signal, now)
      child.kill(signal)
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP']
    for (const signal of signals) process.on(signal, passOn)
    // npm sends a SIGTERM to the shell between it and us, which dies without a word: that is how we hear of it.
    const parent = process.ppid
    const lookAfterParent = () => {
      if (process.ppid === parent) return
      clearInterval(watch)
      passOn('SIGTERM')
    }
    const watch = process.env.npm_lifecycle_event ? setInterval(lookAfterParent, 250) : undefined
    const settle =
      (finish) =>
      (...values) => {
        clearInterval(watch)
        for (const signal of signals) process.off(signal, passOn)
        finish(...values)
      }
    child.on('error', settle(reject))
    child.on(
      'exit',
      settle((code, signal) => resolve(code ?? 128 + constants.signals[signal])),
    )
  })
}

/** Runs a file (TypeScript too) on the Node that the lock file pins. `args` are Node's own options, the file, its arguments. */
export function runPinnedNode(args, env = {}, stdio = 'inherit') {
  if (!existsSync(pinnedNode)) {
    throw new Error(
      `The pinned Node is missing: ${pinnedNode} does not exist. The package "node" puts it there with an install ` +
        'script. If your npm is told to ignore those, run: npm rebuild node --ignore-scripts=false',
    )
  }
  const followParent = pathToFileURL(join(root, 'scripts', 'lib', 'follow-parent.mjs')).href
  return run(pinnedNode, ['--import', followParent, ...args], {
    env: { ...process.env, PATH: pathWithBinaries(), ...env },
    stdio,
  })
}

/** PATH with this repository's own tools (the pinned Node among them) first, or without them. */
export function pathWithBinaries() {
  return [binaries, pathWithoutBinaries()].join(delimiter)
}

export function pathWithoutBinaries() {
  const ours = (folder) => folder === binaries || folder.startsWith(join(root, 'packages'))
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder && !ours(folder))
    .join(delimiter)
}

/** Makes the exit code of `task` that of the process; an error becomes its message and exit code 1. */
export async function exitWith(task) {
  try {
    process.exitCode = await task()
  } catch (error) {
    console.error(`hotpatch: ${error.message}`)
    process.exitCode = 1
  }
}
