import type { NewRollback, Release } from '@hotpatch/api'
import { Select, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { appKey } from '../ground/queries.ts'

const EMBEDDED = 'embedded'

/** Goes back from an update on a channel: a new deployment, on top, of an older one or of what the binary shipped with. */
export function RollBack({ slug, release, onClose }: { slug: string; release: Release; onClose: () => void }) {
  const { t } = useTranslation('asset-updates')
  const { t: tr } = useTranslation('releases')
  const api = useApi()
  const { platform, version } = release
  const placed = [...new Set((release.inForce ?? []).map(({ channel }) => channel))]
  const [channel, setChannel] = useState(placed[0] ?? release.channel)
  const { data } = useQuery({
    queryKey: appKey(slug, 'releases', 'targets', platform, channel),
    queryFn: () => api.listReleases(slug, { platform, channel, kind: 'files', limit: 100 }),
  })
  const older = (data?.items ?? []).filter(({ sequence }) => sequence < release.sequence)
  const [chosen, setChosen] = useState<string>()
  const target = chosen ?? older[0]?.id ?? EMBEDDED
  const to: NewRollback['to'] = target === EMBEDDED ? EMBEDDED : { releaseId: target }
  const named = target === EMBEDDED ? t('rollBack.embedded') : (older.find(({ id }) => id === target)?.version ?? '')
  const goBack = useChange({
    change: () => api.rollBack(slug, { platform, channel, to }),
    invalidates: [appKey(slug)],
    done: t('rollBack.done', { channel, target: named }),
  })
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t('rollBack.title', { version })}
      action={t('rollBack.action')}
      isDangerous
      onConfirm={() => goBack.mutateAsync()}
    >
      <Stack gap="md">
        <Select
          label={tr('channel')}
          data={placed}
          value={channel}
          allowDeselect={false}
          onChange={(value) => setChannel(value ?? channel)}
        />
        <Select
          label={t('rollBack.to')}
          data={[
            ...older.map(({ id, version: each }) => ({ value: id, label: each })),
            { value: EMBEDDED, label: t('rollBack.embedded') },
          ]}
          value={target}
          allowDeselect={false}
          searchable
          onChange={(value) => setChosen(value ?? undefined)}
        />
        <Text>{t('rollBack.about', { version, channel, target: named })}</Text>
      </Stack>
    </Confirm>
  )
}
