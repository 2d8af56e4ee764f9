import type { App } from '@hotpatch/api'
import { Alert, Stack, Text } from '@mantine/core'
import { IconShieldLock } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { CopyCommand } from '../../ground/copy-command.tsx'
import { SERVER_URL } from '../../ground/place.ts'

/** Private keys stay with developers, and no page gets one. */
export function OnlySigned({ app }: { app: App }) {
  const { t } = useTranslation('publish')
  const platform = app.platforms[0] ?? 'android'
  const steps = [
    { about: t('signed.login'), command: `npx hotpatch login --url ${SERVER_URL}` },
    {
      about: t('signed.release'),
      command: `npx hotpatch release --app ${app.slug} --platform ${platform} --version 1.2.0 --bundle-dir dist`,
    },
  ]
  return (
    <Alert color="blue" icon={<IconShieldLock aria-hidden />} title={t('signed.title', { app: app.name })}>
      <Stack gap="sm">
        <Text>{t('signed.about')}</Text>
        {steps.map(({ about, command }) => (
          <Stack gap={4} key={command}>
            <Text>{about}</Text>
            <CopyCommand command={command} label={about} />
          </Stack>
        ))}
        <Text>{t('signed.ci')}</Text>
      </Stack>
    </Alert>
  )
}
