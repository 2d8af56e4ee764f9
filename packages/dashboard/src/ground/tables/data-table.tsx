import { Box, Button, Center, Loader, Skeleton } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { tableFeatures, useTable, type ColumnDef } from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ProblemPanel } from '../problem-panel.tsx'
import { Loading } from '../states.tsx'
import classes from './data-table.module.css'
import type { Range } from './page-index.ts'
import type { Rows } from './rows.ts'

export interface Column<Row> {
  id: string
  header: string
  cell: (row: Row) => ReactNode
  /** Numbers stand at the end, so that their digits do below each other. */
  align?: 'end'
  /** As CSS has it; without one, columns share what is left. */
  width?: string
  /** Where a row is a card of its own: `title` is its heading, `line` (when absent) a line with the header before it. */
  phone?: 'title' | 'line' | 'hidden'
}

export interface DataTableProps<Row> {
  /** What the table is of, for whoever does not see it. */
  label: string
  columns: readonly Column<Row>[]
  rows: Rows<Row>
  rowKey: (row: Row) => string
  /** Instead of the table when there are no rows: an `Empty`. */
  empty: ReactNode
  isLoading?: boolean
  error?: unknown
  onRetry?: () => void
  hasMore?: boolean
  isLoadingMore?: boolean
  onMore?: () => void
  /** Told which rows are near the window. */
  onVisible?: (rows: Range) => void
}

const features = tableFeatures({})
const ROW_HEIGHT = 44
const CARD_HEIGHT = 120
const OVERSCAN = 12

/**
 * Rows of any number: only those near the window are there. The next page comes when its end does. Props of `usePages`
 * and `useLongList` fit: `<DataTable {...pages} />`.
 */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { rows, isLoading = false, error, onRetry, empty } = props
  const isPhone = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false })
  if (isLoading) return <Loading rows={6} />
  if (error && rows.length === 0) return <ProblemPanel error={error} {...(onRetry && { onRetry })} />
  if (rows.length === 0) {
    return (
      <>
        {empty}
        <More {...props} />
      </>
    )
  }
  return (
    <Box>
      {error ? <ProblemPanel error={error} {...(onRetry && { onRetry })} /> : null}
      {isPhone ? <Cards {...props} /> : <TableRows {...props} />}
      <More {...props} />
    </Box>
  )
}

function TableRows<Row>({ label, columns, rows, rowKey, ...more }: DataTableProps<Row>) {
  const { frame, virtual, items, before, after } = useVisible({ count: rows.length, size: ROW_HEIGHT, ...more })
  const drawn = items.flatMap(({ index }) => {
    const row = rows.at(index)
    return row === undefined ? [] : [{ index, row }]
  })
  const table = useDrawnTable({ columns, drawn, rowKey })
  const rowAt = new Map(table.getRowModel().rows.map((row) => [row.original.index, row]))
  return (
    <div className={classes.scroll} ref={frame} tabIndex={0} role="group" aria-label={label}>
      <table className={classes.table} aria-rowcount={rows.length + 1}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id} aria-rowindex={1}>
              {group.headers.map((header, index) => (
                <th key={header.id} style={styleOf(columns[index])} scope="col">
                  <table.FlexRender header={header} />
                </th>
              ))}
            </tr>
          ))}
        </thead>
        <tbody>
          <Spacer height={before} span={columns.length} />
          {items.map(({ index }) => {
            const row = rowAt.get(index)
            return row === undefined ? (
              <ComingRow key={`coming-${index}`} index={index} span={columns.length} />
            ) : (
              <DrawnRow
                key={row.id}
                index={index}
                row={row.original.row}
                columns={columns}
                measure={virtual.measureElement}
              />
            )
          })}
          <Spacer height={after} span={columns.length} />
        </tbody>
      </table>
    </div>
  )
}

interface Drawn<Row> {
  index: number
  row: Row
}

/** Of the rows that are drawn alone: a model of all of them would be made anew with each page that comes. */
function useDrawnTable<Row>({
  columns,
  drawn,
  rowKey,
}: Pick<DataTableProps<Row>, 'columns' | 'rowKey'> & { drawn: readonly Drawn<Row>[] }) {
  const definitions = useMemo(
    () =>
      columns.map((column): ColumnDef<typeof features, Drawn<Row>> => ({
        id: column.id,
        header: column.header,
        cell: ({ row }) => column.cell(row.original.row),
      })),
    [columns],
  )
  return useTable({ features, columns: definitions, data: drawn, getRowId: ({ row }) => rowKey(row) })
}

interface DrawnRowProps<Row> {
  index: number
  row: Row
  columns: readonly Column<Row>[]
  measure: (element: Element | null) => void
}

/** Drawn again when it or its columns are others, and not because the window has moved. */
const DrawnRow = memo(function DrawnRow<Row>({ index, row, columns, measure }: DrawnRowProps<Row>) {
  return (
    <tr data-index={index} ref={measure} aria-rowindex={index + 2}>
      {columns.map((column) => (
        <td key={column.id} data-align={column.align}>
          {/* Called, not rendered as a component of its own: what is open in a cell stays when columns are made anew. */}
          {column.cell(row)}
        </td>
      ))}
    </tr>
  )
}) as <Row>(props: DrawnRowProps<Row>) => ReactNode

/** On its way: as high as those that are there. */
function ComingRow({ index, span }: { index: number; span: number }) {
  return (
    <tr aria-rowindex={index + 2} aria-busy>
      <td colSpan={span}>
        <Skeleton height={12} width="40%" />
      </td>
    </tr>
  )
}

function styleOf<Row>(column: Column<Row> | undefined) {
  return { width: column?.width, textAlign: column?.align }
}

/** Where rows are that are not drawn. */
function Spacer({ height, span }: { height: number; span: number }) {
  return height > 0 ? (
    <tr aria-hidden className={classes.spacer}>
      <td colSpan={span} style={{ height }} />
    </tr>
  ) : null
}

function Cards<Row>({ label, columns, rows, rowKey, ...more }: DataTableProps<Row>) {
  const { frame, virtual, items, before, after } = useVisible({ count: rows.length, size: CARD_HEIGHT, ...more })
  return (
    <div ref={frame}>
      <ul className={classes.cards} aria-label={label} style={{ paddingTop: before, paddingBottom: after }}>
        {items.map(({ index }) => {
          const row = rows.at(index)
          return row === undefined ? (
            <li key={`coming-${index}`} className={classes.card} style={{ height: CARD_HEIGHT }} aria-busy>
              <Skeleton height={12} width="60%" />
            </li>
          ) : (
            <Card key={rowKey(row)} index={index} row={row} columns={columns} measure={virtual.measureElement} />
          )
        })}
      </ul>
    </div>
  )
}

const Card = memo(function Card<Row>({ index, row, columns, measure }: DrawnRowProps<Row>) {
  const title = columns.filter(({ phone }) => phone === 'title')
  const lines = columns.filter(({ phone = 'line' }) => phone === 'line')
  return (
    <li data-index={index} ref={measure} className={classes.card}>
      {title.map((column) => (
        <div key={column.id} className={classes.cardTitle}>
          {column.cell(row)}
        </div>
      ))}
      <dl className={classes.lines}>
        {lines.map((column) => (
          <div key={column.id}>
            <dt>{column.header}</dt>
            <dd>{column.cell(row)}</dd>
          </div>
        ))}
      </dl>
    </li>
  )
}) as <Row>(props: DrawnRowProps<Row>) => ReactNode

/** Follows the window; asks for more when what is there comes to its end. */
function useVisible({
  count,
  size,
  hasMore = false,
  isLoadingMore = false,
  onMore,
  onVisible,
}: {
  count: number
  size: number
  hasMore?: boolean
  isLoadingMore?: boolean
  onMore?: () => void
  onVisible?: (rows: Range) => void
}) {
  const frame = useRef<HTMLDivElement>(null)
  const [scrollMargin, setScrollMargin] = useState(0)
  useLayoutEffect(() => {
    const top = frame.current?.getBoundingClientRect().top ?? 0
    setScrollMargin(top + window.scrollY)
  }, [])
  const virtual = useWindowVirtualizer({
    count,
    estimateSize: () => size,
    overscan: OVERSCAN,
    scrollMargin,
    // All that happens in a frame is drawn once: rows beyond the window are there already.
    useFlushSync: false,
  })
  const items = virtual.getVirtualItems()
  const first = items[0]?.index ?? 0
  const last = items.at(-1)?.index ?? 0
  useEffect(() => onVisible?.({ first, last }), [first, last, count, onVisible])
  const isAtEnd = last >= count - OVERSCAN
  useEffect(() => {
    // Where it is told what is seen, the list itself goes on.
    if (isAtEnd && hasMore && !isLoadingMore && !onVisible) onMore?.()
    // Asked once for each end.
  }, [isAtEnd, hasMore, isLoadingMore, count])
  const before = (items[0]?.start ?? scrollMargin) - scrollMargin
  const after = virtual.getTotalSize() - ((items.at(-1)?.end ?? scrollMargin) - scrollMargin)
  return { frame, virtual, items, before, after }
}

function More<Row>({ hasMore, isLoadingMore, onMore }: DataTableProps<Row>) {
  const { t } = useTranslation('ground')
  if (!hasMore) return null
  return (
    <Center py="sm">
      {isLoadingMore ? (
        <Loader size="sm" aria-label={t('loading')} />
      ) : (
        <Button variant="subtle" onClick={onMore}>
          {t('more')}
        </Button>
      )}
    </Center>
  )
}
