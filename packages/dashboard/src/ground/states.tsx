import { Box, Skeleton, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { CopyCommand } from './copy-command.tsx'
import classes from './states.module.css'

/** Where there is nothing yet: what it would be, and how to get there. */
export function Empty({
  title,
  children,
  icon,
  commands = [],
  action,
}: {
  title: string
  children?: ReactNode
  icon?: ReactNode
  /** Each with what it does. */
  commands?: readonly { about: string; command: string }[]
  action?: ReactNode
}) {
  return (
    <Box className={classes.empty}>
      {icon && <Box className={classes.icon}>{icon}</Box>}
      <Title order={2}>{title}</Title>
      {children && (
        <Text c="dimmed" component="div">
          {children}
        </Text>
      )}
      {action && <Box mt="sm">{action}</Box>}
      {commands.length > 0 && (
        <Stack gap="sm" mt="md" className={classes.commands}>
          {commands.map(({ about, command }) => (
            <Stack gap={4} key={command}>
              <Text>{about}</Text>
              <CopyCommand command={command} label={about} />
            </Stack>
          ))}
        </Stack>
      )}
    </Box>
  )
}

/** In the place of what is on its way, about as large. */
export function Loading({ rows = 4, height = 28 }: { rows?: number; height?: number }) {
  const { t } = useTranslation('ground')
  return (
    <Stack gap="xs" role="status" aria-label={t('loading')}>
      {Array.from({ length: rows }, (_, row) => (
        <Skeleton key={row} height={height} radius="sm" width={row === rows - 1 ? '60%' : '100%'} />
      ))}
    </Stack>
  )
}
