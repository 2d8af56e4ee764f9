import type { SdkCode } from '@hotpatch/protocol'
import type { UpdaterState } from '../updater/updater-state.ts'
import { fill, formatSize, type DialogView, type ViewAction } from '@hotpatch/update-elements'
import type { Texts } from './texts.ts'

/** What the elements need of an updater: `AppUpdater`, or that of another process. */
export interface ShownUpdater {
  state(): UpdaterState
  subscribe(listener: () => void): () => void
  download(): unknown
  install(): unknown
  later(): void
  stop(): void
}

/** What a dialog shows, whoever draws it. */
export interface UpdateView extends DialogView {
  kind: UpdaterState['kind']
}

/** Undefined when there is nothing to ask or to show. `hide` closes it while a download goes on. */
export function viewUpdate(
  state: UpdaterState,
  {
    updater,
    texts,
    locale,
    hide,
  }: { updater: ShownUpdater; texts: Texts; locale: string | undefined; hide: () => void },
): UpdateView | undefined {
  if (!('update' in state)) return undefined
  const { update, kind } = state
  const { isMandatory, notes } = update
  const size = formatSize(update.sizeBytes, locale)
  const values = { version: update.version, size }
  const shown = { kind, isMandatory, notes: '', progress: undefined, isFailure: false, actions: [], dismiss: undefined }
  const later = isMandatory ? undefined : () => updater.later()
  const laterAction = later ? [{ label: texts.later, isPrimary: false, run: later }] : []
  const primary = (label: string, run: () => unknown): ViewAction => ({ label, isPrimary: true, run: () => void run() })

  switch (state.kind) {
    case 'available':
      if (state.isPostponed) return undefined
      return {
        ...shown,
        title: isMandatory ? texts.mandatoryTitle : texts.availableTitle,
        body: fill(isMandatory ? texts.mandatoryBody : texts.availableBody, values),
        notes,
        actions: [...laterAction, primary(texts.download, updater.download)],
        dismiss: later,
      }
    case 'downloading': {
      const received = formatSize(state.receivedBytes, locale)
      const cancel = { label: texts.cancel, isPrimary: false, run: () => updater.stop() }
      return {
        ...shown,
        title: fill(texts.downloadingTitle, values),
        body: '',
        progress: {
          received: state.receivedBytes,
          total: update.sizeBytes,
          text: fill(texts.progress, { ...values, received }),
        },
        actions: isMandatory ? [] : [cancel, primary(texts.background, hide)],
        dismiss: isMandatory ? undefined : hide,
      }
    }
    case 'ready':
      if (state.isPostponed) return undefined
      return {
        ...shown,
        title: texts.readyTitle,
        body: fill(texts.readyBody, values),
        notes,
        actions: [...laterAction, primary(texts.install, updater.install)],
        dismiss: later,
      }
    case 'handing-over':
      return { ...shown, title: texts.readyTitle, body: texts.handingOver }
    case 'handed-over': {
      const close = isMandatory ? undefined : hide
      return {
        ...shown,
        title: texts.handedOverTitle,
        body: texts.handedOverBody,
        actions: [
          ...(close ? [{ label: texts.close, isPrimary: false, run: close }] : []),
          primary(texts.openAgain, updater.install),
        ],
        dismiss: close,
      }
    }
    case 'failed':
      return {
        ...shown,
        title: texts.failedTitle,
        body: fill(texts[failureText(state.code)], values),
        isFailure: true,
        actions: [...laterAction, primary(texts.retry, updater.download)],
        dismiss: later,
      }
  }
}

function failureText(code: SdkCode): keyof Texts {
  switch (code) {
    case 'storage-full':
    case 'storage-failed':
      return 'failedStorage'
    case 'hash-mismatch':
    case 'download-too-large':
      return 'failedVerification'
    case 'install-failed':
      return 'failedInstaller'
    default:
      return 'failedDownload'
  }
}
