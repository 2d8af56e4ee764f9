import { expect, test, vi } from 'vitest'
import type { CohortMembers } from '../rolling-out/cohorts/cohort-members.ts'
import type { ChangeFeed } from '../ground/database/change-topics.ts'
import { createCatalogSync } from './catalog-sync.ts'
import type { Catalogs } from './catalogs.ts'

/** Hears what a test says, and keeps what is sent. */
function startSync() {
  let hear: (detail: string) => void = () => expect.fail('Nobody listens.')
  const told: [topic: string, detail: string][] = []
  const feed: ChangeFeed = {
    on: (_topic, listener) => void (hear = (detail) => void listener(detail)),
    start: () => Promise.resolve(),
    send: (...sent) => {
      told.push(sent)
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  }
  const reload = vi.fn<() => Promise<void>>(() => Promise.resolve())
  const refresh = vi.fn<() => Promise<void>>(() => Promise.resolve())
  const reloadDirectory = vi.fn<() => Promise<void>>(() => Promise.resolve())
  const catalogs = { reload, reloadDirectory, refresh } as unknown as Catalogs
  const cohorts = { refresh: () => Promise.resolve() } as unknown as CohortMembers
  const log = { error: (said: unknown) => void expect.fail(String(said)) } as never
  const sync = createCatalogSync({ catalogs, cohorts, feed, intervalMs: 3_600_000, log })
  sync.start()
  return { sync, hear: (detail: string) => hear(detail), reload, reloadDirectory, refresh, told }
}

test('a change that another server tells of is taken over, and nothing else', async () => {
  const { sync, hear, reload, refresh } = startSync()
  hear(JSON.stringify({ appId: 'a', channel: 'beta', platforms: ['ios', 'any'] }))
  await sync.close()
  expect(reload.mock.calls).toEqual([
    [{ appId: 'a', channel: 'beta', platform: 'ios' }],
    [{ appId: 'a', channel: 'beta', platform: 'any' }],
  ])
  expect(refresh).not.toHaveBeenCalled()
})

test.each(['', 'not JSON', '{}', '{"appId":"a","channel":"beta","platforms":"ios"}', 'null'])(
  'what cannot be understood means that anything may have changed: %j',
  async (detail) => {
    const { sync, hear, reload, refresh } = startSync()
    hear(detail)
    await sync.close()
    expect([reload.mock.calls.length, refresh.mock.calls.length]).toEqual([0, 1])
  },
)

test('what is raised is compiled here before others are told: a catalog by its name, the rest as anything', async () => {
  const { sync, reload, reloadDirectory, told } = startSync()
  const places = { appId: 'a', channel: 'beta', platforms: ['ios' as const] }
  await sync.raise({ catalogs: [places] })
  expect(reload.mock.calls).toEqual([[{ appId: 'a', channel: 'beta', platform: 'ios' }]])
  await sync.raise({ apps: true })
  expect(reloadDirectory).toHaveBeenCalledTimes(1)
  await sync.raise({})
  await sync.close()
  expect(told).toEqual([
    ['catalogs', JSON.stringify(places)],
    ['catalogs', ''],
  ])
})
