import { Avatar, Menu, Text, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import {
  IconCheck,
  IconDeviceDesktop,
  IconLanguage,
  IconLogout,
  IconMoon,
  IconSelector,
  IconSun,
  IconUser,
} from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useRouter } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { currentApi, isSignedInWithToken, signInWith } from '../../ground/api.ts'
import { useWhoami } from '../../ground/permissions.ts'
import { changeLanguage, currentLanguage, LANGUAGES, type Language } from '../../ground/texts.ts'
import classes from './shell.module.css'
import { toPage } from '../../ground/links.tsx'

const SCHEMES = [
  ['auto', IconDeviceDesktop],
  ['light', IconSun],
  ['dark', IconMoon],
] as const

export function AccountMenu() {
  const { t } = useTranslation('app')
  const whoami = useWhoami()
  const router = useRouter()
  const queries = useQueryClient()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const hasAccount = Object.hasOwn(router.routesByPath, '/account')

  async function signOut() {
    if (isSignedInWithToken()) signInWith(undefined)
    else await currentApi().signOut()
    // What is shown would ask again for what is forgotten, as nobody.
    await router.navigate({ to: '/sign-in' })
    queries.clear()
  }

  return (
    <Menu width={220} position="top-start" shadow="md">
      <Menu.Target>
        <UnstyledButton className={classes.account}>
          <Avatar size={26} radius="sm" name={whoami?.name ?? ''} color="initials" aria-hidden />
          <span className={classes.switcherText}>{whoami?.name ?? t('account.label')}</span>
          <IconSelector size={16} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {hasAccount && (
          <Menu.Item component={Link} {...toPage({ to: '/account' })} leftSection={<IconUser size={16} aria-hidden />}>
            {t('account.account')}
          </Menu.Item>
        )}
        <Menu.Sub>
          <Menu.Sub.Target>
            <Menu.Sub.Item leftSection={<IconSun size={16} aria-hidden />}>{t('account.theme')}</Menu.Sub.Item>
          </Menu.Sub.Target>
          <Menu.Sub.Dropdown>
            {SCHEMES.map(([scheme, Icon]) => (
              <Menu.Item
                key={scheme}
                leftSection={<Icon size={16} aria-hidden />}
                rightSection={colorScheme === scheme ? <IconCheck size={14} aria-hidden /> : null}
                onClick={() => setColorScheme(scheme)}
              >
                {t(`account.themes.${scheme}`)}
              </Menu.Item>
            ))}
          </Menu.Sub.Dropdown>
        </Menu.Sub>
        <Menu.Sub>
          <Menu.Sub.Target>
            <Menu.Sub.Item leftSection={<IconLanguage size={16} aria-hidden />}>{t('account.language')}</Menu.Sub.Item>
          </Menu.Sub.Target>
          <Menu.Sub.Dropdown>
            {Object.entries(LANGUAGES).map(([language, name]) => (
              <Menu.Item
                key={language}
                lang={language}
                rightSection={currentLanguage() === language ? <IconCheck size={14} aria-hidden /> : null}
                onClick={() => void changeLanguage(language as Language)}
              >
                {name}
              </Menu.Item>
            ))}
          </Menu.Sub.Dropdown>
        </Menu.Sub>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void signOut()}>
          {t('account.signOut')}
        </Menu.Item>
        {whoami && (
          <Text size="xs" c="dimmed" px="sm" py={4}>
            {t('account.version', { version: whoami.serverVersion })}
          </Text>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}
