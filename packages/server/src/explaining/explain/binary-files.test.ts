import { expect, test } from 'vitest'
import { describeBinaries, mendBinaries } from './binary-files.ts'

const exe = { format: 'exe', architecture: 'x64' }
const takes = {
  formats: ['exe', 'msi'],
  architectures: ['x64', 'any'],
  scheme: 'minisign',
  versions: 'semver' as const,
}

test.each([
  ['is not signed', { version: '1.2.0', binaries: [exe] }, 'Add the signature of minisign to 1.2.0 for windows'],
  ['has another notation', { version: '1.2', binaries: [exe] }, 'a version of three numbers'],
  ['has no file for it', { version: '1.2.0', binaries: [{ ...exe, architecture: 'arm64' }] }, 'under a new version'],
])('what %s says what is there and how to mend it', (_case, refused, mend) => {
  const found = `is there as exe for ${refused.binaries[0]?.architecture}, and the client on the device takes exe or msi for x64 or any signed by minisign`
  expect(describeBinaries(refused, takes)).toContain(found)
  expect(mendBinaries(refused, takes, 'windows')).toContain(mend)
})

test('what else is signed is told, and that there may be no file at all', () => {
  const signed = { ...exe, signatures: [{ scheme: 'minisign' }] }
  expect(describeBinaries({ version: '1.2.0', binaries: [signed] }, { formats: ['msi'] })).toBe(
    'is there as exe for x64 (minisign), and the client on the device takes msi.',
  )
  expect(describeBinaries({ version: '1.2.0', binaries: [] }, { formats: ['msi'] })).toContain(
    'no file for this platform',
  )
})
