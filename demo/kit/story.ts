import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { startServerProcess } from '../../packages/testkit/src/server-process.ts'
import { startLoad, type LoadFigures } from './load.ts'
import { openShop, type Shop } from './shop.ts'

/** What happened, and what it was to those who were asking meanwhile. */
export interface Chapter extends LoadFigures {
  what: string
  /** Of the command that did it. */
  seconds: number
}

interface Telling {
  /** An empty folder. */
  directory: string
  say: (text: string) => void
  signal: AbortSignal
}

const CONNECTIONS = 8
const PATHS = ['/api/orders', '/index.html', '/orders.js']
const QUIET_MS = 3_000
const TAKEN_BACK = 5

/** Release 1 is installed, 2 follows it under load, 3 is broken, and its publisher goes back to 1. */
export async function tellKitStory({ directory, say, signal }: Telling): Promise<Chapter[]> {
  await mkdir(join(directory, 'server'))
  const server = await startServerProcess({
    directory: join(directory, 'server'),
    env: { HOTPATCH_LOG_LEVEL: 'error' },
  })
  let shop: Shop | undefined
  let load: ReturnType<typeof startLoad> | undefined
  try {
    signal.throwIfAborted()
    say(`The server runs at ${server.url}, on an empty folder. Its publisher makes an app and a key.`)
    shop = await openShop({ directory, server, signal })
    await install(shop, say)
    load = startLoad(shop.url, { connections: CONNECTIONS, paths: PATHS })
    say(`${CONNECTIONS} browsers ask it without a pause, over connections that they keep.`)
    return await update(shop, load, { say, signal })
  } finally {
    await load?.stop()
    await shop?.stop()
    await server.stop()
  }
}

async function install(shop: Shop, say: Telling['say']): Promise<void> {
  await shop.publishRelease(1)
  say('Release 1 is published: hotpatch kit publish release-1/kit.release.json')
  await run(shop, ['apply', '--yes'], 0)
  say(`It is installed where nothing was, and runs at ${shop.url}: ${await describeShop(shop)}.`)
}

type Load = ReturnType<typeof startLoad>

async function update(shop: Shop, load: Load, { say, signal }: Pick<Telling, 'say' | 'signal'>): Promise<Chapter[]> {
  const chapters: Chapter[] = []

  /** What is done, and how it was for those who asked meanwhile. */
  async function chapter(what: string, work: () => Promise<unknown>): Promise<void> {
    signal.throwIfAborted()
    load.take()
    const startedAt = performance.now()
    await work()
    chapters.push({ what, seconds: (performance.now() - startedAt) / 1000, ...load.take() })
  }

  await chapter('Nothing happens', () => wait(QUIET_MS, undefined, { signal }))
  await shop.publishRelease(2)
  say('Release 2 is published. The machine is asked: hotpatch kit check')
  say(`  ${(await run(shop, ['check'], 3)).trim()}`)
  for (const line of (await run(shop, ['plan'], 0)).trim().split('\n')) say(`  ${line}`)
  await chapter('Release 2 is applied', () => run(shop, ['apply', '--yes'], 0))
  say(`hotpatch kit apply --yes: ${await describeShop(shop)}.`)

  await shop.publishRelease(3)
  say('Release 3 is published. Its gateway does not answer its probe: a migration was forgotten.')
  await chapter('Release 3, broken, is taken back', async () => {
    const told = await run(shop, ['apply', '--yes'], TAKEN_BACK)
    say(`  ${told.trim().split('\n')[0]}`)
  })
  say(`Everything of it went back, not the gateway alone: ${await describeShop(shop)}.`)
  say(`  ${(await run(shop, ['check'], 0)).trim()}`)

  await shop.rollBack('1.0.0')
  say('Its publisher does not trust release 2 any more, either: hotpatch rollback --to 1.0.0, signed again.')
  await chapter('Back to release 1', () => run(shop, ['apply', '--yes'], 0))
  say(`${await describeShop(shop)}.`)
  return chapters
}

/** @throws when it ends with another code */
async function run(shop: Shop, args: readonly string[], expected: number): Promise<string> {
  const { code, stdout, stderr } = await shop.kit(...args)
  if (code === expected) return stdout
  throw new Error(`Expected hotpatch kit ${args.join(' ')} to end with ${expected}, found ${code}:\n${stdout}${stderr}`)
}

async function describeShop({ url }: Shop): Promise<string> {
  const page = await (await fetch(`${url}/index.html`)).text()
  const answer = await fetch(`${url}/api/orders`)
  const { version, catalog } = (await answer.json()) as { version: string; catalog: string }
  const web = /release (\d)/.exec(page)?.[1] ?? '?'
  return `web ${web}.0.0, gateway ${version}, catalog ${catalog}, edge ${answer.headers.get('x-edge')}`
}
