import type { Guard, GuardTrip, Rollout } from '@hotpatch/api'
import { Alert, Anchor, Badge, Button, List, Stack, Text } from '@mantine/core'
import { IconShieldExclamation } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useChange } from '../../ground/change.ts'
import { Confirm } from '../../ground/confirm.tsx'
import { useFigures } from '../../ground/figures.ts'
import { Section } from '../../ground/page.tsx'
import { useMayHere, usePageApp } from '../../ground/page-app.ts'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { useVersionName } from '../../ground/rollout-state.tsx'
import { Loading } from '../../ground/states.tsx'
import { Time } from '../../ground/time.tsx'
import { GuardSettingsDialog } from '../actions/guard-settings-dialog.tsx'
import { Fact, Facts } from './facts.tsx'
import { GuardInterval } from './guard-interval.tsx'
import { LIVE_MS } from './live.ts'
import { toPage } from '../../ground/links.tsx'

/** What watches it: how sure it is, and at what it would act. */
export function GuardSection({ app, rollout }: { app: string; rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const mayHere = useMayHere()
  const [dialog, setDialog] = useState<'settings' | 'rearm'>()
  const queryKey = appKey(app, 'rollout', rollout.id, 'guard')
  const { data, error, refetch } = useQuery({
    queryKey,
    queryFn: () => api.getGuard(rollout.id),
    refetchInterval: LIVE_MS,
  })
  const rearm = useChange({
    change: () => api.rearmGuard(rollout.id),
    invalidates: [queryKey],
    done: t('guard.rearmed'),
  })
  const isOver = data?.state === 'over' || rollout.state === 'halted' || rollout.state === 'withdrawn'
  const mayChange = mayHere('rollouts:change') && data !== undefined && !isOver
  return (
    <Section
      title={t('guard.title')}
      about={data && <GuardState guard={data} />}
      actions={
        mayChange && (
          <>
            {data.state === 'tripped' && rollout.state === 'active' && (
              <Button size="xs" variant="default" onClick={() => setDialog('rearm')}>
                {t('guard.rearm')}
              </Button>
            )}
            <Button size="xs" variant="default" onClick={() => setDialog('settings')}>
              {t('guard.change')}
            </Button>
          </>
        )
      }
    >
      {error && !data ? <ProblemPanel error={error} onRetry={() => void refetch()} /> : null}
      {!data && !error && <Loading rows={3} />}
      {data && (
        <Stack gap="md">
          {data.trip && <Trip app={app} trip={data.trip} />}
          {data.settings.isOn || data.trip ? <Seen guard={data} /> : <Text c="dimmed">{t('guard.off')}</Text>}
        </Stack>
      )}
      {data && dialog === 'settings' && (
        <GuardSettingsDialog app={app} rollout={rollout} guard={data} onClose={() => setDialog(undefined)} />
      )}
      <Confirm
        opened={dialog === 'rearm'}
        onClose={() => setDialog(undefined)}
        title={t('guard.rearmTitle')}
        action={t('guard.rearm')}
        onConfirm={() => rearm.mutateAsync()}
      >
        {t('guard.rearmAbout')}
      </Confirm>
    </Section>
  )
}

function GuardState({ guard: { state, settings, goesBackTo } }: { guard: Guard }) {
  const { t } = useTranslation('rollouts')
  if (state === 'watching' && !settings.isOn) return <Badge color="gray">{t('guard.states.off')}</Badge>
  const color = { watching: 'teal', tripped: 'red', over: 'gray' }[state]
  const action = t(`guard.does.${settings.action}`, { version: goesBackTo?.version ?? t('impact:embedded') })
  return (
    <>
      <Badge color={color}>{t(`guard.states.${state}`)}</Badge> {state === 'watching' && action}
    </>
  )
}

function Seen({ guard }: { guard: Guard }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  const { figures: seen, settings, looks, toTrip, watchedSince, goesBackTo } = guard
  const { leftOut } = seen
  const isWatching = guard.state === 'watching'
  const mustSign = usePageApp()?.signing === 'required'
  const preparation = goesBackTo?.isPrepared ? 'prepared' : goesBackTo && mustSign && 'notPrepared'
  return (
    <Stack gap="md">
      <GuardInterval guard={guard} />
      <Facts>
        <Fact
          name={t('guard.attempts')}
          about={t('guard.attemptsAbout', { hours: figures.number(settings.windowHours) })}
        >
          {figures.number(seen.sample)}
        </Fact>
        <Fact name={t('guard.bad')} about={figures.percentage(seen.badPercent)}>
          {figures.number(seen.bad)}
        </Fact>
        {isWatching && (
          <Fact
            name={t('guard.toTrip')}
            about={t('guard.toTripAbout', {
              count: Math.max(seen.sample, settings.minimumSample),
              number: figures.number(Math.max(seen.sample, settings.minimumSample)),
            })}
          >
            {toTrip === null ? t('guard.never') : figures.number(toTrip)}
          </Fact>
        )}
        <Fact
          name={t('guard.looks')}
          about={
            <>
              {t('guard.since')} <Time at={watchedSince} />
            </>
          }
        >
          {figures.number(looks)}
        </Fact>
        <Fact name={t('guard.minimumShort')}>{figures.number(settings.minimumSample)}</Fact>
        {isWatching && settings.action === 'roll-back' && (
          <Fact name={t('guard.goesTo')} about={preparation && t(`guard.${preparation}`)}>
            {goesBackTo?.version ?? t('impact:embedded')}
          </Fact>
        )}
        {leftOut.devices > 0 && (
          <Fact name={t('guard.leftOut')} about={t('guard.leftOutAbout')}>
            {figures.number(leftOut.devices)}
          </Fact>
        )}
      </Facts>
    </Stack>
  )
}

function Trip({ app, trip }: { app: string; trip: GuardTrip }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  const versionName = useVersionName()
  const { at, cause, action, figures: seen, rolloutId, backTo, passedOver } = trip
  return (
    <Alert color="red" icon={<IconShieldExclamation aria-hidden />} title={t(`guard.tripped.${action}`)}>
      <Text>
        {t(`guard.cause.${cause}`, {
          bad: figures.number(seen.bad),
          sample: figures.number(seen.sample),
          low: figures.percentage(seen.lowerPercent),
          confidence: figures.percentage(seen.confidencePercent, 1),
          limit: figures.percentage(seen.maxBadPercent),
          previous: figures.percentage(seen.previous?.badPercent ?? 0),
        })}
      </Text>
      <Text size="sm" c="dimmed">
        <Time at={at} />
      </Text>
      {rolloutId !== null && (
        <Anchor
          component={Link}
          {...toPage({ to: '/apps/$app/rollouts/$rollout', params: { app, rollout: rolloutId } })}
        >
          {t('guard.wentTo', { version: versionName(backTo?.version ?? null) })}
        </Anchor>
      )}
      {passedOver.length > 0 && (
        <List size="sm" mt={4}>
          {passedOver.map(({ version, reason }) => (
            <List.Item key={version}>{t(`guard.passedOver.${reason}`, { version })}</List.Item>
          ))}
        </List>
      )}
    </Alert>
  )
}
