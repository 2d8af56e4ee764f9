import { AreaChart, BarChart, LineChart } from '@mantine/charts'
import '@mantine/charts/styles.layer.css'
import { useTranslation } from 'react-i18next'
import { useFigures } from '../figures.ts'
import type { FigureProps } from './figure.tsx'
import { SERIES_COLORS, SERIES_DASHES } from './palette.ts'

/** It is hidden from whoever does not see it, who reads its table: nothing in it can be focused. */
const UNFOCUSED = { accessibilityLayer: false }
const DAY_MS = 86_400_000

/** In a file of its own, as everything that draws comes with it. */
export default function Chart({
  kind,
  rows,
  xKey,
  xKind,
  series,
  unit,
  format,
  isStacked = false,
  domain,
  height,
}: FigureProps) {
  const figures = useFigures()
  const writeTime = useTimeAxis(rows.map((row) => String(row[xKey])))
  const shared = {
    h: height ?? 240,
    data: rows.map((row) => ({ ...row })),
    dataKey: xKey,
    yAxisLabel: unit,
    series: series.map(({ key, label }, index) => ({
      name: key,
      label,
      color: SERIES_COLORS[index % SERIES_COLORS.length] ?? 'gray',
      strokeDasharray: SERIES_DASHES[index % SERIES_DASHES.length] ?? '0',
    })),
    valueFormatter: format ?? figures.number,
    tickLine: 'none' as const,
    gridAxis: 'x' as const,
    xAxisProps: { minTickGap: 32, ...(xKind === 'time' && { tickFormatter: writeTime }) },
    yAxisProps: {
      width: 64,
      // What has no format of its own is counted: there is no half device.
      allowDecimals: format !== undefined,
      tickFormatter: format ?? figures.short,
      ...(domain && { domain }),
    },
    // While nothing is pointed at, it has no time.
    tooltipProps:
      xKind === 'time' ? { labelFormatter: (at: unknown) => (typeof at === 'string' ? figures.dateTime(at) : '') } : {},
    tooltipAnimationDuration: 0,
  }
  const type = isStacked ? 'stacked' : 'default'
  if (kind === 'bar') return <BarChart {...shared} type={type} maxBarWidth={48} barChartProps={UNFOCUSED} />
  if (kind === 'area') {
    return <AreaChart {...shared} type={type} curveType="linear" withDots={false} areaChartProps={UNFOCUSED} />
  }
  const withDots = rows.length <= 24
  return <LineChart {...shared} curveType="linear" withDots={withDots} strokeWidth={2} lineChartProps={UNFOCUSED} />
}

/** Hours within days, days else. */
function useTimeAxis(times: readonly string[]): (at: string) => string {
  const { i18n } = useTranslation()
  const first = new Date(times[0] ?? 0).getTime()
  const last = new Date(times.at(-1) ?? 0).getTime()
  const format = new Intl.DateTimeFormat(
    i18n.language,
    last - first <= 2 * DAY_MS ? { hour: '2-digit', minute: '2-digit' } : { day: 'numeric', month: 'short' },
  )
  return (at) => format.format(new Date(at))
}
