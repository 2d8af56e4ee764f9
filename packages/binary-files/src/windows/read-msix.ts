import type { FileHandle } from 'node:fs/promises'
import type { ReadApplication, ReadingLimits } from '../application.ts'
import { digestOf, readSignedMessage } from '../certificates.ts'
import { openPackageZip } from '../package-zip.ts'
import { refusal } from '../refusal.ts'
import { readXml } from '../xml.ts'

const MANIFEST = 'AppxManifest.xml'
const SIGNATURE = 'AppxSignature.p7x'
/** In front of the signature itself. */
const SIGNATURE_MARK = 'PKCX'
const MAX_PERMISSIONS = 200

export async function readMsix(handle: FileHandle, limits: ReadingLimits): Promise<ReadApplication> {
  const zip = await openPackageZip(handle, limits)
  const bytes = await zip.read(MANIFEST, limits.maxManifestBytes)
  if (!bytes) throw refusal(`Expected ${MANIFEST} at the root of the zip, found none: it is no MSIX package.`)
  const { identity, minVersion, capabilities } = readManifest(bytes)
  const { Name: id, Version: version, ProcessorArchitecture: architecture } = identity
  if (id === undefined || version === undefined) {
    throw refusal(`${MANIFEST}: expected an Identity with Name and Version, found none.`)
  }
  const signature = await zip.read(SIGNATURE, limits.maxManifestBytes)
  const isSigned = signature?.toString('latin1', 0, SIGNATURE_MARK.length) === SIGNATURE_MARK
  const { certificate } = signature && isSigned ? readSignedMessage(signature.subarray(4), SIGNATURE) : {}
  return {
    application: {
      id: id.slice(0, 255),
      version: version.slice(0, 255),
      ...(minVersion !== undefined && { minOsVersion: minVersion.slice(0, 255) }),
      architectures: architecture === undefined || architecture === 'neutral' ? [] : [architecture.slice(0, 32)],
      permissions: capabilities,
      certificates: certificate ? [digestOf(certificate)] : [],
    },
  }
}

interface AppxManifest {
  identity: Readonly<Record<string, string>>
  minVersion: string | undefined
  capabilities: string[]
}

function readManifest(bytes: Buffer): AppxManifest {
  const found: AppxManifest = { identity: {}, minVersion: undefined, capabilities: [] }
  readXml(bytes, MANIFEST, {
    open({ name, attributes }) {
      const { Name: capability } = attributes
      if (name === 'Identity') found.identity = attributes
      else if (name === 'TargetDeviceFamily') found.minVersion ??= attributes.MinVersion
      else if (/(^|:)(Device)?Capability$/.test(name) && capability !== undefined) {
        if (found.capabilities.length < MAX_PERMISSIONS) found.capabilities.push(capability.slice(0, 255))
      }
    },
  })
  return found
}
