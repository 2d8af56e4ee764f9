import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { MissingTool } from '../../real-clients/attempt.ts'

/** The first Debian that has Swift. */
const SUITE = 'trixie'
const PACKAGES = [
  'swiftlang',
  'libc6-dev',
  'libstdc++-14-dev',
  'pkg-config',
  'git',
  'ca-certificates',
  // What stands for CryptoKit and Compression there.
  'libssl-dev',
  'zlib1g-dev',
  'libbrotli-dev',
]

/** What is made is kept here, outside the checkout: some 3 GB. */
const FOLDER = join(tmpdir(), 'hotpatch-swift')
const CHECKOUT = fileURLToPath(new URL('../../..', import.meta.url))
/** `debootstrap` fetches 100 MB, and Swift is 600 MB. */
const MAKING_MS = 20 * 60_000

/** Where Debian has what only root runs. */
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`

const NEEDS = {
  debootstrap: 'the package "debootstrap"',
  unshare: 'the package "util-linux"',
  flock: 'the package "util-linux"',
}

export interface SwiftChroot {
  /** What is /build there, kept for this checkout. */
  build: string
  /** Runs it there, in the folder of the Swift sources, and says how it ended. What it prints goes where ours does. */
  run(command: readonly string[], env?: Readonly<Record<string, string>>): Promise<number>
}

/** @throws MissingTool saying why there is none on this machine */
export async function swiftChroot(sources: string): Promise<SwiftChroot> {
  const name = `${SUITE}-${shortHash(PACKAGES.join(' '))}`
  const root = join(FOLDER, name)
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    throw new MissingTool('Swift runs in a folder that only root can make on Linux, and this is not root')
  }
  for (const [tool, where] of Object.entries(NEEDS)) {
    // A chroot that is there needs no tool to make it.
    if (tool === 'debootstrap' && existsSync(root)) continue
    if (!(await succeeds('sh', ['-c', `command -v ${tool}`]))) throw new MissingTool(`${tool} is missing: ${where}`)
  }
  if (!(await succeeds('unshare', ['--mount', '--pid', '--fork', 'true']))) {
    throw new MissingTool('this machine lets nobody mount folders, as some containers do')
  }
  if (!existsSync(root)) await make(root)
  // Others' checkouts have other sources. Who builds the same twice waits (in-chroot.sh).
  const build = join(FOLDER, `build-${shortHash(`${root} ${CHECKOUT}`)}`)
  return {
    build,
    run(command, env = {}) {
      const script = fileURLToPath(new URL('in-chroot.sh', import.meta.url))
      const enter = ['sh', '-c', 'cd "$0" && exec "$@"', `/checkout/${sources}`]
      return ended(
        spawn(script, [root, CHECKOUT, build, ...enter, ...command], {
          env: { PATH, HOME: '/root', LANG: 'C.UTF-8', ...everyCut(), ...env },
          stdio: ['ignore', 'inherit', 'inherit'],
        }),
      )
    },
  }
}

/** `HOTPATCH_EVERY_CUT=1`: the power goes at every single change of a disk, which takes minutes. */
function everyCut(): Record<string, string> {
  const { HOTPATCH_EVERY_CUT } = process.env
  return HOTPATCH_EVERY_CUT === undefined ? {} : { HOTPATCH_EVERY_CUT }
}

async function make(root: string): Promise<void> {
  console.log('Making a Debian with Swift, once: some minutes, and 3 GB.')
  const script = fileURLToPath(new URL('make-chroot.sh', import.meta.url))
  const child = spawn(script, [root, SUITE, ...PACKAGES], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: MAKING_MS,
    env: { PATH, HOME: '/root', LANG: 'C.UTF-8' },
  })
  const [printed, complained, code] = await Promise.all([text(child.stdout), text(child.stderr), ended(child)])
  if (code === 0) return
  const said = `${printed}\n${complained}`.trim().split('\n').slice(-3).join('; ')
  throw new MissingTool(`a Debian with Swift cannot be made here: ${said}`)
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return (await ended(spawn(command, args, { stdio: 'ignore', env: { PATH } })).catch(() => 1)) === 0
}

function ended(child: ReturnType<typeof spawn>): Promise<number> {
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

function shortHash(value: string): string {
  return createHash('sha256').update(value).digest('hex').slice(0, 12)
}
