/**
 * Makes `dialog` the only thing that keys and screen readers reach, until the returned function gives everything back:
 * focus moves in, Tab stays in, Escape dismisses, what is behind is inert, and focus goes back to where it was.
 * `backdrop` is a child of the body, with the dialog in it.
 */
export function holdFocus(
  { dialog, backdrop }: { dialog: HTMLElement; backdrop: HTMLElement },
  dismiss: () => (() => void) | undefined,
): () => void {
  const page = dialog.ownerDocument
  const before = page.activeElement
  const behind = [...page.body.children].filter(
    (element): element is HTMLElement => element instanceof HTMLElement && element !== backdrop && !element.inert,
  )
  for (const element of behind) element.inert = true
  const reachable = () => [...dialog.querySelectorAll<HTMLElement>('button:not([disabled])')]
  const first = () => dialog.querySelector<HTMLElement>('[data-primary]:not([disabled])') ?? dialog
  first().focus()

  function onKey(event: KeyboardEvent): void {
    if (event.key === 'Escape') {
      // Not for what the app itself does on Escape.
      event.preventDefault()
      event.stopPropagation()
      dismiss()?.()
      return
    }
    if (event.key !== 'Tab') return
    event.preventDefault()
    const stops = reachable()
    const at = stops.indexOf(page.activeElement as HTMLElement)
    const step = event.shiftKey ? -1 : 1
    const next = at === -1 ? (event.shiftKey ? stops.length - 1 : 0) : (at + step + stops.length) % stops.length
    ;(stops[next] ?? dialog).focus()
  }

  /** A button that was pressed and is now disabled loses it; older web views know no inert. */
  function onLost(event: FocusEvent): void {
    if (event.relatedTarget instanceof Node && dialog.contains(event.relatedTarget)) return
    queueMicrotask(() => {
      if (dialog.isConnected && !dialog.contains(page.activeElement)) dialog.focus()
    })
  }

  page.addEventListener('keydown', onKey, true)
  dialog.addEventListener('focusout', onLost)
  return () => {
    page.removeEventListener('keydown', onKey, true)
    dialog.removeEventListener('focusout', onLost)
    for (const element of behind) element.inert = false
    if (before instanceof HTMLElement && before.isConnected) before.focus()
  }
}
