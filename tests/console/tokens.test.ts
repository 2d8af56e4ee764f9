import { createManagementClient } from '@hotpatch/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executablePath, openConsole, type Console } from './open-console.ts'

describe.skipIf(!executablePath)('the pages of tokens', () => {
  let console: Console

  beforeAll(async () => {
    console = await openConsole()
    await console.api.createApp({ slug: 'shop', name: 'Corner Shop' })
    await console.api.createApp({ slug: 'bakery', name: 'Bakery' })
  })
  afterAll(() => console.close())

  test('a token is made for little, works there and nowhere else, and is refused once it is revoked', async () => {
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/tokens`)
    await page.getByRole('link', { name: 'New token' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('CI of the shop')
    await page.getByRole('combobox', { name: 'App' }).click()
    await page.getByRole('option', { name: 'Corner Shop (shop)' }).click()
    await page.getByRole('combobox', { name: 'Channels' }).click()
    await page.getByRole('option', { name: 'staging' }).click()
    await page.keyboard.press('Escape')
    await page.getByRole('combobox', { name: 'Permissions' }).click()
    await page.getByRole('option', { name: 'releases:read' }).click()
    // A token for a channel has nothing that is about more.
    expect(await page.getByRole('option', { name: 'cohorts:change' }).count()).toBe(0)
    await page.keyboard.press('Escape')
    await page.getByRole('combobox', { name: 'Allowed addresses' }).fill('127.0.0.1')
    await page.getByRole('button', { name: 'Make token' }).click()

    const shown = page.getByRole('dialog', { name: 'Token CI of the shop' })
    const secret = (await shown.locator('code').first().textContent()) ?? ''
    expect(secret).toMatch(/^hpt_/)
    await shown.getByRole('button', { name: 'I have copied it' }).click()
    await page.getByRole('button', { name: 'Revoke CI of the shop' }).waitFor()
    expect(await page.content()).not.toContain(secret)

    const ci = createManagementClient({ url: console.url, token: secret })
    expect((await ci.listReleases('shop')).items).toEqual([])
    await expect(ci.listReleases('bakery')).rejects.toMatchObject({ status: 403 })
    await expect(ci.listDevices('shop')).rejects.toMatchObject({ status: 403 })

    await page.getByRole('button', { name: 'Revoke CI of the shop' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('No other token ends with it.').waitFor()
    await dialog.getByRole('button', { name: 'Revoke token' }).click()
    await page.getByText('Token CI of the shop revoked').waitFor()
    await expect(ci.listReleases('shop')).rejects.toMatchObject({ status: 401, type: 'token-invalid' })
    await page.getByText('Ended', { exact: true }).click()
    await page.getByRole('cell', { name: 'CI of the shop' }).waitFor()
  })

  test('what was made with a token ends with it, unless it is kept', async () => {
    const maker = await console.api.createToken({ name: 'Build machine', role: 'admin' })
    const machine = createManagementClient({ url: console.url, token: maker.token })
    const kept = await machine.createToken({ name: 'Nightly build', role: 'reader' })
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/tokens`)
    await page.getByRole('button', { name: 'Revoke Build machine' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('1 token that was made with it ends as well').waitFor()
    await dialog.getByRole('checkbox', { name: 'Keep what was made with it' }).check()
    await dialog.getByText('1 token that was made with it goes on').waitFor()
    await dialog.getByRole('button', { name: 'Revoke token' }).click()
    await page.getByText('Token Build machine revoked').waitFor()
    await expect(machine.whoami()).rejects.toMatchObject({ status: 401 })
    expect(await createManagementClient({ url: console.url, token: kept.token }).whoami()).toMatchObject({
      name: 'Nightly build',
    })
  })
})
