import type { App } from '@hotpatch/api'
import { Group, SegmentedControl, Select, Switch } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useChannelNames } from '../ground/app.ts'
import { SearchField } from '../ground/search-field.tsx'
import classes from './releases.module.css'
import type { ReleasesSearch } from './routes.tsx'

/** All of them are in the address: what is found can be shared. */
export function ReleaseFilters({
  slug,
  app,
  filters,
}: {
  slug: string
  app: App | undefined
  filters: ReleasesSearch
}) {
  const { t } = useTranslation('releases')
  const channels = useChannelNames(slug)
  const navigate = useNavigate()
  const change = (changes: ReleasesSearch) =>
    void navigate({
      to: '/apps/$app/releases',
      params: { app: slug },
      search: { ...filters, ...changes },
      replace: true,
    })
  return (
    <Group gap="sm" align="flex-end" className={classes.filters}>
      <SearchField
        label={t('searchVersion')}
        maxLength={50}
        value={filters.search}
        onChange={(search) => change({ search })}
      />
      <Select
        label={t('platform')}
        placeholder={t('all')}
        data={platformsOf(app).map((value) => ({ value, label: t(`platforms.${value}`) }))}
        value={filters.platform ?? null}
        onChange={(platform) => change({ platform: (platform as ReleasesSearch['platform']) ?? undefined })}
        clearable
      />
      <Select
        label={t('inForceOn')}
        placeholder={t('all')}
        data={[...channels]}
        value={filters.channel ?? null}
        onChange={(channel) => change({ channel: channel ?? undefined })}
        clearable
        searchable
      />
      <SegmentedControl
        aria-label={t('content')}
        className={classes.kinds}
        data={(['all', 'archive', 'files', 'binary', 'kit'] as const).map((value) => ({
          value,
          label: t(`kinds.${value}`),
        }))}
        value={filters.kind ?? 'all'}
        onChange={(kind) => change({ kind: kind === 'all' ? undefined : kind })}
      />
      <Switch
        label={t('showArchived')}
        checked={filters.archived ?? false}
        onChange={(event) => change({ archived: event.currentTarget.checked ? true : undefined })}
        mb={8}
      />
    </Group>
  )
}

function platformsOf(app: App | undefined): readonly string[] {
  return app ? [...app.platforms, ...(app.platforms.length > 1 ? ['any'] : [])] : []
}
