import { createElement, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { browserCheckPorts } from '../../../checking/browser/browser-check-ports.ts'
import { createKitChecks, type KitChecks } from '../../../checking/kit-checks.ts'
import { defineKitBanner, mountKitBanner, type KitBannerOptions } from '../../index.ts'
import { KitBanner, useKitNotice } from '../../react.ts'

interface PageFacts {
  installed: string
  appId: string
  publicKey: string
}

declare global {
  interface Window {
    /** What a test looks at, and reaches into. */
    kit: {
      create(facts: PageFacts): KitChecks
      checks: KitChecks
      mount(options?: KitBannerOptions): () => void
      mountInReact(installerLink: string): () => void
      define: typeof defineKitBanner
    }
  }
}

function Told({ checks }: { checks: KitChecks }) {
  return createElement('output', { id: 'told' }, useKitNotice(checks)?.update.releaseId ?? 'nothing')
}

window.kit = {
  /** Checks as an application has them in its pages; the server is that of the page. */
  create({ installed, appId, publicKey }) {
    const checks = createKitChecks({
      application: 'web',
      source: { url: location.origin, appId, allowInsecure: 'loopback' },
      publicKeys: [publicKey],
      channel: 'stable',
      ports: browserCheckPorts(async () => installed),
    })
    window.kit.checks = checks
    return checks
  },
  checks: undefined as unknown as KitChecks,
  mount: (options) => mountKitBanner(window.kit.checks, options),
  mountInReact(installerLink) {
    const root = createRoot(document.querySelector('main')?.appendChild(document.createElement('div')) as HTMLElement)
    const { checks } = window.kit
    root.render(
      createElement(
        StrictMode,
        null,
        createElement(KitBanner, { checks, installerLink }),
        createElement(Told, { checks }),
      ),
    )
    return () => root.unmount()
  },
  define: defineKitBanner,
}
