import { fill, formatSize, type DialogView, type ViewAction } from '@hotpatch/update-elements'
import type { AvailableUpdate, ManagerState } from '../manager/manager-state.ts'
import type { OTATexts } from './texts.ts'

/** What the elements need of a manager: `OTAUpdateManager`, or that of another process. */
export interface ShownManager {
  state(): ManagerState
  subscribe(listener: () => void): () => void
  appliedUpdate(): string | null
  checkForUpdate(): Promise<unknown>
  downloadAndInstallUpdate(): Promise<unknown>
  applyUpdate(): Promise<boolean>
  later(): void
  startBackgroundChecks(): void
  stopBackgroundChecks(): void
}

export interface ViewContext {
  manager: ShownManager
  texts: OTATexts
  locale: string | undefined
  /** Closes it until something else happens. */
  hide(): void
}

/** Undefined when there is nothing to ask or to show. */
export type ViewPart = (state: ManagerState, context: ViewContext) => DialogView | undefined

const EMPTY = { notes: '', progress: undefined, isFailure: false, actions: [] } as const

export const viewAvailable: ViewPart = (state, { manager, texts, locale }) => {
  if (state.kind !== 'available' || state.isPostponed) return undefined
  const { update } = state
  return {
    ...EMPTY,
    ...describe(update, texts, locale),
    kind: 'available',
    notes: update.notes,
    isMandatory: update.isMandatory,
    ...choices(texts.download, () => manager.downloadAndInstallUpdate(), { update, manager, texts }),
  }
}

export const viewProgress: ViewPart = (state, { texts, locale, hide }) => {
  if (state.kind !== 'downloading') return undefined
  const { update, receivedBytes, totalBytes } = state
  const values = { received: formatSize(receivedBytes, locale), size: formatSize(totalBytes, locale) }
  return {
    ...EMPTY,
    kind: 'downloading',
    title: fill(texts.downloadingTitle, { version: update.version }),
    body: totalBytes === 0 ? texts.preparing : '',
    isMandatory: update.isMandatory,
    progress:
      totalBytes === 0 ? undefined : { received: receivedBytes, total: totalBytes, text: fill(texts.progress, values) },
    actions: update.isMandatory ? [] : [primary(texts.hide, hide)],
    dismiss: update.isMandatory ? undefined : hide,
  }
}

/** Where the app could not be restarted people have to. */
export const viewReady =
  (restart: { isPossible: boolean; run(): void }): ViewPart =>
  (state, { manager, texts, hide }) => {
    if (state.kind !== 'ready' || state.isPostponed) return undefined
    const { update } = state
    const shown = { ...EMPTY, kind: 'ready', title: texts.readyTitle, isMandatory: update.isMandatory }
    if (!restart.isPossible) {
      const body = fill(texts.restartYourself, { version: update.version })
      return { ...shown, kind: 'restart', body, actions: [primary(texts.close, hide)], dismiss: hide }
    }
    return {
      ...shown,
      body: fill(texts.readyBody, { version: update.version }),
      ...choices(texts.restart, restart.run, { update, manager, texts }),
    }
  }

function describe(update: AvailableUpdate, texts: OTATexts, locale: string | undefined) {
  const { id, isMandatory, expectedBytes } = update
  if (id === null) return { title: texts.backTitle, body: texts.backBody }
  const size = expectedBytes === null ? '' : fill(texts.availableSize, { size: formatSize(expectedBytes, locale) })
  const body = fill(isMandatory ? texts.mandatoryBody : texts.availableBody, { version: update.version })
  return { title: isMandatory ? texts.mandatoryTitle : texts.availableTitle, body: `${body} ${size}`.trim() }
}

/** Now or later; of what is mandatory there is no later. */
function choices(
  label: string,
  run: () => unknown,
  { update, manager, texts }: { update: AvailableUpdate; manager: ShownManager; texts: OTATexts },
): Pick<DialogView, 'actions' | 'dismiss'> {
  const now = primary(label, () => void run())
  if (update.isMandatory) return { actions: [now], dismiss: undefined }
  const later = () => manager.later()
  return { actions: [{ label: texts.later, isPrimary: false, run: later }, now], dismiss: later }
}

function primary(label: string, run: () => void): ViewAction {
  return { label, isPrimary: true, run }
}

/** A word that stops nobody: what went wrong, or that it worked. */
export interface Notice {
  isFailure: boolean
  text: string
  retry: (() => void) | undefined
}

export function noticeOf(state: ManagerState, { manager, texts }: ViewContext): Notice | undefined {
  if (state.kind === 'failed') {
    const { update } = state
    const retry = state.isRetryable ? () => void manager.downloadAndInstallUpdate() : undefined
    return { isFailure: true, text: fill(texts[failureText(state.code)], { version: update.version }), retry }
  }
  // Being offline is nothing to be told of; that something is refused is.
  if (state.kind === 'check-failed' && state.code !== 'check-failed') {
    return { isFailure: true, text: texts.failedCheck, retry: () => void manager.checkForUpdate() }
  }
  const version = manager.appliedUpdate()
  if (version === null) return undefined
  return { isFailure: false, text: fill(texts.applied, { version }), retry: undefined }
}

function failureText(code: (ManagerState & { kind: 'failed' })['code']): keyof OTATexts {
  switch (code) {
    case 'storage-full':
    case 'storage-failed':
      return 'failedStorage'
    case 'hash-mismatch':
    case 'download-too-large':
    case 'files-invalid':
      return 'failedVerification'
    default:
      return 'failedDownload'
  }
}
