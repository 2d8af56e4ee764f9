import { DEFAULT_CHANNEL } from '@hotpatch/api'
import { Group, Select } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApp, useChannelNames } from '../ground/app.ts'
import { ButtonLink } from '../ground/links.tsx'
import { Page } from '../ground/page.tsx'
import { useMay } from '../ground/permissions.ts'
import { useAppSlug } from '../ground/routes.ts'
import { InstallPageSection } from './install-page.tsx'
import type { AppVersionsSearch } from './routes.tsx'
import { Versions } from './versions.tsx'

const route = getRouteApi('/server/apps/$app/app-versions')

export function AppVersionsPage() {
  const { t } = useTranslation('app-versions')
  const { t: tr } = useTranslation('releases')
  const slug = useAppSlug()
  const app = useApp(slug)
  const channels = useChannelNames(slug)
  const may = useMay()
  const navigate = useNavigate()
  const { channel = DEFAULT_CHANNEL, platform } = route.useSearch()
  const change = (changes: AppVersionsSearch) =>
    void navigate({
      to: '/apps/$app/app-versions',
      params: { app: slug },
      search: { channel, platform, ...changes },
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
            search={{ kind: 'binary', channel }}
            leftSection={<IconUpload size={16} aria-hidden />}
          >
            {t('publish')}
          </ButtonLink>
        )
      }
    >
      <Group gap="sm" align="flex-end">
        <Select
          label={tr('channel')}
          data={channels.includes(channel) ? [...channels] : [...channels, channel]}
          value={channel}
          allowDeselect={false}
          searchable
          onChange={(value) => change({ channel: value ?? DEFAULT_CHANNEL })}
        />
        <Select
          label={tr('platform')}
          placeholder={tr('all')}
          data={(app?.platforms ?? []).map((value) => ({ value, label: tr(`platforms.${value}`) }))}
          value={platform ?? null}
          clearable
          onChange={(value) => change({ platform: value ?? undefined })}
        />
      </Group>
      <Versions slug={slug} app={app} channel={channel} platform={platform} />
      <InstallPageSection slug={slug} app={app} channel={channel} />
    </Page>
  )
}
