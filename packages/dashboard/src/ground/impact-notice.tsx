import type { Impact, ImpactQuestion } from '@hotpatch/api'
import { Alert, List, Stack, Text } from '@mantine/core'
import { IconAlertTriangle } from '@tabler/icons-react'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from './api.ts'
import { CopyCommand } from './copy-command.tsx'
import { useFigures } from './figures.ts'
import classes from './impact-notice.module.css'
import { ProblemPanel } from './problem-panel.tsx'
import { appKey } from './queries.ts'
import { useVersionName } from './rollout-state.tsx'
import { Loading } from './states.tsx'

/** What a change would do to the devices that the server knows, before anybody makes it. */
export function ImpactNotice({ app, question }: { app: string; question: ImpactQuestion }) {
  const api = useApi()
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: appKey(app, 'impact', question),
    queryFn: () => api.getImpact(app, question),
    placeholderData: keepPreviousData,
    staleTime: 0,
  })
  if (error) return <ProblemPanel error={error} onRetry={() => void refetch()} />
  if (!data) return <Loading rows={3} height={18} />
  return (
    <div className={classes.notice} data-old={isFetching || undefined} aria-live="polite" aria-busy={isFetching}>
      <Told impact={data} />
    </div>
  )
}

function Told({ impact }: { impact: Impact }) {
  const { t } = useTranslation('impact')
  const versionName = useVersionName()
  const { devices, changed, goBack, moves, isExact } = impact
  const forward = changed - goBack
  if (devices === 0) return <Text>{t('nobody')}</Text>
  return (
    <Stack gap="xs">
      <dl className={classes.counts}>
        <Count name={t('forward')} value={forward} of={devices} color="var(--console-series-1)" />
        <Count name={t('back')} value={goBack} of={devices} color="var(--console-series-2)" />
        <Count name={t('stay')} value={devices - changed} of={devices} color="var(--console-line-strong)" />
      </dl>
      <Text size="xs" c="dimmed">
        {t('known', { count: devices })} {isExact ? '' : t('estimated')}
      </Text>
      {moves.length > 0 && (
        <List size="sm" aria-label={t('moves')}>
          {moves.slice(0, 5).map(({ from, to, devices }) => (
            <List.Item key={JSON.stringify([from, to])}>
              {t('move', { count: devices, from: versionName(from), to: versionName(to) })}
            </List.Item>
          ))}
          {moves.length > 5 && <List.Item>{t('moreMoves', { count: moves.length - 5 })}</List.Item>}
        </List>
      )}
      <Warnings impact={impact} />
    </Stack>
  )
}

function Count({ name, value, of, color }: { name: string; value: number; of: number; color: string }) {
  const figures = useFigures()
  return (
    <div>
      <dt>
        <span className={classes.swatch} style={{ background: color }} aria-hidden />
        {name}
      </dt>
      <dd>
        {figures.number(value)}{' '}
        <Text span c="dimmed" size="xs">
          {figures.percentage((100 * value) / of, 1)}
        </Text>
      </dd>
    </div>
  )
}

/** Devices that would not follow, and the way out that their publisher has. */
function Warnings({ impact }: { impact: Impact }) {
  const { t } = useTranslation('impact')
  const { cannotTake, stranded, strandedNow, dropped, wayOut } = impact
  const more = stranded - strandedNow
  if (cannotTake.length === 0 && more <= 0 && dropped === 0) return null
  return (
    <Alert color="orange" icon={<IconAlertTriangle aria-hidden />} title={t('warning')}>
      <List size="sm">
        {cannotTake.map(({ reason, explanation, devices }) => (
          <List.Item key={reason}>
            {t('cannotTake', { count: devices })} {t(`reasons:${reason}`, { defaultValue: explanation })}
          </List.Item>
        ))}
        {more > 0 && <List.Item>{t('stranded', { count: more })}</List.Item>}
        {dropped > 0 && <List.Item>{t('dropped', { count: dropped })}</List.Item>}
      </List>
      {wayOut && (
        <Stack gap={4} mt="xs">
          <Text>{t('wayOut')}</Text>
          <CopyCommand
            command={
              wayOut.version === null
                ? 'npx hotpatch rollback --to embedded'
                : `npx hotpatch rollback --version ${wayOut.version}`
            }
            label={t('wayOut')}
          />
        </Stack>
      )}
    </Alert>
  )
}
