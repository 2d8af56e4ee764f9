import type { UpdaterState } from '../updater/updater-state.ts'
import type { BundleUpdater } from '../updater/updater.ts'
import type { Texts } from './texts.ts'

export interface DialogAction {
  name: 'reload' | 'later' | 'store' | 'close'
  label: string
  isPrimary: boolean
  isDisabled: boolean
  run: () => void
}

/** What a dialog shows and does, for whatever draws it. */
export interface DialogView {
  kind: 'update' | 'native'
  title: string
  body: string
  /** Said aloud by screen readers when it comes. */
  notice: string | undefined
  isFailure: boolean
  /** In the order in which they stand. */
  actions: readonly DialogAction[]
  /** By Escape, and the back button of browsers; undefined while it cannot be closed. */
  dismiss: (() => void) | undefined
}

/** Undefined when there is nothing to show. */
export function viewDialog(
  state: UpdaterState,
  { updater, texts, openStore }: { updater: BundleUpdater; texts: Texts; openStore?: (() => void) | undefined },
): DialogView | undefined {
  switch (state.kind) {
    case 'idle':
    case 'downloading':
      return undefined
    case 'question':
    case 'switching':
      return viewUpdate(state, updater, texts)
    case 'native-required':
      return viewNative(state, { updater, texts, openStore })
  }
}

function viewUpdate(
  state: UpdaterState & { kind: 'question' | 'switching' },
  updater: BundleUpdater,
  texts: Texts,
): DialogView {
  const isBusy = state.kind === 'switching'
  const failure = state.kind === 'question' ? state.failure : undefined
  const action = { isDisabled: isBusy }
  return {
    kind: 'update',
    title: texts.updateTitle,
    body: fill(state.isDowngrade ? texts.downgradeBody : texts.updateBody, { version: state.version }),
    notice: isBusy ? texts.switching : failure && texts.failed,
    isFailure: failure !== undefined,
    actions: [
      { ...action, name: 'later', label: texts.later, isPrimary: false, run: updater.later },
      { ...action, name: 'reload', label: texts.reload, isPrimary: true, run: () => void updater.reload() },
    ],
    dismiss: isBusy ? undefined : updater.later,
  }
}

function viewNative(
  state: UpdaterState & { kind: 'native-required' },
  { updater, texts, openStore }: { updater: BundleUpdater; texts: Texts; openStore?: (() => void) | undefined },
): DialogView {
  const close = { name: 'close', label: texts.close, isDisabled: false, run: updater.dismissNative } as const
  const store = openStore && ({ name: 'store', label: texts.openStore, isDisabled: false, run: openStore } as const)
  return {
    kind: 'native',
    title: texts.nativeTitle,
    body: fill(texts.nativeBody, { minimum: state.minNativeVersion, installed: state.nativeVersion }),
    notice: undefined,
    isFailure: false,
    actions: store
      ? [
          { ...close, isPrimary: false },
          { ...store, isPrimary: true },
        ]
      : [{ ...close, isPrimary: true }],
    dismiss: updater.dismissNative,
  }
}

function fill(text: string, values: Record<string, string>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole)
}
