import { ActionIcon, Box, CopyButton, Tooltip } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import classes from './copy-command.module.css'

/** A command or a snippet, as it is, with a button that copies it. */
export function CopyCommand({ command, label }: { command: string; label?: string | undefined }) {
  return (
    <Box className={classes.frame}>
      <pre className={classes.text} tabIndex={0} aria-label={label}>
        <code>{command}</code>
      </pre>
      <CopyIcon value={command} className={classes.button} />
    </Box>
  )
}

/** A value that people take elsewhere, such as an id or a key. */
export function CopyValue({ value, shown }: { value: string; shown?: string }) {
  return (
    <span className={classes.value}>
      <code title={value}>{shown ?? value}</code>
      <CopyIcon value={value} />
    </span>
  )
}

function CopyIcon({ value, className }: { value: string; className?: string | undefined }) {
  const { t } = useTranslation('ground')
  return (
    <CopyButton value={value} timeout={2000}>
      {({ copied, copy }) => (
        <Tooltip label={copied ? t('copy.done') : t('copy.copy')} position="left">
          <ActionIcon
            className={className}
            variant="subtle"
            color={copied ? 'teal' : 'gray'}
            size="sm"
            onClick={copy}
            aria-label={copied ? t('copy.done') : t('copy.copy')}
          >
            {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
          </ActionIcon>
        </Tooltip>
      )}
    </CopyButton>
  )
}
