import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readKitContent, requirementOfKit, statedKit, writeKitContent, writeStatement } from '@hotpatch/protocol'
import { signStatement, type TestSigningKey } from '@hotpatch/testkit'

const APP = '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01'

/** As "hotpatch kit bundle" writes it, of executables whose bytes lie in `artifacts` already. */
export async function writeKitBundle(
  directory: string,
  { key, files }: { key: TestSigningKey; files: readonly { sha256: string; sizeBytes: number }[] },
): Promise<void> {
  const written = writeKitContent({
    channel: 'stable',
    severity: 'informational',
    allowsPartial: false,
    releaseId: '1.0.0',
    components: files.map(({ sha256, sizeBytes }, index) => ({
      id: `part-${index}`,
      kind: 'binary',
      version: '1.0.0',
      order: index,
      supportsRollback: true,
      isOptional: false,
      files: [{ platform: 'any', architecture: 'any', format: 'raw', sha256, sizeBytes }],
    })),
  })
  const content = readKitContent(written)
  const text = writeStatement({
    appId: APP,
    platform: 'any',
    target: 'release',
    version: content.releaseId,
    sequence: 1,
    floor: 0,
    requirement: requirementOfKit(content),
    ...statedKit(content),
    createdAt: '2027-01-01T00:00:00.000Z',
  })
  const { statementSignature } = signStatement(key, text)
  const signatures = [{ scheme: 'ed25519', value: statementSignature }]
  await writeFile(join(directory, 'latest.json'), text)
  await writeFile(join(directory, 'latest.json.sig'), JSON.stringify({ signatures }))
}
