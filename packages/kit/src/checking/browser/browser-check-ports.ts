import { systemClock } from '@hotpatch/device-ground/system-clock'
import type { CheckPorts } from '../check-settings.ts'
import { createStorageCheckStore, createStorageSession, type TextStorage } from '../check-store.ts'
import { fetchHttp } from './fetch-http.ts'
import { webEd25519 } from './web-ed25519.ts'

/** What is looked at of a page; it may be missing in workers. */
interface Page {
  localStorage: TextStorage
  sessionStorage: TextStorage
  navigator?: { onLine?: boolean }
  requestAnimationFrame?(run: () => void): number
  cancelAnimationFrame?(id: number): void
}

/** The ports of a page. Nothing of the page is touched before it is needed. */
export function browserCheckPorts(readInstalled: CheckPorts['readInstalled']): CheckPorts {
  const page = globalThis as unknown as Page
  return {
    http: fetchHttp(),
    clock: systemClock(),
    crypto: webEd25519(),
    // Pages may not use them: that throws, and is the store's to say.
    store: createStorageCheckStore(() => page.localStorage),
    session: createStorageSession(() => page.sessionStorage),
    readInstalled,
    isOnline: () => page.navigator?.onLine !== false,
    whenPainted: (run) => whenPainted(page, run),
  }
}

/** After the frame that is being made: what runs then holds up nothing that people wait for. */
function whenPainted(page: Page, run: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const later = () => {
    timer = setTimeout(run, 0)
  }
  const frame = page.requestAnimationFrame?.(later)
  if (frame === undefined) later()
  return () => {
    if (frame !== undefined) page.cancelAnimationFrame?.(frame)
    clearTimeout(timer)
  }
}
