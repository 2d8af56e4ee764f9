import type { Release } from '@hotpatch/api'
import { Button, List, Text } from '@mantine/core'
import { IconArchive } from '@tabler/icons-react'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { useChange } from '../../ground/change.ts'
import { Confirm } from '../../ground/confirm.tsx'
import { useFigures } from '../../ground/figures.ts'
import { appKey } from '../../ground/queries.ts'

export function ArchiveRelease({ slug, release }: { slug: string; release: Release }) {
  const { t } = useTranslation('releases')
  const api = useApi()
  const figures = useFigures()
  const [isOpen, setIsOpen] = useState(false)
  const { version } = release
  const archive = useChange({
    change: () => api.archiveRelease(release.id),
    invalidates: [appKey(slug)],
    done: t('archive.done', { version }),
  })
  const placed = release.inForce ?? []
  return (
    <>
      <Button variant="default" leftSection={<IconArchive size={16} aria-hidden />} onClick={() => setIsOpen(true)}>
        {t('archive.open')}
      </Button>
      <Confirm
        opened={isOpen}
        onClose={() => setIsOpen(false)}
        title={t('archive.title', { version })}
        action={t('archive.action')}
        isDangerous
        {...(placed.length > 0 && { mustType: version })}
        onConfirm={() => archive.mutateAsync()}
      >
        {placed.length > 0 && (
          <>
            <Text>{t('archive.withdraws', { count: placed.length })}</Text>
            <List my="xs">
              {placed.map(({ rolloutId, channel, percentage }) => (
                <List.Item key={rolloutId}>
                  {channel} · {figures.percentage(percentage)}
                </List.Item>
              ))}
            </List>
          </>
        )}
        <Text>{t('archive.stays')}</Text>
      </Confirm>
    </>
  )
}
