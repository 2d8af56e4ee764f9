import { ApiProblem, type SingleSignOn } from '@hotpatch/api'
import { Button, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { CopyValue } from '../ground/copy-command.tsx'
import { Page } from '../ground/page.tsx'
import { SERVER_URL } from '../ground/place.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { serverKey } from '../ground/queries.ts'
import { Loading } from '../ground/states.tsx'
import { Time } from '../ground/time.tsx'
import { draftOf, FIRST_DRAFT } from './draft.ts'
import { SettingsForm } from './settings-form.tsx'

const KEY = serverKey('single-sign-on')

export function SingleSignOnPage() {
  const { t } = useTranslation('single-sign-on')
  const api = useApi()
  const settings = useQuery({ queryKey: KEY, queryFn: () => findSettings(() => api.getSingleSignOn()) })
  const [isRemoving, setIsRemoving] = useState(false)
  const remove = useChange({ change: () => api.removeSingleSignOn(), invalidates: [KEY], done: t('removed') })
  const found = settings.data

  return (
    <Page
      title={t('title')}
      about={t('about')}
      isNarrow
      actions={
        found && (
          <Button variant="default" onClick={() => setIsRemoving(true)}>
            {t('remove')}
          </Button>
        )
      }
    >
      {settings.isPending && <Loading rows={8} />}
      <ProblemPanel error={settings.error} onRetry={() => void settings.refetch()} />
      {settings.isSuccess && (
        <>
          <Text component="div">
            {t('callback')}{' '}
            <CopyValue value={found?.callbackUrl ?? `${SERVER_URL}/manage/v1/single-sign-on/callback`} />
          </Text>
          {found && (
            <Text size="sm" c="dimmed" component="div">
              {t('changed', { name: found.changedBy })} <Time at={found.changedAt} />
            </Text>
          )}
          {/* What is saved is a new beginning: the secret is not in the form any more. */}
          <SettingsForm
            key={found?.changedAt ?? 'new'}
            first={found ? draftOf(found) : FIRST_DRAFT}
            hasSecret={found?.hasClientSecret ?? false}
            queryKey={KEY}
          />
        </>
      )}
      <Confirm
        opened={isRemoving}
        onClose={() => setIsRemoving(false)}
        title={t('confirm.title')}
        action={t('confirm.action')}
        isDangerous
        onConfirm={() => remove.mutateAsync()}
      >
        {t('confirm.about')}
      </Confirm>
    </Page>
  )
}

/** Null where there is none yet, which is no mistake. */
async function findSettings(get: () => Promise<SingleSignOn>): Promise<SingleSignOn | null> {
  try {
    return await get()
  } catch (error) {
    if (error instanceof ApiProblem && error.type === 'single-sign-on-not-found') return null
    throw error
  }
}
