import type { ConsolePages } from '../pages.ts'

let entryId = ''

export const auditPages: ConsolePages = {
  seed: async ({ api }) => {
    await api.changeApp('demo', { name: 'Corner Shop', guard: { maxBadPercent: 3 } })
    const { items } = await api.listAudit({ action: 'app.changed' })
    entryId = items[0]?.id ?? ''
  },
  pages: [
    {
      name: 'audit',
      address: '/audit?action=app',
      shows: (page) => page.getByRole('link', { name: 'app.changed' }).first().waitFor(),
      prepare: (page) => page.getByRole('button', { name: 'Check that nobody has changed it' }).waitFor(),
    },
    {
      name: 'audit-entry',
      address: () => `/audit/${entryId}`,
      shows: (page) => page.getByRole('heading', { name: 'What changed' }).waitFor(),
    },
  ],
}
