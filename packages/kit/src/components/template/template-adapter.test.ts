import { expect } from 'vitest'
import { describeComponentAdapter, layFiles } from '../testing/component-suite.ts'
import { templateAdapter } from './template-adapter.ts'

describeComponentAdapter('template', {
  adapter: templateAdapter,
  place: { path: 'edge/site.conf' },
  installation: { variables: { SITE: 'home.example.com' } },
  artifact: { format: 'raw', bytes: Buffer.from('server_name ${SITE}; set $v ${host}; # ${HOTPATCH_KIT_VERSION}\n') },
  before: {
    nothing: { lay: async () => undefined },
    'an old one': { lay: (disk) => layFiles(disk, { 'edge/site.conf': 'old settings' }) },
  },
  expectNew(seen) {
    expect(seen.get('edge/site.conf')).toMatch(/^\d+ server_name home\.example\.com; set \$v \$\{host\}; # 2\.0\.0\n$/)
  },
})
