import type { ApiToken } from '@hotpatch/api'
import { Button, SegmentedControl } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { Page } from '../ground/page.tsx'
import { SERVER_URL } from '../ground/place.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { tokensKey, usePersonName } from './queries.ts'
import { RevokeDialog } from './revoke-dialog.tsx'
import { TokenScope } from './token-scope.tsx'

const route = getRouteApi('/server/tokens')

/** What scripts and CI come in with. */
export function TokensPage() {
  const { t } = useTranslation('tokens')
  const api = useApi()
  const navigate = useNavigate()
  const { ended = false } = route.useSearch()
  const [revoking, setRevoking] = useState<ApiToken>()
  const pages = usePages({
    queryKey: tokensKey('list', ended),
    fetchPage: (cursor) => api.listTokens({ ...cursor, ended }),
  })
  const columns = useColumns({ ended, onRevoke: setRevoking })
  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={
        <Button component={Link} to="/tokens/new" leftSection={<IconPlus size={16} aria-hidden />}>
          {t('add')}
        </Button>
      }
    >
      <SegmentedControl
        aria-label={t('which')}
        style={{ alignSelf: 'flex-start' }}
        value={ended ? 'ended' : 'working'}
        onChange={(which) => void navigate({ to: '/tokens', search: which === 'ended' ? { ended: true } : {} })}
        data={(['working', 'ended'] as const).map((which) => ({ value: which, label: t(`whichOnes.${which}`) }))}
      />
      <DataTable
        {...pages}
        label={t(ended ? 'whichOnes.ended' : 'title')}
        columns={columns}
        rowKey={(token) => token.id}
        empty={ended ? <Empty title={t('empty.ended')} /> : <NoTokens />}
      />
      {revoking && <RevokeDialog token={revoking} onClose={() => setRevoking(undefined)} />}
    </Page>
  )
}

function NoTokens() {
  const { t } = useTranslation('tokens')
  return (
    <Empty
      title={t('empty.title')}
      commands={[
        {
          about: t('empty.command'),
          command: `npx hotpatch tokens create --name ci --role publisher --app my-app --url ${SERVER_URL}`,
        },
      ]}
    >
      {t('empty.about')}
    </Empty>
  )
}

function useColumns({ ended, onRevoke }: { ended: boolean; onRevoke: (token: ApiToken) => void }): Column<ApiToken>[] {
  const { t } = useTranslation('tokens')
  const personName = usePersonName()
  return [
    { id: 'name', header: t('name'), phone: 'title', width: '18%', cell: ({ name }) => name },
    { id: 'scope', header: t('scope'), width: '30%', cell: (token) => <TokenScope token={token} /> },
    {
      id: 'behind',
      header: t('behind'),
      cell: ({ createdBy, personId }) => {
        const person = personName(personId)
        return person === undefined || person === createdBy ? createdBy : t('by', { person, token: createdBy })
      },
    },
    {
      id: 'used',
      header: t('lastUsed'),
      cell: ({ lastUsedAt }) => (lastUsedAt === null ? t('neverUsed') : <Time at={lastUsedAt} />),
    },
    ended
      ? {
          id: 'ended',
          header: t('endedAt'),
          cell: ({ revokedAt, expiresAt }) => (
            <>
              {t(revokedAt === null ? 'expired' : 'revoked')} <Time at={revokedAt ?? expiresAt ?? ''} />
            </>
          ),
        }
      : {
          id: 'expires',
          header: t('expires'),
          cell: ({ expiresAt }) => (expiresAt === null ? t('neverExpires') : <Time at={expiresAt} />),
        },
    ...(ended
      ? []
      : [
          {
            id: 'actions',
            header: t('actions'),
            cell: (token: ApiToken) => (
              <Button
                size="compact-sm"
                variant="default"
                onClick={() => onRevoke(token)}
                aria-label={t('revokeNamed', { name: token.name })}
              >
                {t('revoke')}
              </Button>
            ),
          },
        ]),
  ]
}
