import { Stack, Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { CopyCommand } from '../../ground/copy-command.tsx'
import { kitCommand } from './kit-command.ts'

/** A kit is always signed, and no page gets a private key. */
export function KitsByTool({ slug }: { slug: string }) {
  const { t } = useTranslation('kits')
  return (
    <Stack gap={6}>
      <Text c="dimmed">{t('publish')}</Text>
      <CopyCommand command={kitCommand(slug)} />
    </Stack>
  )
}
