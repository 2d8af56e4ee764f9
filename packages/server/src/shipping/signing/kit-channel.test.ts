import { kitContentOf, newSigningKey, signKit } from '@hotpatch/testkit'
import { expect, test } from 'vitest'
import { checkStatement, type StatedContent } from './statement-check.ts'

const APP = '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01'
const key = newSigningKey()
const kit = kitContentOf({ tool: { bytes: 'of the tool' } }, { releaseId: '2026.06.02', channel: 'stable' })
function placedOn(channel: string): StatedContent {
  const artifacts = kit.components.flatMap(({ files }) =>
    files.map(({ platform, architecture, sha256, sizeBytes }) => ({
      name: `tool/${platform}-${architecture}`,
      sha256,
      sizeBytes,
    })),
  )
  return {
    appId: APP,
    platform: 'any',
    channel,
    release: { version: '2026.06.02', requirement: {}, content: kit, artifacts },
  }
}

test('a kit is stated for the channel that it is placed on, whichever it was made for', () => {
  const promoted = signKit(key, { ...kit, channel: 'beta' }, { appId: APP, sequence: 2 })
  expect(checkStatement(promoted, [key.publicKey], placedOn('beta')).statement).toMatchObject({ sequence: 2 })
  expect(() => checkStatement(promoted, [key.publicKey], placedOn('stable'))).toThrow(
    'channel: expected "stable", found "beta"',
  )
})
