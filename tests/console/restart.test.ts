import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createManagementClient } from '@hotpatch/api'
import { startServerProcess, temporaryDirectory, type ServerProcess } from '@hotpatch/testkit'
import { chromium } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { ARGUMENTS, buildConsole, executablePath, OWNER } from './open-console.ts'

test.skipIf(!executablePath)('a server that is started anew in the middle of a form takes what was typed', async () => {
  await buildConsole()
  const directory = await temporaryDirectory()
  let server = await startServerProcess({ directory })
  onTestFinished(async () => void (await server.stop()))
  const { port } = new URL(server.url)
  const api = createManagementClient({ url: server.url, token: server.ownerToken })
  await api.createApp({ slug: 'demo', name: 'Corner Shop' })
  const browser = await chromium.launch({ executablePath, args: ARGUMENTS })
  onTestFinished(() => browser.close())
  const page = await browser.newPage({ locale: 'en-GB', reducedMotion: 'reduce' })

  // By the link that the start has printed, and left in a file for who did not see it.
  await page.goto(`${server.url}/dashboard/welcome#${secretOf(server)}`)
  await page.getByRole('textbox', { name: 'Your name' }).fill(OWNER.name)
  await page.getByRole('textbox', { name: 'E-mail' }).fill(OWNER.email)
  await page.getByRole('textbox', { name: 'Password' }).fill(OWNER.password)
  await page.getByRole('button', { name: 'Make the account' }).click()
  await page.getByRole('link', { name: 'Corner Shop' }).waitFor()

  await page.goto(`${server.url}/dashboard/apps/demo/settings?part=retention`)
  const days = page.getByRole('textbox', { name: 'Events of devices' })
  await days.fill('45')
  await server.stop()
  await page.getByText('The connection to the server is lost').waitFor()
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByText('What you entered is still here').waitFor()

  server = await startServerProcess({ directory, env: { PORT: port } })
  await page.getByText('The connection to the server is lost').waitFor({ state: 'hidden' })
  expect(await days.inputValue()).toBe('45 days')
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByText('Settings saved').waitFor()
  expect((await api.getApp('demo')).eventRetentionDays).toBe(45)
})

function secretOf({ directory }: ServerProcess): string {
  const [, secret = ''] = readFileSync(join(directory, 'first-owner-link'), 'utf8').trim().split('#')
  return secret
}
