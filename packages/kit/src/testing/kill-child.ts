import { once } from 'node:events'
import { createRealKit, REAL_RELEASES } from './real-kit.ts'

/** Applies a release, and waits for a line behind each record of its journal: to be ended at any of them. */
const [root = '', name = ''] = process.argv.slice(2)
const release = REAL_RELEASES[name as keyof typeof REAL_RELEASES]

const kit = createRealKit(root, {
  isSlow: name === 'slow',
  async afterRecord() {
    process.stdout.write('record\n')
    await once(process.stdin, 'data')
  },
})
const { kind } = await kit.apply(release)
process.stdout.write(`${kind}\n`)
process.stdin.destroy()
