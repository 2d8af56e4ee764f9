import { createElement, useEffect, useRef, useSyncExternalStore, type ReactElement } from 'react'
import { defineKitBanner, type KitBannerElement } from './banner-element.ts'
import type { BannerTexts } from './banner-texts.ts'
import type { ShownChecks } from './banner-view.ts'

export interface KitBannerProps {
  checks: ShownChecks
  /** Such as "example-installer://update", or a page. */
  installerLink?: string
  /** Such as "es-MX"; the page's own when absent. */
  locale?: string
  texts?: Partial<BannerTexts>
}

/**
 * The same banner as an element of React: `<KitBanner checks={checks} />`. On a server it is empty.
 */
export function KitBanner({ checks, installerLink, locale, texts }: KitBannerProps): ReactElement {
  const host = useRef<KitBannerElement>(null)
  useEffect(() => {
    const element = host.current
    if (!element) return undefined
    const view = element.ownerDocument.defaultView
    if (view) defineKitBanner(view)
    element.texts = texts ?? {}
    element.installerLink = installerLink
    element.checks = checks
    return () => {
      element.checks = undefined
    }
  }, [checks, installerLink, texts])
  return createElement('hotpatch-kit-banner', { ref: host, ...(locale !== undefined && { lang: locale }) })
}

/** For a banner of one's own: what people are to be told, as long as they are. Tell `checks.noticeShown()` when it is seen. */
export function useKitNotice(checks: ShownChecks): ReturnType<ShownChecks['notice']> {
  return useSyncExternalStore(
    checks.subscribe,
    () => checks.notice(),
    () => undefined,
  )
}
