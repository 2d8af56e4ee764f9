import type { ConsolePages } from '../console-page.ts'

let entryId = ''

export const auditPages: ConsolePages = {
  seed: async ({ api }) => {
    await api.changeApp('demo', { eventRetentionDays: 30, guard: { maxBadPercent: 3 } })
    await api.changeApp('demo', { eventRetentionDays: 90, guard: {} })
    const { items } = await api.listAudit({ action: 'app.changed' })
    entryId = items[1]?.id ?? ''
  },
  pages: [
    {
      name: 'audit',
      address: '/audit?action=app',
      shows: (page) => page.getByRole('link', { name: 'app.changed' }).first().waitFor(),
      prepare: async (page) => {
        const how = page.getByRole('button', { name: 'Check that nobody has changed it' })
        if ((await how.getAttribute('aria-expanded')) !== 'true') await how.click()
      },
    },
    {
      name: 'audit-entry',
      address: () => `/audit/${entryId}`,
      shows: (page) => page.getByRole('heading', { name: 'What changed' }).waitFor(),
    },
  ],
}
