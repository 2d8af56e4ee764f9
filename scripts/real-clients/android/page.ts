import { createContext, runInContext } from 'node:vm'

/** What a page of an app calls of a plugin. */
export type PluginCalls = Record<string, (options?: object) => Promise<Record<string, unknown>>>

/**
 * A page in the app's web view: a JavaScript world of its own, in which what Capacitor's local server has put into the page
 * runs, its bridge among it. When the next page is loaded it is gone: nothing reaches it, and nothing that it says is heard.
 */
export function createPage({ url, html, say }: { url: string; html: string; say: (message: string) => void }) {
  let isGone = false
  const listeners = new Map<string, ((event: unknown) => void)[]>()
  const target = {
    addEventListener: (name: string, listener: (event: unknown) => void) => {
      listeners.set(name, [...(listeners.get(name) ?? []), listener])
    },
    removeEventListener: () => undefined,
    dispatchEvent: (event: { type: string }) => {
      for (const listener of listeners.get(event.type) ?? []) listener(event)
      return true
    },
  }
  const world: Record<string, unknown> = {
    ...target,
    androidBridge: {
      postMessage: (message: string) => {
        if (!isGone) say(message)
      },
    },
    console: Object.fromEntries(QUIET.map((name) => [name, () => undefined])),
    document: { ...target, cookie: '', createEvent: () => ({ initEvent: () => undefined }), readyState: 'complete' },
    location: { href: url, origin: new URL(url).origin },
    navigator: { userAgent: 'Android' },
    Document: class {
      get cookie() {
        return ''
      }
    },
    XMLHttpRequest: class {
      readyState = 0
    },
    CustomEvent: class {
      type: string
      constructor(type: string, init?: object) {
        this.type = type
        Object.assign(this, init)
      }
    },
    setTimeout,
    clearTimeout,
    setInterval,
    clearInterval,
    queueMicrotask,
    URL,
    fetch,
  }
  world.window = world
  world.self = world
  world.webkit = undefined
  createContext(world)
  const evaluate = (script: string) => {
    if (!isGone) runInContext(script, world)
  }
  for (const [, script = ''] of html.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)) evaluate(script)

  return {
    html,
    evaluate,
    /** By the methods that the native side says its plugin has. Of a page that is gone, nothing is answered. */
    plugin(name: string): PluginCalls {
      const { Plugins } = world.Capacitor as { Plugins: Record<string, PluginCalls> }
      const plugin = Plugins[name]
      if (!plugin) throw new Error(`The app has no plugin ${name}.`)
      const calls = Object.entries(plugin).map(([method, call]): [string, PluginCalls[string]] => {
        return [method, async (options) => ours((await call(options)) ?? {})]
      })
      return Object.fromEntries(calls)
    },
    isGone: () => isGone,
    leave() {
      isGone = true
    },
  }
}

/** In the world of whoever asked. */
function ours<T>(answer: T): T {
  return JSON.parse(JSON.stringify(answer)) as T
}

export type Page = ReturnType<typeof createPage>

const QUIET = ['debug', 'dir', 'error', 'group', 'groupCollapsed', 'groupEnd', 'info', 'log', 'trace', 'warn']
