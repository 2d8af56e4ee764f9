import { useRouter } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { ButtonLink } from '../ground/links.tsx'
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
          <ButtonLink to="/" variant="default">
            {t('notFound.home')}
          </ButtonLink>
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
