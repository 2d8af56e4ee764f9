import { Box, Group, Stack, Text, Title } from '@mantine/core'
import { useEffect, type ReactNode } from 'react'
import classes from './page.module.css'

export interface PageProps {
  title: string
  /** One line below it: what this page is for. */
  about?: ReactNode
  /** Beside the title: what can be done here, the most important last. */
  actions?: ReactNode
  /** Before the title, such as a state. */
  badge?: ReactNode
  /** For forms and texts, which are read better when they are not as wide as the window. */
  isNarrow?: boolean
  children: ReactNode
}

/** What every page stands in: its title is the document's, too. */
export function Page({ title, about, actions, badge, isNarrow = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · HotPatch`
  }, [title])
  return (
    <Box className={classes.page} data-narrow={isNarrow || undefined}>
      <header className={classes.header}>
        <Stack gap={2} className={classes.heading}>
          <Group gap="xs" wrap="wrap">
            <Title order={1}>{title}</Title>
            {badge}
          </Group>
          {about && (
            <Text c="dimmed" component="div">
              {about}
            </Text>
          )}
        </Stack>
        {actions && <Group gap="xs">{actions}</Group>}
      </header>
      <Stack gap="lg">{children}</Stack>
    </Box>
  )
}

/** A part of a page, with a heading of its own. */
export function Section({
  title,
  about,
  actions,
  children,
}: {
  title: string
  about?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  return (
    <section className={classes.section} aria-label={title}>
      <header className={classes.sectionHeader}>
        <Stack gap={0} className={classes.heading}>
          <Title order={2}>{title}</Title>
          {about && (
            <Text c="dimmed" component="div">
              {about}
            </Text>
          )}
        </Stack>
        {actions && <Group gap="xs">{actions}</Group>}
      </header>
      {children}
    </section>
  )
}
