import type { Rollout } from '@hotpatch/api'
import { Alert, Text } from '@mantine/core'
import { IconCloudOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { useApi } from '../../ground/api.ts'
import { appKey } from '../../ground/queries.ts'

/** Of an app that has an edge: that devices ask the server for this one, and why. */
export function OffEdgeNotice({ app, rollout }: { app: string; rollout: Rollout }) {
  const { t } = useTranslation('rollouts')
  const api = useApi()
  const { data } = useQuery({ queryKey: appKey(app, 'edge'), queryFn: () => api.getEdge(app) })
  const { id, channel, platform } = rollout
  const catalog = data?.catalogs.find((each) => each.channel === channel && each.platform === platform)
  const found = catalog?.asksServer.find(({ rolloutId }) => rolloutId === id)
  if (!found) return null
  return (
    <Alert color="gray" icon={<IconCloudOff aria-hidden />}>
      <Text>{t('offEdge.says', { because: t(`offEdge.because.${found.reason}`) })}</Text>
    </Alert>
  )
}
