import type { Stopped } from '@hotpatch/device-ground'
import { joinAddress } from '@hotpatch/device-ground'
import type { InstalledComponent, InstalledKit, KitManifest } from '@hotpatch/protocol'
import type { ApplyContext } from '../applying/apply-context.ts'
import type { ApplyOutcome, RecoveryOutcome } from '../applying/apply-outcome.ts'
import { findOpenApply, openCoordinator, type Coordinator, type OpenApply } from '../applying/coordinator.ts'
import type { KitReport as ToldReport } from '../applying/kit-report.ts'
import { createKitProbing } from '../applying/kit-probing.ts'
import { chooseChannel, DEV_CHANNEL } from '../checking/channel.ts'
import { KIT_CODES, KitError, type KitCode } from '../ground/kit-error.ts'
import { readInstalledRelease } from '../installation/installed-release.ts'
import type { Installation } from '../installation/installation.ts'
import { loadInstallation } from '../installation/read-installation.ts'
import { expectUnaskedAllowed, localTimeOf } from '../keeping/consent.ts'
import { forgetFailed, noteFailed, readFailedReleases, type FailedRelease } from '../keeping/failed-releases.ts'
import { installIdOn } from '../keeping/install-id.ts'
import { isSameRelease, keepOffer, noteCommitted, readKeptReleases } from '../keeping/kept-releases.ts'
import { createKitLog, type KitLogEntry } from '../keeping/kit-log.ts'
import { readSnoozed, snoozeRelease, type Snoozed } from '../keeping/snoozed.ts'
import { fetchOffer } from '../offers/fetch-offer.ts'
import { expectApp, verifyManifest } from '../offers/judge-offer.ts'
import type { ArtifactSource, KitOffer } from '../offers/kit-offer.ts'
import { readBundle } from '../offers/read-bundle.ts'
import { takeOffer } from '../offers/take-offer.ts'
import { raiseTrust, readTrust, type KitTrust } from '../offers/trust-state.ts'
import type { KitPlan } from '../planning/kit-plan.ts'
import { artifactsOf, fileFor, planKit } from '../planning/plan.ts'
import type { NewKitReport } from '../reporting/kit-report.ts'
import { createOutbox, type Flushed } from '../reporting/outbox.ts'
import { createStaging, type StagingProgress } from '../staging/stage.ts'
import { confirmCoordinator, excuseCoordinator } from '../launcher/confirm-coordinator.ts'
import { COORDINATOR_VARIABLE } from '../launcher/launcher.ts'
import { writeLastApply } from '../status/last-apply.ts'
import { KIT_ADAPTERS } from './kit-adapters.ts'
import { nodePorts, type KitPorts } from './kit-parts.ts'

export interface KitOptions {
  /** The folder with kit.json. */
  root: string
  /** Of this process: the channel may stand in it, and hooks get it. */
  environment: Readonly<Record<string, string | undefined>>
  /** Of whatever applies: a release may need a newer one. */
  installerVersion: string
  /** What the process runs on: Node's own `process`. */
  process: { platform: string; arch: string }
  ports?: Partial<KitPorts>
}

export interface AskOptions {
  /** A folder that `hotpatch kit bundle` wrote, in the place of the server. */
  bundle?: string | undefined
  stopped?: Stopped | undefined
}

/** Kits §6: what came of a check. */
export type KitCheck =
  | { kind: 'up-to-date'; releaseId: string | undefined; reason: string; message: string }
  | { kind: 'available'; releaseId: string; isRequired: boolean; snoozed: Snoozed | undefined; manifest: KitManifest }
  /** It did not work here before: it is not tried again by itself. */
  | { kind: 'failed-before'; failed: FailedRelease; manifest: KitManifest }
  | { kind: 'skipped'; reason: 'dev' | 'no-source' | 'installed-unknown' }

export interface Planned {
  offer: KitOffer
  plan: KitPlan
  /** What speaks against it on this machine, for people. */
  objections: readonly string[]
}

/** Who decides: whoever is asked about the plan, or the rules of the installation, when nobody is there. */
export type Consent = { kind: 'ask'; ask: (planned: Pick<Planned, 'plan'>) => Promise<boolean> } | { kind: 'unasked' }

export interface ApplyOptions extends AskOptions {
  consent: Consent
  /** Although it did not work here before. */
  triesAgain?: boolean
  onProgress?: (progress: StagingProgress) => void
  /** What happens, as it happens. */
  onReport?: (report: ToldReport) => void
}

export type KitApply =
  | Exclude<ApplyOutcome, { kind: 'nothing-to-do' }>
  | { kind: 'nothing-to-do'; reason: string; message: string }

export interface KitStatus {
  channel: string
  installed: InstalledKit | undefined
  open: OpenApply | undefined
  trust: KitTrust
  failed: readonly FailedRelease[]
  /** To which `rollback` would go. */
  before: string | undefined
}

export interface Kit {
  installation: Installation
  /** @throws KitError check-failed, and what is wrong with what was offered */
  check(options?: AskOptions): Promise<KitCheck>
  /** @throws KitError as `check`, and partial-kit, no-file-for-machine */
  plan(options?: AskOptions): Promise<Planned | Exclude<KitCheck, { kind: 'available' | 'failed-before' }>>
  apply(options: ApplyOptions): Promise<KitApply>
  /** To the release before, whose bytes are here. */
  rollback(options: Omit<ApplyOptions, 'bundle' | 'triesAgain'>): Promise<KitApply>
  /** What an earlier process has left is finished, or taken back. */
  recover(options?: { hasBeenLookedAt?: boolean }): Promise<RecoveryOutcome>
  status(): Promise<KitStatus>
  log(limit: number): Promise<KitLogEntry[]>
  /** Undefined: there is nothing to put off. */
  snooze(options?: AskOptions): Promise<Snoozed | undefined>
  /** Tells the server what waits. Never rejects. */
  report(): Promise<Flushed>
}

/**
 * Kits: what is installed in a folder, and the releases that are for it.
 * @throws InstallationError
 * @example
 * const kit = await openKit({ root: '/srv/kit', environment: process.env, installerVersion: '1.0.0', process })
 * const { kind } = await kit.check()
 */
export async function openKit({ root, environment, installerVersion, process, ...given }: KitOptions): Promise<Kit> {
  const ports: KitPorts = { ...nodePorts({ root, environment, process }), ...given.ports }
  const { disk, clock, crypto, http, machine, allowInsecure } = ports
  const installation = await loadInstallation(disk)
  const { source, publicKeys, releaseFile } = installation
  const channel = chooseChannel({ environment, variable: installation.channelVariable, profile: installation.channel })
  const log = createKitLog({ disk, clock })
  const staging = createStaging({ disk, http, clock, crypto, allowInsecure, openFolder: ports.openFolder })
  const readInstalled = () => readInstalledRelease(disk, releaseFile)
  const serverArtifacts: ArtifactSource = { kind: 'http', url: (sha256) => artifactUrl(source?.url, sha256) }

  async function outbox() {
    const installId = await installIdOn(disk, crypto)
    const { platform, architecture } = machine
    const reporter = { source, installId, installerVersion, platform, architecture, channel }
    return createOutbox({ disk, http, clock, crypto, allowInsecure }, reporter)
  }

  type Asked = { kind: 'offered'; offer: KitOffer } | Exclude<KitCheck, { kind: 'available' | 'failed-before' }>

  async function ask({ bundle, stopped }: AskOptions): Promise<Asked> {
    const installed = await readInstalled()
    // An installer may have written it before anything was ever checked. Nobody has signed it: it counts while it stands
    // there, and is not remembered, as one that is mistyped would end all updates.
    const installedSequence = installed?.sequence ?? 0
    const taking = { disk, crypto, installation, installerVersion, installedSequence }
    if (bundle !== undefined) {
      const folder = ports.openFolder(bundle)
      const came = await readBundle(folder)
      const artifacts: ArtifactSource = { kind: 'folder', path: bundle }
      return { kind: 'offered', offer: await takeOffer({ ...came, artifacts, rolloutId: undefined }, taking) }
    }
    if (source === undefined) return { kind: 'skipped', reason: 'no-source' }
    if (channel === DEV_CHANNEL) return { kind: 'skipped', reason: 'dev' }
    const { sequence, floor } = await readTrust(disk)
    const question = {
      source,
      channel,
      installId: await installIdOn(disk, crypto),
      installerVersion,
      ...machine,
      releaseId: installed?.releaseId,
      trust: { sequence: Math.max(sequence, installedSequence), floor },
    }
    const answer = await fetchOffer(question, { http, clock, allowInsecure, ...(stopped && { stopped }) })
    if (answer.kind === 'nothing') {
      return { kind: 'up-to-date', releaseId: installed?.releaseId, reason: answer.reason, message: answer.message }
    }
    return { kind: 'offered', offer: await takeOffer({ ...answer, artifacts: serverArtifacts }, taking) }
  }

  /** Every check stands in the log, whatever comes of it. */
  async function askLogged(options: AskOptions): Promise<Asked> {
    try {
      const asked = await ask(options)
      // Whoever comes so far has read what is installed, and asked: a new coordinator that can do that stays.
      await confirmCoordinator(disk, environment[COORDINATOR_VARIABLE])
      const found = asked.kind === 'offered' ? { releaseId: asked.offer.manifest.releaseId } : asked
      await log.write('check', { channel, ...found, kind: asked.kind })
      return asked
    } catch (error) {
      if (error instanceof KitError && error.code === 'check-failed') {
        await excuseCoordinator(disk, environment[COORDINATOR_VARIABLE])
      }
      await log.write('check-failed', { channel, ...reasonOf(error) })
      throw error
    }
  }

  async function check(options: AskOptions = {}): Promise<KitCheck> {
    const installed = await readInstalled()
    const asked = await askLogged(options)
    await (await outbox()).flush()
    if (asked.kind !== 'offered') return asked
    const { manifest } = asked.offer
    const { releaseId } = manifest
    if (installed === undefined) return { kind: 'skipped', reason: 'installed-unknown' }
    if (installed.releaseId === releaseId) return upToDate(releaseId)
    const failed = (await readFailedReleases(disk)).find((each) => each.releaseId === releaseId)
    if (failed) return { kind: 'failed-before', failed, manifest }
    const snoozed = await readSnoozed(disk, { releaseId, now: clock.now() })
    return { kind: 'available', releaseId, isRequired: isRequired(manifest), snoozed, manifest }
  }

  async function planOf(manifest: KitManifest, manifestText: string): Promise<KitPlan> {
    const installed = await readInstalled()
    const inspected = await inspectAll(manifest, installed)
    return planKit({ manifest, manifestText, installed, inspected, installation, machine })
  }

  /** What lies there, by the word of each adapter. */
  async function inspectAll(manifest: KitManifest, installed: InstalledKit | undefined) {
    const inspected: Record<string, InstalledComponent | undefined> = {}
    for (const component of manifest.components) {
      const place = installation.components[component.id]
      const adapter = KIT_ADAPTERS.get(component.kind)
      if (!place || !adapter) continue
      const step = {
        component,
        installed: installed?.components[component.id],
        file: fileFor(component, machine),
      }
      inspected[component.id] = await adapter.inspect({ step, place, installation, ports })
    }
    return inspected
  }

  async function objectionsTo({ steps }: KitPlan): Promise<string[]> {
    const objections: string[] = []
    for (const step of steps) {
      const place = installation.components[step.component.id]
      const found =
        place && (await KIT_ADAPTERS.get(step.component.kind)?.objections({ step, place, installation, ports }))
      objections.push(...(found ?? []).map((objection) => `${step.component.id}: ${objection}`))
    }
    return objections
  }

  async function planned(offer: KitOffer): Promise<Planned> {
    const plan = await planOf(offer.manifest, offer.manifestText)
    return { offer, plan, objections: await objectionsTo(plan) }
  }

  async function plan(options: AskOptions = {}) {
    const asked = await askLogged(options)
    return asked.kind === 'offered' ? planned(asked.offer) : asked
  }

  /** With the lock, and after what an earlier process has left was brought to its end. */
  async function coordinate(
    { onReport }: Pick<ApplyOptions, 'onReport'>,
    run: (coordinator: Coordinator) => Promise<KitApply>,
  ): Promise<KitApply> {
    await using coordinator = await openCoordinator(await contextOf(onReport))
    const recovered = await settled(await coordinator.recover())
    if (recovered.kind === 'stuck') return recovered
    const outcome = await run(coordinator)
    return outcome
  }

  async function contextOf(onReport?: (report: ToldReport) => void): Promise<ApplyContext> {
    const reports = await outbox()
    return {
      installation,
      ports,
      adapters: KIT_ADAPTERS,
      probing: createKitProbing(installation, ports),
      process: ports.process,
      async tell(report) {
        onReport?.(report)
        const { at, ...happened } = report
        await log.write('apply', { ...happened, happenedAt: new Date(at).toISOString() })
        await reports.add(await newReportOf(report))
      },
      async committed(manifest) {
        await raiseTrust(disk, { sequence: manifest.sequence, floor: manifest.floor })
        await noteCommitted(disk, manifest)
        await forgetFailed(disk, manifest.releaseId)
      },
    }
  }

  async function newReportOf({
    transaction,
    component,
    kind,
    code,
    message,
    ...report
  }: ToldReport): Promise<NewKitReport> {
    const kept = await readKeptReleases(disk).catch(() => [])
    const rolloutId = kept.find((each) => isSameRelease(each, report))?.rolloutId
    // What this machine is to blame for takes the release from nobody.
    const isOwnFault =
      kind === 'rolled-back' && component === undefined && code !== undefined && !KIT_CODES[code].isOfRelease
    return {
      transaction,
      kind: isOwnFault ? 'failed' : kind,
      releaseId: report.releaseId,
      ...(component !== undefined && { component }),
      ...(code !== undefined && { code }),
      ...(message !== undefined && { detail: message }),
      ...(rolloutId !== undefined && { rolloutId }),
    }
  }

  /** What has to be remembered of an end, whichever it is, and whoever came to it. */
  async function settled<Outcome extends RecoveryOutcome | ApplyOutcome>(outcome: Outcome): Promise<Outcome> {
    if (outcome.kind === 'nothing-open' || outcome.kind === 'nothing-to-do') return outcome
    const { releaseId } = outcome
    if (outcome.kind === 'committed') {
      await writeLastApply(disk, undefined).catch(() => undefined)
      await sweepArtifacts().catch(() => undefined)
    } else {
      const components = [outcome.why.component ?? ''].filter((id) => id !== '')
      const state = outcome.kind === 'stuck' ? 'stuck' : 'rolled_back'
      await writeLastApply(disk, { state, releaseId, components }).catch(() => undefined)
      if (KIT_CODES[outcome.why.code].isOfRelease) await rememberFailure(releaseId, outcome.why.code)
    }
    await log.write(outcome.kind, { releaseId, ...('why' in outcome && outcome.why) })
    return outcome
  }

  async function rememberFailure(releaseId: string, code: string): Promise<void> {
    const kept = await readKeptReleases(disk).catch(() => [])
    const sequence = kept.find((each) => each.releaseId === releaseId)?.sequence ?? 1
    // A full disk costs one more try.
    await noteFailed(disk, { releaseId, sequence, code, at: clock.now() }).catch(() => undefined)
  }

  /** Those of what is installed, and of what was before, for the way back. */
  async function sweepArtifacts(): Promise<void> {
    const kept = (await readKeptReleases(disk)).filter(({ wasCommitted }) => wasCommitted).slice(-2)
    const files = await Promise.all(kept.map(async (each) => filesOf((await verifiedAgain(each)).manifest)))
    await staging.sweep(files.flat())
  }

  function filesOf(manifest: KitManifest) {
    return manifest.components
      .filter(({ id }) => Object.hasOwn(installation.components, id))
      .flatMap((component) => fileFor(component, machine) ?? [])
  }

  async function verifiedAgain({
    manifestText,
    signatures,
  }: {
    manifestText: string
    signatures: KitOffer['signatures']
  }) {
    const bytes = new TextEncoder().encode(manifestText)
    const verified = await verifyManifest({ bytes, signatures }, publicKeys, crypto)
    expectApp(verified.manifest, { appId: source?.appId })
    return verified
  }

  async function expectConsent(plan: KitPlan, consent: Consent): Promise<void> {
    if (consent.kind === 'unasked') {
      return expectUnaskedAllowed(plan, installation.consent, localTimeOf(new Date(clock.now())))
    }
    if (!(await consent.ask({ plan }))) throw new KitError('not-consented', 'nobody agreed to it; nothing was changed')
  }

  async function run(
    coordinator: Coordinator,
    plan: KitPlan,
    { from, stopped, onProgress }: Pick<ApplyOptions, 'stopped' | 'onProgress'> & { from: ArtifactSource },
  ): Promise<ApplyOutcome> {
    const components = plan.steps.map(({ component }) => component.id)
    await writeLastApply(disk, { state: 'applying', releaseId: plan.manifest.releaseId, components }).catch(
      () => undefined,
    )
    const forward = {
      stage: async (stagedPlan: KitPlan, options: { stopped?: Stopped }) => {
        await staging.stage(stagedPlan, from, { ...options, ...(onProgress && { onProgress }) })
      },
      ...(stopped && { stopped }),
    }
    return settled(await coordinator.apply(plan, forward))
  }

  async function apply(options: ApplyOptions): Promise<KitApply> {
    const outcome = await coordinate(options, async (coordinator) => {
      const asked = await askLogged(options)
      if (asked.kind === 'skipped')
        return { kind: 'nothing-to-do', reason: asked.reason, message: SKIPPED[asked.reason] }
      if (asked.kind === 'up-to-date') return { kind: 'nothing-to-do', reason: asked.reason, message: asked.message }
      const { offer } = asked
      await expectNotFailed(offer.manifest, options)
      const plan = await planOf(offer.manifest, offer.manifestText)
      const installed = await readInstalled()
      if (plan.steps.length === 0 && installed && isSameRelease(installed, offer.manifest))
        return nothingToDo(offer.manifest)
      await expectConsent(plan, options.consent)
      await keepOffer(disk, offer)
      const applied = await run(coordinator, plan, { ...options, from: offer.artifacts })
      return applied.kind === 'nothing-to-do' ? nothingToDo(offer.manifest) : applied
    })
    await (await outbox()).flush()
    return outcome
  }

  async function expectNotFailed({ releaseId }: KitManifest, { triesAgain, consent }: ApplyOptions): Promise<void> {
    if (triesAgain) return
    const failed = (await readFailedReleases(disk)).find((each) => each.releaseId === releaseId)
    if (failed) {
      const message = `${releaseId} did not work here before (${failed.code}): try it again with --again, or wait for another one`
      throw new KitError('not-consented', message)
    }
    const snoozed = await readSnoozed(disk, { releaseId, now: clock.now() })
    if (snoozed && consent.kind === 'unasked') {
      throw new KitError('not-consented', `${releaseId} was put off until ${new Date(snoozed.until).toISOString()}`)
    }
  }

  async function releaseBefore() {
    const installed = await readInstalled()
    const kept = (await readKeptReleases(disk)).filter(({ wasCommitted }) => wasCommitted)
    return kept.findLast((each) => installed !== undefined && !isSameRelease(each, installed))
  }

  async function rollback(options: Omit<ApplyOptions, 'bundle' | 'triesAgain'>): Promise<KitApply> {
    const outcome = await coordinate(options, async (coordinator) => {
      const left = await readInstalled()
      const before = await releaseBefore()
      if (!before || !left) {
        const message = 'no release before this one was applied here: there is nothing that one could go back to'
        throw new KitError('partial-kit', message)
      }
      const { manifest, manifestText } = await verifiedAgain(before)
      const { floor } = await readTrust(disk)
      if (manifest.sequence < floor) {
        const message = `${manifest.releaseId} has the sequence ${manifest.sequence}; its publisher wants nobody below ${floor} again`
        throw new KitError('below-floor', message)
      }
      const plan: KitPlan = { ...(await planOf(manifest, manifestText)), direction: 'back' }
      await expectBytes(plan)
      await expectConsent(plan, options.consent)
      const applied = await run(coordinator, plan, { ...options, from: serverArtifacts })
      if (applied.kind === 'committed') await noteLeft(left, applied.transaction)
      return applied.kind === 'nothing-to-do' ? nothingToDo(manifest) : applied
    })
    await (await outbox()).flush()
    return outcome
  }

  /** Whoever has a server may have them from there: they are held against what was signed all the same. */
  async function expectBytes(plan: KitPlan): Promise<void> {
    const missing = source === undefined ? await staging.missingOf(artifactsOf(plan.steps)) : []
    if (missing.length === 0) return
    const names = missing.map(({ sha256 }) => sha256.slice(0, 12)).join(', ')
    throw new KitError('download-failed', `the bytes of ${plan.manifest.releaseId} are not here any more: ${names}`)
  }

  /** So that neither the server nor the next check offers it again. */
  async function noteLeft({ releaseId }: InstalledKit, transaction: string): Promise<void> {
    await rememberFailure(releaseId, 'rolled-back')
    await (await outbox()).add({ transaction, kind: 'rolled-back', releaseId, detail: 'rolled back by people' })
  }

  async function recover(options: { hasBeenLookedAt?: boolean } = {}): Promise<RecoveryOutcome> {
    await using coordinator = await openCoordinator(await contextOf())
    const outcome = await settled(await coordinator.recover(options))
    await (await outbox()).flush()
    return outcome
  }

  async function status(): Promise<KitStatus> {
    return {
      channel,
      installed: await readInstalled(),
      open: await findOpenApply(ports),
      trust: await readTrust(disk),
      failed: await readFailedReleases(disk),
      before: (await releaseBefore())?.releaseId,
    }
  }

  async function snooze(options: AskOptions = {}): Promise<Snoozed | undefined> {
    const found = await check(options)
    if (found.kind !== 'available') return undefined
    const { releaseId } = found
    const snoozed = await snoozeRelease(disk, { releaseId, isRequired: found.isRequired, now: clock.now() })
    await log.write('snoozed', { releaseId, until: new Date(snoozed.until).toISOString() })
    return snoozed
  }

  return {
    installation,
    check,
    plan,
    apply,
    rollback,
    recover,
    status,
    log: log.read,
    snooze,
    report: async () => (await outbox()).flush(),
  }
}

const SKIPPED = {
  dev: 'the channel is dev, which asks nobody: bring a bundle',
  'no-source': 'kit.json names no server ("source"): bring a bundle',
  'installed-unknown': 'nothing says what is installed',
} as const satisfies Record<Extract<KitCheck, { kind: 'skipped' }>['reason'], string>

function upToDate(releaseId: string): KitCheck {
  return { kind: 'up-to-date', releaseId, reason: 'up-to-date', message: `${releaseId} is installed` }
}

function nothingToDo({ releaseId }: KitManifest): KitApply {
  return { kind: 'nothing-to-do', reason: 'up-to-date', message: `${releaseId} is installed` }
}

function isRequired({ severity }: KitManifest): boolean {
  return severity !== 'informational'
}

function artifactUrl(url: string | undefined, sha256: string): string {
  const address = url === undefined ? undefined : joinAddress(url, `/artifacts/${sha256}`)
  if (address !== undefined) return address
  throw new KitError('download-failed', 'kit.json names no server ("source") from which its bytes could come')
}

function reasonOf(error: unknown): { code: KitCode | 'unexpected'; message: string } {
  if (error instanceof KitError) return { code: error.code, message: error.message }
  return { code: 'unexpected', message: error instanceof Error ? error.message : String(error) }
}
