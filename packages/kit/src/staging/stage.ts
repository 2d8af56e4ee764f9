import type { CryptoPort, FilesPort, HttpPort, AllowInsecure, ClockPort, Stopped } from '@hotpatch/device-ground'
import type { KitFile } from '@hotpatch/protocol'
import { ARTIFACTS_FOLDER } from '../ground/kit-layout.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { KitError } from '../ground/kit-error.ts'
import { asStorageError } from '../ground/storage-error.ts'
import type { ArtifactSource } from '../offers/kit-offer.ts'
import type { KitPlan } from '../planning/kit-plan.ts'
import { artifactsOf } from '../planning/plan.ts'
import { artifactPath, discardPart, isVerified, keepPart, partPath, readPart, type Wanted } from './artifact-files.ts'
import { copyArtifact } from './copy-artifact.ts'
import { fetchArtifact, type FetchContext } from './fetch-artifact.ts'
import { STAGING_LIMITS, type StagingLimits } from './staging-limits.ts'

export interface StagingPorts {
  disk: FilesPort & Pick<KitDisk, 'list'>
  http: Pick<HttpPort, 'open'>
  clock: ClockPort
  crypto: Pick<CryptoPort, 'sha256'>
  allowInsecure: AllowInsecure
  /** A folder outside of the installation, such as a stick that somebody has brought. */
  openFolder: (path: string) => Pick<FilesPort, 'stat' | 'readRange' | 'locate'>
  limits?: StagingLimits
}

export interface StagingProgress {
  doneBytes: number
  totalBytes: number
}

export interface Staged {
  /** What came from elsewhere, for reports. */
  receivedBytes: number
}

/** Kits §7.6. */
export function createStaging(ports: StagingPorts) {
  const { disk, clock, limits = STAGING_LIMITS } = ports

  /**
   * Every artifact of a plan, verified, before anything is touched. May be run again after any part of itself.
   * @throws KitError storage-full, download-failed, hash-mismatch, stopped
   */
  async function stage(
    plan: Pick<KitPlan, 'steps' | 'neededBytes'>,
    source: ArtifactSource,
    { stopped, onProgress }: { stopped?: Stopped; onProgress?: (progress: StagingProgress) => void } = {},
  ): Promise<Staged> {
    const artifacts = artifactsOf(plan.steps)
    await disk.makeDirectory(ARTIFACTS_FOLDER)
    await disk.syncDirectory('.kit')
    const missing = await dropWrong(artifacts)
    await expectRoom(plan, artifacts)
    const totalBytes = artifacts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    let doneBytes = totalBytes - missing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    let receivedBytes = 0
    const deadline = clock.elapsed() + limits.deadlineMs
    for (const artifact of missing) {
      if (stopped?.isStopped()) throw new KitError('stopped', 'stopped before everything was downloaded')
      const { offset } = await readPart(disk, artifact)
      const tell = (received: number) => onProgress?.({ doneBytes: doneBytes + received, totalBytes })
      await bring(artifact, source, { ...ports, limits, stopped, deadline, onProgress: tell })
      doneBytes += artifact.sizeBytes
      receivedBytes += artifact.sizeBytes - offset
    }
    onProgress?.({ doneBytes, totalBytes })
    return { receivedBytes }
  }

  /** Those that are not there; what has the name of one and other bytes is a disk's fault, and goes. */
  async function dropWrong(artifacts: readonly KitFile[]): Promise<KitFile[]> {
    const missing: KitFile[] = []
    for (const artifact of artifacts) {
      const path = artifactPath(artifact.sha256)
      if (await isVerified(ports, path, artifact)) {
        // Rests of a process that was ended right behind its rename.
        await discardPart(disk, artifact.sha256)
      } else {
        await disk.remove(path)
        missing.push(artifact)
      }
    }
    return missing
  }

  async function expectRoom({ neededBytes }: Pick<KitPlan, 'neededBytes'>, artifacts: readonly KitFile[]) {
    const free = await disk.freeBytes?.()
    if (free === undefined) return
    const sizes = await Promise.all(
      artifacts.flatMap(({ sha256 }) => [artifactPath(sha256), partPath(sha256)]).map(sizeOf),
    )
    const needed = Math.max(0, neededBytes - sizes.reduce((sum, size) => sum + size, 0))
    if (free >= needed) return
    throw new KitError('storage-full', `${free} bytes are free, about ${needed} are needed: make room and try again`)
  }

  async function sizeOf(path: string): Promise<number> {
    return (await disk.stat(path))?.sizeBytes ?? 0
  }

  async function bring(artifact: KitFile, source: ArtifactSource, context: FetchContext): Promise<void> {
    if (artifact.sizeBytes > limits.artifactBytes) {
      const message = `an artifact of ${artifact.sizeBytes} bytes is more than the limit ${limits.artifactBytes}`
      throw new KitError('download-failed', message)
    }
    try {
      const { offset } = await readPart(disk, artifact)
      await transfer(artifact, source, context)
      if (await isVerified(ports, partPath(artifact.sha256), artifact)) return await keepPart(disk, artifact.sha256)
      await discardPart(disk, artifact.sha256)
      // Somebody may have changed the file between two of its pieces, or a power cut what was there of it.
      if (offset > 0) {
        await transfer(artifact, source, context)
        if (await isVerified(ports, partPath(artifact.sha256), artifact)) return await keepPart(disk, artifact.sha256)
        await discardPart(disk, artifact.sha256)
      }
    } catch (error) {
      throw asStorageError(error)
    }
    throw new KitError('hash-mismatch', `what came has another SHA-256 than the signed ${artifact.sha256}`)
  }

  async function transfer(artifact: KitFile, source: ArtifactSource, context: FetchContext): Promise<void> {
    if (source.kind === 'folder') return copyArtifact(ports.openFolder(source.path), artifact, context)
    await fetchArtifact(source.url(artifact.sha256), artifact, context)
  }

  /**
   * Kits §8: after a commit, what neither this release nor the one before it needs. What fails is tried the next time.
   */
  async function sweep(keep: readonly Pick<Wanted, 'sha256'>[]): Promise<void> {
    const kept = new Set(keep.map(({ sha256 }) => sha256))
    for (const name of (await disk.list(ARTIFACTS_FOLDER)) ?? []) {
      if (!kept.has(name)) await disk.remove(`${ARTIFACTS_FOLDER}/${name}`)
    }
    if (await disk.stat(ARTIFACTS_FOLDER)) await disk.syncDirectory(ARTIFACTS_FOLDER)
  }

  /** Which of these are there, whole; by name and size, as they are verified before they are used. */
  async function missingOf(artifacts: readonly Wanted[]): Promise<Wanted[]> {
    const missing: Wanted[] = []
    for (const artifact of artifacts) {
      const found = await disk.stat(artifactPath(artifact.sha256))
      if (found?.kind !== 'file' || found.sizeBytes !== artifact.sizeBytes) missing.push(artifact)
    }
    return missing
  }

  return { stage, sweep, missingOf }
}

export type Staging = ReturnType<typeof createStaging>
