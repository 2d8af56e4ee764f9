import type { Platform } from '@hotpatch/protocol'
import { Group, Select, Tabs } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApp, useChannelNames } from '../ground/app.ts'
import { ButtonLink } from '../ground/links.tsx'
import { Page } from '../ground/page.tsx'
import { useMay } from '../ground/permissions.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Deployments } from './deployments.tsx'
import { ASSET_TABS, DEPLOYMENT_STATES, type AssetTab, type AssetUpdatesSearch } from './routes.tsx'
import { Statistics } from './statistics.tsx'
import { Updates } from './updates.tsx'

const route = getRouteApi('/server/apps/$app/asset-updates')

export function AssetUpdatesPage() {
  const { t } = useTranslation('asset-updates')
  const slug = useAppSlug()
  const app = useApp(slug)
  const may = useMay()
  const navigate = useNavigate()
  const search = route.useSearch()
  const { tab = 'updates' } = search
  const change = (changes: AssetUpdatesSearch) =>
    void navigate({
      to: '/apps/$app/asset-updates',
      params: { app: slug },
      search: { ...search, ...changes },
      replace: true,
    })
  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={
        may('releases:publish', app?.id) && (
          <ButtonLink
            to="/apps/$app/releases/publish"
            params={{ app: slug }}
            search={{ kind: 'files' }}
            leftSection={<IconUpload size={16} aria-hidden />}
          >
            {t('publish')}
          </ButtonLink>
        )
      }
    >
      <Tabs value={tab} onChange={(value) => change({ tab: value as AssetTab })} keepMounted={false}>
        <Tabs.List mb="lg">
          {ASSET_TABS.map((each) => (
            <Tabs.Tab key={each} value={each}>
              {t(`tabs.${each}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Filters slug={slug} platforms={app?.platforms ?? []} search={search} onChange={change} />
        <Tabs.Panel value="updates">
          <Updates slug={slug} app={app} search={search} />
        </Tabs.Panel>
        <Tabs.Panel value="deployments">
          <Deployments slug={slug} app={app} search={search} />
        </Tabs.Panel>
        <Tabs.Panel value="statistics">
          <Statistics slug={slug} search={search} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}

function Filters({
  slug,
  platforms,
  search,
  onChange,
}: {
  slug: string
  platforms: readonly Platform[]
  search: AssetUpdatesSearch
  onChange: (changes: AssetUpdatesSearch) => void
}) {
  const { t } = useTranslation('asset-updates')
  const { t: tr } = useTranslation('releases')
  const channels = useChannelNames(slug)
  return (
    <Group gap="sm" mb="md" align="flex-end">
      <Select
        label={tr('channel')}
        placeholder={tr('all')}
        data={[...channels]}
        value={search.channel ?? null}
        clearable
        searchable
        onChange={(channel) => onChange({ channel: channel ?? undefined })}
      />
      <Select
        label={tr('platform')}
        placeholder={tr('all')}
        data={[...platforms, 'any' as const].map((value) => ({ value, label: tr(`platforms.${value}`) }))}
        value={search.platform ?? null}
        clearable
        onChange={(platform) => onChange({ platform: platform ?? undefined })}
      />
      {search.tab === 'deployments' && (
        <Select
          label={tr('state')}
          placeholder={tr('all')}
          data={DEPLOYMENT_STATES.map((value) => ({ value, label: t(`states.${value}`) }))}
          value={search.state ?? null}
          clearable
          onChange={(state) => onChange({ state: (state as AssetUpdatesSearch['state']) ?? undefined })}
        />
      )}
    </Group>
  )
}
