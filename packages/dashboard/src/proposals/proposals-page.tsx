import { PROPOSAL_STATES, type Proposal } from '@hotpatch/api'
import { Button, Center, Select, Stack } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { getRouteApi, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { ButtonLink } from '../ground/links.tsx'
import { Page } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useAppSlug } from '../ground/routes.ts'
import { Empty, Loading } from '../ground/states.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { ProposalCard } from './proposal-card.tsx'

const route = getRouteApi('/server/apps/$app/proposals')

/** What waits for a second person, on channels where one is not enough. */
export function ProposalsPage() {
  const { state, proposal } = route.useSearch()
  return proposal === undefined ? <ProposalList state={state} /> : <OneProposal id={proposal} />
}

function OneProposal({ id }: { id: string }) {
  const { t } = useTranslation('proposals')
  const app = useAppSlug()
  const api = useApi()
  const { data, error, isPending, refetch } = useQuery({
    queryKey: appKey(app, 'proposals', 'one', id),
    queryFn: () => api.getProposal(id),
  })
  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={
        <ButtonLink variant="default" to="/apps/$app/proposals" params={{ app }}>
          {t('all')}
        </ButtonLink>
      }
    >
      <ProblemPanel error={error} onRetry={() => void refetch()} />
      {isPending && <Loading rows={1} height={96} />}
      {data && <ProposalCard app={app} proposal={data} />}
    </Page>
  )
}

function ProposalList({ state }: { state: Proposal['state'] | undefined }) {
  const { t } = useTranslation('proposals')
  const app = useAppSlug()
  const api = useApi()
  const navigate = useNavigate()
  const pages = usePages<Proposal>({
    queryKey: appKey(app, 'proposals', state ?? 'all'),
    fetchPage: (cursor) => api.listProposals(app, { ...cursor, ...(state && { state }) }),
  })
  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={
        <Select
          aria-label={t('state')}
          placeholder={t('allStates')}
          clearable
          w={180}
          data={PROPOSAL_STATES.map((each) => ({ value: each, label: t(`states.${each}`) }))}
          value={state ?? null}
          onChange={(value) =>
            void navigate({
              to: '/apps/$app/proposals',
              params: { app },
              search: { state: value ?? undefined },
            })
          }
        />
      }
    >
      {pages.error ? <ProblemPanel error={pages.error} onRetry={pages.onRetry} /> : null}
      {pages.isLoading && <Loading rows={3} height={96} />}
      {!pages.isLoading && !pages.error && pages.rows.length === 0 && (
        <Empty title={t('empty.title')}>{t('empty.about')}</Empty>
      )}
      <Stack gap="md">
        {pages.rows.map((proposal) => (
          <ProposalCard key={proposal.id} app={app} proposal={proposal} />
        ))}
      </Stack>
      {pages.hasMore && (
        <Center>
          <Button variant="subtle" onClick={pages.onMore} loading={pages.isLoadingMore}>
            {t('ground:more')}
          </Button>
        </Center>
      )}
    </Page>
  )
}
