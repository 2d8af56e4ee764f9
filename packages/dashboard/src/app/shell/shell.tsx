import { AppShell, Burger, Group } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Outlet, useRouterState } from '@tanstack/react-router'
import { useEffect } from 'react'
import { useTranslation } from 'react-i18next'
import { useLive } from '../../ground/live.ts'
import { AccountMenu } from './account-menu.tsx'
import { AppSwitcher } from './app-switcher.tsx'
import { Brand } from './brand.tsx'
import { LostConnection } from './lost-connection.tsx'
import { MayLook } from './may-look.tsx'
import { Navigation } from './navigation.tsx'
import classes from './shell.module.css'

/** Around every page of somebody who is signed in: at the side on a desk, behind a button on a phone. */
export function Shell() {
  const { t } = useTranslation('app')
  const [isOpen, { toggle, close }] = useDisclosure()
  const path = useRouterState({ select: (state) => state.location.pathname })
  const connection = useLive(true)
  useEffect(close, [path, close])
  return (
    <AppShell
      header={{ height: { base: 52, sm: 0 } }}
      navbar={{ width: 236, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'md', sm: 'xl' }}
      classNames={{ main: classes.main, navbar: classes.navbar, header: classes.header }}
      transitionDuration={150}
    >
      <a href="#page" className={classes.skip} onClick={skipToPage}>
        {t('skip')}
      </a>
      <AppShell.Header hiddenFrom="sm">
        <Group h="100%" px="md" gap="sm" wrap="nowrap">
          <Burger opened={isOpen} onClick={toggle} size="sm" aria-label={t('menu')} aria-expanded={isOpen} />
          <Brand />
        </Group>
      </AppShell.Header>
      <AppShell.Navbar>
        <div className={classes.top}>
          <div className={classes.brand}>
            <Brand />
          </div>
          <AppSwitcher />
        </div>
        <Navigation />
        <div className={classes.bottom}>
          <AccountMenu />
        </div>
      </AppShell.Navbar>
      <AppShell.Main id="page" tabIndex={-1}>
        <LostConnection connection={connection} />
        <MayLook>
          <Outlet />
        </MayLook>
      </AppShell.Main>
    </AppShell>
  )
}

/** By hand: the router would take the address for a page's. */
function skipToPage(event: React.MouseEvent): void {
  event.preventDefault()
  document.querySelector<HTMLElement>('#page')?.focus()
}
