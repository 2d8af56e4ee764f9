import { Box, Button, Center, Loader } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { tableFeatures, useTable, type ColumnDef } from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ProblemPanel } from '../problem-panel.tsx'
import { Loading } from '../states.tsx'
import classes from './data-table.module.css'

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
  rows: readonly Row[]
  rowKey: (row: Row) => string
  /** Instead of the table when there are no rows: an `Empty`. */
  empty: ReactNode
  isLoading?: boolean
  error?: unknown
  onRetry?: () => void
  hasMore?: boolean
  isLoadingMore?: boolean
  onMore?: () => void
}

const features = tableFeatures({})
const ROW_HEIGHT = 44
const CARD_HEIGHT = 120
const OVERSCAN = 12

/**
 * Rows of any number: only those near the window are there. The next page comes when its end does. Props of `usePages`
 * fit: `<DataTable {...pages} />`.
 */
export function DataTable<Row>(props: DataTableProps<Row>) {
  const { rows, isLoading = false, error, onRetry, empty } = props
  const isPhone = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false })
  if (isLoading) return <Loading rows={6} />
  if (error && rows.length === 0) return <ProblemPanel error={error} {...(onRetry && { onRetry })} />
  if (rows.length === 0) return empty
  return (
    <Box>
      {error ? <ProblemPanel error={error} {...(onRetry && { onRetry })} /> : null}
      {isPhone ? <Cards {...props} /> : <Rows {...props} />}
      <More {...props} />
    </Box>
  )
}

function Rows<Row>({ label, columns, rows, rowKey, ...more }: DataTableProps<Row>) {
  const definitions = useMemo(
    () =>
      columns.map((column): ColumnDef<typeof features, object & Row> => ({
        id: column.id,
        header: column.header,
        cell: ({ row }) => column.cell(row.original),
      })),
    [columns],
  )
  const table = useTable({
    features,
    columns: definitions,
    data: rows as readonly (object & Row)[],
    getRowId: (row) => rowKey(row),
  })
  const { frame, virtual, before, after } = useVisible({ count: rows.length, size: ROW_HEIGHT, ...more })
  const all = table.getRowModel().rows
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
          {virtual.getVirtualItems().map((item) => {
            const row = all[item.index]
            return (
              row && (
                <tr key={row.id} data-index={item.index} ref={virtual.measureElement} aria-rowindex={item.index + 2}>
                  {row.getAllCells().map((cell, index) => (
                    <td key={cell.id} data-align={columns[index]?.align}>
                      {/* Called, not rendered as a component of its own: what is open in a cell stays when columns are made anew. */}
                      {columns[index]?.cell(row.original)}
                    </td>
                  ))}
                </tr>
              )
            )
          })}
          <Spacer height={after} span={columns.length} />
        </tbody>
      </table>
    </div>
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
  const { frame, virtual, before, after } = useVisible({ count: rows.length, size: CARD_HEIGHT, ...more })
  const title = columns.filter(({ phone }) => phone === 'title')
  const lines = columns.filter(({ phone = 'line' }) => phone === 'line')
  return (
    <div ref={frame}>
      <ul className={classes.cards} aria-label={label} style={{ paddingTop: before, paddingBottom: after }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]
          return (
            row !== undefined && (
              <li key={rowKey(row)} data-index={item.index} ref={virtual.measureElement} className={classes.card}>
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
          )
        })}
      </ul>
    </div>
  )
}

/** Follows the window; asks for more when what is there comes to its end. */
function useVisible({
  count,
  size,
  hasMore = false,
  isLoadingMore = false,
  onMore,
}: {
  count: number
  size: number
  hasMore?: boolean
  isLoadingMore?: boolean
  onMore?: () => void
}) {
  const frame = useRef<HTMLDivElement>(null)
  const [scrollMargin, setScrollMargin] = useState(0)
  useLayoutEffect(() => {
    const top = frame.current?.getBoundingClientRect().top ?? 0
    setScrollMargin(top + window.scrollY)
  }, [])
  const virtual = useWindowVirtualizer({ count, estimateSize: () => size, overscan: OVERSCAN, scrollMargin })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  const isAtEnd = last >= count - OVERSCAN
  useEffect(() => {
    if (isAtEnd && hasMore && !isLoadingMore) onMore?.()
    // Asked once for each end.
  }, [isAtEnd, hasMore, isLoadingMore, count])
  const before = (items[0]?.start ?? scrollMargin) - scrollMargin
  const after = virtual.getTotalSize() - ((items.at(-1)?.end ?? scrollMargin) - scrollMargin)
  return { frame, virtual, before, after }
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
