import { defineKitBanner } from './banner-element.ts'
import type { BannerTexts } from './banner-texts.ts'
import type { ShownChecks } from './banner-view.ts'

export { defineKitBanner, type KitBannerElement } from './banner-element.ts'
export { BANNER_TEXTS, bannerTextsFor, type BannerTexts } from './banner-texts.ts'
export { viewBanner, type BannerView, type ShownChecks } from './banner-view.ts'

export interface KitBannerOptions {
  /** Such as "example-installer://update", or a page. */
  installerLink?: string
  /** Such as "es-MX"; the page's own when absent. */
  locale?: string
  texts?: Partial<BannerTexts>
  document?: Document
}

/**
 * Shows in the page what the checks have found. Returns the function that ends it.
 *
 * @example
 * mountKitBanner(checks, { installerLink: 'example-installer://update' })
 */
export function mountKitBanner(checks: ShownChecks, options: KitBannerOptions = {}): () => void {
  const page = options.document ?? document
  if (page.defaultView) defineKitBanner(page.defaultView)
  const element = page.createElement('hotpatch-kit-banner')
  if (options.locale !== undefined) element.lang = options.locale
  element.texts = options.texts ?? {}
  element.installerLink = options.installerLink
  element.checks = checks
  page.body.append(element)
  return () => element.remove()
}
