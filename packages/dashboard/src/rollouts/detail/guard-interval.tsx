import type { Guard } from '@hotpatch/api'
import { Text } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../../ground/figures.ts'
import classes from './guard-interval.module.css'

/** Where the share of bad devices surely lies, against what it may be: the limit is crossed when all of it is above. */
export function GuardInterval({ guard }: { guard: Guard }) {
  const { t } = useTranslation('rollouts')
  const figures = useFigures()
  const { sample, badPercent, lowerPercent, upperPercent, maxBadPercent, previous } = guard.figures
  const isKnown = sample > 0
  const scale = scaleOf([
    maxBadPercent * 2,
    ...(isKnown ? [upperPercent] : []),
    ...(previous ? [previous.upperPercent] : []),
  ])
  const at = (percent: number) => `${Math.min(100, (100 * percent) / scale)}%`
  const isOver = isKnown && lowerPercent > maxBadPercent
  const write = (percent: number) => figures.percentage(percent)
  return (
    <figure className={classes.figure}>
      <div
        className={classes.chart}
        role="img"
        aria-label={
          isKnown
            ? t('guard.intervalText', {
                low: write(lowerPercent),
                high: write(upperPercent),
                bad: write(badPercent),
                limit: write(maxBadPercent),
              })
            : t('guard.nothingYet')
        }
      >
        {previous && (
          <Bar
            name={t('guard.before')}
            low={at(previous.lowerPercent)}
            high={at(previous.upperPercent)}
            point={at(previous.badPercent)}
            kind="previous"
          />
        )}
        <Bar
          name={t('guard.this')}
          low={at(isKnown ? lowerPercent : 0)}
          high={at(isKnown ? upperPercent : 100)}
          point={isKnown ? at(badPercent) : null}
          kind={isOver ? 'over' : isKnown ? 'own' : 'unknown'}
        />
        <div className={classes.plot} aria-hidden>
          <div className={classes.limit} style={{ insetInlineStart: at(maxBadPercent) }}>
            <span>{t('guard.limit', { limit: write(maxBadPercent) })}</span>
          </div>
        </div>
      </div>
      <div className={classes.axis} aria-hidden>
        {[0, 0.25, 0.5, 0.75, 1].map((part) => (
          <span key={part} style={{ insetInlineStart: `${100 * part}%` }}>
            {figures.percentage(scale * part, 1)}
          </span>
        ))}
      </div>
      <Text size="xs" c="dimmed" component="figcaption">
        {t('guard.caption', { confidence: figures.percentage(guard.figures.confidencePercent, 1) })}
      </Text>
    </figure>
  )
}

function Bar({
  name,
  low,
  high,
  point,
  kind,
}: {
  name: string
  low: string
  high: string
  point: string | null
  kind: string
}) {
  return (
    <div className={classes.row} aria-hidden>
      <span className={classes.name}>{name}</span>
      <div className={classes.track}>
        <div
          className={classes.interval}
          data-kind={kind}
          style={{ insetInlineStart: low, width: `calc(${high} - ${low})` }}
        />
        {point !== null && <div className={classes.point} data-kind={kind} style={{ insetInlineStart: point }} />}
      </div>
    </div>
  )
}

/** Up to a number that is easily read. */
function scaleOf(values: readonly number[]): number {
  const highest = Math.max(...values)
  return [1, 2, 4, 8, 10, 20, 40, 60, 80].find((step) => step >= highest) ?? 100
}
