import { useTranslation } from 'react-i18next'
import { useFigures } from '../ground/figures.ts'
import { Section } from '../ground/page.tsx'
import { BarTable } from './bar-table.tsx'
import { CsvButton } from './csv-button.tsx'
import { FigureStates } from './figure-states.tsx'
import { useInsight, type Asked } from './use-insight.ts'

/** Why checks brought no update. */
export function Reasons(asked: Asked) {
  const { slug, search } = asked
  const { t } = useTranslation('insights')
  const { t: names } = useTranslation('reasons')
  const figures = useFigures()
  const query = useInsight(slug, 'reasons', search, (api, query) => api.getReasons(slug, query))
  return (
    <FigureStates title={t('reasons.title')} query={query}>
      {({ checks, refusals, reasons }) => (
        <Section
          title={t('reasons.title')}
          about={t('reasons.about', { refusals: figures.number(refusals), checks: figures.number(checks) })}
          actions={<CsvButton {...asked} insight={['reasons']} />}
        >
          <BarTable
            label={t('reasons.title')}
            nameHeader={t('reasons.reason')}
            valueHeader={t('checks.checks')}
            rows={reasons.map(({ decision, reason, checks, share, explanation }) => ({
              key: `${decision} ${reason}`,
              name: names(reason, { defaultValue: reason }),
              about: explanation,
              share,
              value: figures.number(checks),
              shareText: figures.percentage(share * 100, 1),
            }))}
          />
        </Section>
      )}
    </FigureStates>
  )
}
