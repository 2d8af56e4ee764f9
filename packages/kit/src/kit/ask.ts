import { DEV_CHANNEL } from '../checking/channel.ts'
import { KitError, type KitCode } from '../ground/kit-error.ts'
import { readFailedReleases, type FailedRelease } from '../keeping/failed-releases.ts'
import { installIdOn } from '../keeping/install-id.ts'
import { fetchOffer } from '../offers/fetch-offer.ts'
import type { ArtifactSource, KitOffer } from '../offers/kit-offer.ts'
import { readBundle } from '../offers/read-bundle.ts'
import { knownTo, takeOffer } from '../offers/take-offer.ts'
import { readTrust } from '../offers/trust-state.ts'
import type { AskOptions, KitCheck } from './kit.ts'
import type { KitGround } from './kit-ground.ts'
import { asRunOfCoordinator } from './run-of-coordinator.ts'

export type Asked = { kind: 'offered'; offer: KitOffer } | Exclude<KitCheck, { kind: 'available' | 'failed-before' }>

/** Kits §6: the server, or a folder that somebody has brought. Every time stands in the log, whatever comes of it. */
export async function ask(ground: KitGround, options: AskOptions): Promise<Asked> {
  const { log, channel } = ground
  try {
    const asked = await asRunOfCoordinator(ground, () => askUnlogged(ground, options))
    const found = asked.kind === 'offered' ? { releaseId: asked.offer.manifest.releaseId } : asked
    await log.write('check', { channel, ...found, kind: asked.kind })
    return asked
  } catch (error) {
    await log.write('check-failed', { channel, ...reasonOf(error) })
    throw error
  }
}

async function askUnlogged(ground: KitGround, { bundle, stopped, triesAgain = false }: AskOptions): Promise<Asked> {
  const { installation, installerVersion, channel, ports, serverArtifacts } = ground
  const { disk, crypto, http, clock, machine, allowInsecure } = ports
  const installed = await ground.readInstalled()
  const taking = { disk, crypto, installation, channel, installerVersion, installed }
  if (bundle !== undefined) {
    const came = await readBundle(ports.openFolder(bundle))
    const artifacts: ArtifactSource = { kind: 'folder', path: bundle }
    return { kind: 'offered', offer: await takeOffer({ ...came, artifacts, rolloutId: undefined }, taking) }
  }
  const { source } = installation
  if (source === undefined) return { kind: 'skipped', reason: 'no-source' }
  if (channel === DEV_CHANNEL) return { kind: 'skipped', reason: 'dev' }
  const installId = await installIdOn(disk, crypto)
  const { sequence, floor } = knownTo(await readTrust(disk), installed)
  const releaseId = installed?.releaseId
  const known = { ...machine, releaseId, sequence, floor }
  const question = { source, channel, installId, installerVersion, ...known, triesAgain }
  const answer = await fetchOffer(question, { http, clock, allowInsecure, ...(stopped && { stopped }) })
  if (answer.kind === 'unreachable') throw new KitError('check-failed', answer.message)
  if (answer.kind === 'refused') throw new KitError(answer.code, answer.message)
  if (answer.kind === 'nothing') {
    const failed = await readNewerFailures(ground, installed)
    return { kind: 'up-to-date', releaseId, reason: answer.reason, message: answer.message, failed }
  }
  return { kind: 'offered', offer: await takeOffer({ ...answer, artifacts: serverArtifacts }, taking) }
}

/** Those above what is installed; what is below it nobody waits for. */
export async function readNewerFailures(
  { ports }: KitGround,
  installed: { sequence?: number | undefined } | undefined,
): Promise<FailedRelease[]> {
  const above = installed?.sequence ?? 0
  return (await readFailedReleases(ports.disk)).filter(({ sequence }) => sequence > above)
}

function reasonOf(error: unknown): { code: KitCode | 'unexpected'; message: string } {
  if (error instanceof KitError) return { code: error.code, message: error.message }
  return { code: 'unexpected', message: error instanceof Error ? error.message : String(error) }
}
