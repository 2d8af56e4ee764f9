import type { App } from '@hotpatch/api'
import { IconShieldLock } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { SERVER_URL } from '../../ground/place.ts'
import { Empty } from '../../ground/states.tsx'
import { kitCommand } from './kit-command.ts'

/** Private keys stay with developers, and no page gets one. */
export function OnlySigned({ app }: { app: App }) {
  const { t } = useTranslation('publish')
  const { t: ofKits } = useTranslation('kits')
  const platform = app.platforms[0] ?? 'android'
  const steps = [
    { about: t('signed.login'), command: `npx hotpatch login --url ${SERVER_URL}` },
    {
      about: t('signed.release'),
      command: `npx hotpatch release --app ${app.slug} --platform ${platform} --version 1.2.0 --bundle-dir dist`,
    },
    { about: ofKits('publish'), command: kitCommand(app.slug) },
  ]
  return (
    <Empty
      title={t('signed.title', { app: app.name })}
      icon={<IconShieldLock size={28} stroke={1.5} aria-hidden />}
      commands={steps}
    >
      {t('signed.about')} {t('signed.ci')}
    </Empty>
  )
}
