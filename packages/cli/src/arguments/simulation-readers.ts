import { MAX_STRANGER_NETWORKS } from '@hotpatch/simulator'
import { InvalidArgumentError } from 'commander'
import { readVersion } from './readers.ts'

const SHARE = /^(\d{1,3}(?:\.\d{1,4})?)%$/
const MAX_DEVICES = 1_000_000
/** A year. */
const MAX_MINUTES = 527_040

/** From 0 to 1, of a text such as "30%". */
export function readShare(text: string): number {
  const percent = Number(SHARE.exec(text)?.[1] ?? Number.NaN)
  if (percent <= 100) return percent / 100
  throw new InvalidArgumentError('Expected a share from 0% to 100%, such as 10% or 0.5%.')
}

export interface VersionRate {
  version: string
  rate: number
}

/** Of an option that may be given several times. */
export function readVersionRate(text: string, before: readonly VersionRate[] = []): VersionRate[] {
  const [version, share, ...more] = text.split('=')
  if (!version || share === undefined || more.length > 0) {
    throw new InvalidArgumentError('Expected a version and a share, such as 1.2.0=30%.')
  }
  return [...before, { version: readVersion(version), rate: readShare(share) }]
}

export function readDeviceCount(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MAX_DEVICES) return count
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MAX_DEVICES}.`)
}

export function readStrangerNetworks(text: string): number {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= MAX_STRANGER_NETWORKS) return count
  throw new InvalidArgumentError(`Expected a whole number from 1 to ${MAX_STRANGER_NETWORKS}.`)
}

export function readSimulatedMinutes(text: string): number {
  const minutes = /^\d{1,6}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (minutes > 0 && minutes <= MAX_MINUTES) return minutes
  throw new InvalidArgumentError(`Expected minutes, more than 0 and at most ${MAX_MINUTES}.`)
}

export function readSpeed(text: string): number {
  const speed = /^\d{1,7}(?:\.\d{1,3})?$/.test(text) ? Number(text) : 0
  if (speed > 0) return speed
  throw new InvalidArgumentError('Expected how many times faster than real time, such as 1 or 60.')
}

/** It becomes a part of device ids. */
export function readSeed(text: string): string {
  if (/^[A-Za-z0-9._-]{1,40}$/.test(text)) return text
  throw new InvalidArgumentError('Expected at most 40 letters, digits, ".", "_" or "-".')
}

export function readConcurrency(text: string): number {
  const count = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (count >= 1 && count <= 1024) return count
  throw new InvalidArgumentError('Expected a whole number from 1 to 1024.')
}
