import { zipOf } from '@hotpatch/testkit'
import { expect } from 'vitest'
import { filesAdapter } from './files-adapter.ts'
import { describeComponentAdapter, layFiles, type BeforeCase, type ComponentCase } from '../testing/component-suite.ts'

const NEW = { 'index.html': 'new', 'assets/app.js': 'new app' }
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

const of = async (path: string): Promise<ComponentCase> => ({
  adapter: filesAdapter,
  place: { path },
  artifact: { format: 'zip', bytes: await zipOf(NEW) },
  before: before(path.split('/').length - 1, path),
  expectNew(seen) {
    const files = [...seen].filter(([at]) => at.startsWith(`${path}/`) && seen.get(at) !== 'folder')
    expect(Object.fromEntries(files)).toEqual({
      [`${path}/index.html`]: '644 new',
      [`${path}/assets/app.js`]: '644 new app',
    })
  },
})

describeComponentAdapter('files in the root', await of('web'))
describeComponentAdapter('files deeper', { ...(await of('srv/www/web')), isVariant: true })
