import type { App, Release } from '@hotpatch/api'
import type { Platform } from '@hotpatch/protocol'
import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { ButtonLink, toPage } from '../ground/links.tsx'
import { useFigures } from '../ground/figures.ts'
import { useMay } from '../ground/permissions.ts'
import { SERVER_URL } from '../ground/place.ts'
import { appKey } from '../ground/queries.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import classes from './app-versions.module.css'

type InForce = NonNullable<Release['inForce']>[number]

/** The versions of a whole app on a channel: which are offered, and how many devices run each. */
export function Versions({
  slug,
  app,
  channel,
  platform,
}: {
  slug: string
  app: App | undefined
  channel: string
  platform: Platform | undefined
}) {
  const { t } = useTranslation('app-versions')
  const api = useApi()
  const query = { kind: 'binary' as const, channel, ...(platform && { platform }) }
  const pages = usePages({
    queryKey: appKey(slug, 'releases', 'versions', query),
    fetchPage: (cursor) => api.listReleases(slug, { ...query, ...cursor }),
  })
  const columns = useColumns(slug, app, channel, useRunning(slug, channel, platform))
  return (
    <DataTable
      {...pages}
      label={t('title')}
      columns={columns}
      rowKey={({ id }) => id}
      empty={
        <Empty
          title={t('empty.title', { channel })}
          commands={[
            { about: t('empty.login'), command: `npx hotpatch login --url ${SERVER_URL}` },
            { about: t('empty.publish'), command: `npx hotpatch publish app-release.apk --app ${slug}` },
          ]}
        >
          {t('empty.about')}
        </Empty>
      }
    />
  )
}

interface Running {
  devices: number
  share: number
}

/** What devices run now, by version. */
function useRunning(slug: string, channel: string, platform: Platform | undefined): ReadonlyMap<string, Running> {
  const api = useApi()
  const place = { channel, ...(platform && { platform }) }
  const { data } = useQuery({
    queryKey: appKey(slug, 'insights', 'versions', place),
    queryFn: () => api.getVersions(slug, place),
    refetchInterval: 30_000,
  })
  return new Map((data?.now ?? []).flatMap(({ version, ...figures }) => (version === null ? [] : [[version, figures]])))
}

function useColumns(
  slug: string,
  app: App | undefined,
  channel: string,
  running: ReadonlyMap<string, Running>,
): Column<Release>[] {
  const { t } = useTranslation('app-versions')
  const { t: tr } = useTranslation('releases')
  const figures = useFigures()
  const may = useMay()
  const stateOf = ({ inForce }: Release) => inForce?.find((each) => each.channel === channel)
  return [
    {
      id: 'version',
      header: tr('version'),
      phone: 'title',
      cell: (release) => (
        <RowLink {...toPage({ to: '/apps/$app/releases/$release', params: { app: slug, release: release.id } })}>
          <span className={classes.version}>{release.version}</span>
        </RowLink>
      ),
    },
    { id: 'platform', header: tr('platform'), cell: ({ platform }) => tr(`platforms.${platform}`) },
    { id: 'published', header: tr('published'), cell: ({ createdAt }) => <Time at={createdAt} /> },
    { id: 'state', header: tr('state'), cell: (release) => <State inForce={stateOf(release)} /> },
    {
      id: 'mandatory',
      header: tr('mandatory'),
      cell: (release) => {
        const inForce = stateOf(release)
        return inForce ? tr(inForce.mandatory ? 'yes' : 'no') : '–'
      },
    },
    {
      id: 'devices',
      header: t('devices'),
      align: 'end',
      cell: ({ version }) => {
        const { devices = 0, share = 0 } = running.get(version) ?? {}
        return `${figures.number(devices)} (${figures.percentage(share * 100, 1)})`
      },
    },
    ...(may('rollouts:change', app?.id)
      ? [
          {
            id: 'actions',
            header: t('actions'),
            cell: (release: Release) => (
              <Switch slug={slug} release={release} channel={channel} inForce={stateOf(release)} />
            ),
          },
        ]
      : []),
  ]
}

function State({ inForce }: { inForce: InForce | undefined }) {
  const { t } = useTranslation('app-versions')
  const figures = useFigures()
  if (!inForce) return <Badge color="gray">{t('states.ended')}</Badge>
  if (inForce.state === 'paused') return <Badge color="yellow">{t('states.inactive')}</Badge>
  if (inForce.startsAt !== null && new Date(inForce.startsAt) > new Date()) {
    return (
      <Group gap={6}>
        <Badge color="blue">{t('states.scheduled')}</Badge>
        <Time at={inForce.startsAt} />
      </Group>
    )
  }
  return <Badge color="teal">{t('states.active', { percentage: figures.percentage(inForce.percentage) })}</Badge>
}

/** Activates and deactivates a version on the channel. */
function Switch({
  slug,
  release,
  channel,
  inForce,
}: {
  slug: string
  release: Release
  channel: string
  inForce: InForce | undefined
}) {
  const { t } = useTranslation('app-versions')
  const api = useApi()
  const [isOpen, setIsOpen] = useState(false)
  const isActive = inForce?.state === 'active'
  const what = isActive ? 'deactivate' : 'activate'
  const { version } = release
  const change = useChange({
    change: () => (isActive ? api.deactivateRelease(release.id, channel) : api.activateRelease(release.id, channel)),
    invalidates: [appKey(slug)],
    done: t(`${what}.done`, { version, channel }),
  })
  if (!inForce) {
    return (
      <ButtonLink
        className={classes.action}
        size="xs"
        variant="subtle"
        to="/apps/$app/rollouts"
        params={{ app: slug }}
        search={{ channel }}
      >
        {t('placeAnew')}
      </ButtonLink>
    )
  }
  return (
    <>
      <Button
        className={classes.action}
        size="xs"
        variant="default"
        aria-label={t(`${what}.label`, { version })}
        onClick={() => setIsOpen(true)}
      >
        {t(`${what}.open`)}
      </Button>
      <Confirm
        opened={isOpen}
        onClose={() => setIsOpen(false)}
        title={t(`${what}.title`, { version, channel })}
        action={t(`${what}.action`)}
        isDangerous={isActive}
        onConfirm={() => change.mutateAsync()}
      >
        <Stack gap="xs">
          <Text>{t(`${what}.about`, { version, channel })}</Text>
          <Text c="dimmed">{t(`${what}.undo`)}</Text>
        </Stack>
      </Confirm>
    </>
  )
}
