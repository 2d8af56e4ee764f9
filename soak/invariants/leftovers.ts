import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { childrenOf } from '../machines/processes.ts'
import type { World } from '../world.ts'

/** With the process that works on it. */
const PART = /-(\d+)-[0-9a-f-]{36}\.part$|\.part$/
/** An upload and what is written of it: what was killed while it began is swept after an hour. */
const UPLOAD = /^([0-9a-f-]{36}~[0-9a-f-]{36})/

/** It takes the name away as soon as it has the file: whoever is killed in between leaves one, and nobody knows whose. */
const OF_SQLITE = /^etilqs_[0-9a-f]+$/

const SWEPT_WITHIN_MS = 20_000

/** After a stop and a start: what is on its way to somewhere must be gone, but for uploads that may go on. */
export async function lookForLeftovers(world: World): Promise<void> {
  const { site, findings, ledger } = world
  const deadline = performance.now() + SWEPT_WITHIN_MS
  let left = await findLeftovers(world)
  while (left.length > 0 && performance.now() < deadline) {
    await wait(500)
    left = await findLeftovers(world)
  }
  findings.expectThat('nothing-left', left.length === 0, () => `There is still ${left.join(', ')}.`)
  const files = (await filesOf(site)).map((path) => UPLOAD.exec(path.split('/').at(-1) ?? '')?.[1])
  const unknown = files.filter((upload) => upload !== undefined && !ledger.uploads.has(upload))
  findings.count('files of uploads that nobody knows of, for the sweep of the next hour', unknown.length)
  for (const name of await readdir(site.temporary)) {
    if (OF_SQLITE.test(name)) {
      findings.count('temporary files of SQLite that a kill has left')
      continue
    }
    findings.expectThat('nothing-left', false, () => `The folder for temporary files has ${name}.`)
  }
}

async function findLeftovers({ site }: World): Promise<string[]> {
  const alive = new Set(site.servers.flatMap((server) => [server.pid() ?? 0, ...childrenOf(server.pid() ?? 0)]))
  const isLeft = (path: string) => {
    const file = path.split('/').at(-1) ?? ''
    const [part, pid] = PART.exec(file) ?? []
    return part !== undefined && (pid === undefined || !alive.has(Number(pid)))
  }
  return (await filesOf(site)).filter(isLeft)
}

async function filesOf({ servers }: World['site']): Promise<string[]> {
  const found = await Promise.all([...new Set(servers.map(({ directory }) => directory))].map(filesBelow))
  return found.flat()
}

async function filesBelow(directory: string): Promise<string[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}
