import { Link, type LinkProps } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import classes from './data-table.module.css'

/** In the first cell of a row: the whole row leads where it does. What else is in the row and can be clicked needs `position: relative`. */
export function RowLink({ children, ...link }: LinkProps & { children: ReactNode }) {
  return (
    <Link {...link} className={classes.rowLink}>
      {children}
    </Link>
  )
}
