import { Menu, Text, TextInput, UnstyledButton } from '@mantine/core'
import { IconCheck, IconSelector } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { serverKey } from '../../ground/queries.ts'
import classes from './shell.module.css'

/** So many that typing is quicker than looking. */
const MANY = 8

export function AppSwitcher() {
  const { t } = useTranslation('app')
  const api = useApi()
  const navigate = useNavigate()
  const { app: slug } = useParams({ strict: false }) as { app?: string }
  const [wanted, setWanted] = useState('')
  const { data } = useQuery({ queryKey: serverKey('apps', 'all'), queryFn: () => api.listApps({ limit: 200 }) })
  const apps = data?.items ?? []
  const current = apps.find((app) => app.slug === slug)
  const shown = apps.filter(({ name, slug }) => `${name} ${slug}`.toLowerCase().includes(wanted.toLowerCase()))
  if (apps.length === 0) return null
  return (
    <Menu width="target" position="bottom-start" onClose={() => setWanted('')} shadow="md">
      <Menu.Target>
        <UnstyledButton
          className={classes.switcher}
          aria-label={t('switcher.label', { app: current?.name ?? t('switcher.choose') })}
        >
          <span className={classes.switcherText}>{current?.name ?? t('switcher.choose')}</span>
          <IconSelector size={16} aria-hidden />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown mah={360} style={{ overflowY: 'auto' }}>
        {apps.length > MANY && (
          <TextInput
            size="xs"
            mb={4}
            aria-label={t('switcher.find')}
            placeholder={t('switcher.find')}
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
          />
        )}
        {shown.map((app) => (
          <Menu.Item
            key={app.id}
            rightSection={app.slug === slug ? <IconCheck size={14} aria-hidden /> : null}
            onClick={() => void navigate({ to: '/apps/$app', params: { app: app.slug } })}
          >
            <Text truncate>{app.name}</Text>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
