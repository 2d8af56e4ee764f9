import type { Experiment } from '@hotpatch/api'
import { Badge } from '@mantine/core'
import { useTranslation } from 'react-i18next'

export function ExperimentState({ experiment: { state, winner } }: { experiment: Experiment }) {
  const { t } = useTranslation('experiments')
  if (state === 'running') return <Badge color="teal">{t('states.running')}</Badge>
  return <Badge color="gray">{winner === null ? t('states.ended') : t('states.won', { arm: winner })}</Badge>
}
