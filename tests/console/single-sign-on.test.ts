import { startCiIssuer, startOpenIdProvider, type CiIssuer, type OpenIdProvider } from '@hotpatch/testkit/issuers'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { executablePath, openConsole, PHONE, type Console } from './open-console.ts'

const NORA = { sub: 'nora', name: 'Nora', email: 'nora@acme.example', email_verified: true, groups: ['mobile'] }

/** By what it is called; that it is required is said beside that. */
const field = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true })

describe.skipIf(!executablePath)('people and jobs that an issuer vouches for', () => {
  let provider: OpenIdProvider
  let jobs: CiIssuer
  let console: Console

  beforeAll(async () => {
    jobs = await startCiIssuer()
    const visits: string[] = []
    console = await openConsole({ visits })
    provider = await startOpenIdProvider({ redirectUris: [`${console.url}/manage/v1/single-sign-on/callback`] })
    visits.push(provider.issuer)
    await console.api.createApp({ slug: 'demo', name: 'Corner Shop', platforms: ['android'] })
  })
  afterAll(async () => {
    await console.close()
    await provider.close()
    await jobs.close()
  })

  test('an owner sets an issuer up; somebody of a group signs in there, and may what the group may', async () => {
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/single-sign-on`)
    await field(page, 'Name').fill('Acme')
    await field(page, 'Issuer').fill('http://127.0.0.1:1')
    await field(page, 'Client ID').fill(provider.client.id)
    await page.getByLabel(/^Client secret/).fill(provider.client.secret)
    await field(page, 'Group').fill('mobile')
    await page.getByRole('combobox', { name: 'Role' }).click()
    await page.getByRole('option', { name: 'Publisher' }).click()
    const scopes = page.getByRole('combobox', { name: 'Scopes' })
    await scopes.fill('groups')
    await scopes.press('Enter')
    await page.getByRole('button', { name: 'Save' }).click()
    // Of one that does not answer nothing is kept, and what was typed stays.
    await page.getByRole('alert').getByText('did not answer as an issuer').waitFor()
    await field(page, 'Issuer').fill(provider.issuer)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Last changed by Olivia Owner').waitFor()
    expect(await page.getByLabel(/^Client secret/).inputValue()).toBe('')

    provider.accounts.set(NORA.sub, NORA)
    const hers = await console.openPage({ as: null, viewport: PHONE })
    await hers.goto(`${console.url}/dashboard/apps/demo/overview`)
    await hers.getByRole('link', { name: 'Sign in with Acme' }).click()
    await hers.getByRole('button', { name: 'Nora' }).click()
    await hers.waitForURL('**/dashboard/apps/demo/overview')
    const whoami = (await (await hers.request.get(`${console.url}/manage/v1/whoami`)).json()) as object
    expect(whoami).toMatchObject({ kind: 'person', name: 'Nora', role: 'publisher' })

    // What groups give is shown as theirs, and is not taken for something that people gave.
    await page.goto(`${console.url}/dashboard/people`)
    await page.getByRole('cell', { name: 'Publisher of everything (group)' }).waitFor()
    await page.getByRole('link', { name: 'Nora' }).click()
    await page.getByText('From groups of single sign-on').waitFor()
    expect(await page.getByRole('combobox', { name: 'Role' }).count()).toBe(0)
    await page.getByRole('button', { name: 'Add a role' }).click()
    await page.getByRole('button', { name: 'Save roles' }).click()
    await page.getByText('Roles saved').waitFor()
    const [nora] = (await console.api.listPeople({ text: 'nora' })).items
    expect(nora?.grants).toHaveLength(2)
    expect(nora?.grants).toEqual(
      expect.arrayContaining([
        { role: 'reader', appId: null, source: 'people' },
        { role: 'publisher', appId: null, source: 'single-sign-on' },
      ]),
    )
    await console.api.changePerson(nora?.id ?? '', { grants: [] })

    provider.accounts.set(NORA.sub, { ...NORA, groups: [] })
    const later = await console.openPage({ as: null })
    await later.goto(`${console.url}/dashboard/sign-in`)
    await later.getByRole('link', { name: 'Sign in with Acme' }).click()
    await later.getByRole('button', { name: 'Nora' }).click()
    await later.getByRole('alert').getByText('You are in no group').waitFor()
    expect((await hers.request.get(`${console.url}/manage/v1/whoami`)).status()).toBe(401)
  })

  test('an owner lets jobs of a repository publish, on one channel then, sees why another is not let in, and ends it', async () => {
    const page = await console.openPage()
    await page.goto(`${console.url}/dashboard/trust-rules`)
    await page.getByText('No trust rules yet').waitFor()
    await page.getByRole('link', { name: 'Add rule' }).click()
    await field(page, 'Name').fill('publish')
    await page.getByRole('combobox', { name: 'Where the jobs run' }).click()
    await page.getByRole('option', { name: 'Another issuer' }).click()
    await field(page, 'Address of the issuer').fill(jobs.issuer)
    await field(page, 'Claim').fill('repository')
    await field(page, 'Is').fill('acme/app')
    await page.getByRole('combobox', { name: 'App' }).click()
    await page.getByRole('option', { name: /Corner Shop/ }).click()
    await page.getByRole('button', { name: 'Add rule' }).click()
    await page.getByText('repository = acme/app').waitFor()

    const claims = { sub: 'repo:acme/app:x', repository: 'acme/app' }
    await page.getByRole('button', { name: 'Change publish' }).click()
    const dialog = page.getByRole('dialog', { name: 'Change the rule publish' })
    expect(await dialog.getByRole('button', { name: 'Save rule' }).isDisabled()).toBe(true)
    await field(page, 'Minutes for which a token works').fill('5')
    expect(await dialog.getByText('Tokens that jobs have got by this rule end').count()).toBe(0)
    const channels = dialog.getByRole('combobox', { name: 'Channels' })
    await channels.fill('staging')
    await channels.press('Enter')
    await dialog.getByText('Tokens that jobs have got by this rule end').waitFor()
    await dialog.getByRole('button', { name: 'Save rule' }).click()
    await page.getByText('Rule publish changed').waitFor()
    const app = await console.api.getApp('demo')
    expect((await console.api.listTrustRules()).items).toMatchObject([
      { name: 'publish', role: 'publisher', appId: app.id, channels: ['staging'], lifetimeMinutes: 5 },
    ])

    const token = await jobs.sign({ audience: console.url, claims })
    const exchanged = await console.api.exchangeToken({ subject_token: token })
    expect(exchanged.rule).toBe('publish')
    const foreign = await jobs.sign({ audience: console.url, claims: { ...claims, repository: 'acme/other' } })
    await field(page, 'Identity token of the job').fill(foreign)
    await page.getByRole('button', { name: 'Compare' }).click()
    await page.getByText('repository: expected acme/app, found acme/other').waitFor()

    await page.getByRole('button', { name: 'Remove publish' }).click()
    await page.getByRole('button', { name: 'Remove rule' }).click()
    await page.getByText('No trust rules yet').waitFor()
    const ended = { headers: { authorization: `Bearer ${exchanged.access_token}` } }
    expect((await fetch(`${console.url}/manage/v1/whoami`, ended)).status).toBe(401)
  })
})
