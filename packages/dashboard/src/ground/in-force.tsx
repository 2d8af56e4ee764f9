import type { InForce as Offers, Rollout } from '@hotpatch/api'
import { Anchor, Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from './api.ts'
import { AudienceSummary } from './audience-summary.tsx'
import classes from './in-force.module.css'
import { ProblemPanel } from './problem-panel.tsx'
import { appKey } from './queries.ts'
import { RolloutState, useVersionName } from './rollout-state.tsx'
import { Loading } from './states.tsx'
import { toPage } from './links.tsx'

/** What devices of a channel are offered now, platform by platform. */
export function InForce({ app, channel }: { app: string; channel: string }) {
  const api = useApi()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'in-force', channel),
    queryFn: () => api.getInForce(app, channel),
  })
  if (error && !data) return <ProblemPanel error={error} onRetry={() => void refetch()} />
  if (!data) return <Loading rows={2} />
  return (
    <div className={classes.platforms}>
      {data.items.map((item) => (
        <PlatformInForce key={item.platform} app={app} {...item} />
      ))}
    </div>
  )
}

function PlatformInForce({ app, platform, rollouts, reachesAll }: { app: string } & Offers['items'][number]) {
  const { t } = useTranslation('impact')
  const shown = rollouts.filter((rollout) => reachesSomebody(rollout))
  return (
    <Stack gap={6} className={classes.platform}>
      <Text fw={600}>{t(`platforms.${platform}`)}</Text>
      {shown.length === 0 && <Text c="dimmed">{t('inForce.nothing')}</Text>}
      {shown.map((rollout, index) => (
        <Offered key={rollout.id} app={app} rollout={rollout} isRest={index > 0} />
      ))}
      {shown.length > 0 && !reachesAll && <Text c="dimmed">{t('inForce.rest')}</Text>}
    </Stack>
  )
}

function Offered({ app, rollout, isRest }: { app: string; rollout: Rollout; isRest: boolean }) {
  const { t } = useTranslation('impact')
  const versionName = useVersionName()
  const isForAll = rollout.percentage === 100 && rollout.rules.length === 0 && rollout.slice === null
  return (
    <Group gap={8} wrap="wrap">
      <Anchor
        component={Link}
        {...toPage({ to: '/apps/$app/rollouts/$rollout', params: { app, rollout: rollout.id } })}
        fw={600}
      >
        {versionName(rollout.version)}
      </Anchor>
      <Text c="dimmed" className={classes.audience}>
        {isForAll ? t(isRest ? 'inForce.allOthers' : 'inForce.all') : <AudienceSummary rollout={rollout} />}
      </Text>
      {rollout.state !== 'active' && <RolloutState rollout={rollout} />}
    </Group>
  )
}

/** Placed at 0 % to be there, as the arms of an A/B test are before it. */
function reachesSomebody({ percentage, cohorts, devices }: Rollout): boolean {
  return percentage > 0 || cohorts.length > 0 || devices.length > 0
}
