import {
  requireArchive,
  type App,
  type ManagementClient,
  type NewRelease,
  type PublishedRelease,
  type Release,
} from '@hotpatch/api'
import { writeReleaseStatement, statedArchive } from '@hotpatch/protocol'
import { publishForm } from '../packages/testkit/src/publish-form.ts'
import { newSigningKey, signRelease, signStatement } from '../packages/testkit/src/signing.ts'
import { bundleOf } from '../packages/testkit/src/zip-of.ts'

const PLATFORM = 'android'

/** Somebody who publishes an app, with a signing key that the server never sees. */
export function createPublisher(api: ManagementClient, app: App) {
  const key = newSigningKey()

  /** @param goesBackTo is stated again under the sequence after this one's, for the guard to go back to by itself */
  async function publish(
    version: string,
    options: Partial<NewRelease>,
    goesBackTo?: Release,
  ): Promise<PublishedRelease> {
    const bundle = await bundleOf(`console.log('This is ${version}')`)
    const { nextSequence: sequence } = await api.getNextSequence(app.slug, PLATFORM)
    const signatures = {
      ...signRelease(key, { appId: app.id, platform: PLATFORM, version, sequence, bundle }),
      ...(goesBackTo && prepareRollback(goesBackTo, sequence + 1)),
    }
    return api.publishRelease(app.slug, publishForm({ platform: PLATFORM, version, ...options }, bundle, signatures))
  }

  function prepareRollback(release: Release, sequence: number) {
    const { version, floor, requirement, content } = requireArchive(release)
    const restated = writeReleaseStatement({
      appId: app.id,
      platform: PLATFORM,
      target: 'release',
      version,
      sequence,
      floor,
      requirement,
      ...statedArchive(content),
      createdAt: new Date().toISOString(),
    })
    const { statement, statementSignature } = signStatement(key, restated)
    return { rollbackStatement: statement, rollbackStatementSignature: statementSignature }
  }

  return { publicKey: key.publicKey, publish }
}
