import type { App } from '@hotpatch/api'
import { bundleOf, describeOnEveryDatabase, problemOf, startTestServer, type TestServer } from '@hotpatch/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'

describeOnEveryDatabase('lists of releases', (openDatabase) => {
  let server: TestServer
  let app: App
  const ids = new Map<string, string>()
  beforeAll(async () => {
    server = await startTestServer({ database: await openDatabase() })
    app = await server.createTestApp()
    for (const [version, channel] of [
      ['1.0.0', 'production'],
      ['1.1.0-RC.1', 'staging'],
      ['1.1.0', 'production'],
    ] as const) {
      const { releaseId } = await server.published(app, { version, channel, bundle: await bundleOf(version) })
      ids.set(version, releaseId)
    }
  })
  afterAll(() => server.close())

  const versions = async (query: string) => {
    const { body } = await server.request('GET', `/manage/v1/apps/${app.slug}/releases?${query}`)
    return (body.items as { version: string }[]).map(({ version }) => version)
  }
  const act = (version: string, name: string, channel: string) =>
    server.request('POST', `/manage/v1/releases/${ids.get(version)}/${name}?channel=${channel}`)

  test.each([
    ['search=1.1', ['1.1.0', '1.1.0-RC.1']],
    ['search=rc', ['1.1.0-RC.1']],
    ['search=%25', []],
    ['search=1_1', []],
    ['inForceOn=staging', ['1.1.0-RC.1']],
    ['inForceOn=production', ['1.1.0', '1.0.0']],
    ['inForceOn=nowhere', []],
  ])('%s', async (query, expected) => {
    expect(await versions(query)).toEqual(expected)
  })

  test('one that is deactivated is paused where it was in force, and activated again', async () => {
    const paused = await act('1.1.0', 'deactivate', 'production')
    expect(paused.body).toMatchObject({ state: 'paused', channel: 'production' })
    const shown = await server.request('GET', `/manage/v1/releases/${ids.get('1.1.0')}`)
    expect(shown.body.inForce).toMatchObject([{ channel: 'production', state: 'paused', percentage: 100 }])
    expect((await server.check(app)).body).toMatchObject({ version: '1.0.0' })
    expect((await act('1.1.0', 'activate', 'production')).body).toMatchObject({ state: 'active' })
    expect((await server.check(app)).body).toMatchObject({ version: '1.1.0' })
    expect(problemOf(await act('1.1.0', 'activate', 'beta'))).toBe('404 rollout-not-found')
  })

  test('its rollouts and the figures of its kind are listed by themselves', async () => {
    const rollouts = await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts?releaseId=${ids.get('1.0.0')}`)
    expect(rollouts.body.items).toMatchObject([{ version: '1.0.0' }])
    const ofKind = async (kind: string) =>
      (await server.request('GET', `/manage/v1/apps/${app.slug}/rollouts?kind=${kind}`)).body.items.length
    expect([await ofKind('archive'), await ofKind('files')]).toEqual([3, 0])
    const figures = await server.request('GET', `/manage/v1/apps/${app.slug}/insights/releases/figures?kind=archive`)
    expect(figures).toMatchObject({ status: 200, body: { releases: expect.any(Array) } })
    const patches = await server.request('GET', `/manage/v1/apps/${app.slug}/patches?to=${ids.get('1.0.0')}`)
    expect(patches).toMatchObject({ status: 200, body: { items: [] } })
  })
})
