import type { Rollout } from '@hotpatch/api'
import { useTranslation } from 'react-i18next'
import { useFigures } from './figures.ts'

/** Whom a rollout is for, in one line. */
export function AudienceSummary({ rollout }: { rollout: Rollout }) {
  return <>{useAudienceText()(rollout)}</>
}

export function useAudienceText(): (rollout: Rollout) => string {
  const { t } = useTranslation('impact')
  const figures = useFigures()
  return ({ percentage, devices, cohorts, rules, slice }) => {
    const parts = [
      percentage === 100 && slice === null && rules.length === 0
        ? t('audience.all')
        : t('audience.share', { share: figures.percentage(percentage) }),
      ...(slice === null ? [] : [t('audience.arm', { share: figures.percentage((slice.to - slice.from) / 100) })]),
      ...(rules.length === 0 ? [] : [t('audience.rules', { count: rules.length })]),
      ...(cohorts.length === 0 ? [] : [t('audience.cohorts', { names: figures.list(cohorts) })]),
      ...(devices.length === 0 ? [] : [t('audience.devices', { count: devices.length })]),
    ]
    return parts.join(' · ')
  }
}
