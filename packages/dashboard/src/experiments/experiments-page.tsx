import type { Experiment } from '@hotpatch/api'
import { Button } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useFigures } from '../ground/figures.ts'
import { Page } from '../ground/page.tsx'
import { useMayHere } from '../ground/page-app.ts'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { RowLink } from '../ground/tables/row-link.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { ExperimentState } from './experiment-state.tsx'
import { toPage } from '../ground/links.tsx'

export function ExperimentsPage() {
  const { t } = useTranslation('experiments')
  const app = useAppSlug()
  const api = useApi()
  const figures = useFigures()
  const mayHere = useMayHere()
  const pages = usePages({
    queryKey: appKey(app, 'experiments'),
    fetchPage: (cursor) => api.listExperiments(app, cursor),
  })
  const columns: Column<Experiment>[] = [
    {
      id: 'name',
      header: t('name'),
      phone: 'title',
      width: '26%',
      cell: ({ id, name }) => (
        <RowLink {...toPage({ to: '/apps/$app/experiments/$experiment', params: { app, experiment: id } })}>
          {name}
        </RowLink>
      ),
    },
    {
      id: 'state',
      header: t('state'),
      width: '8rem',
      cell: (experiment) => <ExperimentState experiment={experiment} />,
    },
    {
      id: 'arms',
      header: t('arms'),
      cell: ({ arms }) => figures.list(arms.map(({ name, version }) => `${name} ${version}`)),
    },
    {
      id: 'where',
      header: t('where'),
      cell: ({ channel, platform }) => `${channel} · ${t(`impact:platforms.${platform}`)}`,
    },
    {
      id: 'share',
      header: t('share'),
      align: 'end',
      width: '7rem',
      cell: ({ percentage }) => figures.percentage(percentage),
    },
    { id: 'begun', header: t('begun'), width: '9rem', cell: ({ createdAt }) => <Time at={createdAt} /> },
  ]
  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={
        mayHere('experiments:change') && (
          <Button
            leftSection={<IconPlus size={16} aria-hidden />}
            component={Link}
            {...toPage({ to: '/apps/$app/experiments/new', params: { app } })}
          >
            {t('new')}
          </Button>
        )
      }
    >
      <DataTable
        {...pages}
        label={t('title')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={
          <Empty
            title={t('empty.title')}
            commands={[
              {
                about: t('empty.command'),
                command:
                  'npx hotpatch experiments start "New checkout" --arm old=1.2.0:50 --arm new=1.3.0:50 --platform android',
              },
            ]}
          >
            {t('empty.about')}
          </Empty>
        }
      />
    </Page>
  )
}
