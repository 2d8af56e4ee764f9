import type { ComponentFigures, Rollout } from '@hotpatch/api'
import { Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useFigures } from '../../ground/figures.ts'
import { Section } from '../../ground/page.tsx'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { DataTable, type Column } from '../../ground/tables/data-table.tsx'
import { LIVE_MS } from './live.ts'

const STEPS = ['planned', 'downloaded', 'applied', 'probed', 'confirmed', 'rolledBack', 'failed'] as const

/** Of a kit, how far installations came with each component; of what is no kit, nothing. */
export function ComponentsSection({ app, rollout }: { app: string; rollout: Rollout }) {
  const { t } = useTranslation('kits')
  const api = useApi()
  const columns = useColumns()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'rollout', rollout.id, 'components'),
    queryFn: () => api.getRolloutComponents(rollout.id),
    refetchInterval: LIVE_MS,
    // A kit says by itself what is for which machine, and so is always for any.
    enabled: rollout.releaseId !== null && rollout.platform === 'any',
  })
  if (error && !data) return <ProblemPanel error={error} onRetry={() => void refetch()} />
  if (!data || data.components.length === 0) return null
  const { components, eventsNotKept } = data
  return (
    <Section title={t('told.title')} about={t('told.about')}>
      <Stack gap="sm">
        <DataTable
          label={t('told.title')}
          columns={columns}
          rows={components}
          rowKey={({ id }) => id}
          empty={undefined}
        />
        {eventsNotKept > 0 && <Text c="dimmed">{t('told.notKept', { count: eventsNotKept })}</Text>}
      </Stack>
    </Section>
  )
}

function useColumns(): Column<ComponentFigures>[] {
  const { t } = useTranslation('kits')
  const figures = useFigures()
  return [
    { id: 'component', header: t('component'), phone: 'title', cell: ({ id, version }) => `${id} ${version}` },
    ...STEPS.map((step): Column<ComponentFigures> => ({
      id: step,
      header: t(`told.${step}`),
      align: 'end',
      cell: (component) => (
        <Text span inherit {...(step === 'failed' && component.failed > 0 && { c: 'red', fw: 600 })}>
          {figures.number(component[step])}
        </Text>
      ),
    })),
    {
      id: 'codes',
      header: t('told.codes'),
      cell: ({ codes }) =>
        figures.list(codes.map(({ code, devices }) => `${code ?? t('told.noCode')} (${figures.number(devices)})`)),
    },
  ]
}
