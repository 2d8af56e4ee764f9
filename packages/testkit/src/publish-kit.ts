import type { App, PublishedRelease } from '@hotpatch/api'
import {
  readKitContent,
  requirementOfKit,
  statedKit,
  writeKitContent,
  writeStatement,
  type KitContent,
  type KitFile,
  type NewKitRelease,
} from '@hotpatch/protocol'
import { batchOf } from './publish-files.ts'
import { sha256Of, signStatement, type TestSigningKey } from './signing.ts'
import type { TestServer } from './test-server.ts'

/** What a publish of a kit says of one component, with its bytes for every machine, or for those that are named. */
export type TestComponent = Partial<Omit<KitContent['components'][number], 'files'>> & {
  bytes?: string | Uint8Array
  machines?: readonly Pick<KitFile, 'platform' | 'architecture'>[]
}

/** By id, in the order in which they are applied. */
export type TestComponents = Readonly<Record<string, TestComponent>>

const ALL_MACHINES = [{ platform: 'any', architecture: 'any' }] as const

const fileOf = (bytes: Uint8Array, machine: Pick<KitFile, 'platform' | 'architecture'>): KitFile => ({
  ...machine,
  format: 'raw',
  sha256: sha256Of(bytes),
  sizeBytes: bytes.length,
})

/** A kit as its publisher writes it; what is not said of a component is that of a binary. */
export function kitContentOf(
  components: TestComponents,
  release: Partial<NewKitRelease> & { releaseId: string },
): KitContent {
  const written = writeKitContent({
    channel: 'stable',
    severity: 'informational',
    allowsPartial: false,
    ...release,
    components: Object.entries(components).map(([id, { bytes, machines = ALL_MACHINES, ...component }], index) => ({
      id,
      kind: 'binary',
      version: release.releaseId,
      order: index,
      supportsRollback: true,
      isOptional: false,
      ...component,
      files: bytes === undefined ? [] : machines.map((machine) => fileOf(Buffer.from(bytes), machine)),
    })),
  })
  return readKitContent(written)
}

/** What is signed of a kit, under a sequence. */
export function signKit(
  key: TestSigningKey,
  content: KitContent,
  { appId, sequence, floor = 0 }: { appId: string; sequence: number; floor?: number },
) {
  const text = writeStatement({
    appId,
    platform: 'any',
    target: 'release',
    version: content.releaseId,
    sequence,
    floor,
    requirement: requirementOfKit(content),
    ...statedKit(content),
    createdAt: '2027-01-01T00:00:00.000Z',
  })
  return { text, ...signStatement(key, text), publicKey: key.publicKey }
}

/** Each file of its components, and then what lists them: as a release names it. */
export async function uploadKit(
  server: Pick<TestServer, 'request'>,
  app: Pick<App, 'slug'>,
  components: TestComponents,
  content: KitContent,
) {
  const artifacts = `/manage/v1/apps/${app.slug}/artifacts`
  const files = Object.values(components).flatMap(({ bytes }) => (bytes === undefined ? [] : [Buffer.from(bytes)]))
  const sent = await server.request('POST', `${artifacts}/batch`, { form: batchOf(files) })
  if (sent.status !== 200) throw new Error(`The files were not taken: ${JSON.stringify(sent.body)}`)
  const body = Buffer.from(writeKitContent(content))
  const listed = await server.request('PUT', `${artifacts}/${sha256Of(body)}?kind=kit`, {
    body,
    headers: { 'content-type': 'application/octet-stream' },
  })
  if (listed.status !== 200) throw new Error(`The kit was not taken: ${JSON.stringify(listed.body)}`)
  return { kind: 'kit' as const, sha256: sha256Of(body), sizeBytes: body.length }
}

export interface PublishedKit extends PublishedRelease {
  /** The exact text that was signed. */
  statement: string
  signedContent: KitContent
}

/**
 * Uploads, signs and publishes a kit; `release` is what its manifest says besides, `metadata` what the publish does. Under
 * the next sequence it signs `goesBackTo` again, for a guard to go back to.
 */
export async function publishKit(
  server: Pick<TestServer, 'request'>,
  app: Pick<App, 'slug' | 'id'>,
  {
    key,
    sequence,
    components,
    release,
    metadata = {},
    goesBackTo,
  }: {
    key: TestSigningKey
    sequence: number
    components: TestComponents
    release: Partial<NewKitRelease> & { releaseId: string }
    metadata?: Record<string, unknown>
    goesBackTo?: KitContent
  },
): Promise<PublishedKit> {
  const content = kitContentOf(components, release)
  const named = await uploadKit(server, app, components, content)
  const { text, ...signatures } = signKit(key, content, { appId: app.id, sequence })
  const back = goesBackTo && signKit(key, goesBackTo, { appId: app.id, sequence: sequence + 1 })
  const { minInstallerVersion, releaseId: version, channel } = content
  const { status, body } = await server.request('POST', `/manage/v1/apps/${app.slug}/releases`, {
    body: {
      metadata: {
        platform: 'any',
        version,
        channel,
        content: named,
        ...(minInstallerVersion !== undefined && { minNativeVersion: minInstallerVersion }),
        ...metadata,
      },
      ...signatures,
      ...(back && { rollbackStatement: back.statement, rollbackStatementSignature: back.statementSignature }),
    },
  })
  if (status !== 201) throw new Error(`The kit was not taken: ${JSON.stringify(body)}`)
  return { ...(body as PublishedRelease), statement: text, signedContent: content }
}
