import type { Device, DeviceFilter } from '@hotpatch/api'
import { Group, Text, Tooltip } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Page } from '../ground/page.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { useLongList } from '../ground/tables/use-long-list.ts'
import { Time } from '../ground/time.tsx'
import { DeviceFilters } from './device-filters.tsx'
import { deviceState } from './device-state.tsx'
import { filterOfSeen, filterOfState } from './device-states.ts'
import classes from './devices.module.css'
import type { DevicesSearch } from './routes.tsx'

const route = getRouteApi('/server/apps/$app/devices')
const PAGE_LIMIT = 200

export function DevicesPage() {
  const { t } = useTranslation('devices')
  const api = useApi()
  const slug = useAppSlug()
  const search = route.useSearch()
  const pages = useLongList<Device>({
    queryKey: appKey(slug, 'devices', search),
    fetchPage: (cursor) => api.listDevices(slug, { ...filterOf(search), ...cursor, limit: PAGE_LIMIT }),
  })
  const columns = useColumns(slug)
  const isFiltered = Object.values(search).some((value) => value !== undefined)
  return (
    <Page title={t('title')} about={t('about')}>
      <DeviceFilters slug={slug} filters={search} />
      <DataTable
        {...pages}
        label={t('title')}
        columns={columns}
        rowKey={(device) => device.id}
        empty={isFiltered ? <NothingFound search={search} isSearching={pages.hasMore} /> : <NoDevices slug={slug} />}
      />
    </Page>
  )
}

function useColumns(slug: string): readonly Column<Device>[] {
  const { t } = useTranslation('devices')
  return useMemo(
    () => [
      {
        id: 'id',
        header: t('device'),
        phone: 'title',
        width: '17rem',
        cell: (device) => (
          <RowLink to="/apps/$app/devices/$device" params={{ app: slug, device: device.id }}>
            <span className={classes.id}>{device.id}</span>
          </RowLink>
        ),
      },
      {
        id: 'state',
        header: t('state'),
        cell: (device) => (
          <Group gap={6} className={classes.states}>
            {deviceState(device, t)}
            {device.failedReleaseIds.length > 0 && (
              <Tooltip label={t('hasFailed')}>
                <IconAlertTriangle
                  size={18}
                  color="var(--mantine-color-red-text)"
                  role="img"
                  aria-label={t('hasFailed')}
                />
              </Tooltip>
            )}
          </Group>
        ),
      },
      { id: 'runs', header: t('runs'), cell: (device) => runs(device, t) },
      {
        id: 'native',
        header: t('nativeVersion'),
        cell: (device) => device.nativeVersion ?? '–',
      },
      {
        id: 'place',
        header: t('place'),
        cell: (device) => (
          <span className={classes.nowrap}>
            {t(`platforms.${device.platform}`)} · {device.channel}
          </span>
        ),
      },
      {
        id: 'model',
        header: t('model'),
        phone: 'hidden',
        cell: (device) => <span className={classes.model}>{device.attributes.model ?? '–'}</span>,
      },
      {
        id: 'seen',
        header: t('lastSeen'),
        align: 'end',
        cell: (device) => (
          <span className={classes.nowrap}>
            <Time at={device.lastSeenAt} />
          </span>
        ),
      },
    ],
    [slug, t],
  )
}

function runs({ currentReleaseId, currentVersion }: Device, t: (key: string) => string): ReactNode {
  return currentReleaseId === null ? <Text c="dimmed">{t('builtIn')}</Text> : <Text>{currentVersion ?? '–'}</Text>
}

function NothingFound({ search, isSearching }: { search: DevicesSearch; isSearching: boolean }) {
  const { t } = useTranslation('devices')
  return (
    <Empty title={isSearching ? t('none.searching') : t('none.title')}>
      {search.search === undefined ? t('none.about') : t('none.aboutId', { id: search.search })}
    </Empty>
  )
}

function NoDevices({ slug }: { slug: string }) {
  const { t } = useTranslation('devices')
  return (
    <Empty
      title={t('empty.title')}
      commands={[
        { about: t('empty.init'), command: `npx hotpatch init --app ${slug}` },
        { about: t('empty.simulate'), command: `npx hotpatch simulate --app ${slug} --devices 50` },
      ]}
    >
      {t('empty.about')}
    </Empty>
  )
}

function filterOf({ state, seen, release, failed, ...told }: DevicesSearch): DeviceFilter {
  return {
    ...(told as DeviceFilter),
    ...filterOfState(state),
    ...filterOfSeen(seen, Date.now()),
    ...(release === 'embedded' ? { version: 'embedded' } : release !== undefined && { releaseId: release }),
    ...(failed !== undefined && { hasFailed: failed }),
  }
}
