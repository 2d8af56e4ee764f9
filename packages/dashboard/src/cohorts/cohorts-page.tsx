import type { Cohort } from '@hotpatch/api'
import { Button, Group, Modal, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { useFigures } from '../ground/figures.ts'
import { Page } from '../ground/page.tsx'
import { useMayHere } from '../ground/page-app.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { Time } from '../ground/time.tsx'
import { readDeviceIds } from './read-device-ids.ts'
import { toPage } from '../ground/links.tsx'

export function CohortsPage() {
  const { t } = useTranslation('cohorts')
  const app = useAppSlug()
  const api = useApi()
  const figures = useFigures()
  const mayChange = useMayHere()('cohorts:change')
  const [isMaking, setIsMaking] = useState(false)
  const { data, error, isPending, refetch } = useQuery({
    queryKey: appKey(app, 'cohorts'),
    queryFn: () => api.listCohorts(app),
  })
  const columns: Column<Cohort>[] = [
    {
      id: 'name',
      header: t('name'),
      phone: 'title',
      width: '28%',
      cell: ({ name }) => (
        <RowLink {...toPage({ to: '/apps/$app/cohorts/$cohort', params: { app, cohort: name } })}>{name}</RowLink>
      ),
    },
    { id: 'about', header: t('description'), cell: ({ description }) => description || '–' },
    {
      id: 'devices',
      header: t('devices'),
      align: 'end',
      width: '8rem',
      cell: ({ deviceCount }) => figures.number(deviceCount),
    },
    { id: 'changed', header: t('changed'), width: '10rem', cell: ({ updatedAt }) => <Time at={updatedAt} /> },
  ]
  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={
        mayChange && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setIsMaking(true)}>
            {t('new')}
          </Button>
        )
      }
    >
      <DataTable
        label={t('title')}
        columns={columns}
        rows={data?.items ?? []}
        rowKey={({ id }) => id}
        isLoading={isPending}
        error={error}
        onRetry={() => void refetch()}
        empty={
          <Empty
            title={t('empty.title')}
            commands={[{ about: t('empty.command'), command: `npx hotpatch cohorts create testers --csv testers.csv` }]}
          >
            {t('empty.about')}
          </Empty>
        }
      />
      {isMaking && <NewCohortDialog app={app} onClose={() => setIsMaking(false)} />}
    </Page>
  )
}

function NewCohortDialog({ app, onClose }: { app: string; onClose: () => void }) {
  const { t } = useTranslation('cohorts')
  const api = useApi()
  const navigate = useNavigate()
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')
  const [devices, setDevices] = useState('')
  const create = useChange({
    change: () => api.createCohort(app, { name, description, devices: readDeviceIds(devices) }),
    invalidates: [appKey(app, 'cohorts')],
    done: t('made', { name }),
    onDone: () => void navigate({ to: '/apps/$app/cohorts/$cohort', params: { app, cohort: name } }),
  })
  return (
    <Modal opened onClose={onClose} title={t('new')} centered closeButtonProps={{ 'aria-label': t('ground:close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          create.mutate()
        }}
      >
        <Stack gap="md">
          <TextInput
            label={t('name')}
            description={t('nameAbout')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
            required
            maxLength={100}
            data-autofocus
          />
          <TextInput
            label={t('description')}
            value={description}
            onChange={(event) => setDescription(event.currentTarget.value)}
            maxLength={500}
          />
          <Textarea
            label={t('devices')}
            description={t('devicesAbout')}
            value={devices}
            onChange={(event) => setDevices(event.currentTarget.value)}
            autosize
            minRows={2}
            maxRows={8}
            spellCheck={false}
          />
          <Text size="xs" c="dimmed">
            {t('csvLater')}
          </Text>
          <ProblemPanel error={create.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {t('ground:cancel')}
            </Button>
            <Button type="submit" loading={create.isPending} disabled={name === ''}>
              {t('make')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
