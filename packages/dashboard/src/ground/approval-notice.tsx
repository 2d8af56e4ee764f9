import { ApiProblem } from '@hotpatch/api'
import { Alert, Anchor, Text } from '@mantine/core'
import { IconUserCheck } from '@tabler/icons-react'
import { Link, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { toPage } from './links.tsx'

/** Whether something waits for a second person: nothing went wrong, and nothing has changed yet. */
export function isApprovalAwaited(error: unknown): boolean {
  return error instanceof ApiProblem && error.type === 'approval-awaited'
}

/** The proposal that came of it. */
export function proposalOf(error: unknown): string | undefined {
  const id =
    error instanceof ApiProblem ? (error.document as { proposalId?: unknown } | undefined)?.proposalId : undefined
  return typeof id === 'string' ? id : undefined
}

/** It waits for a second person, and where he approves it. On pages of an app. */
export function ApprovalNotice({ proposalId }: { proposalId?: string | undefined }) {
  const { t } = useTranslation('ground')
  const { app } = useParams({ strict: false }) as { app?: string }
  return (
    <Alert role="status" color="blue" icon={<IconUserCheck aria-hidden />} title={t('approval.title')}>
      <Text size="sm">{t('approval.about')}</Text>
      {app !== undefined && <ProposalLink app={app} proposalId={proposalId} />}
    </Alert>
  )
}

export function ProposalLink({ app, proposalId }: { app: string; proposalId?: string | undefined }) {
  const { t } = useTranslation('ground')
  const search = proposalId === undefined ? { state: 'open' } : { proposal: proposalId }
  return (
    <Anchor component={Link} {...toPage({ to: '/apps/$app/proposals', params: { app }, search })}>
      {t(proposalId === undefined ? 'approval.all' : 'approval.one')}
    </Anchor>
  )
}
