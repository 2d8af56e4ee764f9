import { formatOfName, type Release } from '@hotpatch/api'
import { Badge, Group, Text } from '@mantine/core'
import { IconUpload } from '@tabler/icons-react'
import { getRouteApi } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useApp } from '../ground/app.ts'
import { ButtonLink, toPage } from '../ground/links.tsx'
import { useFigures } from '../ground/figures.ts'
import { Page } from '../ground/page.tsx'
import { useMay } from '../ground/permissions.ts'
import { SERVER_URL } from '../ground/place.ts'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { InForce } from './in-force.tsx'
import { downloadBytes, fileCount, isSigned } from './release-facts.ts'
import { ReleaseFilters } from './release-filters.tsx'
import classes from './releases.module.css'
import type { ReleasesSearch } from './routes.tsx'

const route = getRouteApi('/server/apps/$app/releases')

export function ReleasesPage() {
  const { t } = useTranslation('releases')
  const slug = useAppSlug()
  const app = useApp(slug)
  const may = useMay()
  const filters = route.useSearch()
  const pages = useReleases(slug, filters)
  const columns = useColumns(slug)
  const isFiltered = Object.values(filters).some((value) => value !== undefined)
  const mayPublish = may('releases:publish', app?.id)
  const publish = mayPublish && (
    <ButtonLink
      to="/apps/$app/releases/publish"
      params={{ app: slug }}
      leftSection={<IconUpload size={16} aria-hidden />}
    >
      {t('publish')}
    </ButtonLink>
  )
  return (
    <Page title={t('title')} about={t('about')} actions={publish}>
      <ReleaseFilters slug={slug} app={app} filters={filters} />
      <DataTable
        {...pages}
        label={t('title')}
        columns={columns}
        rowKey={(release) => release.id}
        empty={isFiltered ? <NothingFound slug={slug} /> : <NoReleases slug={slug} />}
      />
    </Page>
  )
}

function useReleases(slug: string, { channel, archived, ...filters }: ReleasesSearch) {
  const api = useApi()
  const query = {
    ...Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined)),
    ...(channel !== undefined && { inForceOn: channel }),
    ...(archived && { archived }),
  }
  return usePages({
    queryKey: appKey(slug, 'releases', query),
    fetchPage: (cursor) => api.listReleases(slug, { ...query, ...cursor }),
  })
}

function useColumns(slug: string): Column<Release>[] {
  const { t } = useTranslation('releases')
  const figures = useFigures()
  return [
    {
      id: 'version',
      header: t('version'),
      phone: 'title',
      cell: (release) => (
        <Group gap="xs" wrap="nowrap">
          <RowLink {...toPage({ to: '/apps/$app/releases/$release', params: { app: slug, release: release.id } })}>
            <span className={classes.version}>{release.version}</span>
          </RowLink>
          {release.archivedAt !== null && <Badge color="gray">{t('archived')}</Badge>}
        </Group>
      ),
    },
    { id: 'platform', header: t('platform'), width: '6rem', cell: ({ platform }) => t(`platforms.${platform}`) },
    { id: 'content', header: t('content'), width: '12rem', cell: (release) => <ContentOf release={release} /> },
    {
      id: 'size',
      header: t('size'),
      align: 'end',
      width: '7rem',
      cell: (release) => figures.bytes(downloadBytes(release)),
    },
    { id: 'inForce', header: t('inForce'), width: '20%', cell: (release) => <InForce release={release} /> },
    { id: 'signed', header: t('signed'), width: '5rem', cell: (release) => (isSigned(release) ? t('yes') : t('no')) },
    {
      id: 'published',
      header: t('published'),
      width: '9rem',
      cell: (release) => (
        <>
          <Time at={release.createdAt} />
          <Text size="xs" c="dimmed" className={classes.author}>
            {release.createdBy}
          </Text>
        </>
      ),
    },
  ]
}

function ContentOf({ release }: { release: Release }) {
  const { t } = useTranslation('releases')
  const { content } = release
  if (content.kind === 'binary') {
    const formats = new Set(content.files.map(({ name, format }) => formatOfName(name) ?? format))
    return [...formats].map((format) => format.toUpperCase()).join(', ')
  }
  return t(`contents.${content.kind}`, { count: fileCount(release) })
}

function NothingFound({ slug }: { slug: string }) {
  const { t } = useTranslation('releases')
  return (
    <Empty
      title={t('notFound.title')}
      action={
        <ButtonLink variant="default" to="/apps/$app/releases" params={{ app: slug }} search={{}}>
          {t('notFound.all')}
        </ButtonLink>
      }
    >
      {t('notFound.about')}
    </Empty>
  )
}

function NoReleases({ slug }: { slug: string }) {
  const { t } = useTranslation('releases')
  return (
    <Empty
      title={t('empty.title')}
      commands={[
        { about: t('empty.login'), command: `npx hotpatch login --url ${SERVER_URL}` },
        { about: t('empty.release'), command: `npx hotpatch release --app ${slug} --platform android --version 1.0.0` },
      ]}
    >
      {t('empty.about')}
    </Empty>
  )
}
