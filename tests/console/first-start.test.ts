import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executablePath, openConsole, OWNER, type Console } from './open-console.ts'

describe.skipIf(!executablePath)('the first start', () => {
  let console: Console

  beforeAll(async () => {
    console = await openConsole({ hasOwner: false })
  })
  afterAll(() => console.close())

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

  test('a first release reaches a device, and the page says so by itself', async () => {
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/apps/corner-shop/first-steps`)
    await page.getByText('No device has asked yet').waitFor()
    const app = await console.api.getApp('corner-shop')
    await console.server.check(app)
    await page.getByText('Devices have asked for updates').waitFor()
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
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
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
