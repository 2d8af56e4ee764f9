import type { Application } from '@hotpatch/api'
import { digestOf, readSignedMessage } from '../certificates.ts'
import { refusal } from '../refusal.ts'
import { readPlist } from './plist.ts'
import { dictionaryIn, listIn, type PlistDictionary } from './plist-value.ts'

export interface Profile {
  provisioning: NonNullable<Application['provisioning']>
  teamId?: string
  /** Of those who may sign with it. */
  certificates: string[]
}

const PROFILE = 'embedded.mobileprovision'
const MAX_CERTIFICATES = 100

/** For which devices an app was signed, and for how long. */
export function readProfile(bytes: Buffer): Profile {
  const { content } = readSignedMessage(bytes, PROFILE)
  if (!content) throw refusal(`${PROFILE}: expected a property list in it, found nothing.`)
  const plist = readPlist(content, PROFILE)
  const expiresAt = plist.get('ExpirationDate')
  if (!(expiresAt instanceof Date) || Number.isNaN(expiresAt.getTime())) {
    throw refusal(`${PROFILE}: expected an ExpirationDate, found none.`)
  }
  const devices = listIn(plist, 'ProvisionedDevices')?.length
  const [teamId] = listIn(plist, 'TeamIdentifier') ?? []
  const certificates = (listIn(plist, 'DeveloperCertificates') ?? []).filter((each) => each instanceof Uint8Array)
  return {
    provisioning: {
      type: typeOf(plist, devices),
      expiresAt: expiresAt.toISOString(),
      ...(devices !== undefined && { devices }),
    },
    ...(typeof teamId === 'string' && { teamId: teamId.slice(0, 32) }),
    certificates: certificates.slice(0, MAX_CERTIFICATES).map(digestOf),
  }
}

function typeOf(plist: PlistDictionary, devices: number | undefined): Profile['provisioning']['type'] {
  if (plist.get('ProvisionsAllDevices') === true) return 'enterprise'
  if (devices === undefined) return 'store'
  return dictionaryIn(plist, 'Entitlements')?.get('get-task-allow') === true ? 'development' : 'ad-hoc'
}
