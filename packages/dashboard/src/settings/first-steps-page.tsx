import { Group, Stack, Text } from '@mantine/core'
import { IconCheck, IconDeviceMobile, IconUpload } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { CopyCommand } from '../ground/copy-command.tsx'
import { ButtonLink, TextLink } from '../ground/links.tsx'
import { useMay } from '../ground/permissions.ts'
import { Page } from '../ground/page.tsx'
import { SERVER_URL } from '../ground/place.ts'
import { appKey } from '../ground/queries.ts'
import { useCurrentApp } from '../ground/routes.ts'
import { ClientSetup } from './client-setup.tsx'
import classes from './first-steps.module.css'

const route = getRouteApi('/server/apps/$app/first-steps')

/** From an app that is only a name to a device that has its first release; each step knows whether it is done. */
export function FirstStepsPage() {
  const { t } = useTranslation('settings')
  const app = useCurrentApp()
  const api = useApi()
  const may = useMay()
  const navigate = useNavigate()
  const { client } = route.useSearch()
  const keys = useQuery({ queryKey: appKey(app.slug, 'keys', 'ed25519'), queryFn: () => api.listKeys(app.slug) })
  const releases = useQuery({
    queryKey: appKey(app.slug, 'releases', 'any'),
    queryFn: () => api.listReleases(app.slug, { limit: 1 }),
  })
  const devices = useQuery({
    queryKey: appKey(app.slug, 'devices', 'any'),
    queryFn: () => api.listDevices(app.slug, { limit: 1 }),
    refetchInterval: 5000,
  })
  const has = (query: { data?: { items: readonly unknown[] } | undefined }) => (query.data?.items.length ?? 0) > 0
  return (
    <Page title={t('firstSteps.title', { app: app.name })} about={t('firstSteps.about')} isNarrow>
      <ol className={classes.steps}>
        <Step number={1} title={t('firstSteps.tool')} isDone={has(keys)}>
          <Text>{t('firstSteps.toolAbout')}</Text>
          {may('tokens:manage') && <TextLink to="/tokens">{t('firstSteps.token')}</TextLink>}
          <CopyCommand
            label={t('firstSteps.tool')}
            command={`npx hotpatch login --url ${SERVER_URL}\nnpx hotpatch keys generate\nnpx hotpatch keys add --app ${app.slug}`}
          />
        </Step>
        <Step number={2} title={t('firstSteps.client')} isDone={has(devices)}>
          <ClientSetup
            app={app}
            client={client}
            onChoose={(id) => void navigate({ to: '.', search: { client: id }, replace: true, resetScroll: false })}
            isFirstRelease
          />
        </Step>
        <Step number={3} title={t('firstSteps.publish')} isDone={has(releases)}>
          <Text>{t('firstSteps.publishAbout')}</Text>
          <Group>
            <ButtonLink
              to="/apps/$app/releases/publish"
              params={{ app: app.slug }}
              variant="default"
              leftSection={<IconUpload size={16} aria-hidden />}
            >
              {t('firstSteps.publishHere')}
            </ButtonLink>
          </Group>
        </Step>
        <Step number={4} title={t('firstSteps.watch')} isDone={has(releases) && has(devices)}>
          <Text>{has(devices) ? t('firstSteps.seen') : t('firstSteps.notSeen')}</Text>
          <Group>
            <ButtonLink
              to="/apps/$app/devices"
              params={{ app: app.slug }}
              variant="default"
              leftSection={<IconDeviceMobile size={16} aria-hidden />}
            >
              {t('firstSteps.devices')}
            </ButtonLink>
          </Group>
        </Step>
      </ol>
    </Page>
  )
}

function Step({
  number,
  title,
  isDone,
  children,
}: {
  number: number
  title: string
  isDone: boolean
  children: ReactNode
}) {
  const { t } = useTranslation('settings')
  return (
    <li className={classes.step}>
      <span className={classes.number} data-done={isDone || undefined}>
        {isDone ? <IconCheck size={16} aria-label={t('firstSteps.done')} /> : number}
      </span>
      <Stack gap="sm" className={classes.body}>
        <h2 className={classes.title}>{title}</h2>
        {children}
      </Stack>
    </li>
  )
}
