import type { App, Release } from '@hotpatch/api'
import { Badge, Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useFigures } from '../ground/figures.ts'
import { useMay } from '../ground/permissions.ts'
import { SERVER_URL } from '../ground/place.ts'
import { appKey } from '../ground/queries.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import classes from './asset-updates.module.css'
import { DeployUpdate } from './deploy-update.tsx'
import { RollBack } from './roll-back.tsx'
import type { AssetUpdatesSearch } from './routes.tsx'
import { toPage } from '../ground/links.tsx'

/** Updates: a manifest that lists files, each. */
export function Updates({
  slug,
  app,
  search: { channel, platform },
}: {
  slug: string
  app: App | undefined
  search: AssetUpdatesSearch
}) {
  const { t } = useTranslation('asset-updates')
  const api = useApi()
  const may = useMay()
  const query = { kind: 'files' as const, ...(channel && { channel }), ...(platform && { platform }) }
  const pages = usePages({
    queryKey: appKey(slug, 'releases', 'updates', query),
    fetchPage: (cursor) => api.listReleases(slug, { ...query, ...cursor }),
  })
  const columns = useColumns(slug, may('rollouts:change', app?.id))
  return (
    <DataTable
      {...pages}
      label={t('tabs.updates')}
      columns={columns}
      rowKey={({ id }) => id}
      empty={
        <Empty
          title={t('empty.title')}
          commands={[
            { about: t('empty.login'), command: `npx hotpatch login --url ${SERVER_URL}` },
            {
              about: t('empty.publish'),
              command: `npx hotpatch publish build --kind files --app ${slug} --platform android --version 1.0.0`,
            },
          ]}
        >
          {t('empty.about')}
        </Empty>
      }
    />
  )
}

function useColumns(slug: string, mayChange: boolean): Column<Release>[] {
  const { t } = useTranslation('asset-updates')
  const { t: tr } = useTranslation('releases')
  const figures = useFigures()
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
    {
      id: 'runtime',
      header: tr('requirement.runtimeVersion'),
      cell: ({ requirement }) => requirement.runtimeVersion ?? '–',
    },
    {
      id: 'files',
      header: tr('tabs.files'),
      align: 'end',
      cell: ({ content }) =>
        content.kind === 'files' ? (
          <>
            {figures.number(content.fileCount)}
            <Text size="xs" c="dimmed">
              {figures.bytes(content.totalBytes)}
            </Text>
          </>
        ) : (
          '–'
        ),
    },
    { id: 'channels', header: tr('inForce'), cell: (release) => <Deployed release={release} /> },
    { id: 'published', header: tr('published'), cell: ({ createdAt }) => <Time at={createdAt} /> },
    ...(mayChange
      ? [{ id: 'actions', header: t('actions'), cell: (release: Release) => <Actions slug={slug} release={release} /> }]
      : []),
  ]
}

function Deployed({ release: { inForce = [] } }: { release: Release }) {
  const { t } = useTranslation('asset-updates')
  const figures = useFigures()
  const newest = new Map(inForce.toReversed().map((each) => [each.channel, each]))
  if (newest.size === 0) return <Text c="dimmed">{t('nowhere')}</Text>
  return (
    <Group gap={6}>
      {[...newest.values()].map(({ channel, state, percentage }) => (
        <Badge key={channel} color={state === 'paused' ? 'yellow' : 'teal'} maw="14rem">
          {channel} · {state === 'paused' ? t('states.paused') : figures.percentage(percentage)}
        </Badge>
      ))}
    </Group>
  )
}

function Actions({ slug, release }: { slug: string; release: Release }) {
  const { t } = useTranslation('asset-updates')
  const [open, setOpen] = useState<'deploy' | 'roll-back'>()
  const isPlaced = (release.inForce ?? []).length > 0
  const { version } = release
  return (
    <Group gap={6} className={classes.action}>
      <Button size="xs" variant="default" onClick={() => setOpen('deploy')} aria-label={t('deploy.label', { version })}>
        {t('deploy.open')}
      </Button>
      {isPlaced && (
        <Button
          size="xs"
          variant="default"
          onClick={() => setOpen('roll-back')}
          aria-label={t('rollBack.label', { version })}
        >
          {t('rollBack.open')}
        </Button>
      )}
      {open === 'deploy' && <DeployUpdate slug={slug} release={release} onClose={() => setOpen(undefined)} />}
      {open === 'roll-back' && <RollBack slug={slug} release={release} onClose={() => setOpen(undefined)} />}
    </Group>
  )
}
