import { newSigningKey } from '@hotpatch/testkit'
import type { ConsolePages } from '../console-page.ts'

export const settingsPages: ConsolePages = {
  seed: async ({ api }) => {
    await api.addKey('till', { publicKey: newSigningKey().publicKey, name: 'Release desk' })
  },
  pages: [
    {
      name: 'first-steps',
      address: '/apps/demo/first-steps',
      shows: (page) => page.getByText('OTA.configure').waitFor(),
    },
    {
      name: 'settings-general',
      address: '/apps/demo/settings',
      shows: (page) => page.getByRole('textbox', { name: 'Name', exact: true }).waitFor(),
    },
    {
      name: 'settings-clients',
      address: '/apps/till/settings?part=clients&client=electron',
      shows: (page) => page.getByText('provider: generic').waitFor(),
    },
    {
      name: 'settings-keys',
      address: '/apps/till/settings?part=keys',
      shows: (page) => page.getByText('Release desk').waitFor(),
    },
    {
      name: 'settings-guard',
      address: '/apps/demo/settings?part=guard',
      shows: (page) => page.getByLabel('New rollouts are guarded').waitFor(),
    },
    {
      name: 'settings-retention',
      address: '/apps/demo/settings?part=retention',
      shows: (page) => page.getByLabel('Events of devices').waitFor(),
    },
  ],
}
