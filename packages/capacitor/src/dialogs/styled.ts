import { DIALOG_CSS } from './styles.ts'

const ID = 'hotpatch-dialog-style'

/** Once in each document. A page that allows no styles in it (CSP) brings `DIALOG_CSS` itself, in an element of that id. */
export function addStyles(page: Document): void {
  if (page.getElementById(ID)) return
  const style = page.createElement('style')
  style.id = ID
  style.textContent = DIALOG_CSS
  page.head.append(style)
}
