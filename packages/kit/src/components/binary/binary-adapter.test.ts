import { expect } from 'vitest'
import { describeComponentAdapter, layFiles } from '../testing/component-suite.ts'
import { binaryAdapter } from './binary-adapter.ts'

describeComponentAdapter('binary', {
  adapter: binaryAdapter,
  place: { path: 'bin/gateway' },
  artifact: { format: 'raw', bytes: Buffer.from('the new gateway') },
  before: {
    nothing: { lay: async () => undefined },
    'an old one': {
      async lay(disk) {
        await layFiles(disk, { 'bin/gateway': 'the old gateway' })
        await disk.setRights('bin/gateway', { mode: 0o755 })
      },
    },
  },
  expectNew(seen) {
    expect(seen.get('bin/gateway')).toMatch(/ the new gateway$/)
  },
})
