import type { Release } from '@hotpatch/api'
import { Badge, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Page } from '../ground/page.tsx'
import { useMay } from '../ground/permissions.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Loading } from '../ground/states.tsx'
import { ArchiveRelease } from './detail/archive-release.tsx'
import { ReleaseOverview } from './detail/release-overview.tsx'
import { RELEASE_TABS, type ReleaseSearch, type ReleaseTab } from './routes.tsx'

const Entries = lazy(() => import('./detail/entries.tsx'))
const Comparison = lazy(() => import('./detail/comparison.tsx'))
const Downloads = lazy(() => import('./detail/downloads.tsx'))
const Signatures = lazy(() => import('./detail/signatures.tsx'))

const route = getRouteApi('/server/apps/$app/releases/$release')

export function ReleasePage() {
  const { t } = useTranslation('releases')
  const slug = useAppSlug()
  const api = useApi()
  const { release: id } = route.useParams()
  const { data: release, error } = useQuery({
    queryKey: appKey(slug, 'releases', 'one', id),
    queryFn: () => api.getRelease(id),
  })
  if (release) return <ShownRelease slug={slug} release={release} />
  return <Page title={t('release')}>{error ? <ProblemPanel error={error} /> : <Loading rows={6} />}</Page>
}

function ShownRelease({ slug, release }: { slug: string; release: Release }) {
  const { t } = useTranslation('releases')
  const may = useMay()
  const navigate = useNavigate()
  const search = route.useSearch()
  const isArchived = release.archivedAt !== null
  const change = (changes: ReleaseSearch) =>
    void navigate({
      to: '/apps/$app/releases/$release',
      params: { app: slug, release: release.id },
      search: changes,
      replace: true,
    })
  return (
    <Page
      title={`${release.version} · ${t(`platforms.${release.platform}`)}`}
      about={t(`kindsOfOne.${release.content.kind}`)}
      badge={isArchived && <Badge color="gray">{t('archived')}</Badge>}
      actions={
        !isArchived && may('releases:archive', release.appId) && <ArchiveRelease slug={slug} release={release} />
      }
    >
      <Tabs
        value={search.tab ?? 'overview'}
        onChange={(tab) => change(tab === 'overview' ? {} : { tab: tab as ReleaseTab })}
        keepMounted={false}
      >
        <Tabs.List mb="lg">
          {RELEASE_TABS.map((tab) => (
            <Tabs.Tab key={tab} value={tab}>
              {t(`tabs.${tab}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Suspense fallback={<Loading rows={5} />}>
          <Tabs.Panel value="overview">
            <ReleaseOverview slug={slug} release={release} />
          </Tabs.Panel>
          <Tabs.Panel value="files">
            <Entries slug={slug} release={release} search={search} onSearch={change} />
          </Tabs.Panel>
          <Tabs.Panel value="difference">
            <Comparison slug={slug} release={release} search={search} onSearch={change} />
          </Tabs.Panel>
          <Tabs.Panel value="downloads">
            <Downloads slug={slug} release={release} />
          </Tabs.Panel>
          <Tabs.Panel value="signatures">
            <Signatures slug={slug} release={release} />
          </Tabs.Panel>
        </Suspense>
      </Tabs>
    </Page>
  )
}
