import { rm } from 'node:fs/promises'
import { eventually, makeTemporaryDirectory } from '@hotpatch/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dropFiles, folderOf } from './drop-files.ts'
import { executablePath, openConsole, OWNER, type Console } from './open-console.ts'

const PHONES = 12
/** Figures of devices are told by nobody: pages ask for them now and then. */
const READ_AGAIN = { timeout: 90_000 }

describe.skipIf(!executablePath)('the first start', () => {
  let console: Console
  let directory: string

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    console = await openConsole({ hasOwner: false })
  })
  afterAll(async () => {
    await console.close()
    await rm(directory, { recursive: true, force: true })
  })

  test('the printed link makes the owner, who makes an app, and sees the first steps with it', async () => {
    const page = await console.openPage({ as: null })
    await page.goto(`${console.url}/dashboard/welcome#${console.server.firstOwnerSecret}`)
    await page.getByRole('textbox', { name: 'Your name' }).fill(OWNER.name)
    await page.getByRole('textbox', { name: 'E-mail' }).fill(OWNER.email)
    await page.getByRole('textbox', { name: 'Password' }).fill('too short')
    await page.getByRole('button', { name: 'Make the account' }).click()
    // The browser says so itself: nothing has been sent.
    await page.getByRole('textbox', { name: 'Password' }).fill(OWNER.password)
    await page.getByRole('button', { name: 'Make the account' }).click()

    await page.getByRole('heading', { name: 'Make your first app' }).waitFor()
    expect(page.url()).not.toContain(console.server.firstOwnerSecret)
    await page.getByRole('link', { name: 'New app' }).click()
    await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Corner Shop')
    await page.getByRole('button', { name: 'Make the app' }).click()
    await page.getByRole('heading', { name: 'First steps with Corner Shop' }).waitFor()
    const app = await console.api.getApp('corner-shop')
    await page.getByText(app.appKey).first().waitFor()
    await page.getByText('No device has asked yet').waitFor()
  })

  test('the link works once', async () => {
    const page = await console.openPage({ as: null })
    await page.goto(`${console.url}/dashboard/welcome#${console.server.firstOwnerSecret}`)
    await page.getByRole('heading', { name: 'This link does not work' }).waitFor()
  })

  test('a dropped folder is published, a fleet takes it, and goes back: all of it in the browser', async () => {
    const page = await console.openPage()
    const publish = async (version: string) => {
      await dropFiles(page, await folderOf(directory, version, { 'index.android.bundle': `start('${version}')` }))
      await page.getByText('Uploaded.').waitFor()
      await page.getByRole('textbox', { name: 'Version', exact: true }).fill(version)
      await page.getByRole('button', { name: 'Publish', exact: true }).click()
      await page.getByRole('button', { name: 'Publish now' }).click()
      await page.getByText(`${version} is published`).waitFor()
    }

    await page.goto(`${console.url}/dashboard/apps/corner-shop/first-steps`)
    await page.getByText('No device has asked yet').waitFor()
    await page.getByRole('link', { name: 'Publish in the browser' }).click()
    await publish('1.0.0')
    const app = await console.api.getApp('corner-shop')
    const fleet = console.startFleet(app, { devices: PHONES })
    const runs = (version: string) => eventually(() => expect(fleet.figures().versions[version] ?? 0).toBe(PHONES))
    await runs('1.0.0')
    await page.goBack()
    await page.getByText('Devices have asked for updates').waitFor()

    await page.getByRole('link', { name: 'Publish in the browser' }).click()
    await publish('1.1.0')
    await runs('1.1.0')
    await page.getByRole('link', { name: 'Overview' }).click()
    const newest = page.getByRole('region', { name: 'Newest releases' })
    await newest.getByText(`Runs on ${PHONES} of ${PHONES} devices that it is for (100%)`).waitFor(READ_AGAIN)

    await page.getByRole('link', { name: 'Rollouts' }).click()
    await page.getByRole('list', { name: 'Timeline' }).getByRole('link', { name: '1.1.0' }).click()
    await page.getByRole('button', { name: 'Roll back' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText(`${PHONES} devices from 1.1.0 to 1.0.0`).waitFor()
    await dialog.getByRole('button', { name: 'Roll back' }).click()
    await page.getByRole('heading', { name: '1.0.0 on production' }).waitFor()
    await runs('1.0.0')
    await page.getByRole('link', { name: 'Overview' }).click()
    await newest.getByRole('link', { name: '1.0.0' }).waitFor()
    await newest.getByText(`Runs on ${PHONES} of ${PHONES} devices that it is for (100%)`).waitFor(READ_AGAIN)
  })

  test('whoever is not signed in is brought back to where they wanted to go', async () => {
    const page = await console.openPage({ as: null })
    await page.goto(`${console.url}/dashboard/apps/corner-shop/settings?part=retention`)
    await page.getByRole('textbox', { name: 'E-mail' }).fill(OWNER.email)
    await page.getByRole('textbox', { name: 'Password' }).fill('not the password')
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('alert').waitFor()
    await page.getByRole('textbox', { name: 'Password' }).fill(OWNER.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('textbox', { name: 'Events of devices' }).waitFor()

    await page.getByRole('button', { name: OWNER.name }).click()
    const refused: string[] = []
    page.on('response', (response) => void (response.status() >= 400 && refused.push(response.url())))
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(refused).toEqual([])
    await page.goBack()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })

  test('what was typed stays when the connection is lost, and is saved when it is back', async () => {
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/apps/corner-shop/settings?part=retention`)
    const days = page.getByRole('textbox', { name: 'Events of devices' })
    await days.fill('45')
    await page.context().setOffline(true)
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByText('What you entered is still here').waitFor()
    expect(await days.inputValue()).toBe('45 days')

    await page.context().setOffline(false)
    await page.getByRole('button', { name: 'Save changes' }).click()
    await page.getByText('Settings saved').waitFor()
    expect((await console.api.getApp('corner-shop')).eventRetentionDays).toBe(45)
  })
})
