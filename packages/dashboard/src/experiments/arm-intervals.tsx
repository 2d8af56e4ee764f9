import type { ExperimentResults } from '@hotpatch/api'
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../ground/figures.ts'
import classes from './experiments.module.css'

type Arm = ExperimentResults['arms'][number]

/** Where each arm's share of bad devices lies, below each other. */
export function ArmIntervals({ arms }: { arms: readonly Arm[] }) {
  const { t } = useTranslation('experiments')
  const scale = scaleOf(arms.map(({ bad }) => bad.high ?? 0))
  return (
    <figure className={classes.bars} aria-label={t('intervals')}>
      {arms.map((arm) => (
        <ArmRow key={arm.arm} arm={arm} scale={scale} />
      ))}
      <Text size="xs" c="dimmed" component="figcaption">
        {t('intervalsAbout')}
      </Text>
    </figure>
  )
}

function ArmRow({ arm: { arm, bad }, scale }: { arm: Arm; scale: number }) {
  const { t } = useTranslation('experiments')
  const figures = useFigures()
  const { share, low, high } = bad
  const at = (value: number) => `${Math.min(100, (100 * value) / scale)}%`
  const write = (value: number) => figures.percentage(100 * value, 1)
  const isKnown = share !== null && low !== null && high !== null
  return (
    <div className={classes.row}>
      <Text className={classes.name}>{arm}</Text>
      <div className={classes.track} aria-hidden>
        {isKnown && (
          <>
            <div
              className={classes.interval}
              style={{ insetInlineStart: at(low), width: `calc(${at(high)} - ${at(low)})` }}
            />
            <div className={classes.point} style={{ insetInlineStart: at(share) }} />
          </>
        )}
      </div>
      <span className={classes.value}>
        {isKnown ? t('badBetween', { share: write(share), low: write(low), high: write(high) }) : t('nobodyYet')}
      </span>
    </div>
  )
}

/** Up to a share that is easily read. */
function scaleOf(values: readonly number[]): number {
  const highest = Math.max(...values)
  return [0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8].find((step) => step >= highest) ?? 1
}
