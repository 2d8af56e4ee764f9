import type { Release, RolloutComponents } from '@hotpatch/api'
import { newSigningKey, publishKit, startTestServer } from '@hotpatch/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { createTool } from '../testing/run-tool.ts'

test('a kit is shown component by component, and which of them fails', async () => {
  const server = await startTestServer({ clock: { now: () => Date.now() } })
  onTestFinished(() => server.close())
  const url = await server.listen()
  const tool = await createTool({ HOTPATCH_URL: url, HOTPATCH_TOKEN: server.ownerToken })
  const app = await server.createTestApp({ platforms: ['linux'] })
  const probe = { type: 'http', path: '/healthz', attempts: 3, intervalMs: 10, timeoutMs: 10 } as const
  const { releaseId, rolloutId } = await publishKit(server, app, {
    key: newSigningKey(),
    sequence: 1,
    components: {
      web: { bytes: 'web', version: '1.0' },
      gateway: { bytes: 'gateway', version: '1.4', probe, supportsRollback: false },
    },
    release: { releaseId: '2026.06.02', channel: 'production' },
  })
  const about = { version: '2026.06.02', component: 'gateway' }
  const events = [
    { id: 'a', kind: 'applied', ...about },
    { id: 'b', kind: 'failed', code: 'probe-failed', ...about },
  ]
  const body = { deviceId: 'home-1', platform: 'linux', events }
  await server.request('POST', '/events', { token: null, headers: { 'x-app-key': app.appKey }, body })

  const found = await tool.json<RolloutComponents>('rollouts', 'components', rolloutId, '--app', app.slug)
  expect(found.components).toMatchObject([
    { id: 'web', applied: 0, failed: 0 },
    { id: 'gateway', applied: 1, failed: 1, codes: [{ code: 'probe-failed', devices: 1 }] },
  ])
  const shown = await tool.run(`rollouts components ${rolloutId} --app ${app.slug}`)
  expect(shown.stdout).toMatch(/gateway.*1\.4.*probe-failed \(1\)/)
  expect((await tool.run(`devices show home-1 --app ${app.slug}`)).stdout).toContain('component gateway')

  const release = await tool.run(`releases show ${releaseId}`)
  expect(release.stdout).toMatch(
    /component gateway\s+binary 1\.4; order 1; any any 7 bytes; probe http \/healthz; cannot be/,
  )
  expect((await tool.json<Release>('releases', 'show', releaseId)).content.kind).toBe('kit')
})
