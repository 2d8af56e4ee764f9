import { Box, Group, Table, Text, Title } from '@mantine/core'
import { lazy, Suspense, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../figures.ts'
import { Loading } from '../states.tsx'
import classes from './figure.module.css'
import { SERIES_COLORS } from './palette.ts'

// Charts are half of all scripts: they come when the first one is shown.
const Chart = lazy(() => import('./chart.tsx'))

export interface Series {
  /** Of the rows. */
  key: string
  label: string
}

export interface FigureProps {
  title: string
  about?: ReactNode
  actions?: ReactNode
  kind: 'line' | 'area' | 'bar'
  /** One for each place on the x axis; `x` is a time (ISO 8601) or a name, the rest are the series' values. */
  rows: readonly Record<string, string | number | null>[]
  xKey: string
  xLabel: string
  xKind: 'time' | 'name'
  /** At most eight: more cannot be told apart. */
  series: readonly Series[]
  /** What the y axis counts, such as "Devices". */
  unit: string
  /** How its values are written; as numbers when absent. */
  format?: (value: number) => string
  isStacked?: boolean
  /** Of the y axis, such as [0, 100] for percentages. */
  domain?: [number, number]
  height?: number
}

/** A chart that can be read: axes with units, a legend, colours that everybody can tell apart, and its table. */
export function Figure(props: FigureProps) {
  const { title, about, actions, series, rows, height = 240 } = props
  const { t } = useTranslation('ground')
  return (
    <figure className={classes.figure} aria-label={title}>
      <Group justify="space-between" align="flex-start" gap="sm" mb="sm">
        <Box>
          <Title order={2}>{title}</Title>
          {about && (
            <Text c="dimmed" component="div">
              {about}
            </Text>
          )}
        </Box>
        {actions}
      </Group>
      {rows.length === 0 ? (
        <Text c="dimmed" py="lg">
          {t('figure.empty')}
        </Text>
      ) : (
        <>
          {series.length > 1 && <Legend series={series} />}
          {/* Everything in it is in the table, too. */}
          <Box aria-hidden style={{ height }}>
            <Suspense fallback={<Loading rows={1} height={height} />}>
              <Chart {...props} height={height} />
            </Suspense>
          </Box>
          <details className={classes.details}>
            <summary>{t('figure.table')}</summary>
            <TableOf {...props} />
          </details>
        </>
      )}
    </figure>
  )
}

function Legend({ series }: { series: readonly Series[] }) {
  return (
    <Group gap="md" mb="xs" aria-hidden>
      {series.map(({ key, label }, index) => (
        <Group gap={6} key={key} wrap="nowrap">
          <Box className={classes.swatch} style={{ background: SERIES_COLORS[index % SERIES_COLORS.length] }} />
          <Text size="xs">{label}</Text>
        </Group>
      ))}
    </Group>
  )
}

function TableOf({ title, rows, xKey, xKind, xLabel, series, unit, format }: FigureProps) {
  const figures = useFigures()
  const write = (value: string | number | null | undefined) =>
    typeof value === 'number' ? (format ?? figures.number)(value) : (value ?? '–')
  return (
    <Box className={classes.table} tabIndex={0} role="group" aria-label={title}>
      <Table withRowBorders captionSide="top">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{xLabel}</Table.Th>
            {series.map(({ key, label }) => (
              <Table.Th key={key} ta="end">
                {series.length === 1 ? unit : `${label} (${unit})`}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={String(row[xKey])}>
              <Table.Td>{xKind === 'time' ? figures.dateTime(String(row[xKey])) : row[xKey]}</Table.Td>
              {series.map(({ key }) => (
                <Table.Td key={key} ta="end">
                  {write(row[key])}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Box>
  )
}
