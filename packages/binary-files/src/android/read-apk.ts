import type { FileHandle } from 'node:fs/promises'
import type { ReadApplication, ReadingLimits } from '../application.ts'
import { openPackageZip } from '../package-zip.ts'
import { readingOf, refusal } from '../refusal.ts'
import { asApplication, readAndroidManifest } from './android-manifest.ts'
import { openApkResources } from './apk-resources.ts'
import { readApkCertificates } from './apk-signatures.ts'
import { elementsIn } from './binary-xml.ts'

const MANIFEST = 'AndroidManifest.xml'

export async function readApk(handle: FileHandle, limits: ReadingLimits): Promise<ReadApplication> {
  const zip = await openPackageZip(handle, limits)
  const bytes = await zip.read(MANIFEST, limits.maxManifestBytes)
  if (!bytes) throw refusal(`Expected ${MANIFEST} at the root of the zip, found none: it is no APK.`)
  const manifest = readingOf(MANIFEST, () => readAndroidManifest(elementsIn(bytes)))
  if (manifest.split !== undefined) {
    const found = `the part ${JSON.stringify(manifest.split.slice(0, 100))} of one`
    throw refusal(`Expected a whole app, found ${found}. Build a universal APK, as with bundletool --mode=universal.`)
  }
  const resources = await openApkResources(zip, limits)
  const certificates = await readApkCertificates(handle, zip, limits)
  if (certificates.length === 0) {
    throw refusal(
      'Expected an APK that somebody signed, found no signature: devices refuse it. Sign it with apksigner.',
    )
  }
  const name = resources.text(manifest.label)
  const version = resources.text(manifest.version)
  const icon = await resources.icon(manifest)
  const application = asApplication({ ...manifest, version: asText(version) }, zip.paths)
  return {
    application: {
      ...application,
      ...(name !== undefined && { name }),
      ...minOs(resources.text(manifest.minSdk)),
      certificates,
    },
    ...(icon && { icon }),
  }
}

function asText(text: string | undefined) {
  return text === undefined ? undefined : { kind: 'text' as const, text }
}

function minOs(minOsVersion: string | undefined) {
  return minOsVersion === undefined ? {} : { minOsVersion }
}
