import { createManagementClient } from '@hotpatch/api'
import type { ConsolePages } from '../console-page.ts'

const DAY_MS = 24 * 60 * 60 * 1000

export const tokensPages: ConsolePages = {
  seed: async ({ api, url }) => {
    const expiresAt = new Date(Date.now() + 30 * DAY_MS).toISOString()
    await api.createToken({
      name: 'CI of the corner shop',
      role: 'publisher',
      app: 'demo',
      channels: ['beta', 'production'],
      permissions: ['releases:read', 'releases:publish'],
      allowedAddresses: ['203.0.113.0/24', '2001:db8::/32'],
      expiresAt,
    })
    const { token } = await api.createToken({ name: 'Build machine', role: 'admin' })
    const machine = createManagementClient({ url, token })
    await machine.createToken({ name: 'Nightly build', role: 'publisher' })
    await machine.createToken({ name: 'Wall display', role: 'reader', expiresAt })
    const old = await api.createToken({ name: 'Old laptop', role: 'publisher' })
    await api.revokeToken(old.id)
  },
  pages: [
    { name: 'tokens', address: '/tokens', shows: (page) => page.getByText('CI of the corner shop').first().waitFor() },
    {
      name: 'tokens-ended',
      address: '/tokens?ended=true',
      shows: (page) => page.getByText('Old laptop').first().waitFor(),
    },
    {
      name: 'token-new',
      address: '/tokens/new',
      shows: (page) => page.getByRole('button', { name: 'Make token' }).waitFor(),
    },
    {
      name: 'token-revoke',
      address: '/tokens',
      shows: (page) => page.getByText('Build machine').first().waitFor(),
      prepare: async (page) => {
        // It stays open while the look changes.
        if ((await page.getByRole('dialog').count()) === 0)
          await page.getByRole('button', { name: 'Revoke Build machine' }).click()
        await page.getByText('2 tokens that were made with it end as well').waitFor()
      },
    },
  ],
}
