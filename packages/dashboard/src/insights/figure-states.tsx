import type { ReactNode } from 'react'
import { Section } from '../ground/page.tsx'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { Loading } from '../ground/states.tsx'

interface Query<Answer> {
  data: Answer | undefined
  error: unknown
  refetch: () => Promise<unknown>
}

/** A figure when it is there; its frame until then. */
export function FigureStates<Answer>({
  title,
  query: { data, error, refetch },
  children,
}: {
  title: string
  query: Query<Answer>
  children: (answer: Answer) => ReactNode
}) {
  if (error) {
    return (
      <Section title={title}>
        <ProblemPanel error={error} onRetry={() => void refetch()} />
      </Section>
    )
  }
  if (data === undefined) {
    return (
      <Section title={title}>
        <Loading rows={1} height={240} />
      </Section>
    )
  }
  return children(data)
}
