import { eventually, startServerProcess, temporaryDirectory } from '@hotpatch/testkit'
import { chromium, type Locator, type Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'

const executablePath = process.env.CHROMIUM_PATH

// A browser that looks nowhere but at the page.
const ARGUMENTS = [
  ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ['--disable-background-networking', '--disable-component-update'],
].flat()

/** Down the page, until it is there; at its end, the test's time runs out. */
async function scrollTo(page: Page, wanted: Locator): Promise<void> {
  await eventually(async () => {
    if (await wanted.isVisible()) return
    await page.mouse.wheel(0, 400)
    throw new Error('It is not in sight yet.')
  })
}

test.skipIf(!executablePath)('the reference page shows the management API, with nothing from elsewhere', async () => {
  const server = await startServerProcess({ directory: await temporaryDirectory() })
  onTestFinished(async () => {
    await server.stop()
  })
  const browser = await chromium.launch({ executablePath: executablePath ?? '', args: ARGUMENTS })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const complaints: string[] = []
  const origins = new Set<string>()
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  page.on('request', (request) => origins.add(new URL(request.url()).origin))

  await page.goto(`${server.url}/manage/v1/reference`)
  await page.getByRole('heading', { name: 'HotPatch management API' }).waitFor()
  // Of so many operations it holds those in sight: whoever looks for one scrolls.
  await scrollTo(page, page.getByText('/manage/v1/apps/{app}/releases', { exact: true }).first())
  await scrollTo(page, page.getByText('Publishes: a release, and its first rollout'))
  expect([...origins].filter((origin) => origin !== server.url && origin !== 'null')).toEqual([])
  expect(complaints).toEqual([])
})
