import { Button, Text } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import classes from './insights.module.css'

const SHOWN_FIRST = 8

export interface BarRow {
  key: string
  name: ReactNode
  /** Below the name. */
  about?: string
  /** 0 to 1: the length of its bar. */
  share: number
  value: string
  shareText: string
}

/** Names with their figures, and a bar for each: the chart is its own table. */
export function BarTable({
  label,
  nameHeader,
  valueHeader,
  rows,
}: {
  label: string
  nameHeader: string
  valueHeader: string
  rows: readonly BarRow[]
}) {
  const { t } = useTranslation('insights')
  const { t: ground } = useTranslation('ground')
  const [isWhole, setIsWhole] = useState(false)
  if (rows.length === 0) return <Text c="dimmed">{ground('figure.empty')}</Text>
  const largest = Math.max(...rows.map(({ share }) => share), Number.EPSILON)
  const shown = isWhole ? rows : rows.slice(0, SHOWN_FIRST)
  return (
    <>
      <div className={classes.scroll} tabIndex={0} role="group" aria-label={label}>
        <table className={classes.bars}>
          <thead>
            <tr>
              <th scope="col">{nameHeader}</th>
              <th scope="col" className={classes.barCell}>
                {t('share')}
              </th>
              <th scope="col" data-align="end" aria-label={t('share')} />
              <th scope="col" data-align="end">
                {valueHeader}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ key, name, about, share, value, shareText }) => (
              <tr key={key}>
                <th scope="row">
                  {name}
                  {about !== undefined && (
                    <Text c="dimmed" size="xs">
                      {about}
                    </Text>
                  )}
                </th>
                <td className={classes.barCell} aria-hidden>
                  <div className={classes.bar} style={{ width: `${(share / largest) * 100}%` }} />
                </td>
                <td data-align="end">{shareText}</td>
                <td data-align="end">{value}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > SHOWN_FIRST && (
        <Button variant="subtle" size="compact-sm" mt="xs" onClick={() => setIsWhole(!isWhole)}>
          {isWhole ? t('fewer') : t('allOf', { count: rows.length })}
        </Button>
      )}
    </>
  )
}
