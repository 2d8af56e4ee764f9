import type { DialogView, FrameTexts, ViewAction } from './view.ts'

export interface DialogFrame {
  show(view: DialogView, texts: FrameTexts): void
  close(): void
}

/**
 * A modal dialog of the platform: what is behind is inert, and the focus comes back at the end. A view without `dismiss`
 * is closed by nothing: no key, no gesture, no second try of either.
 */
export function createDialogFrame(root: ShadowRoot, page: Document): DialogFrame {
  const dialog = page.createElement('dialog')
  const title = page.createElement('h2')
  const body = page.createElement('p')
  const notes = page.createElement('section')
  const progress = page.createElement('progress')
  const received = page.createElement('p')
  const actions = page.createElement('div')
  ;[title.id, body.id] = ['title', 'body']
  dialog.setAttribute('aria-labelledby', title.id)
  dialog.setAttribute('aria-describedby', body.id)
  dialog.tabIndex = -1
  body.setAttribute('role', 'status')
  notes.className = 'notes'
  // It scrolls: whoever has no pointer does it by keys.
  notes.tabIndex = 0
  received.className = 'muted'
  actions.className = 'actions'
  dialog.append(title, body, notes, progress, received, actions)
  root.append(dialog)

  let view: DialogView | undefined
  let buttons: readonly HTMLButtonElement[] = []
  let focusedBefore: Element | null = null

  function draw(next: DialogView, texts: FrameTexts): void {
    const isOther = next.kind !== view?.kind
    view = next
    dialog.setAttribute('role', next.isMandatory ? 'alertdialog' : 'dialog')
    // Where it is known, the platform itself asks nobody to close it.
    dialog.setAttribute('closedby', next.dismiss ? 'any' : 'none')
    setText(title, next.title)
    setText(body, next.body)
    body.classList.toggle('failure', next.isFailure)
    drawNotes(next, texts)
    progress.hidden = received.hidden = next.progress === undefined
    progress.setAttribute('aria-label', texts.progressLabel)
    if (next.progress) {
      progress.max = next.progress.total
      progress.value = next.progress.received
      progress.setAttribute('aria-valuetext', next.progress.text)
      setText(received, next.progress.text)
    }
    if (isOther) drawActions(next.actions)
    for (const [index, button] of buttons.entries()) setText(button, next.actions[index]?.label ?? '')
    if (isOther && dialog.open) focusFirst()
  }

  function drawNotes({ notes: text }: DialogView, texts: FrameTexts): void {
    notes.hidden = text === ''
    notes.setAttribute('aria-label', texts.notes)
    if (notes.dataset.text === text) return
    notes.dataset.text = text
    const heading = page.createElement('h3')
    heading.textContent = texts.notes
    const paragraph = page.createElement('p')
    paragraph.className = 'text'
    paragraph.textContent = text
    notes.replaceChildren(heading, paragraph)
  }

  /** Others in their place: who pressed the last one twice must not have pressed the next one. */
  function drawActions(next: readonly ViewAction[]): void {
    buttons = next.map(({ isPrimary }, index) => {
      const button = page.createElement('button')
      button.type = 'button'
      button.toggleAttribute('data-primary', isPrimary)
      button.addEventListener('click', () => view?.actions[index]?.run())
      return button
    })
    actions.replaceChildren(...buttons)
  }

  function focusFirst(): void {
    const primary = buttons.find((button) => button.hasAttribute('data-primary'))
    ;(primary ?? dialog).focus()
  }

  function onKey(event: KeyboardEvent): void {
    if (!dialog.open) return
    if (event.key === 'Escape') {
      // Not for what the app itself does on Escape.
      event.preventDefault()
      event.stopPropagation()
      view?.dismiss?.()
    } else if (event.key === 'Tab') {
      event.preventDefault()
      moveFocus(event.shiftKey ? -1 : 1)
    }
  }

  /** Around, without the browser's own buttons in between. */
  function moveFocus(step: 1 | -1): void {
    const stops: HTMLElement[] = [...(notes.hidden ? [] : [notes]), ...buttons]
    const at = stops.indexOf(root.activeElement as HTMLElement)
    const next = at === -1 ? (step === 1 ? 0 : stops.length - 1) : (at + step + stops.length) % stops.length
    ;(stops[next] ?? dialog).focus()
  }

  // The gesture back of phones, and Escape where the key itself is not seen.
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault()
    view?.dismiss?.()
  })
  // Browsers close a dialog all the same when somebody insists.
  dialog.addEventListener('close', () => {
    if (view && dialog.isConnected) open()
  })
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog && isBeside(dialog, event)) view?.dismiss?.()
  })

  function open(): void {
    dialog.showModal()
    focusFirst()
  }

  return {
    show(next, texts) {
      draw(next, texts)
      if (dialog.open) return
      page.addEventListener('keydown', onKey, true)
      focusedBefore = page.activeElement
      open()
    },
    close() {
      view = undefined
      page.removeEventListener('keydown', onKey, true)
      if (dialog.open) dialog.close()
      // The platform gives the focus back, but not from what is in no page any more.
      if (!dialog.isConnected && focusedBefore?.isConnected) (focusedBefore as HTMLElement).focus()
      focusedBefore = null
    },
  }
}

function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text
}

function isBeside(dialog: HTMLElement, { clientX, clientY }: MouseEvent): boolean {
  const { left, right, top, bottom } = dialog.getBoundingClientRect()
  return clientX < left || clientX > right || clientY < top || clientY > bottom
}
