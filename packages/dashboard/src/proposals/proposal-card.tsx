import type { ImpactQuestion, Proposal, Rollout } from '@hotpatch/api'
import { Anchor, Badge, Button, List, Stack, Text, Textarea } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useAudienceText } from '../ground/audience-summary.tsx'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { ImpactNotice } from '../ground/impact-notice.tsx'
import { Section } from '../ground/page.tsx'
import { useMayHere } from '../ground/page-app.ts'
import { useWhoami } from '../ground/permissions.ts'
import { appKey } from '../ground/queries.ts'
import { useVersionName } from '../ground/rollout-state.tsx'
import { Time } from '../ground/time.tsx'
import { toPage } from '../ground/links.tsx'

type Decision = 'approve' | 'reject' | 'withdraw'

const COLORS: Record<string, string> = {
  open: 'blue',
  approved: 'teal',
  rejected: 'red',
  withdrawn: 'gray',
  overtaken: 'gray',
}

/** A change that waits, with what it would do. */
export function ProposalCard({ app, proposal }: { app: string; proposal: Proposal }) {
  const { t } = useTranslation('proposals')
  const api = useApi()
  const versionName = useVersionName()
  const mayHere = useMayHere()
  const whoami = useWhoami()
  const [asking, setAsking] = useState<Decision>()
  const { data: rollout } = useQuery({
    queryKey: appKey(app, 'rollout', proposal.rolloutId),
    queryFn: () => api.getRollout(proposal.rolloutId),
  })
  const { kind, state, channel, proposedAt, proposedBy, personId, decidedAt, decidedBy, reason } = proposal
  const isOwn = personId !== null && whoami?.personId === personId
  const mayDecide = state === 'open' && mayHere('rollouts:change')
  const version = rollout ? versionName(rollout.version) : '…'
  return (
    <Section
      title={t(`kinds.${kind}`, { version, channel })}
      about={
        <>
          <Badge color={COLORS[state] ?? 'gray'}>{t(`states.${state}`)}</Badge> {t('by', { name: proposedBy })} ·{' '}
          <Time at={proposedAt} />
        </>
      }
      actions={
        mayDecide && (
          <>
            {isOwn ? (
              <Button variant="default" onClick={() => setAsking('withdraw')}>
                {t('withdraw')}
              </Button>
            ) : (
              <>
                <Button variant="default" onClick={() => setAsking('reject')}>
                  {t('reject')}
                </Button>
                <Button onClick={() => setAsking('approve')}>{t('approve')}</Button>
              </>
            )}
          </>
        )
      }
    >
      <Stack gap="sm">
        {rollout && <Changes proposal={proposal} rollout={rollout} />}
        <Anchor
          component={Link}
          {...toPage({ to: '/apps/$app/rollouts/$rollout', params: { app, rollout: proposal.rolloutId } })}
        >
          {t('toRollout')}
        </Anchor>
        {isOwn && mayDecide && <Text c="dimmed">{t('own')}</Text>}
        {decidedAt !== null && (
          <Text c="dimmed">
            {t(`states.${state}`)} · {decidedBy !== null && `${t('by', { name: decidedBy })} · `}
            <Time at={decidedAt} />
            {reason !== null && ` · ${reason}`}
          </Text>
        )}
      </Stack>
      {asking && rollout && (
        <Decide
          app={app}
          proposal={proposal}
          rollout={rollout}
          version={version}
          decision={asking}
          onClose={() => setAsking(undefined)}
        />
      )}
    </Section>
  )
}

/** What is proposed, beside what is. */
function Changes({ proposal: { changes, kind }, rollout }: { proposal: Proposal; rollout: Rollout }) {
  const { t, i18n } = useTranslation('proposals')
  const audienceText = useAudienceText()
  if (!changes) return <Text>{kind === 'change' ? t('nothingTold') : audienceText(rollout)}</Text>
  return (
    <List size="sm">
      {Object.entries(changes).map(([field, after]) => (
        <List.Item key={field}>
          {i18n.exists(`rollouts:deeds.fields.${field}`) ? t(`rollouts:deeds.fields.${field}`) : field}:{' '}
          {write(rollout[field as keyof Rollout])} → {write(after)}
        </List.Item>
      ))}
    </List>
  )
}

function Decide({
  app,
  proposal,
  rollout,
  version,
  decision,
  onClose,
}: {
  app: string
  proposal: Proposal
  rollout: Rollout
  version: string
  decision: Decision
  onClose: () => void
}) {
  const { t } = useTranslation('proposals')
  const api = useApi()
  const [reason, setReason] = useState('')
  const { id, rolloutId, channel } = proposal
  const decide = useChange({
    change: () => {
      if (decision === 'approve') return api.approveProposal(id)
      if (decision === 'withdraw') return api.withdrawProposal(id)
      return api.rejectProposal(id, reason.trim() === '' ? {} : { reason: reason.trim() })
    },
    invalidates: [
      appKey(app, 'proposals'),
      appKey(app, 'rollout', rolloutId),
      appKey(app, 'rollouts'),
      appKey(app, 'in-force'),
    ],
    done: t(`done.${decision}`),
  })
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t(`ask.${decision}`, { version, channel })}
      action={t(decision)}
      isDangerous={decision === 'reject'}
      onConfirm={() => decide.mutateAsync()}
    >
      <Stack gap="sm">
        <Text>{t(`will.${decision}`)}</Text>
        {decision === 'approve' && <ImpactNotice app={app} question={questionOf(proposal, rollout)} />}
        {decision === 'reject' && (
          <Textarea
            label={t('reason')}
            value={reason}
            maxLength={500}
            autosize
            minRows={2}
            onChange={(event) => setReason(event.currentTarget.value)}
          />
        )}
      </Stack>
    </Confirm>
  )
}

/** What would come of it if it were approved now. */
function questionOf({ kind, changes, rolloutId }: Proposal, rollout: Rollout): ImpactQuestion {
  if (kind === 'resume') return { change: 'resume', rolloutId }
  if (kind === 'start') return startOf(rollout)
  const named = Object.entries(changes ?? {}).filter(([field]) => AUDIENCE.has(field))
  return { change: 'change-audience', rolloutId, ...Object.fromEntries(named) }
}

/** As if it were placed now: what waits for its start is in no catalog. */
function startOf({ releaseId, platform, channel, percentage, devices, cohorts, rules }: Rollout): ImpactQuestion {
  const audience = { percentage, devices, cohorts, rules }
  if (releaseId !== null) return { change: 'promote', releaseId, channel, ...audience }
  return { change: 'roll-back', platform, channel, to: 'embedded', ...audience }
}

const AUDIENCE: ReadonlySet<string> = new Set(['percentage', 'devices', 'cohorts', 'rules'])

function write(value: unknown): string {
  if (value === null || value === undefined) return '–'
  if (Array.isArray(value)) return value.length === 0 ? '–' : String(value.length)
  return typeof value === 'string' ? value : JSON.stringify(value)
}
