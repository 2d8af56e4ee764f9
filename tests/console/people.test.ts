import { createManagementClient } from '@hotpatch/api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executablePath, openConsole, OWNER, type Console } from './open-console.ts'

const PASSWORD = 'correct horse battery'

describe.skipIf(!executablePath)('the pages of people', () => {
  let console: Console

  beforeAll(async () => {
    console = await openConsole()
    await console.api.createApp({ slug: 'shop', name: 'Corner Shop' })
  })
  afterAll(() => console.close())

  test('somebody is invited to one app, comes by the link, and sees what he may', async () => {
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/people`)
    await page.getByRole('button', { name: 'Invite somebody' }).click()
    await page.getByRole('textbox', { name: 'E-mail' }).fill('Ina@Example.com')
    await page.getByRole('combobox', { name: 'Where' }).click()
    await page.getByRole('option', { name: 'Corner Shop' }).click()
    await page.getByRole('button', { name: 'Make the link' }).click()
    const shown = page.getByRole('dialog', { name: 'One-time link' })
    const link = (await shown.locator('code').textContent()) ?? ''
    expect(link).toMatch(/\/dashboard\/invitation#[\w-]{43}$/)
    await shown.getByRole('button', { name: 'Done' }).last().click()
    await page.getByText('Invitations that wait').waitFor()

    const hers = await console.openPage({ as: null })
    await hers.goto(link)
    await hers.getByRole('textbox', { name: 'Your name' }).fill('Ina')
    await hers.getByRole('textbox', { name: 'Password' }).fill(PASSWORD)
    await hers.getByRole('button', { name: 'Accept the invitation' }).click()
    await hers.getByText('Corner Shop').first().waitFor()
    expect(hers.url()).not.toContain('#')
    // A reader manages nobody.
    expect(await hers.getByRole('link', { name: 'People' }).count()).toBe(0)
    await hers.goto(`${console.url}/dashboard/people`)
    await hers.getByText('This page is not for you').waitFor()
    expect(await hers.getByRole('button', { name: 'Invite somebody' }).count()).toBe(0)
  })

  test('roles are changed, and hold at once', async () => {
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/people`)
    await page.getByRole('link', { name: 'Ina' }).click()
    await page.getByRole('combobox', { name: 'Role' }).click()
    await page.getByRole('option', { name: 'Admin' }).click()
    await page.getByRole('button', { name: 'Save roles' }).click()
    await page.getByText('Roles saved').waitFor()
    const [ina] = (await console.api.listPeople({ text: 'ina@' })).items
    expect(ina?.grants).toMatchObject([{ role: 'admin' }])
  })

  test("an owner changes somebody's name and e-mail, with which they sign in from then on", async () => {
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/people?text=ina`)
    await page.getByRole('link', { name: 'Ina' }).click()
    const form = page.getByRole('region', { name: 'Name and e-mail' })
    await form.getByRole('textbox', { name: 'Name', exact: true }).fill('Ina Invited')
    await form.getByRole('textbox', { name: 'E-mail' }).fill('ina.invited@example.com')
    await form.getByRole('button', { name: 'Save name and e-mail' }).click()
    await page.getByText('Name and e-mail saved').waitFor()
    await page.getByRole('heading', { name: 'Ina Invited' }).waitFor()
    const [ina] = (await console.api.listPeople({ text: 'ina' })).items
    expect(ina).toMatchObject({ name: 'Ina Invited', email: 'ina.invited@example.com' })
  })

  test('whoever is disabled is out in the middle of what he does, and removed when it is typed', async () => {
    const hers = await console.openPage({ as: { email: 'ina.invited@example.com', password: PASSWORD } })
    await hers.goto(`${console.url}/dashboard/account`)
    await hers.getByRole('heading', { name: 'Your account' }).waitFor()

    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/people?text=ina`)
    await page.getByRole('link', { name: 'Ina' }).click()
    await page.getByRole('button', { name: 'Disable' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disable' }).click()
    await page.getByText('Disabled: all sessions and tokens have ended').waitFor()
    await hers.reload()
    await hers.getByRole('heading', { name: 'Sign in' }).waitFor()

    await page.getByRole('button', { name: 'Remove', exact: true }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox').fill('ina.invited@example.com')
    await dialog.getByRole('button', { name: 'Remove', exact: true }).click()
    await page.getByRole('heading', { name: 'People' }).waitFor()
    expect((await console.api.listPeople({ text: 'ina' })).items).toEqual([])
  })

  test('whoever has an account takes an invitation without choosing anything, and not without being signed in', async () => {
    const email = 'petra@example.com'
    const join = await console.api.invite({ email, name: 'Petra', grants: [{ role: 'admin', app: 'shop' }] })
    const hers = await console.openPage({ as: null })
    await hers.goto(join.link)
    await hers.getByRole('textbox', { name: 'Password' }).fill(PASSWORD)
    await hers.getByRole('button', { name: 'Accept the invitation' }).click()
    await hers.getByText('Corner Shop').first().waitFor()
    const other = await console.api.createApp({ slug: 'bakery', name: 'Bakery' })
    // Whom an admin of another app does not see, he invites like anybody.
    const baker = createManagementClient({
      url: console.url,
      token: (await console.api.createToken({ name: 'Baker', role: 'admin', app: other.slug })).token,
    })
    const { link } = await baker.invite({ email, grants: [{ role: 'reader', app: other.slug }] })

    const stranger = await console.openPage({ as: null })
    await stranger.goto(link)
    await stranger.getByRole('textbox', { name: 'Your name' }).fill('Mallory')
    await stranger.getByRole('textbox', { name: 'Password' }).fill(PASSWORD)
    await stranger.getByRole('button', { name: 'Accept the invitation' }).click()
    await stranger.getByRole('link', { name: 'Sign in in another tab, and come back here' }).waitFor()

    await hers.goto(link)
    await hers.getByText('You are signed in as petra@example.com').waitFor()
    expect(await hers.getByRole('textbox').count()).toBe(0)
    await hers.getByRole('button', { name: 'Accept the invitation' }).click()
    await hers.getByText('Bakery').first().waitFor()
    expect(hers.url()).not.toContain('#')
  })

  test('an admin of one app changes a name, and is told that an e-mail address is not his to change', async () => {
    const { link } = await console.api.invite({
      email: 'reader@example.com',
      grants: [{ role: 'reader', app: 'shop' }],
    })
    const theirs = await console.openPage({ as: null })
    await theirs.goto(link)
    await theirs.getByRole('textbox', { name: 'Your name' }).fill('Rita')
    await theirs.getByRole('textbox', { name: 'Password' }).fill(PASSWORD)
    await theirs.getByRole('button', { name: 'Accept the invitation' }).click()
    await theirs.getByText('Corner Shop').first().waitFor()

    const hers = await console.openPage({ as: { email: 'petra@example.com', password: PASSWORD } })
    await hers.goto(`${console.url}/dashboard/people`)
    await hers.getByRole('heading', { name: 'People' }).waitFor()
    expect(await hers.getByRole('button', { name: 'Sign everybody out' }).count()).toBe(0)
    await hers.getByRole('link', { name: 'Rita' }).click()
    const form = hers.getByRole('region', { name: 'Name and e-mail' })
    await form.getByText('Changed by whoever manages people of every app.').waitFor()
    expect(await form.getByRole('textbox', { name: 'E-mail' }).getAttribute('readonly')).not.toBeNull()
    await form.getByRole('textbox', { name: 'Name', exact: true }).fill('Rita Reader')
    await form.getByRole('button', { name: 'Save name and e-mail' }).click()
    await hers.getByRole('heading', { name: 'Rita Reader' }).waitFor()
  })

  test('a passkey of the browser is added, and lets in without the password', async () => {
    // Passkeys belong to names, and to no address of numbers.
    const url = console.url.replace('127.0.0.1', 'localhost')
    const context = await console.browser.newContext({ locale: 'en-GB', reducedMotion: 'reduce' })
    const page = await context.newPage()
    const devices = await context.newCDPSession(page)
    await devices.send('WebAuthn.enable')
    const kind = { protocol: 'ctap2', transport: 'internal', hasResidentKey: true } as const
    const verified = { hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true }
    await devices.send('WebAuthn.addVirtualAuthenticator', { options: { ...kind, ...verified } })

    await page.goto(`${url}/dashboard/account`)
    await page.getByRole('textbox', { name: 'E-mail' }).fill(OWNER.email)
    await page.getByRole('textbox', { name: 'Password' }).fill(OWNER.password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await page.getByRole('textbox', { name: 'Name of the new one' }).fill('Laptop')
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    const again = page.getByRole('dialog')
    await again.getByRole('textbox').fill(OWNER.password)
    await again.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByText('Passkey added').waitFor()

    await page.getByRole('button', { name: OWNER.name }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await page.getByRole('button', { name: OWNER.name }).waitFor()
    await context.close()
  })

  test('an owner signs everybody out, himself too', async () => {
    const hers = await console.openPage({ as: { email: 'petra@example.com', password: PASSWORD } })
    await console.api.invite({ email: 'late@example.com', grants: [{ role: 'reader', app: 'shop' }] })
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/people`)
    await page.getByRole('button', { name: 'Sign everybody out' }).click()
    const dialog = page.getByRole('dialog', { name: 'Sign everybody out?' })
    await dialog.getByText('All sessions end, yours too').waitFor()
    await dialog.getByRole('button', { name: 'Sign everybody out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    await hers.goto(`${console.url}/dashboard/account`)
    await hers.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect((await console.api.listInvitations()).items).toEqual([])
  })
})
