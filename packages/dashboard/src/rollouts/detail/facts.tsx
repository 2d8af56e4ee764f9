import type { ReactNode } from 'react'
import classes from './facts.module.css'

/** Figures with their names, beside each other. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className={classes.facts}>{children}</dl>
}

export function Fact({ name, children, about }: { name: string; children: ReactNode; about?: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
      {about && <dd className={classes.about}>{about}</dd>}
    </div>
  )
}
