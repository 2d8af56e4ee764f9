import { messageOf, type Stopped } from '@hotpatch/device-ground'
import { readInstalledKit, utf8FromText, UnexpectedJsonError, type InstalledKit } from '@hotpatch/protocol'
import { KitError, type KitCode } from '../ground/kit-error.ts'
import { fetchOffer, type OfferAnswer } from '../offers/fetch-offer.ts'
import { APPLICATION_LIMITS, OFFER_LIMITS } from '../offers/offer-limits.ts'
import { isUpdate, type CheckOutcome, type KnownOutcome } from './check-outcome.ts'
import { NO_RECORD, type CheckRecord, type KeptOffer } from './check-record.ts'
import { faultOf, type KitChecksOptions } from './check-settings.ts'
import { snoozedUntil, throttledUntil } from './check-times.ts'
import { DEV_CHANNEL } from './channel.ts'
import { judgeOffer, type JudgedOffer } from './judge-offer.ts'
import { startChecking, type StartOptions } from './start-checking.ts'

export interface CheckOptions {
  /** People want to know it now: at once, however long ago the last check was. */
  isAsked?: boolean
  stopped?: Stopped
}

/** What a banner says, once in a session. */
export type UpdateNotice = Extract<KnownOutcome, { update: object }>

/** The checks of one application (Kits §6). Nothing of it rejects, throws, or waits for anything at its start. */
export interface KitChecks {
  check(options?: CheckOptions): Promise<CheckOutcome>
  /** Checks after the first paint, and from then on whenever it is time to, until the returned function is called. */
  start(options?: StartOptions): () => void
  /** What is known without asking anybody, held against what is installed now. */
  refresh(): Promise<KnownOutcome | undefined>
  /** The same as of the last check or `refresh`. */
  known(): KnownOutcome | undefined
  lastCheckAt(): number | undefined
  /** What people are to be told: nothing when they were told in this session, or have put it off. */
  notice(): UpdateNotice | undefined
  /** They see it. */
  noticeShown(): void
  /** They have seen it: not again in this session. */
  dismiss(): void
  /** Not for seven days, or one when it is required. Resolves to when that is over; undefined when there is no update. */
  snooze(): Promise<number | undefined>
  subscribe(listener: () => void): () => void
}

/**
 * @example
 * const checks = createKitChecks({ application: 'gateway', source, publicKeys, channel: chooseChannel(), ports })
 * checks.start()
 */
export function createKitChecks(options: KitChecksOptions): KitChecks {
  const {
    application,
    channel,
    source,
    bundled,
    publicKeys,
    ports,
    timeoutMs = OFFER_LIMITS.requestTimeoutMs,
  } = options
  const { clock, crypto, store, session } = ports
  const fault = faultOf(options)
  const listeners = new Set<() => void>()
  let record: CheckRecord = NO_RECORD
  let known: KnownOutcome | undefined
  /** Whether it is this one that told people in this session. */
  let isTelling = false
  let isDismissed = false
  let running: Promise<CheckOutcome> | undefined
  let isRunningAsked = false

  function changed(): void {
    for (const listener of listeners) listener()
  }

  function isEnabled(): boolean {
    const { isEnabled: enabled = true } = options
    return typeof enabled === 'function' ? enabled() : enabled
  }

  function judge(bytes: Uint8Array, signatures: KeptOffer['signatures'], installed: InstalledKit, isBundled = false) {
    const { installerVersion } = options
    const appId = source?.appId
    return judgeOffer(bytes, signatures, {
      appId,
      channel,
      publicKeys,
      floor: record.floor,
      installed,
      installerVersion,
      isBundled,
      crypto,
    })
  }

  /** Of something whose failure is worth no more than a line. */
  async function readInstalled(): Promise<InstalledKit | CheckOutcome> {
    try {
      const text = await ports.readInstalled()
      return text === undefined ? skip('unknown-installed') : readInstalledKit(text)
    } catch (error) {
      const code = error instanceof UnexpectedJsonError ? 'installed-invalid' : 'storage-failed'
      return fail(error instanceof KitError ? error.code : code, messageOf(error))
    }
  }

  async function refreshKnown(installed: InstalledKit): Promise<void> {
    known = undefined
    const { offer } = record
    if (offer?.channel !== channel) return
    // It lay somewhere since: it is worth what its signature is worth.
    const judged = await judge(utf8FromText(offer.manifestText), offer.signatures, installed)
    if (judged.kind === 'judged') known = judged.outcome
  }

  async function run({ isAsked = false, stopped }: CheckOptions): Promise<CheckOutcome> {
    if (fault !== undefined) return fail('installation-invalid', fault)
    if (!isEnabled()) return skip('disabled')
    const installed = await readInstalled()
    if ('kind' in installed) return installed
    if (channel === DEV_CHANNEL || source === undefined) return checkBundled(installed)
    try {
      record = await store.read(application)
    } catch (error) {
      if (!isAsked) return fail('storage-failed', messageOf(error))
    }
    await refreshKnown(installed)
    const now = clock.now()
    const until = throttledUntil(record, now)
    if (!isAsked && until !== undefined) return skip('throttled', until)
    if (ports.isOnline?.() === false) return skip('offline')
    const before = record.lastCheckAt
    // Before anybody is asked: what ends in the middle of it, and starts again, would ask each time.
    const noted = await keep({ lastCheckAt: now, offlineAt: undefined })
    if (!isAsked && noted !== undefined) return noted
    const answer = await fetchOffer(questionOf(source, installed), {
      http: ports.http,
      clock,
      allowInsecure: source.allowInsecure ?? false,
      ...(stopped && { stopped }),
      limits: { ...APPLICATION_LIMITS, requestTimeoutMs: timeoutMs },
      takesMinisign: crypto.verifyMinisign !== undefined,
    })
    return conclude(answer, installed, { before, now })
  }

  function questionOf({ url, appKey }: { url: string; appKey?: string | undefined }, installed: InstalledKit) {
    const { installId, installerVersion, platform, architecture } = options
    const { releaseId, sequence } = installed
    const { floor } = record
    const source = { url, appKey }
    return { source, channel, installId, installerVersion, platform, architecture, releaseId, sequence, floor }
  }

  async function conclude(
    answer: OfferAnswer,
    installed: InstalledKit,
    { before, now }: { before: number | undefined; now: number },
  ): Promise<CheckOutcome> {
    switch (answer.kind) {
      case 'unreachable':
        await keep({ lastCheckAt: before, offlineAt: now })
        return skip('offline')
      case 'refused':
        return fail(answer.code, answer.message)
      case 'nothing':
        await keep({ offer: undefined })
        known = { kind: 'up_to_date', releaseId: installed.releaseId, reason: answer.reason }
        return known
      case 'offered': {
        const judged = await judge(answer.bytes, answer.signatures, installed)
        if (judged.kind === 'refused') return fail(judged.code, judged.message)
        const manifestText = new TextDecoder().decode(answer.bytes)
        await keep({ floor: judged.floor, offer: { channel, manifestText, signatures: answer.signatures } })
        return learn(judged)
      }
    }
  }

  async function checkBundled(installed: InstalledKit): Promise<CheckOutcome> {
    if (bundled === undefined) return skip(channel === DEV_CHANNEL ? 'dev' : 'disabled')
    const judged = await judge(utf8FromText(bundled.manifestText), bundled.signatures ?? [], installed, true)
    return judged.kind === 'refused' ? fail(judged.code, judged.message) : learn(judged)
  }

  function learn({ outcome }: Extract<JudgedOffer, { kind: 'judged' }>): KnownOutcome {
    known = outcome
    return outcome
  }

  /** Resolves to what is to be said when it cannot be kept. */
  async function keep(changes: Partial<CheckRecord>): Promise<CheckOutcome | undefined> {
    record = { ...record, ...changes }
    try {
      record = await store.update(application, (found) => ({ ...found, ...changes }))
      return undefined
    } catch (error) {
      return fail('storage-failed', messageOf(error))
    }
  }

  async function runLogged(checkOptions: CheckOptions): Promise<CheckOutcome> {
    let outcome: CheckOutcome
    try {
      outcome = await run(checkOptions)
    } catch (error) {
      // Of a port that breaks its contract: an application has to run all the same.
      outcome = fail('check-failed', messageOf(error))
    }
    const { isAsked = false } = checkOptions
    ports.log?.({ at: clock.now(), application, channel, isAsked, outcome })
    changed()
    return outcome
  }

  function check(checkOptions: CheckOptions = {}): Promise<CheckOutcome> {
    const { isAsked = false } = checkOptions
    // Who asks is not put off with what comes of a check that may ask nobody.
    if (running && (isRunningAsked || !isAsked)) return running
    const started = (running ?? Promise.resolve()).then(() => runLogged(checkOptions))
    const mine = started.finally(() => {
      if (running === mine) running = undefined
    })
    running = mine
    isRunningAsked = isAsked
    return mine
  }

  async function refresh(): Promise<KnownOutcome | undefined> {
    const installed = fault === undefined ? await readInstalled() : undefined
    if (installed === undefined || 'kind' in installed) {
      known = undefined
    } else if (channel === DEV_CHANNEL || source === undefined) {
      await checkBundled(installed)
    } else {
      try {
        record = await store.read(application)
        await refreshKnown(installed)
      } catch {
        // What cannot be read is as good as nothing; the next check says why.
        known = undefined
      }
    }
    changed()
    return known
  }

  function notice(): UpdateNotice | undefined {
    if (!isUpdate(known)) return undefined
    const isRequired = known.kind === 'update_required'
    if (snoozedUntil(record, { releaseId: known.update.releaseId, isRequired }, clock.now()) !== undefined) {
      return undefined
    }
    // What is required stays in sight wherever people go in a session; nothing else is said twice.
    if (isRequired) return known
    return isDismissed || (session.wasTold(application) && !isTelling) ? undefined : known
  }

  return {
    check,
    start: (startOptions) => startChecking({ check }, ports, startOptions),
    refresh,
    known: () => known,
    lastCheckAt: () => record.lastCheckAt,
    notice,
    noticeShown() {
      if (!isUpdate(known)) return
      isTelling = true
      session.tell(application)
    },
    dismiss() {
      isDismissed = true
      changed()
    },
    async snooze() {
      if (!isUpdate(known)) return undefined
      const { releaseId } = known.update
      await keep({ snoozed: { releaseId, at: clock.now() } })
      isDismissed = true
      changed()
      const isRequired = known?.kind === 'update_required'
      return snoozedUntil(record, { releaseId, isRequired }, clock.now())
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}

function skip(
  reason: Extract<CheckOutcome, { kind: 'check_skipped' }>['reason'],
  until?: number,
): Extract<CheckOutcome, { kind: 'check_skipped' }> {
  return { kind: 'check_skipped', reason, until }
}

function fail(code: KitCode, message: string): Extract<CheckOutcome, { kind: 'check_failed' }> {
  return { kind: 'check_failed', code, message }
}
