import { startCiIssuer, startOpenIdProvider } from '@hotpatch/testkit/issuers'
import type { ConsolePages } from '../console-page.ts'

export const trustPages: ConsolePages = {
  seed: async ({ api, url }) => {
    const jobs = await startCiIssuer()
    const conditions = [
      { claim: 'repository', matches: 'acme/corner-shop' },
      { claim: 'ref', matches: 'refs/heads/main' },
    ]
    const rule = { name: 'publish', issuer: jobs.issuer, audience: url, conditions, role: 'publisher' as const }
    await api.createTrustRule({ ...rule, app: 'demo', channels: ['beta', 'production'] })
    await jobs.close()
    const provider = await startOpenIdProvider({ redirectUris: [`${url}/manage/v1/single-sign-on/callback`] })
    await api.setSingleSignOn({
      name: 'Acme',
      issuer: provider.issuer,
      clientId: provider.client.id,
      clientSecret: provider.client.secret,
      groups: [
        { group: 'mobile', role: 'publisher', app: 'demo' },
        { group: 'everybody', role: 'reader' },
      ],
      makesPeople: true,
    })
    await provider.close()
  },
  pages: [
    {
      name: 'trust-rules',
      address: '/trust-rules',
      shows: (page) => page.getByText('repository = acme/corner-shop').waitFor(),
    },
    {
      name: 'trust-rule-change',
      address: '/trust-rules',
      shows: (page) => page.getByText('repository = acme/corner-shop').waitFor(),
      prepare: async (page) => {
        // It may be open since the look before.
        await page.keyboard.press('Escape')
        await page.getByRole('dialog').waitFor({ state: 'detached' })
        await page.getByRole('button', { name: 'Change publish' }).click()
        await page.getByRole('dialog').getByRole('button', { name: 'Save rule' }).waitFor()
      },
    },
    {
      name: 'trust-rule-new',
      address: '/trust-rules/new',
      shows: (page) => page.getByRole('heading', { name: 'In the job' }).waitFor(),
    },
    {
      name: 'single-sign-on',
      address: '/single-sign-on',
      shows: (page) => page.getByRole('button', { name: 'Save' }).waitFor(),
    },
  ],
}
