import { defineOTAElements, OTA_PARTS } from './elements.ts'
import type { OTATexts } from './texts.ts'
import type { ShownManager } from './views.ts'

export { defineOTAElements, type OTAElement } from './elements.ts'
export { OTA_TEXTS, otaTextsFor, type OTATexts } from './texts.ts'
export type { ShownManager } from './views.ts'

export interface MountOptions {
  /** Such as "es-MX"; the page's own when absent. */
  locale?: string
  texts?: Partial<OTATexts>
  document?: Document
}

/** Asks, shows and tells all that there is of updates in the page. Returns the function that ends it. */
export function mountOTAUpdates(manager: ShownManager, options: MountOptions = {}): () => void {
  const page = options.document ?? document
  if (page.defaultView) defineOTAElements(page.defaultView)
  const elements = OTA_PARTS.map((name) => {
    const element = page.createElement(name)
    if (options.locale !== undefined) element.lang = options.locale
    element.texts = options.texts ?? {}
    element.manager = manager
    return element
  })
  page.body.append(...elements)
  return () => {
    for (const element of elements) element.remove()
  }
}
