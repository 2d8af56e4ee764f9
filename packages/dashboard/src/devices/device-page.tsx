import type { DeviceWithEvents } from '@hotpatch/api'
import { ApiProblem } from '@hotpatch/api'
import { Badge, Button, Stack } from '@mantine/core'
import { IconPin, IconTrash } from '@tabler/icons-react'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Confirm } from '../ground/confirm.tsx'
import { ButtonLink, TextLink } from '../ground/links.tsx'
import { useMayHere } from '../ground/page-app.ts'
import { Page, Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Empty, Loading } from '../ground/states.tsx'
import { useChange } from '../ground/change.ts'
import { DeviceFacts } from './device-facts.tsx'
import { DeviceState } from './device-state.tsx'
import { DeviceTimeline } from './device-timeline.tsx'
import classes from './devices.module.css'
import { ForceRelease } from './force-release.tsx'
import { ForcedIn } from './forced-in.tsx'
import { useDevice } from './use-device.ts'
import { Why } from './why.tsx'

const route = getRouteApi('/server/apps/$app/devices/$device')

export function DevicePage() {
  const { t } = useTranslation('devices')
  const slug = useAppSlug()
  const { device: id } = route.useParams()
  const { data: device, error, isPending, refetch } = useDevice(slug, id)
  if (error instanceof ApiProblem && error.type === 'device-not-found') return <UnknownDevice slug={slug} id={id} />
  return (
    <Page
      title={t('deviceTitle', { id })}
      badge={device && <Badges device={device} />}
      about={
        <TextLink to="/apps/$app/devices" params={{ app: slug }}>
          {t('toList')}
        </TextLink>
      }
      actions={device && <Actions slug={slug} device={device} />}
    >
      {isPending && <Loading rows={8} />}
      <ProblemPanel error={error} onRetry={() => void refetch()} />
      {device && (
        <div className={classes.columns}>
          <Stack gap="lg">
            <ForcedIn slug={slug} device={device} />
            <Why slug={slug} device={device} />
          </Stack>
          <Stack gap="lg">
            <Section title={t('facts.title')}>
              <DeviceFacts slug={slug} device={device} />
            </Section>
            <DeviceTimeline slug={slug} device={device} />
          </Stack>
        </div>
      )}
    </Page>
  )
}

function Badges({ device }: { device: DeviceWithEvents }) {
  const { t } = useTranslation('devices')
  return (
    <>
      <DeviceState device={device} />
      {device.failedReleaseIds.length > 0 && <Badge color="red">{t('hasFailed')}</Badge>}
    </>
  )
}

function Actions({ slug, device }: { slug: string; device: DeviceWithEvents }) {
  const { t } = useTranslation('devices')
  const may = useMayHere()
  const [opened, setOpened] = useState<'force' | 'forget'>()
  const close = () => setOpened(undefined)
  return (
    <>
      {may('devices:forget') && (
        <Button variant="default" leftSection={<IconTrash size={16} aria-hidden />} onClick={() => setOpened('forget')}>
          {t('forget.action')}
        </Button>
      )}
      {may('rollouts:change') && (
        <Button leftSection={<IconPin size={16} aria-hidden />} onClick={() => setOpened('force')}>
          {t('force.action')}
        </Button>
      )}
      {opened === 'force' && <ForceRelease slug={slug} device={device} onClose={close} />}
      <Forget slug={slug} device={device} opened={opened === 'forget'} onClose={close} />
    </>
  )
}

function Forget({
  slug,
  device,
  opened,
  onClose,
}: {
  slug: string
  device: DeviceWithEvents
  opened: boolean
  onClose: () => void
}) {
  const { t } = useTranslation('devices')
  const api = useApi()
  const navigate = useNavigate()
  const forget = useChange({
    change: async () => {
      await api.forgetDevice(slug, device.id)
      // Before its own queries are read again, of which nothing would be found.
      await navigate({ to: '/apps/$app/devices', params: { app: slug } })
    },
    invalidates: [appKey(slug, 'devices')],
    done: t('forget.done'),
  })
  return (
    <Confirm
      opened={opened}
      onClose={onClose}
      title={t('forget.title')}
      action={t('forget.action')}
      isDangerous
      onConfirm={() => forget.mutateAsync()}
    >
      {t('forget.what')}
    </Confirm>
  )
}

function UnknownDevice({ slug, id }: { slug: string; id: string }) {
  const { t } = useTranslation('devices')
  return (
    <Page title={t('deviceTitle', { id })}>
      <Empty
        title={t('unknown.title')}
        action={
          <ButtonLink to="/apps/$app/devices" params={{ app: slug }} variant="default">
            {t('toList')}
          </ButtonLink>
        }
      >
        {t('unknown.about')}
      </Empty>
    </Page>
  )
}
