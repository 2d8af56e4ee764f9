import { writeZip } from '@hotpatch/testkit/archives'
import { expect } from 'vitest'
import { filesAdapter } from './files-adapter.ts'
import { describeComponentAdapter, layFiles, type BeforeCase, type ComponentCase } from '../testing/component-suite.ts'

const NEW = writeZip([
  { name: 'index.html', content: 'new', unixMode: 0o100644 },
  { name: 'assets/app.js', content: 'new app' },
  { name: 'bin/start', content: 'new program', unixMode: 0o100755 },
  // Of rights nothing else is taken.
  { name: 'bin/all', content: 'another', unixMode: 0o106777 },
])
const OLD_VERSION = `.kit/versions/part/${'a'.repeat(64)}`

const before = (depth: number, path: string): Record<string, BeforeCase> => ({
  nothing: { lay: async () => undefined },
  'a folder': {
    lay: (disk) => layFiles(disk, { [`${path}/index.html`]: 'old', [`${path}/old/deep.txt`]: 'old' }),
    isMovedAside: true,
  },
  'an earlier version': {
    async lay(disk) {
      await layFiles(disk, { [`${OLD_VERSION}/index.html`]: 'old' })
      if (path.includes('/')) await disk.makeDirectory(path.slice(0, path.lastIndexOf('/')))
      await disk.link('../'.repeat(depth) + OLD_VERSION, path)
    },
  },
})

const of = (path: string): ComponentCase => ({
  adapter: filesAdapter,
  place: { path },
  artifact: { format: 'zip', bytes: NEW },
  before: before(path.split('/').length - 1, path),
  expectNew(seen) {
    const files = [...seen].filter(([at]) => at.startsWith(`${path}/`) && seen.get(at) !== 'folder')
    expect(Object.fromEntries(files)).toEqual({
      [`${path}/index.html`]: '644 new',
      [`${path}/assets/app.js`]: '644 new app',
      [`${path}/bin/start`]: '755 new program',
      [`${path}/bin/all`]: '755 another',
    })
  },
})

describeComponentAdapter('files in the root', of('web'))
describeComponentAdapter('files deeper', { ...of('srv/www/web'), isVariant: true })
