import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

export interface Call {
  root: string
  command: readonly string[]
  env: Readonly<Record<string, string>>
  workdir: string
  /** As numbers: "10001:10001". */
  user: string
  /** What of this machine is where in the root, and can be written there. */
  binds?: Readonly<Record<string, string>>
  /** The root itself cannot be written, and nothing in it becomes root again. */
  isLocked?: boolean
}

/**
 * In namespaces of its own: when it ends, however, its mounts and processes are gone. `--no-new-privs` and the emptied
 * set of capabilities are what a careful operator gives a container.
 */
const ENTER = `
  mount --rbind "$ROOT" "$ROOT"
  mount -t proc proc "$ROOT/proc"
  mount --rbind /dev "$ROOT/dev"
  touch "$ROOT/etc/resolv.conf" 2>/dev/null || true
  [ "$LOCKED" = 1 ] || mount --bind /etc/resolv.conf "$ROOT/etc/resolv.conf"
  for bind in $BINDS; do
    mkdir -p "$ROOT\${bind#*:}"
    mount --bind "\${bind%%:*}" "$ROOT\${bind#*:}"
  done
  if [ "$LOCKED" = 1 ]; then mount -o remount,bind,ro "$ROOT"; fi
  privileges=
  if [ "$LOCKED" = 1 ]; then privileges='setpriv --no-new-privs --inh-caps=-all'; fi
  exec $privileges chroot --userspec="$AS" "$ROOT" /bin/sh -c 'cd "$0" && exec env -i "$@"' "$WORKDIR" "$@"
`

export function startInRoot({
  root,
  command,
  env,
  workdir,
  user,
  binds = {},
  isLocked = false,
}: Call): ChildProcessByStdio<null, Readable, Readable> {
  const variables = Object.entries({ PATH, HOME: '/', ...env }).map(([name, value]) => `${name}=${value}`)
  const own = {
    ROOT: root,
    AS: user,
    WORKDIR: workdir,
    LOCKED: isLocked ? '1' : '0',
    BINDS: Object.entries(binds)
      .map(([inside, outside]) => `${outside}:${inside}`)
      .join(' '),
  }
  const enter = [
    '--mount',
    '--propagation',
    'private',
    '--pid',
    '--fork',
    '--kill-child',
    'sh',
    '-eu',
    '-c',
    ENTER,
    'sh',
  ]
  return spawn('unshare', [...enter, ...variables, ...command], {
    env: { PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...own },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** @throws with what it said, when it does not end with 0 */
export async function runInRoot(call: Call): Promise<string> {
  const child = startInRoot(call)
  const [said, complained, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close') as Promise<[number | null]>,
  ])
  if (code === 0) return said
  throw new Error(`${call.command.join(' ')} ended with ${code}:\n${said.slice(-4000)}\n${complained.slice(-4000)}`)
}
