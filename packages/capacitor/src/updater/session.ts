import type { SessionPort } from '../ground/ports.ts'

const KEY = 'hotpatch.web-bundle.session'

/** What was shown since the last cold start. A reload of the page is none: so it is kept beside the page, where that can be. */
export function createSession(port: SessionPort | undefined) {
  let shown = read(port)

  function note(name: 'asked' | 'native'): void {
    shown = new Set([...shown, name])
    write()
  }

  /** The user took the update: what comes next is another question. */
  function begin(): void {
    shown = new Set()
    write()
  }

  function write(): void {
    try {
      port?.set(KEY, [...shown].join(' '))
    } catch {
      // In memory it holds.
    }
  }

  return { note, begin, has: (name: 'asked' | 'native') => shown.has(name) }
}

function read(port: SessionPort | undefined): ReadonlySet<string> {
  try {
    return new Set(port?.get(KEY)?.split(' '))
  } catch {
    return new Set()
  }
}
