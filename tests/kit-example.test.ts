import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually, startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { startLoad } from '../demo/kit/load.ts'
import { openShop, type Shop } from '../demo/kit/shop.ts'

/** examples/kit has a real edge. */
const hasNginx = process.env.NGINX_PATH !== undefined
const PATHS = ['/api/orders', '/index.html', '/orders.js']
const TAKEN_BACK = 5
const AVAILABLE = 3
/** Some twenty processes one after the other. */
const TOGETHER = { timeout: 1_200_000 }

/** Stays where it is until it is let go, or whoever runs it is gone. */
const HELD_RESTART = `
import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
const parent = process.ppid
writeFileSync('run/reached', '')
while (existsSync('run/hold')) {
  await wait(20)
  if (process.ppid !== parent) process.exit(1)
}
// It is let go when whoever ran it is gone, too.
if (process.ppid !== parent) process.exit(1)
process.argv.push('restart', 'gateway')
await import('./service.mjs')
`

// What a machine does with a kit does not depend on where the server keeps its facts: kit.test.ts has both databases.
describe.skipIf(!hasNginx)('the example of a kit', () => {
  async function startShop(): Promise<Shop> {
    const server = await startServerProcess({ directory: await temporaryDirectory() })
    onTestFinished(() => server.stop().then(() => undefined))
    const shop = await openShop({ directory: await temporaryDirectory(), server })
    onTestFinished(() => shop.stop())
    await shop.publishRelease(1)
    await expectEnd(shop, ['apply', '--yes'], 0)
    expect(await runningIn(shop)).toEqual(FIRST)
    return shop
  }

  test('is installed, updated under load, taken back as a whole, and goes back', TOGETHER, async () => {
    const shop = await startShop()
    const load = startLoad(shop.url, { connections: 4, paths: PATHS, pauseMs: 50 })
    onTestFinished(() => load.stop())

    await shop.publishRelease(2)
    expect(await expectEnd(shop, ['check'], AVAILABLE)).toContain('2.0.0 is available')
    expect(await expectEnd(shop, ['plan'], 0)).toContain('database (migration): 1 → 2, to level 2')
    await expectEnd(shop, ['apply', '--yes'], 0)
    expect(await runningIn(shop)).toEqual(SECOND)

    await shop.publishRelease(3)
    const told = await expectEnd(shop, ['apply', '--yes', '--json'], TAKEN_BACK)
    expect(JSON.parse(told)).toMatchObject({ kind: 'reverted', releaseId: '3.0.0', why: { component: 'gateway' } })
    expect(await runningIn(shop)).toEqual(SECOND)
    expect(JSON.parse(await expectEnd(shop, ['check', '--json'], 0))).toMatchObject({ outcome: 'up_to_date' })

    await shop.rollBack('1.0.0')
    await expectEnd(shop, ['apply', '--yes'], 0)
    // What the migration has added stays: nothing of it is in the way of the release before.
    expect(await runningIn(shop)).toEqual(FIRST)
    await expectEnd(shop, ['doctor'], 0)
    const { answered, failed, problems } = load.take()
    // Of two gateways one answers; on a machine that is busy enough a request may meet the end of both.
    expect(failed * 100, problems.join(', ')).toBeLessThanOrEqual(answered)
    expect(answered).toBeGreaterThan(0)
  })

  test('is whole again after the coordinator was killed in the middle of an apply', TOGETHER, async () => {
    const shop = await startShop()
    await shop.publishRelease(2)
    await holdRestartOfGateway(shop)
    const applying = shop.startKit('apply', '--yes')
    await eventually(() => stat(join(shop.root, 'run', 'reached')))
    applying.kill('SIGKILL')
    await applying.ended
    await rm(join(shop.root, 'run', 'hold'))
    // Half of it is there: the catalog and the settings of release 2, and the gateway of release 1.
    expect(await runningIn(shop)).toEqual({ ...FIRST, web: '2', catalog: '1.1.0', signIn: SECOND.signIn })
    expect(JSON.parse(await expectEnd(shop, ['status', '--json'], 0))).toMatchObject({
      releaseId: '1.0.0',
      openApply: { releaseId: '2.0.0' },
    })

    expect(JSON.parse(await expectEnd(shop, ['recover', '--json'], 0))).toMatchObject({
      kind: 'reverted',
      releaseId: '2.0.0',
    })
    expect(await runningIn(shop)).toEqual(FIRST)
    // It was no fault of the release: nothing keeps it from being applied.
    await expectEnd(shop, ['apply', '--yes'], 0)
    expect(await runningIn(shop)).toEqual(SECOND)
    await expectEnd(shop, ['doctor'], 0)
  })
})

const FIRST = { web: '1', gateway: '1.0.0', catalog: '1.0.0', edge: '1.0.0', signIn: '/sign-in', notes: false }
const SECOND = { web: '2', gateway: '2.0.0', catalog: '1.1.0', edge: '1.1.0', signIn: '/account/sign-in', notes: true }

/** As people see it, through the edge. */
async function runningIn({ url }: Shop) {
  const page = await (await fetch(`${url}/index.html`)).text()
  const answer = await fetch(`${url}/api/orders`)
  const { version, catalog, signIn, orders } = (await answer.json()) as {
    version: string
    catalog: string
    signIn: string
    orders: { item: string; note?: string }[]
  }
  expect(orders.map(({ item }) => item)).toEqual(['coffee', 'tea'])
  return {
    web: /release (\d)/.exec(page)?.[1],
    gateway: version,
    catalog,
    edge: answer.headers.get('x-edge'),
    signIn: signIn.replace(url, ''),
    notes: orders.every(({ note }) => note !== undefined),
  }
}

async function expectEnd(shop: Shop, args: readonly string[], code: number): Promise<string> {
  const ended = await shop.kit(...args)
  expect(ended, `${args.join(' ')}\n${ended.stdout}${ended.stderr}`).toMatchObject({ code })
  return ended.stdout
}

async function holdRestartOfGateway({ root }: Shop): Promise<void> {
  const path = join(root, 'kit.json')
  const kit = JSON.parse(await readFile(path, 'utf8')) as { components: { gateway: { service: object } } }
  kit.components.gateway.service = { ...kit.components.gateway.service, restart: ['node', 'tools/held-restart.mjs'] }
  await writeFile(path, JSON.stringify(kit))
  await writeFile(join(root, 'tools', 'held-restart.mjs'), HELD_RESTART)
  await writeFile(join(root, 'run', 'hold'), '')
}
