import { AppShell, ScrollArea } from '@mantine/core'
import { Link, useParams, useRouter } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../ground/permissions.ts'
import { APP_ENTRIES, SERVER_ENTRIES, type NavigationEntry } from './navigation-entries.ts'
import classes from './shell.module.css'

export function Navigation() {
  const { t } = useTranslation('app')
  const { app } = useParams({ strict: false }) as { app?: string }
  return (
    <AppShell.Section grow component={ScrollArea} type="auto">
      <nav className={classes.nav} aria-label={t('navigation.label')}>
        {app !== undefined && <Group label={t('navigation.app')} entries={APP_ENTRIES} params={{ app }} />}
        <Group label={t('navigation.server')} entries={SERVER_ENTRIES} params={{}} />
      </nav>
    </AppShell.Section>
  )
}

function Group({
  label,
  entries,
  params,
}: {
  label: string
  entries: readonly NavigationEntry[]
  params: Record<string, string>
}) {
  const { t } = useTranslation('app')
  const router = useRouter()
  const may = useMay()
  const shown = entries.filter(
    ({ address, permission }) =>
      Object.hasOwn(router.routesByPath, address) && (permission === undefined || may(permission)),
  )
  return (
    <div className={classes.group}>
      <div className={classes.groupLabel}>{label}</div>
      {shown.map(({ address, text, icon: Icon }) => (
        <Link
          key={address}
          to={address}
          // One link for all of them: those of an app need it, and the others nothing.
          params={params as never}
          className={classes.entry}
          activeOptions={{ exact: address === '/', includeSearch: false }}
        >
          <Icon size={18} stroke={1.6} aria-hidden />
          {t(`navigation.${text}`)}
        </Link>
      ))}
    </div>
  )
}
