import {
  createElement as h,
  useEffect,
  useRef,
  useSyncExternalStore,
  type ComponentType,
  type ReactElement,
} from 'react'
import { createPortal } from 'react-dom'
import { viewDialog, type DialogView } from '../dialogs/dialog-view.ts'
import { holdFocus } from '../dialogs/hold-focus.ts'
import { addStyles } from '../dialogs/styled.ts'
import { textsFor, type Texts } from '../dialogs/texts.ts'
import type { UpdaterState } from '../updater/updater-state.ts'
import type { BundleUpdater } from '../updater/updater.ts'

export { viewDialog, type DialogAction, type DialogView } from '../dialogs/dialog-view.ts'
export { DIALOG_CSS } from '../dialogs/styles.ts'
export { TEXTS, textsFor, type Texts } from '../dialogs/texts.ts'

/** What the updater is at, for components of your own. */
export function useBundleUpdate(updater: BundleUpdater): UpdaterState {
  return useSyncExternalStore(updater.subscribe, updater.state, updater.state)
}

export interface UpdateDialogsProps {
  updater: BundleUpdater
  /** Such as "es-MX"; the page's own when absent. */
  locale?: string
  texts?: Partial<Texts>
  /** Without it, "app update required" has no button that leads to the store. */
  openStore?: () => void
  /** Draws what is inside the dialog; focus, keys and names for screen readers stay as they are. */
  content?: ComponentType<DialogContentProps>
}

export interface DialogContentProps {
  view: DialogView
  /** For the element that names the dialog. */
  titleId: string
  bodyId: string
}

/** Shows the updater's questions. Put it anywhere in the app, once. */
export function UpdateDialogs({ updater, locale, texts, openStore, content }: UpdateDialogsProps): ReactElement | null {
  const state = useBundleUpdate(updater)
  if (typeof document === 'undefined') return null
  const told = textsFor(locale ?? (document.documentElement.lang || navigator.language), texts)
  const view = viewDialog(state, { updater, texts: told, openStore })
  if (!view) return null
  return createPortal(h(Dialog, { key: view.kind, view, content: content ?? DialogContent }), document.body)
}

function Dialog({ view, content }: { view: DialogView; content: ComponentType<DialogContentProps> }): ReactElement {
  const dialog = useRef<HTMLDivElement>(null)
  const backdrop = useRef<HTMLDivElement>(null)
  const dismiss = useRef(view.dismiss)
  dismiss.current = view.dismiss
  useEffect(() => {
    addStyles(document)
    if (!dialog.current || !backdrop.current) return undefined
    return holdFocus({ dialog: dialog.current, backdrop: backdrop.current }, () => dismiss.current)
  }, [])
  const [titleId, bodyId] = ['hotpatch-dialog-title', 'hotpatch-dialog-body']
  return h(
    'div',
    { className: 'hotpatch-backdrop', ref: backdrop },
    h(
      'div',
      {
        className: 'hotpatch-dialog',
        ref: dialog,
        role: 'dialog',
        'aria-modal': true,
        'aria-labelledby': titleId,
        'aria-describedby': bodyId,
        tabIndex: -1,
      },
      h(content, { view, titleId, bodyId }),
    ),
  )
}

function DialogContent({ view, titleId, bodyId }: DialogContentProps): ReactElement[] {
  return [
    h('h2', { key: 'title', id: titleId, className: 'hotpatch-title' }, view.title),
    h('p', { key: 'body', id: bodyId, className: 'hotpatch-body' }, view.body),
    h(
      'p',
      { key: 'notice', className: 'hotpatch-notice', role: 'status', 'data-failure': view.isFailure ? '' : undefined },
      view.notice,
    ),
    h(
      'div',
      { key: 'actions', className: 'hotpatch-actions' },
      view.actions.map(({ name, label, isPrimary, isDisabled, run }) =>
        h(
          'button',
          {
            key: name,
            type: 'button',
            className: 'hotpatch-button',
            disabled: isDisabled,
            'data-primary': isPrimary ? '' : undefined,
            onClick: run,
          },
          label,
        ),
      ),
    ),
  ]
}
