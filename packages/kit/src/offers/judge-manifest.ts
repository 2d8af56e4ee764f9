import { compareWithBound, parseNativeVersion, type KitManifest } from '@hotpatch/protocol'
import type { KitCode } from '../ground/kit-error.ts'

/** What whoever has a kit knows of it: of a coordinator what it has ever committed, of an application what is installed. */
export interface Standing {
  /** Undefined where nobody is asked, and bundles alone are taken: then the keys decide. */
  appId: string | undefined
  /** That was asked for; undefined where nobody asks: an installer's own. */
  channel: string | undefined
  /** The highest that was seen signed. */
  floor: number
  /** 0: none is known. */
  sequence: number
  /** That has this sequence; undefined: that is not known. */
  releaseId: string | undefined
}

export interface Refused {
  kind: 'refused'
  code: KitCode
  message: string
}

/**
 * Kits §6.8: whether a manifest whose signature was verified may be taken by somebody who stands there. A function, for
 * coordinators and browsers alike. Undefined: nothing speaks against it.
 */
export function judgeManifest(manifest: KitManifest, standing: Standing): Refused | undefined {
  const { appId, releaseId, sequence, channel } = manifest
  if (standing.appId !== undefined && appId !== standing.appId) {
    return refuse('wrong-app', `expected a kit of the app ${standing.appId}, found one of ${appId}`)
  }
  // Whoever serves it may not choose another channel than it was signed for.
  if (standing.channel !== undefined && channel !== standing.channel) {
    const message = `expected a kit that was signed for the channel ${standing.channel}, found ${releaseId} for ${channel}`
    return refuse('wrong-channel', message)
  }
  // Signing §1: what a key has once signed as the lowest holds, whatever a server offers later.
  if (sequence < standing.floor) {
    const message = `${releaseId} has the sequence ${sequence}; its publisher wants nobody below ${standing.floor} again`
    return refuse('below-floor', message)
  }
  if (sequence < standing.sequence) {
    const message = `${releaseId} has the sequence ${sequence}; ${standing.sequence} was here before`
    return refuse('sequence-too-low', message)
  }
  const isAnother = standing.releaseId !== undefined && standing.releaseId !== releaseId
  if (sequence === standing.sequence && isAnother) {
    const message = `${releaseId} has the sequence ${sequence}, which is that of ${standing.releaseId}: one of them is to be stated again`
    return refuse('sequence-too-low', message)
  }
  return undefined
}

/** Kits §6: whether what installs is as new as a release needs it, compared as the server compares. */
export function installerFits(
  { minInstallerVersion }: Pick<KitManifest, 'minInstallerVersion'>,
  installerVersion: string | undefined,
): 'fits' | 'too-old' | 'unknown' {
  const bound = parseNativeVersion(minInstallerVersion ?? '')
  if (bound === undefined) return 'fits'
  const version = parseNativeVersion(installerVersion ?? '')
  if (version === undefined) return 'unknown'
  return compareWithBound(version, bound) < 0 ? 'too-old' : 'fits'
}

/** Kits §6.5: of a manifest that was verified, and of no other. */
export function isRequired({ severity }: Pick<KitManifest, 'severity'>): boolean {
  return severity !== 'informational'
}

export function refuse(code: KitCode, message: string): Refused {
  return { kind: 'refused', code, message }
}
