import { defineUpdateElements } from './elements.ts'
import type { Texts } from './texts.ts'
import type { ShownUpdater } from './update-view.ts'

export { defineUpdateElements, type ChangelogElement, type ChangelogEntry, type UpdateElement } from './elements.ts'
export { TEXTS, textsFor, type Texts } from './texts.ts'
export type { ViewAction } from '@hotpatch/update-elements'
export { viewUpdate, type ShownUpdater, type UpdateView } from './update-view.ts'

export interface MountOptions {
  /** Such as "es-MX"; the page's own when absent. */
  locale?: string
  texts?: Partial<Texts>
  document?: Document
}

/** Shows the updater's questions in the page. Returns the function that ends it. */
export function mountUpdateDialog(updater: ShownUpdater, options: MountOptions = {}): () => void {
  const page = options.document ?? document
  if (page.defaultView) defineUpdateElements(page.defaultView)
  const element = page.createElement('hotpatch-update-dialog')
  if (options.locale !== undefined) element.lang = options.locale
  element.texts = options.texts ?? {}
  element.updater = updater
  page.body.append(element)
  return () => element.remove()
}
