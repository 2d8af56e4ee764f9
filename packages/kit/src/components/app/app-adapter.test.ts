import { writeZip } from '@hotpatch/testkit/archives'
import { expect, test } from 'vitest'
import { createLossyDisk } from '../../testing/lossy-disk.ts'
import { describeComponentAdapter, layFiles, workOn, type ComponentCase } from '../testing/component-suite.ts'
import { appAdapter } from './app-adapter.ts'

const DIGEST = 'c'.repeat(64)
const OLD = JSON.stringify({
  bundle_version: '1.0.0',
  staged_at: '2026-01-01T00:00:00Z',
  artifact_digest: `sha256:${DIGEST}`,
})

const staged: ComponentCase = {
  adapter: appAdapter,
  place: { path: 'shell/staged' },
  artifact: { format: 'raw', bytes: Buffer.from('the new shell') },
  before: {
    nothing: { lay: async () => undefined },
    'an empty folder': { lay: (disk) => disk.makeDirectory('shell/staged') },
    'an old bundle': {
      lay: (disk) =>
        layFiles(disk, { [`shell/staged/${DIGEST}.bundle`]: 'old shell', 'shell/staged/staged.json': OLD }),
    },
  },
  expectNew(seen) {
    const { file, ...pointer } = JSON.parse(seen.get('shell/staged/staged.json')?.replace(/^\d+ /, '') ?? '') as Record<
      string,
      unknown
    >
    expect(pointer).toEqual({
      bundle_version: '2.0.0',
      staged_at: expect.stringMatching(/^\d{4}-.*Z$/),
      artifact_digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      size_bytes: 13,
    })
    expect(seen.get(`shell/staged/${String(file)}`)).toBe('644 the new shell')
  },
}

describeComponentAdapter('a staged app', staged)

const APP = writeZip([
  { name: 'main.js', content: 'new' },
  { name: 'shell', content: 'program', unixMode: 0o100755 },
])

describeComponentAdapter('an app that is a folder', {
  adapter: appAdapter,
  place: { path: 'shell/app' },
  artifact: { format: 'zip', bytes: APP },
  before: {
    nothing: { lay: async () => undefined },
    'a folder': { lay: (disk) => layFiles(disk, { 'shell/app/main.js': 'old' }), isMovedAside: true },
  },
  expectNew(seen) {
    expect(seen.get('shell/app/main.js')).toBe('644 new')
    expect(seen.get('shell/app/shell')).toBe('755 program')
  },
  isVariant: true,
})

test('what is staged is known by what stands beside it, and old bundles go with the commit', async () => {
  const disk = createLossyDisk()
  await staged.before['an old bundle']?.lay(disk)
  const work = workOn(staged, disk)
  await disk.makeDirectory('.kit/artifacts')
  await disk.write(work.artifactPath ?? '', Buffer.from('the new shell'))
  expect(await appAdapter.inspect(work)).toEqual({ version: '1.0.0', sha256: DIGEST, stagedAt: '2026-01-01T00:00:00Z' })
  await appAdapter.prepare(work)
  await appAdapter.apply(work)
  expect(await disk.stat(`shell/staged/${DIGEST}.bundle`)).toBeDefined()
  await appAdapter.cleanUp(work)
  expect(await disk.list('shell/staged')).toEqual([`${work.step.file?.sha256}.bundle`, 'staged.json'])
  expect(await appAdapter.inspect(work)).toMatchObject({ version: '2.0.0', sha256: work.step.file?.sha256 })
  await disk.write('shell/staged/staged.json', Buffer.from('no JSON'))
  expect(await appAdapter.inspect(work)).toBeUndefined()
})
