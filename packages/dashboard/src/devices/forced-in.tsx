import type { DeviceWithEvents, Rollout } from '@hotpatch/api'
import { Alert, Button, Group, Stack, Text } from '@mantine/core'
import { IconPin } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { useApi } from '../ground/api.ts'
import { useChange } from '../ground/change.ts'
import { useMayHere } from '../ground/page-app.ts'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { appKey } from '../ground/queries.ts'
import { useRolloutsOf } from './use-device.ts'

/** Rollouts that name the device: it gets them whatever else their audience says. */
export function ForcedIn({ slug, device }: { slug: string; device: DeviceWithEvents }) {
  const { t } = useTranslation('devices')
  const api = useApi()
  const may = useMayHere()
  const rollouts = useRolloutsOf(slug, device).filter(({ devices }) => devices.includes(device.id))
  const remove = useChange<Rollout>({
    change: (rollout) => api.changeRollout(rollout.id, { removeDevices: [device.id] }),
    invalidates: [appKey(slug)],
    done: t('forced.removed'),
  })
  if (rollouts.length === 0) return null
  return (
    <Alert color="blue" icon={<IconPin aria-hidden />} title={t('forced.title')}>
      <Stack gap="xs">
        {rollouts.map((rollout) => (
          <Group key={rollout.id} justify="space-between" gap="sm">
            <Text>{t('forced.in', { version: rollout.version ?? t('embedded'), percentage: rollout.percentage })}</Text>
            {may('rollouts:change') && (
              <Button
                size="compact-sm"
                variant="default"
                loading={remove.isPending && remove.variables?.id === rollout.id}
                onClick={() => remove.mutate(rollout)}
              >
                {t('forced.remove')}
              </Button>
            )}
          </Group>
        ))}
        <ProblemPanel error={remove.error} />
      </Stack>
    </Alert>
  )
}
