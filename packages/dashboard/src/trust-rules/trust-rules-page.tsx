import type { TrustRule } from '@hotpatch/api'
import { Badge, Button, Group, Stack, Text } from '@mantine/core'
import { IconPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { Page } from '../ground/page.tsx'
import { SERVER_URL } from '../ground/place.ts'
import { serverKey } from '../ground/queries.ts'
import { Empty } from '../ground/states.tsx'
import { DataTable, type Column } from '../ground/tables/data-table.tsx'
import { usePages } from '../ground/tables/use-pages.ts'
import { Time } from '../ground/time.tsx'
import { EditRuleDialog } from './edit-rule-dialog.tsx'
import { ExplainToken } from './explain-token.tsx'
import { kindOf } from './issuers.ts'

export function TrustRulesPage() {
  const { t } = useTranslation('trust-rules')
  const api = useApi()
  const pages = usePages({ queryKey: serverKey('trust-rules'), fetchPage: (cursor) => api.listTrustRules(cursor) })
  const apps = useQuery({ queryKey: serverKey('apps', 'names'), queryFn: () => api.listApps({ limit: 200 }) })
  const [removing, setRemoving] = useState<TrustRule>()
  const [editing, setEditing] = useState<TrustRule>()
  const remove = useChange({
    change: (rule: TrustRule) => api.removeTrustRule(rule.id),
    invalidates: [serverKey('trust-rules')],
    done: ({ name }) => t('removed', { name }),
  })
  const nameOfApp = (id: string) => apps.data?.items.find((app) => app.id === id)?.name ?? id

  const columns: Column<TrustRule>[] = [
    {
      id: 'name',
      header: t('name'),
      phone: 'title',
      cell: (rule) => (
        <Group gap="xs">
          {rule.name}
          {rule.endedAt !== null && <Badge color="gray">{t('ended')}</Badge>}
        </Group>
      ),
    },
    { id: 'jobs', header: t('jobs'), width: '32%', cell: (rule) => <Jobs rule={rule} /> },
    {
      id: 'grants',
      header: t('grants'),
      cell: ({ role, appId, channels }) => (
        <Text size="sm">
          {t(`roles.${role}`)}, {appId === null ? t('everyApp') : nameOfApp(appId)}
          {channels && `, ${channels.join(', ')}`}
        </Text>
      ),
    },
    {
      id: 'lifetime',
      header: t('lifetime'),
      width: '7rem',
      cell: ({ lifetimeMinutes }) => t('minutes', { count: lifetimeMinutes }),
    },
    {
      id: 'used',
      header: t('lastUsed'),
      cell: ({ lastUsedAt }) => (lastUsedAt === null ? t('never') : <Time at={lastUsedAt} />),
    },
    {
      id: 'actions',
      header: t('actions'),
      width: '11rem',
      cell: (rule) => (
        <Group gap="xs">
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => setEditing(rule)}
            aria-label={t('edit.named', { name: rule.name })}
          >
            {t('edit.action')}
          </Button>
          <Button
            size="compact-sm"
            variant="default"
            onClick={() => setRemoving(rule)}
            aria-label={t('removeNamed', { name: rule.name })}
          >
            {t('remove')}
          </Button>
        </Group>
      ),
    },
  ]

  return (
    <Page
      title={t('title')}
      about={t('about')}
      actions={
        <Button component={Link} to="/trust-rules/new" leftSection={<IconPlus size={16} aria-hidden />}>
          {t('add')}
        </Button>
      }
    >
      <DataTable
        {...pages}
        label={t('title')}
        columns={columns}
        rowKey={(rule) => rule.id}
        empty={
          <Empty
            title={t('empty.title')}
            commands={[
              {
                about: t('empty.command'),
                command: `npx hotpatch trust-rules add publish --url ${SERVER_URL} --issuer github --condition repository=acme/app --condition ref=refs/heads/main --role publisher --app my-app`,
              },
            ]}
          >
            {t('empty.about')}
          </Empty>
        }
      />
      {pages.rows.length > 0 && <ExplainToken />}
      <EditRuleDialog rule={editing} onClose={() => setEditing(undefined)} />
      <Confirm
        opened={removing !== undefined}
        onClose={() => setRemoving(undefined)}
        title={t('confirm.title', { name: removing?.name ?? '' })}
        action={t('confirm.action')}
        isDangerous
        onConfirm={() => (removing ? remove.mutateAsync(removing) : Promise.resolve())}
      >
        {t('confirm.about')}
      </Confirm>
    </Page>
  )
}

function Jobs({ rule: { issuer, conditions } }: { rule: TrustRule }) {
  const { t } = useTranslation('trust-rules')
  const kind = kindOf(issuer)
  return (
    <Stack gap={2}>
      <Text size="sm">{kind === 'other' ? issuer : t(`issuers.${kind}`)}</Text>
      {conditions.map(({ claim, matches }) => (
        <Text size="sm" ff="monospace" key={claim + matches} style={{ overflowWrap: 'anywhere' }}>
          {claim} = {matches}
        </Text>
      ))}
    </Stack>
  )
}
