import { Button } from '@mantine/core'
import { Link, useRouter } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Empty } from '../ground/states.tsx'

export function NotFoundPage() {
  const { t } = useTranslation('app')
  return (
    <Page title={t('notFound.title')} isNarrow>
      <Empty
        title={t('notFound.what')}
        action={
          <Button component={Link} to="/" variant="default">
            {t('notFound.home')}
          </Button>
        }
      >
        {t('notFound.detail')}
      </Empty>
    </Page>
  )
}

export function FailedPage({ error }: { error: unknown }) {
  const { t } = useTranslation('app')
  const router = useRouter()
  return (
    <Page title={t('failed')} isNarrow>
      <ProblemPanel error={error} onRetry={() => void router.invalidate()} />
    </Page>
  )
}
