import type { Rollout } from '@hotpatch/api'
import { Alert, Anchor, Group, Text } from '@mantine/core'
import { IconStack2 } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { Trans, useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { ApprovalNotice } from '../../ground/approval-notice.tsx'
import { Page } from '../../ground/page.tsx'
import { ProblemPanel } from '../../ground/problem-panel.tsx'
import { appKey } from '../../ground/queries.ts'
import { RolloutState, useVersionName } from '../../ground/rollout-state.tsx'
import { useAppSlug } from '../../ground/routes.ts'
import { Loading } from '../../ground/states.tsx'
import { Time } from '../../ground/time.tsx'
import { RolloutActions } from '../actions/rollout-actions.tsx'
import { AudienceSection } from './audience-section.tsx'
import { ComponentsSection } from './components-section.tsx'
import { DeedsSection } from './deeds-section.tsx'
import { GuardSection } from './guard-section.tsx'
import { HealthSection } from './health-section.tsx'
import { OffEdgeNotice } from './off-edge-notice.tsx'
import { PlanSection } from './plan-section.tsx'
import { ReachSection } from './reach-section.tsx'
import { toPage } from '../../ground/links.tsx'

const route = getRouteApi('/server/apps/$app/rollouts/$rollout')

export function RolloutPage() {
  const { t } = useTranslation('rollouts')
  const app = useAppSlug()
  const api = useApi()
  const { rollout: id } = route.useParams()
  const { data, error, refetch } = useQuery({
    queryKey: appKey(app, 'rollout', id),
    queryFn: () => api.getRollout(id),
  })
  if (error && !data) {
    return (
      <Page title={t('one')}>
        <ProblemPanel error={error} onRetry={() => void refetch()} />
      </Page>
    )
  }
  if (!data) {
    return (
      <Page title={t('one')}>
        <Loading rows={6} height={48} />
      </Page>
    )
  }
  return <Shown app={app} rollout={data} />
}

function Shown({ app, rollout }: { app: string; rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const versionName = useVersionName()
  const { version, channel, platform, createdAt, createdBy, coveredBy, guard, plan } = rollout
  return (
    <Page
      title={t('titleOf', { version: versionName(version), channel })}
      badge={<RolloutState rollout={rollout} />}
      about={
        <Group gap={6}>
          <Text c="dimmed">
            {t(`impact:platforms.${platform}`)} · {t('by', { name: createdBy })} · <Time at={createdAt} />
          </Text>
          {rollout.releaseId !== null && (
            <Anchor
              component={Link}
              {...toPage({ to: '/apps/$app/releases/$release', params: { app, release: rollout.releaseId } })}
            >
              {t('toRelease')}
            </Anchor>
          )}
        </Group>
      }
      actions={<RolloutActions app={app} rollout={rollout} />}
    >
      <WaitsForApproval app={app} rollout={rollout} />
      {coveredBy && (
        <Alert color="gray" icon={<IconStack2 aria-hidden />}>
          <Text>
            <Trans
              t={t}
              i18nKey="coveredBy"
              values={{ version: versionName(coveredBy.version) }}
              components={{
                a: (
                  <Anchor
                    component={Link}
                    {...toPage({
                      to: '/apps/$app/rollouts/$rollout',
                      params: { app, rollout: coveredBy.rolloutId },
                    })}
                  />
                ),
              }}
            />
          </Text>
        </Alert>
      )}
      <OffEdgeNotice app={app} rollout={rollout} />
      {guard && <GuardSection app={app} rollout={rollout} />}
      {plan && <PlanSection app={app} rollout={rollout} />}
      <ReachSection app={app} rollout={rollout} />
      <HealthSection app={app} rollout={rollout} />
      <ComponentsSection app={app} rollout={rollout} />
      <AudienceSection rollout={rollout} />
      <DeedsSection app={app} rollout={rollout} />
    </Page>
  )
}

/** It was proposed to start, change or resume it. */
function WaitsForApproval({ app, rollout }: { app: string; rollout: Rollout }) {
  const api = useApi()
  const { data } = useQuery({
    queryKey: appKey(app, 'proposals', 'of-rollout', rollout.id),
    queryFn: () => api.listProposals(app, { rolloutId: rollout.id, state: 'open' }),
  })
  const [proposal] = data?.items ?? []
  return proposal ? <ApprovalNotice proposalId={proposal.id} /> : null
}
