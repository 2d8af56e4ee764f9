import { readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DESK, executablePath, go, openConsole, PHONE, type Console } from './open-console.ts'
import type { ConsolePage } from './console-page.ts'
import { CONSOLE_PAGES } from './pages.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
/** Where pictures go: npm run screenshots. */
const PICTURES = process.env.HOTPATCH_SCREENSHOTS
/** Each theme and each width; all four where pictures are made. */
const LOOKS = [
  { name: 'desk-light', viewport: DESK, colorScheme: 'light' },
  { name: 'phone-dark', viewport: PHONE, colorScheme: 'dark' },
  ...(PICTURES === undefined
    ? []
    : ([
        { name: 'desk-dark', viewport: DESK, colorScheme: 'dark' },
        { name: 'phone-light', viewport: PHONE, colorScheme: 'light' },
      ] as const)),
] as const

const EVERYTHING = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
/** Names and roles are the same in every theme. */
const WHAT_LOOKS_CHANGE = ['color-contrast', 'target-size', 'scrollable-region-focusable', 'link-in-text-block']

describe.skipIf(!executablePath)('every page of the console', () => {
  let console: Console
  let page: Page
  const logged: string[] = []

  beforeAll(async () => {
    console = await openConsole()
    for (const { seed } of CONSOLE_PAGES) await seed?.(console)
    page = await console.openPage()
    await page.addInitScript(AXE)
    page.on('console', (message) => {
      if (message.type() === 'error') logged.push(`${message.text()} ${message.location().url}`)
    })
    await page.goto(`${console.url}/dashboard/`)
    if (PICTURES !== undefined) await mkdir(PICTURES, { recursive: true })
  })
  afterAll(() => console.close())

  test.each(CONSOLE_PAGES.flatMap(({ pages }) => pages))('$name is for everybody, at any width', async (shown) => {
    for (const [index, look] of LOOKS.entries()) {
      await page.emulateMedia({ colorScheme: look.colorScheme })
      await page.setViewportSize(look.viewport)
      await page.locator(`html[data-mantine-color-scheme=${look.colorScheme}]`).waitFor()
      await show(page, shown)
      expect
        .soft(await findings(page, index === 0 ? EVERYTHING : WHAT_LOOKS_CHANGE), `${shown.name}, ${look.name}`)
        .toEqual([])
      expect.soft(await overflow(page), `${shown.name}, ${look.name}: wider than the window`).toBeLessThanOrEqual(0)
      const unexpected = logged.splice(0).filter((line) => !(shown.isRefused && line.endsWith(shown.isRefused)))
      expect.soft(unexpected, `${shown.name}, ${look.name}: the browser's console`).toEqual([])
      if (PICTURES !== undefined) {
        await page.screenshot({
          path: join(PICTURES, `${shown.name}-${look.name}.png`),
          animations: 'disabled',
          fullPage: true,
        })
      }
    }
  })

  async function show(page: Page, { address, shows, prepare }: ConsolePage): Promise<void> {
    await go(page, typeof address === 'string' ? address : address())
    await shows(page)
    await prepare?.(page)
  }
})

async function findings(page: Page, runOnly: readonly string[]): Promise<string[]> {
  const options = { runOnly, resultTypes: ['violations'] }
  const { violations } = (await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)) as AxeResults
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id} (${impact}): ${html.slice(0, 200)} ${failureSummary}`),
  )
}

/** Of the page itself: tables scroll within themselves. */
function overflow(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
}
