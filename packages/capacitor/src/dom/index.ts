import { viewDialog, type DialogAction, type DialogView } from '../dialogs/dialog-view.ts'
import { holdFocus } from '../dialogs/hold-focus.ts'
import { addStyles } from '../dialogs/styled.ts'
import { textsFor, type Texts } from '../dialogs/texts.ts'
import type { BundleUpdater } from '../updater/updater.ts'

export { viewDialog, type DialogAction, type DialogView } from '../dialogs/dialog-view.ts'
export { holdFocus } from '../dialogs/hold-focus.ts'
export { DIALOG_CSS } from '../dialogs/styles.ts'
export { TEXTS, textsFor, type Texts } from '../dialogs/texts.ts'

export interface DialogOptions {
  /** Such as "es-MX"; the page's own when absent. */
  locale?: string
  texts?: Partial<Texts>
  /** Without it, "app update required" has no button that leads to the store. */
  openStore?: () => void
  document?: Document
}

/** Shows the updater's questions in the page, without a framework. Returns the function that ends it. */
export function mountDialogs(updater: BundleUpdater, options: DialogOptions = {}): () => void {
  const page = options.document ?? document
  const texts = textsFor(
    options.locale ?? (page.documentElement.lang || page.defaultView?.navigator.language),
    options.texts,
  )
  let shown: { kind: DialogView['kind']; close: () => void; update: (view: DialogView) => void } | undefined

  function show(): void {
    const view = viewDialog(updater.state(), { updater, texts, openStore: options.openStore })
    if (view?.kind !== shown?.kind) {
      shown?.close()
      shown = view && openDialog(page, view)
    } else if (view) {
      shown?.update(view)
    }
  }

  const unsubscribe = updater.subscribe(show)
  show()
  return () => {
    unsubscribe()
    shown?.close()
    shown = undefined
  }
}

function openDialog(page: Document, first: DialogView) {
  addStyles(page)
  let view = first
  const backdrop = element(page, 'div', 'hotpatch-backdrop')
  const dialog = element(page, 'div', 'hotpatch-dialog')
  const title = element(page, 'h2', 'hotpatch-title')
  const body = element(page, 'p', 'hotpatch-body')
  const notice = element(page, 'p', 'hotpatch-notice')
  const actions = element(page, 'div', 'hotpatch-actions')
  ;[title.id, body.id] = ['hotpatch-dialog-title', 'hotpatch-dialog-body']
  const attributes = { role: 'dialog', 'aria-modal': 'true', 'aria-labelledby': title.id, 'aria-describedby': body.id }
  for (const [name, value] of Object.entries(attributes)) dialog.setAttribute(name, value)
  dialog.tabIndex = -1
  notice.setAttribute('role', 'status')
  dialog.append(title, body, notice, actions)
  backdrop.append(dialog)

  function update(next: DialogView): void {
    view = next
    title.textContent = view.title
    body.textContent = view.body
    notice.textContent = view.notice ?? ''
    notice.toggleAttribute('data-failure', view.isFailure)
    // The same elements, so that the one with the focus keeps it.
    for (const [index, action] of view.actions.entries()) {
      const button = actions.children.item(index) ?? actions.appendChild(buttonOf(page, () => view.actions[index]))
      button.textContent = action.label
      button.toggleAttribute('disabled', action.isDisabled)
      button.toggleAttribute('data-primary', action.isPrimary)
    }
  }

  update(view)
  page.body.append(backdrop)
  const release = holdFocus({ dialog, backdrop }, () => view.dismiss)
  return {
    kind: first.kind,
    update,
    close: () => {
      release()
      backdrop.remove()
    },
  }
}

function buttonOf(page: Document, action: () => DialogAction | undefined): HTMLButtonElement {
  const button = element(page, 'button', 'hotpatch-button')
  button.type = 'button'
  button.addEventListener('click', () => action()?.run())
  return button
}

function element<Name extends keyof HTMLElementTagNameMap>(page: Document, name: Name, className: string) {
  const made = page.createElement(name)
  made.className = className
  return made
}
