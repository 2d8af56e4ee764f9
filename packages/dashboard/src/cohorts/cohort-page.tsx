import type { Cohort, CohortDevice, CohortRollout } from '@hotpatch/api'
import { Alert, Anchor, Button, List, Modal, Text } from '@mantine/core'
import { IconTrash } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { useFigures } from '../ground/figures.ts'
import { Page, Section } from '../ground/page.tsx'
import { useMayHere } from '../ground/page-app.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useVersionName } from '../ground/rollout-state.tsx'
import { useAppSlug } from '../ground/routes.ts'
import { Loading } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { AddDevices } from './add-devices.tsx'
import { toPage } from '../ground/links.tsx'

const route = getRouteApi('/server/apps/$app/cohorts/$cohort')

/** A list of devices, and which rollouts it is named by. */
export function CohortPage() {
  const app = useAppSlug()
  const api = useApi()
  const { cohort: name } = route.useParams()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'cohort', name),
    queryFn: () => api.getCohort(app, name),
  })
  if (!data) {
    return (
      <Page title={name}>
        {error ? <ProblemPanel error={error} onRetry={() => void refetch()} /> : <Loading rows={5} />}
      </Page>
    )
  }
  return <Shown app={app} cohort={data} />
}

function Shown({ app, cohort }: { app: string; cohort: Cohort }) {
  const { t } = useTranslation('cohorts')
  const api = useApi()
  const mayChange = useMayHere()('cohorts:change')
  const [isDeleting, setIsDeleting] = useState(false)
  const { name, description, createdBy, updatedAt } = cohort
  const usedBy = useQuery({
    queryKey: appKey(app, 'cohort', name, 'rollouts'),
    queryFn: () => api.listCohortRollouts(app, name),
  })
  return (
    <Page
      title={name}
      about={
        <>
          {description && <>{description} · </>}
          {t('by', { name: createdBy })} · {t('changed')} <Time at={updatedAt} />
        </>
      }
      actions={
        mayChange && (
          <Button
            variant="outline"
            color="red"
            leftSection={<IconTrash size={16} aria-hidden />}
            onClick={() => setIsDeleting(true)}
          >
            {t('delete')}
          </Button>
        )
      }
    >
      <UsedBy app={app} rollouts={usedBy.data?.items} error={usedBy.error} />
      {mayChange && <AddDevices app={app} cohort={cohort} />}
      <Members app={app} cohort={cohort} mayChange={mayChange} />
      {isDeleting && usedBy.data && (
        <DeleteCohort app={app} cohort={cohort} usedBy={usedBy.data.items} onClose={() => setIsDeleting(false)} />
      )}
    </Page>
  )
}

function UsedBy({
  app,
  rollouts,
  error,
}: {
  app: string
  rollouts: readonly CohortRollout[] | undefined
  error: unknown
}) {
  const { t } = useTranslation('cohorts')
  return (
    <Section title={t('usedBy')}>
      <ProblemPanel error={error} />
      {rollouts?.length === 0 && <Text c="dimmed">{t('unused')}</Text>}
      {rollouts && rollouts.length > 0 && <RolloutList app={app} rollouts={rollouts} />}
      {!rollouts && !error && <Loading rows={1} />}
    </Section>
  )
}

function RolloutList({ app, rollouts }: { app: string; rollouts: readonly CohortRollout[] }) {
  const { t } = useTranslation('cohorts')
  const versionName = useVersionName()
  return (
    <List>
      {rollouts.map(({ rolloutId, version, channel, platform, state }) => (
        <List.Item key={rolloutId}>
          <Anchor
            component={Link}
            {...toPage({ to: '/apps/$app/rollouts/$rollout', params: { app, rollout: rolloutId } })}
          >
            {t('rollout', { version: versionName(version), channel })}
          </Anchor>{' '}
          <Text span c="dimmed">
            {t(`impact:platforms.${platform}`)} · {t(`impact:state.${state}`)}
          </Text>
        </List.Item>
      ))}
    </List>
  )
}

function Members({ app, cohort, mayChange }: { app: string; cohort: Cohort; mayChange: boolean }) {
  const { t } = useTranslation('cohorts')
  const api = useApi()
  const figures = useFigures()
  const [removing, setRemoving] = useState<string>()
  const { name, deviceCount } = cohort
  const pages = usePages({
    queryKey: appKey(app, 'cohort', name, 'devices'),
    fetchPage: (cursor) => api.listCohortDevices(app, name, { ...cursor, limit: 100 }),
    isLive: false,
  })
  const remove = useChange({
    change: (deviceId: string) => api.changeCohort(app, name, { remove: [deviceId] }),
    invalidates: [appKey(app, 'cohort', name), appKey(app, 'cohorts')],
    done: t('removed'),
  })
  const columns: Column<CohortDevice>[] = [
    {
      id: 'device',
      header: t('device'),
      phone: 'title',
      cell: ({ deviceId }) => (
        <Anchor
          component={Link}
          ff="monospace"
          {...toPage({ to: '/apps/$app/devices/$device', params: { app, device: deviceId } })}
        >
          {deviceId}
        </Anchor>
      ),
    },
    ...(mayChange
      ? [
          {
            id: 'remove',
            header: t('action'),
            align: 'end' as const,
            width: '9rem',
            cell: ({ deviceId }: CohortDevice) => (
              <Button
                size="compact-xs"
                variant="default"
                onClick={() => setRemoving(deviceId)}
                aria-label={t('removeOne', { device: deviceId })}
              >
                {t('remove')}
              </Button>
            ),
          },
        ]
      : []),
  ]
  return (
    <Section title={t('members', { count: deviceCount, number: figures.number(deviceCount) })}>
      <DataTable
        {...pages}
        label={t('devices')}
        columns={columns}
        rowKey={({ deviceId }) => deviceId}
        empty={<Text c="dimmed">{t('nobody')}</Text>}
      />
      <Confirm
        opened={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={t('removeOne', { device: removing ?? '' })}
        action={t('remove')}
        onConfirm={() => remove.mutateAsync(removing ?? '')}
      >
        {t('removeWill')}
      </Confirm>
    </Section>
  )
}

function DeleteCohort({
  app,
  cohort: { name },
  usedBy,
  onClose,
}: {
  app: string
  cohort: Cohort
  usedBy: readonly CohortRollout[]
  onClose: () => void
}) {
  const { t } = useTranslation('cohorts')
  const api = useApi()
  const navigate = useNavigate()
  const remove = useChange({
    change: () => api.deleteCohort(app, name),
    done: t('deleted', { name }),
    onDone: () => void navigate({ to: '/apps/$app/cohorts', params: { app } }),
    invalidates: [appKey(app, 'cohorts')],
  })
  if (usedBy.length > 0) {
    return (
      <Modal
        opened
        onClose={onClose}
        title={t('deleteAsk', { name })}
        centered
        closeButtonProps={{ 'aria-label': t('ground:close') }}
      >
        <Alert color="orange" title={t('inUse')}>
          <RolloutList app={app} rollouts={usedBy} />
        </Alert>
      </Modal>
    )
  }
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t('deleteAsk', { name })}
      action={t('delete')}
      isDangerous
      onConfirm={() => remove.mutateAsync()}
    >
      {t('deleteWill')}
    </Confirm>
  )
}
