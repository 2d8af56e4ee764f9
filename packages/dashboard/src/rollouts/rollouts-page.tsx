import { Button, Group, Select, Tabs } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { InForce } from '../ground/in-force.tsx'
import { Page, Section } from '../ground/page.tsx'
import { useMayHere, usePageApp } from '../ground/page-app.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Loading } from '../ground/states.tsx'
import { STATES } from './routes.tsx'
import { Timeline } from './timeline.tsx'
import { toPage } from '../ground/links.tsx'

const route = getRouteApi('/server/apps/$app/rollouts')

export function RolloutsPage() {
  const { t } = useTranslation('rollouts')
  const slug = useAppSlug()
  const api = useApi()
  const search = route.useSearch()
  const navigate = useNavigate()
  const mayHere = useMayHere()
  const app = usePageApp()
  const channels = useQuery({ queryKey: appKey(slug, 'channels'), queryFn: () => api.listChannels(slug) })
  const names = channels.data?.items.map(({ name }) => name) ?? []
  const channel = search.channel ?? names[0]
  const show = (changes: Partial<typeof search>) =>
    void navigate({ to: '/apps/$app/rollouts', params: { app: slug }, search: { ...search, ...changes } })

  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={
        mayHere('rollouts:change') && (
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            component={Link}
            {...toPage({ to: '/apps/$app/rollouts/new', params: { app: slug }, search: { channel } })}
          >
            {t('new')}
          </Button>
        )
      }
    >
      {channels.error ? <ProblemPanel error={channels.error} onRetry={() => void channels.refetch()} /> : null}
      {channel === undefined ? (
        channels.isPending && <Loading rows={4} />
      ) : (
        <>
          <Tabs value={channel} onChange={(value) => value && show({ channel: value })} keepMounted={false}>
            <Tabs.List aria-label={t('channels')}>
              {names.map((name) => (
                <Tabs.Tab key={name} value={name}>
                  {name}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            <Tabs.Panel value={channel} pt="md">
              <Section title={t('impact:inForce.title')} about={t('impact:inForce.about')}>
                <InForce app={slug} channel={channel} />
              </Section>
            </Tabs.Panel>
          </Tabs>
          <Timeline
            app={slug}
            channel={channel}
            platform={search.platform}
            state={search.state}
            filters={
              <Group gap="xs">
                <Select
                  aria-label={t('platform')}
                  placeholder={t('allPlatforms')}
                  size="xs"
                  w={150}
                  clearable
                  data={app?.platforms.filter((name) => name !== 'any') ?? []}
                  value={search.platform ?? null}
                  onChange={(value) => show({ platform: value ?? undefined })}
                />
                <Select
                  aria-label={t('state')}
                  placeholder={t('allStates')}
                  size="xs"
                  w={150}
                  clearable
                  data={STATES.map((state) => ({ value: state, label: t(`impact:state.${state}`) }))}
                  value={search.state ?? null}
                  onChange={(value) => show({ state: value ?? undefined })}
                />
              </Group>
            }
          />
        </>
      )}
    </Page>
  )
}
