import type { Rollout, RolloutPlanStatus } from '@hotpatch/api'
import { Badge, Button, List, Progress, Stack, Text } from '@mantine/core'
import { IconCheck } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useChange } from '../../ground/change.ts'
import { Confirm } from '../../ground/confirm.tsx'
import { useFigures } from '../../ground/figures.ts'
import { ImpactNotice } from '../../ground/impact-notice.tsx'
import { Section } from '../../ground/page.tsx'
import { useMayHere } from '../../ground/page-app.ts'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { Loading } from '../../ground/states.tsx'
import { Time } from '../../ground/time.tsx'
import { weekDays } from '../../ground/rollout-fields/plan-fields.tsx'
import { LIVE_MS } from './live.ts'
import classes from './plan-section.module.css'

/** Where its plan stands, and what it waits for. */
export function PlanSection({ app, rollout }: { app: string; rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const mayHere = useMayHere()
  const [asking, setAsking] = useState<'advance' | 'finish'>()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'rollout', rollout.id, 'plan'),
    queryFn: () => api.getRolloutPlan(rollout.id),
    refetchInterval: LIVE_MS,
  })
  const act = useChange({
    change: ({ how, step }: { how: 'advance' | 'finish'; step: number }) =>
      how === 'advance' ? api.advanceRollout(rollout.id, step) : api.finishRollout(rollout.id),
    invalidates: [appKey(app, 'rollout', rollout.id), appKey(app, 'rollouts')],
    done: t('plan.done'),
  })
  const canGoOn = data?.state === 'running' && rollout.state === 'active' && mayHere('rollouts:change')
  const isLast = data !== undefined && data.step >= data.steps.length
  const next = data && (asking === 'finish' ? data.steps.at(-1) : data.steps[data.step])
  return (
    <Section
      title={t('plan.title')}
      about={data && <Waits plan={data} />}
      actions={
        canGoOn && (
          <>
            {!isLast && (
              <Button size="xs" variant="default" onClick={() => setAsking('advance')}>
                {t('plan.advance')}
              </Button>
            )}
            <Button size="xs" variant="default" onClick={() => setAsking('finish')}>
              {t('plan.finish')}
            </Button>
          </>
        )
      }
    >
      {error && !data ? <ProblemPanel error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Loading rows={3} />}
      {data && <Steps plan={data} />}
      {data && next && (
        <Confirm
          opened={asking !== undefined}
          onClose={() => setAsking(undefined)}
          title={t(asking === 'finish' ? 'plan.finishTitle' : 'plan.advanceTitle')}
          action={t(asking === 'finish' ? 'plan.finish' : 'plan.advance')}
          onConfirm={() => act.mutateAsync({ how: asking ?? 'advance', step: data.step })}
        >
          <Stack gap="sm">
            <Text>{t(asking === 'finish' ? 'plan.finishAbout' : 'plan.advanceAbout')}</Text>
            {asking && (
              <ImpactNotice
                app={app}
                question={{ change: 'change-audience', rolloutId: rollout.id, percentage: next.percentage }}
              />
            )}
          </Stack>
        </Confirm>
      )}
    </Section>
  )
}

function Waits({ plan: { waitsFor, state } }: { plan: RolloutPlanStatus }) {
  const { t } = useTranslation('rollouts')
  if (state === 'finished' || state === 'over') return t(`plan.states.${state}`)
  if (!waitsFor) return t('plan.states.running')
  const { for: reason, until, missing } = waitsFor
  return (
    <>
      {t(`plan.waits.${reason}`, { count: missing ?? 0 })} {until !== null && <Time at={until} />}
    </>
  )
}

function Steps({ plan }: { plan: RolloutPlanStatus }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  const { steps, step, state, stepStartedAt, attempted, takers } = plan
  const isOver = state === 'finished'
  return (
    <Stack gap="md">
      <ol className={classes.steps}>
        {steps.map(({ percentage, bakeMinutes, minimumSample = 0 }, index) => {
          const isDone = isOver || index + 1 < step
          const isNow = !isOver && index + 1 === step
          return (
            <li
              key={percentage}
              className={classes.step}
              data-done={isDone || undefined}
              data-now={isNow || undefined}
              aria-current={isNow ? 'step' : undefined}
            >
              <span className={classes.mark} aria-hidden>
                {isDone ? <IconCheck size={14} /> : index + 1}
              </span>
              <div className={classes.text}>
                <Text fw={600}>
                  {figures.percentage(percentage)} {isNow && <Badge>{t('plan.now')}</Badge>}
                  {isDone && <span className={classes.hidden}>{t('plan.passed')}</span>}
                </Text>
                <Text size="xs" c="dimmed">
                  {bakeMinutes > 0 && t('plan.bakes', { time: duration(bakeMinutes, t) })}
                  {bakeMinutes > 0 && minimumSample > 0 && ' · '}
                  {minimumSample > 0 &&
                    t('plan.needs', { count: minimumSample, number: figures.number(minimumSample) })}
                </Text>
                {isNow && stepStartedAt !== null && (
                  <Text size="xs">
                    {t('plan.began')} <Time at={stepStartedAt} /> ·{' '}
                    {t('plan.tried', { count: attempted, number: figures.number(attempted) })}
                  </Text>
                )}
                {isNow && minimumSample > 0 && (
                  <Progress
                    mt={4}
                    size="sm"
                    maw={260}
                    value={Math.min(100, (100 * attempted) / minimumSample)}
                    aria-label={t('plan.sample')}
                  />
                )}
              </div>
            </li>
          )
        })}
      </ol>
      {takers && takers.cannot.length > 0 && state === 'running' && (
        <Text c="dimmed">
          {t('plan.takers', {
            audience: figures.number(takers.audience),
            canTake: figures.number(takers.canTake),
            left: figures.number(takers.left),
          })}
        </Text>
      )}
      <Windows plan={plan} />
    </Stack>
  )
}

function Windows({ plan: { windows } }: { plan: RolloutPlanStatus }) {
  const { t, i18n } = useTranslation('rollouts')
  const figures = useFigures()
  if (windows.length === 0) return null
  const names = weekDays(i18n.language)
  return (
    <div>
      <Text fw={500}>{t('plan.windows')}</Text>
      <List size="sm">
        {windows.map(({ days, from, to, timeZone }) => (
          <List.Item key={`${days.join()}${from}${to}${timeZone}`}>
            {figures.list(days.map((day) => names[day - 1] ?? ''))} {from}–{to} {timeZone}
          </List.Item>
        ))}
      </List>
    </div>
  )
}

function duration(minutes: number, t: (key: string, values: Record<string, unknown>) => string): string {
  if (minutes >= 1440 && minutes % 1440 === 0) return t('plan.days', { count: minutes / 1440 })
  if (minutes >= 60) return t('plan.hours', { count: Math.round(minutes / 6) / 10 })
  return t('plan.minutes', { count: Math.round(minutes * 10) / 10 })
}
