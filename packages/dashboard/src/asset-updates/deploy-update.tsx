import type { Release } from '@hotpatch/api'
import { NumberInput, Select, Stack, Switch, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChannelNames } from '../ground/app.ts'
import { useChange } from '../ground/change.ts'
import { Confirm } from '../ground/confirm.tsx'
import { appKey } from '../ground/queries.ts'

/** Places an update on a channel, for a share of its devices. */
export function DeployUpdate({ slug, release, onClose }: { slug: string; release: Release; onClose: () => void }) {
  const { t } = useTranslation('asset-updates')
  const { t: tr } = useTranslation('releases')
  const api = useApi()
  const channels = useChannelNames(slug)
  const [channel, setChannel] = useState(release.channel)
  const [percentage, setPercentage] = useState(100)
  const [mandatory, setMandatory] = useState(false)
  const { version } = release
  const deploy = useChange({
    change: () => api.createRollout(slug, { releaseId: release.id, channel, percentage, mandatory }),
    invalidates: [appKey(slug)],
    done: t('deploy.done', { version, channel }),
  })
  return (
    <Confirm
      opened
      onClose={onClose}
      title={t('deploy.title', { version })}
      action={t('deploy.action')}
      onConfirm={() => deploy.mutateAsync()}
    >
      <Stack gap="md">
        <Select
          label={tr('channel')}
          data={[...channels]}
          value={channel}
          allowDeselect={false}
          searchable
          onChange={(value) => setChannel(value ?? channel)}
        />
        <NumberInput
          label={tr('percentage')}
          suffix=" %"
          min={0}
          max={100}
          decimalScale={2}
          clampBehavior="strict"
          value={percentage}
          onChange={(value) => setPercentage(Number(value))}
        />
        <Switch
          label={tr('mandatory')}
          checked={mandatory}
          onChange={(event) => setMandatory(event.currentTarget.checked)}
        />
        <Text>{t('deploy.about', { version, channel, percentage })}</Text>
      </Stack>
    </Confirm>
  )
}
