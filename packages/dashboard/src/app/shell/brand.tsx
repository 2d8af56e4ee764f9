import { Group, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import icon from '../../ground/icon.svg'
import classes from './shell.module.css'

export function Brand() {
  return (
    <Link to="/" className={classes.brandLink}>
      <Group gap={8} wrap="nowrap">
        <img src={icon} alt="" width={22} height={22} />
        <Text fw={650} size="md">
          HotPatch
        </Text>
      </Group>
    </Link>
  )
}
