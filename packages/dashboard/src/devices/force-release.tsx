import type { DeviceWithEvents, Release } from '@hotpatch/api'
import { Alert, Button, Group, Loader, Modal, Select, Stack, Text } from '@mantine/core'
import { IconInfoCircle } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import classes from './devices.module.css'
import { useExplanation, useRolloutsOf } from './use-device.ts'

/** Has one device get a release, whatever the percentage of its rollout is. */
export function ForceRelease({
  slug,
  device,
  onClose,
}: {
  slug: string
  device: DeviceWithEvents
  onClose: () => void
}) {
  const { t } = useTranslation('devices')
  const { t: ground } = useTranslation('ground')
  const api = useApi()
  const [releaseId, setReleaseId] = useState<string | null>(null)
  const { platform, channel } = device
  const { data } = useQuery({
    queryKey: appKey(slug, 'releases', 'newest', platform),
    queryFn: () => api.listReleases(slug, { limit: 200 }),
  })
  const releases = (data?.items ?? []).filter((each) => each.platform === platform || each.platform === 'any')
  const release = releases.find(({ id }) => id === releaseId)
  const rollout = useRolloutsOf(slug, device).find((each) => each.releaseId === releaseId)
  const force = useChange<Release>({
    change: ({ id }) =>
      rollout
        ? api.changeRollout(rollout.id, { addDevices: [device.id] })
        : api.createRollout(slug, { releaseId: id, channel, percentage: 0, devices: [device.id] }),
    invalidates: [appKey(slug)],
    done: t('force.done'),
    onDone: onClose,
  })
  return (
    <Modal
      opened
      onClose={onClose}
      title={t('force.title')}
      centered
      closeButtonProps={{ 'aria-label': ground('close') }}
    >
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (release) force.mutate(release)
        }}
      >
        <Stack gap="md">
          <Text>{t('force.about', { channel })}</Text>
          <Select
            label={t('force.release')}
            placeholder={t('why.choose')}
            data={releases.map(({ id, version }) => ({ value: id, label: version }))}
            value={releaseId}
            onChange={setReleaseId}
            searchable
            limit={100}
            data-autofocus
          />
          {release && <Consequence slug={slug} device={device} release={release} isPlaced={rollout !== undefined} />}
          <ProblemPanel error={force.error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              {ground('cancel')}
            </Button>
            <Button type="submit" disabled={!release} loading={force.isPending}>
              {t('force.action')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** What will happen, and what it does not settle: the audience is one rule among others. */
function Consequence({
  slug,
  device,
  release,
  isPlaced,
}: {
  slug: string
  device: DeviceWithEvents
  release: Release
  isPlaced: boolean
}) {
  const { t } = useTranslation('devices')
  const { data, isFetching } = useExplanation(slug, device.id, release.id)
  const towards = data?.towards?.releaseId === release.id ? data.towards : undefined
  const { version } = release
  return (
    <Alert icon={<IconInfoCircle aria-hidden />} color="blue" role="status">
      <Text>{isPlaced ? t('force.added', { version }) : t('force.placed', { version, channel: device.channel })}</Text>
      {isFetching && !towards && <Loader size="xs" mt="xs" />}
      {towards?.changes.length === 0 && <Text mt="xs">{t('force.already')}</Text>}
      {towards && towards.changes.length > 0 && (
        <>
          <Text mt="xs">{t('force.now')}</Text>
          <ul className={classes.changes}>
            {towards.changes.map((change) => (
              <li key={change}>{change}</li>
            ))}
          </ul>
        </>
      )}
    </Alert>
  )
}
