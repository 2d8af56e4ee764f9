import type { Page } from 'playwright-core'
import type { Console } from './open-console.ts'

/** A page as the walk sees it: with something on it, whole. */
export interface ConsolePage {
  /** Of its pictures: docs/images/console/<name>-desk-light.png. */
  name: string
  /** Below /dashboard; or what the seed has made of it. */
  address: string | (() => string)
  /** Resolves when it is whole. */
  shows: (page: Page) => Promise<unknown>
  /** The end of an address that refuses it, which is what it is about: of everything else the browser says nothing. */
  isRefused?: string
  /** Shown before it is looked at, such as an opened dialog. */
  prepare?: (page: Page) => Promise<unknown>
}

export interface ConsolePages {
  /** What is on its pages; in order, on one server: what others have made is there. */
  seed?: (console: Console) => Promise<void>
  pages: readonly ConsolePage[]
}
