import type { Rollout } from '@hotpatch/api'
import { Badge, Button, Center, Group, Progress, Text } from '@mantine/core'
import { IconArrowBackUp, IconFlask, IconRoute, IconShieldCheck, IconShieldExclamation } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useFigures } from '../ground/figures.ts'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { RolloutState, useVersionName } from '../ground/rollout-state.tsx'
import { Empty, Loading } from '../ground/states.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { AudienceSummary } from '../ground/audience-summary.tsx'
import classes from './timeline.module.css'

type State = Rollout['state']

/** Every rollout of a channel, the newest on top: as devices try them. */
export function Timeline({
  app,
  channel,
  platform,
  state,
  filters,
}: {
  app: string
  channel: string
  platform: string | undefined
  state: State | undefined
  filters: ReactNode
}) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const filter = { channel, ...(platform !== undefined && { platform }), ...(state && { state }) }
  const pages = usePages({
    queryKey: appKey(app, 'rollouts', filter),
    fetchPage: (cursor) => api.listRollouts(app, { ...filter, ...cursor, limit: 30 } as never),
  })
  return (
    <Section title={t('timeline.title')} about={t('timeline.about')} actions={filters}>
      {pages.error ? <ProblemPanel error={pages.error} onRetry={pages.onRetry} /> : null}
      {pages.isLoading && <Loading rows={5} height={56} />}
      {!pages.isLoading && pages.rows.length === 0 && !pages.error && (
        <Nothing channel={channel} isFiltered={platform !== undefined || state !== undefined} />
      )}
      <ol className={classes.timeline} aria-label={t('timeline.title')}>
        {pages.rows.map((rollout) => (
          <Entry key={rollout.id} app={app} rollout={rollout} />
        ))}
      </ol>
      {pages.hasMore && (
        <Center pt="sm">
          <Button variant="subtle" onClick={pages.onMore} loading={pages.isLoadingMore}>
            {t('ground:more')}
          </Button>
        </Center>
      )}
    </Section>
  )
}

function Nothing({ channel, isFiltered }: { channel: string; isFiltered: boolean }) {
  const { t } = useTranslation('rollouts')
  if (isFiltered) return <Text c="dimmed">{t('timeline.nothingSuch')}</Text>
  return (
    <Empty
      title={t('empty.title', { channel })}
      commands={[
        { about: t('empty.publish'), command: `npx hotpatch release --channel ${channel}` },
        {
          about: t('empty.promote'),
          command: `npx hotpatch promote --version 1.0.0 --platform android --to ${channel}`,
        },
      ]}
    >
      {t('empty.about')}
    </Empty>
  )
}

function Entry({ app, rollout }: { app: string; rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const versionName = useVersionName()
  const { state, coveredBy, version, createdAt, createdBy, percentage, target } = rollout
  const isPast = state === 'halted' || state === 'withdrawn' || (coveredBy ?? null) !== null
  return (
    <li className={classes.entry} data-past={isPast || undefined} data-state={state}>
      <div className={classes.body}>
        <Group gap={8} wrap="wrap">
          <Link to="/apps/$app/rollouts/$rollout" params={{ app, rollout: rollout.id }} className={classes.version}>
            {versionName(version)}
          </Link>
          <Text c="dimmed">{t(`impact:platforms.${rollout.platform}`)}</Text>
          <RolloutState rollout={rollout} />
          {target === 'embedded' && (
            <Badge color="gray" leftSection={<IconArrowBackUp size={12} aria-hidden />}>
              {t('back')}
            </Badge>
          )}
          <Marks rollout={rollout} />
        </Group>
        <Text c="dimmed">
          <AudienceSummary rollout={rollout} />
          {rollout.mandatory && ` · ${t('mandatory')}`}
        </Text>
        {coveredBy && <Text c="dimmed">{t('superseded', { version: versionName(coveredBy.version) })}</Text>}
        <Text c="dimmed" size="xs">
          {t('by', { name: createdBy })} · <Time at={createdAt} />
        </Text>
      </div>
      {!isPast && <Share percentage={percentage} state={state} />}
    </li>
  )
}

function Share({ percentage, state }: { percentage: number; state: State }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  return (
    <div className={classes.share}>
      <Text fw={600} className={classes.number}>
        {figures.percentage(percentage)}
      </Text>
      <Progress
        value={percentage}
        size="sm"
        color={state === 'paused' ? 'yellow' : 'blue'}
        aria-label={t('percentageOf', { share: figures.percentage(percentage) })}
      />
    </div>
  )
}

/** What goes along with it: its plan, its guard, its A/B test. */
function Marks({ rollout: { plan, guard, experimentId, state } }: { rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const isOver = state === 'halted' || state === 'withdrawn'
  return (
    <>
      {plan?.state === 'running' && !isOver && (
        <Badge color="blue" variant="outline" leftSection={<IconRoute size={12} aria-hidden />}>
          {t('mark.plan', { step: plan.step, steps: plan.steps })}
        </Badge>
      )}
      {guard?.state === 'tripped' && (
        <Badge color="red" variant="outline" leftSection={<IconShieldExclamation size={12} aria-hidden />}>
          {t('mark.tripped')}
        </Badge>
      )}
      {guard?.state === 'watching' && guard.isOn && !isOver && (
        <Badge color="gray" variant="outline" leftSection={<IconShieldCheck size={12} aria-hidden />}>
          {t('mark.watched')}
        </Badge>
      )}
      {experimentId !== null && (
        <Badge color="grape" variant="outline" leftSection={<IconFlask size={12} aria-hidden />}>
          {t('mark.arm')}
        </Badge>
      )}
    </>
  )
}
