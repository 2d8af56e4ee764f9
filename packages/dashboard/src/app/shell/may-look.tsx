import { useRouterState } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { Page } from '../../ground/page.tsx'
import { useMay } from '../../ground/permissions.ts'
import { Empty } from '../../ground/states.tsx'
import { SERVER_ENTRIES } from './navigation-entries.ts'

/** For whoever comes by an address to a page that his navigation does not have. */
export function MayLook({ children }: { children: ReactNode }) {
  const { t } = useTranslation('app')
  const may = useMay()
  const path = useRouterState({ select: ({ matches }): string => matches.at(-1)?.fullPath ?? '/' })
  const entry = SERVER_ENTRIES.find(({ address }) => path === address || path.startsWith(`${address}/`))
  if (entry?.permission === undefined || may(entry.permission)) return children
  return (
    <Page title={t(`navigation.${entry.text}`)} isNarrow>
      <Empty title={t('forbidden.title')}>{t('forbidden.detail', { permission: entry.permission })}</Empty>
    </Page>
  )
}
