import { Tabs } from '@mantine/core'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page, Section } from '../ground/page.tsx'
import { useCurrentApp } from '../ground/routes.ts'
import { ClientSetup } from './client-setup.tsx'
import { GeneralSettings } from './general-settings.tsx'
import { GuardSettings } from './guard-settings.tsx'
import { KeySettings } from './key-settings.tsx'
import { RetentionSettings } from './retention-settings.tsx'
import { SETTINGS_PARTS, type SettingsPart } from './routes.tsx'

const route = getRouteApi('/server/apps/$app/settings')

export function SettingsPage() {
  const { t } = useTranslation('settings')
  const app = useCurrentApp()
  const navigate = useNavigate()
  const { part = 'general', client } = route.useSearch()
  const show = (search: { part: SettingsPart; client?: string }) =>
    void navigate({ to: '.', search, replace: true, resetScroll: false })
  return (
    <Page title={t('title')} about={app.name} isNarrow>
      <Tabs
        value={part}
        onChange={(value) => value !== null && show({ part: value as SettingsPart })}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          {SETTINGS_PARTS.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {t(`part.${each}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value="general">
          <GeneralSettings app={app} key={app.id} />
        </Tabs.Panel>
        <Tabs.Panel value="clients">
          <Section title={t('clients.title')} about={t('clients.about')}>
            <ClientSetup
              app={app}
              client={client}
              onChoose={(id) => show({ part: 'clients', client: id })}
              isFirstRelease
            />
          </Section>
        </Tabs.Panel>
        <Tabs.Panel value="keys">
          <KeySettings app={app} />
        </Tabs.Panel>
        <Tabs.Panel value="guard">
          <GuardSettings app={app} key={app.id} />
        </Tabs.Panel>
        <Tabs.Panel value="retention">
          <RetentionSettings app={app} key={app.id} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
