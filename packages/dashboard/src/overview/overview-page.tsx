import type { App, Overview } from '@hotpatch/api'
import { Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useApp } from '../ground/app.ts'
import { ButtonLink } from '../ground/links.tsx'
import { Page } from '../ground/page.tsx'
import { SERVER_URL } from '../ground/place.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Empty, Loading } from '../ground/states.tsx'
import { ActiveDevices, FleetTiles } from './active-devices.tsx'
import { AttentionList } from './attention-list.tsx'
import { NewestReleases } from './newest-releases.tsx'
import classes from './overview.module.css'
import { RecentChanges } from './recent-changes.tsx'

const route = getRouteApi('/server/apps/$app/overview')
/** Figures of the fleet are told by nobody: they are asked for. */
const REFRESH_MS = 30_000

export function OverviewPage() {
  const { t } = useTranslation('overview')
  const slug = useAppSlug()
  const api = useApi()
  const app = useApp(slug)
  const { channel } = route.useSearch()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(slug, 'insights', 'overview'),
    queryFn: () => api.getOverview(slug),
    refetchInterval: REFRESH_MS,
  })
  const rollouts = useQuery({
    queryKey: appKey(slug, 'rollouts', 'any'),
    queryFn: () => api.listRollouts(slug, { limit: 1 }),
  })
  const isNew = data?.known === 0 && rollouts.data?.items.length === 0
  return (
    <Page
      title={app?.name ?? slug}
      about={t('about')}
      actions={
        <ButtonLink to="/apps/$app/insights" params={{ app: slug }} variant="default">
          {t('toInsights')}
        </ButtonLink>
      }
    >
      <AttentionList slug={slug} />
      <ProblemPanel error={error} onRetry={() => void refetch()} />
      {!data && !error && <Loading rows={6} />}
      {data && (isNew ? <FirstSteps slug={slug} app={app} /> : <Fleet slug={slug} overview={data} channel={channel} />)}
    </Page>
  )
}

function Fleet({ slug, overview, channel }: { slug: string; overview: Overview; channel: string | undefined }) {
  return (
    <>
      <FleetTiles overview={overview} />
      <div className={classes.columns}>
        <Stack gap="lg">
          <NewestReleases slug={slug} channel={channel} />
          <ActiveDevices slug={slug} />
        </Stack>
        <RecentChanges slug={slug} />
      </div>
    </>
  )
}

function FirstSteps({ slug, app }: { slug: string; app: App | undefined }) {
  const { t } = useTranslation('overview')
  return (
    <Empty
      title={t('empty.title')}
      commands={[
        { about: t('empty.login'), command: `npx hotpatch login --url ${SERVER_URL}` },
        { about: t('empty.init'), command: `npx hotpatch init --app ${slug}` },
        { about: t('empty.publish'), command: firstPublish(app) },
        { about: t('empty.simulate'), command: `npx hotpatch simulate --app ${slug} --devices 50` },
      ]}
    >
      {t('empty.about')}
    </Empty>
  )
}

/** Of phones a bundle of JavaScript at first; of anything else whatever the folder has. */
function firstPublish(app: App | undefined): string {
  const isForPhones = app?.platforms.some((platform) => platform === 'android' || platform === 'ios') ?? true
  return isForPhones ? 'npx hotpatch release 1.0.1' : 'npx hotpatch publish --version 1.0.1'
}
