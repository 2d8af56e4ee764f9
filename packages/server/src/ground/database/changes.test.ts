import { describeOnEveryDatabase } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { createChanges, type CatalogPlaces, type Raised } from './changes.ts'

describeOnEveryDatabase('a change', (openDatabase) => {
  const write = (tx: Awaited<ReturnType<typeof openDatabase>>, name: string) =>
    tx.insertInto('server_setting').values({ name, value: 'set' }).execute()

  /** Keeps what followed, each with what another connection saw of the change by then. */
  async function start() {
    const db = await openDatabase()
    const followed: unknown[] = []
    const written = db.selectFrom('server_setting').select('name').where('value', '=', 'set')
    const names = async () => (await written.execute()).map(({ name }) => name)
    const changes = createChanges({
      db,
      raise: async (raised: Raised) => void followed.push([raised, await names()]),
      announce: () => void followed.push('announced'),
    })
    return { changes, followed, names }
  }

  test('is committed, then raised, each catalog once, then announced', async () => {
    const { changes, followed } = await start()
    const places = (channel: string): CatalogPlaces => ({ appId: 'a', channel, platforms: ['ios'] })
    const result = await changes.run(async (tx, change) => {
      await write(tx, 'committed')
      change.announce()
      for (const channel of ['beta', 'production', 'beta']) change.raiseCatalogs(places(channel))
      return 'done'
    })
    expect(result).toBe('done')
    const raised = { catalogs: [places('beta'), places('production')], apps: false, cohorts: false }
    expect(followed).toEqual([[raised, ['committed']], 'announced'])
  })

  test('that announces nothing wakes nobody', async () => {
    const { changes, followed } = await start()
    await changes.run(async (tx, change) => {
      await write(tx, 'quiet')
      change.raiseApps()
      change.raiseCohorts()
    })
    expect(followed).toEqual([[{ catalogs: [], apps: true, cohorts: true }, expect.arrayContaining(['quiet'])]])
  })

  test('that fails is neither there, nor raised, nor announced', async () => {
    const { changes, followed, names } = await start()
    const failing = changes.run(async (tx, change) => {
      await write(tx, 'failed')
      change.raiseApps()
      change.announce()
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(followed).toEqual([])
    expect(await names()).not.toContain('failed')
  })

  test('that is rehearsed gives its result and leaves nothing', async () => {
    const { changes, followed, names } = await start()
    const result = await changes.rehearse(async (tx, change) => {
      await write(tx, 'rehearsed')
      change.raiseApps()
      change.announce()
      return 'as if'
    })
    expect(result).toBe('as if')
    expect(followed).toEqual([])
    expect(await names()).not.toContain('rehearsed')
  })
})
