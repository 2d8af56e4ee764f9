import type { ApiToken } from '@hotpatch/api'
import { Checkbox, List, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Loading } from '../ground/states.tsx'
import { tokensKey } from './queries.ts'

const MAX_SHOWN = 10

/** Says what ends with it, before it does. */
export function RevokeDialog({ token, onClose }: { token: ApiToken; onClose: () => void }) {
  const { t } = useTranslation('tokens')
  const api = useApi()
  const [keepsMade, setKeepsMade] = useState(false)
  const made = useQuery({
    queryKey: tokensKey('made-with', token.id),
    queryFn: () => api.listTokensMadeWith(token.id),
  })
  const revoke = useChange({
    change: () => api.revokeToken(token.id, { keepDescendants: keepsMade }),
    invalidates: [tokensKey()],
    done: ({ alsoRevoked }) =>
      alsoRevoked.length === 0
        ? t('revokedOne', { name: token.name })
        : t('revokedMany', { name: token.name, count: alsoRevoked.length }),
  })
  const count = made.data?.items.length ?? 0
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t('ask.title', { name: token.name })}
      action={t('ask.action')}
      isDangerous
      onConfirm={() => revoke.mutateAsync()}
    >
      <Stack gap="sm">
        <Text>{t('ask.about')}</Text>
        {made.isPending && <Loading rows={1} />}
        <ProblemPanel error={made.error} onRetry={() => void made.refetch()} />
        {made.data && count === 0 && <Text>{t('ask.alone')}</Text>}
        {count > 0 && (
          <>
            <Text>{t(keepsMade ? 'ask.goOn' : 'ask.end', { count })}</Text>
            <List size="sm">
              {made.data?.items.slice(0, MAX_SHOWN).map(({ id, name }) => (
                <List.Item key={id}>{name}</List.Item>
              ))}
              {count > MAX_SHOWN && <List.Item>{t('ask.more', { count: count - MAX_SHOWN })}</List.Item>}
            </List>
            <Checkbox
              label={t('ask.keep')}
              description={t('ask.keepAbout')}
              checked={keepsMade}
              onChange={(event) => setKeepsMade(event.currentTarget.checked)}
            />
          </>
        )}
      </Stack>
    </Confirm>
  )
}
