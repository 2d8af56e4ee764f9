import { Pill, Select, Group } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useApp, useChannelNames } from '../ground/app.ts'
import { appKey } from '../ground/queries.ts'
import { SearchField } from '../ground/search-field.tsx'
import { DEVICE_STATES, SEEN_TIMES } from './device-states.ts'
import classes from './devices.module.css'
import type { DevicesSearch } from './routes.tsx'

const EMBEDDED = 'embedded'

/** All of them are in the address: what is found can be shared. */
export function DeviceFilters({ slug, filters }: { slug: string; filters: DevicesSearch }) {
  const { t } = useTranslation('devices')
  const app = useApp(slug)
  const channels = useChannelNames(slug)
  const navigate = useNavigate()
  const change = (changes: DevicesSearch) =>
    void navigate({
      to: '/apps/$app/devices',
      params: { app: slug },
      search: { ...filters, ...changes },
      replace: true,
    })
  return (
    <div>
      <div className={classes.filters} role="search">
        <SearchField
          className={classes.wide}
          label={t('search')}
          placeholder={t('searchHint')}
          maxLength={200}
          value={filters.search}
          onChange={(search) => change({ search })}
        />
        <Select
          label={t('state')}
          placeholder={t('all')}
          data={DEVICE_STATES.map((value) => ({ value, label: t(`states.${value}`) }))}
          value={filters.state ?? null}
          onChange={(state) => change({ state: state ?? undefined })}
          clearable
        />
        <ReleaseSelect slug={slug} value={filters.release} onChange={(release) => change({ release })} />
        <Select
          label={t('platform')}
          placeholder={t('all')}
          data={(app?.platforms ?? []).map((value) => ({ value, label: t(`platforms.${value}`) }))}
          value={filters.platform ?? null}
          onChange={(platform) => change({ platform: platform ?? undefined })}
          clearable
        />
        <Select
          label={t('channel')}
          placeholder={t('all')}
          data={[...channels]}
          value={filters.channel ?? null}
          onChange={(channel) => change({ channel: channel ?? undefined })}
          clearable
          searchable
        />
        <Select
          label={t('lastSeen')}
          placeholder={t('all')}
          data={SEEN_TIMES.map((value) => ({ value, label: t(`seen.${value}`) }))}
          value={filters.seen ?? null}
          onChange={(seen) => change({ seen: seen ?? undefined })}
          clearable
        />
      </div>
      <FurtherFilters slug={slug} filters={filters} onRemove={(name) => change({ [name]: undefined })} />
    </div>
  )
}

/** What figures on other pages lead here with. */
function FurtherFilters({
  slug,
  filters: { failed, reason, nativeVersion },
  onRemove,
}: {
  slug: string
  filters: DevicesSearch
  onRemove: (name: keyof DevicesSearch) => void
}) {
  const { t } = useTranslation('devices')
  const { t: reasons } = useTranslation('reasons')
  const releases = useReleases(slug)
  const versionOf = (id: string) => releases.find((release) => release.id === id)?.version ?? id
  const shown: [keyof DevicesSearch, string | undefined][] = [
    ['failed', failed && t('further.failed', { version: versionOf(failed) })],
    ['reason', reason && t('further.reason', { reason: reasons(reason, { defaultValue: reason }) })],
    ['nativeVersion', nativeVersion && t('further.nativeVersion', { version: nativeVersion })],
  ]
  if (shown.every(([, text]) => !text)) return null
  return (
    <Group gap="xs" mt="sm">
      {shown.map(
        ([name, text]) =>
          text && (
            <Pill
              key={name}
              size="md"
              withRemoveButton
              onRemove={() => onRemove(name)}
              removeButtonProps={{
                'aria-label': t('further.remove', { filter: text }),
                'aria-hidden': false,
                tabIndex: 0,
              }}
            >
              {text}
            </Pill>
          ),
      )}
    </Group>
  )
}

function useReleases(slug: string) {
  const api = useApi()
  const { data } = useQuery({
    queryKey: appKey(slug, 'releases', 'newest'),
    queryFn: () => api.listReleases(slug, { limit: 200 }),
  })
  return data?.items ?? []
}

function ReleaseSelect({
  slug,
  value,
  onChange,
}: {
  slug: string
  value: string | undefined
  onChange: (release: string | undefined) => void
}) {
  const { t } = useTranslation('devices')
  const releases = useReleases(slug)
  const known = releases.map(({ id, version, platform }) => ({
    value: id,
    label: `${version} · ${t(`platforms.${platform}`)}`,
  }))
  const isOther = value !== undefined && value !== EMBEDDED && !releases.some(({ id }) => id === value)
  return (
    <Select
      label={t('runs')}
      placeholder={t('all')}
      data={[
        { value: EMBEDDED, label: t('embedded') },
        ...known,
        // Older than those that are listed.
        ...(isOther ? [{ value, label: value }] : []),
      ]}
      value={value ?? null}
      onChange={(release) => onChange(release ?? undefined)}
      clearable
      searchable
      limit={100}
    />
  )
}
