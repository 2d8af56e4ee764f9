import { Box, Group, Stack, Text, Title } from '@mantine/core'
import { useEffect, type ReactNode } from 'react'
import icon from '../ground/icon.svg'
import classes from './outside.module.css'

/** What somebody sees who is not signed in: one thing to do, in the middle. */
export function Outside({ title, about, children }: { title: string; about?: ReactNode; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · HotPatch`
  }, [title])
  return (
    <Box component="main" className={classes.page}>
      <Box className={classes.column}>
        <Group gap={8} mb="xl" wrap="nowrap">
          <img src={icon} alt="" width={26} height={26} />
          <Text fw={650} size="lg">
            HotPatch
          </Text>
        </Group>
        <Stack gap={4} mb="lg">
          <Title order={1}>{title}</Title>
          {about && (
            <Text c="dimmed" component="div">
              {about}
            </Text>
          )}
        </Stack>
        {children}
      </Box>
    </Box>
  )
}
