import type { AuditEntry, Page, Release, Rollout } from '@hotpatch/api'
import { describe, expect, test } from 'vitest'
import { useServer } from '../testing/server-suite.ts'

const server = useServer()

describe('audit', () => {
  test('says who changed what, of the app of the project', async () => {
    const tool = await server.createPublisher({ key: false })
    await tool.json('apps', 'set', tool.app.slug, '--name', 'Renamed', '--yes')
    const other = await server.createPublisher({ key: false })
    const { items } = await tool.json<Page<AuditEntry>>('audit --action app.changed')
    expect(items).toMatchObject([{ action: 'app.changed', subjectId: tool.app.id, after: { name: 'Renamed' } }])
    const { stdout } = await tool.run('audit --action app.changed')
    expect(stdout).toContain(`name ${tool.app.slug} → Renamed`)
    expect(stdout).not.toContain(other.app.id)
    expect((await tool.run(['audit', '--subject', other.app.id])).stderr).toBe('None.\n')
  })
})

describe('what was made by mistake', () => {
  test('is deleted, and what was used is not', async () => {
    const tool = await server.createPublisher({ key: false })
    await tool.json('channels create bta --yes')
    expect(await tool.json('channels delete bta --yes')).toMatchObject({ name: 'bta' })
    await tool.json('apps create my-ap --yes')
    expect(await tool.json('apps delete my-ap --yes')).toMatchObject({ slug: 'my-ap' })
    await tool.write({ 'dist/index.android.bundle': 'console.log(1)' })
    await tool.json('release --platform android --version 1.0.0 --bundle-dir dist --yes')
    const { exitCode, stderr } = await tool.run(['apps', 'delete', tool.app.slug, '--yes'])
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining('has releases or devices')])
  })
})

describe('releases archive', () => {
  test('takes a release back everywhere and keeps its record', async () => {
    const tool = await server.createPublisher({ key: false })
    await tool.write({ 'dist/index.android.bundle': 'console.log(1)' })
    await tool.json('release --platform android --version 1.0.0 --bundle-dir dist --yes')
    const { items } = await tool.json<Page<Release>>('releases list')
    const id = items[0]?.id ?? ''
    const refused = await tool.run(['releases', 'archive', id])
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('Give --yes')])
    expect(await tool.json('releases', 'archive', id, '--yes')).toMatchObject({ id, archivedAt: expect.any(String) })
    expect((await tool.json<Page<Release>>('releases list')).items).toEqual([])
    expect((await tool.json<Page<Release>>('releases list --archived')).items).toMatchObject([{ id }])
    expect((await tool.json<Page<Rollout>>('rollouts list')).items).toMatchObject([{ state: 'withdrawn' }])
  })
})
