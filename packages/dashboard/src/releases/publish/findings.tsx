import type { ReleaseFinding } from '@hotpatch/api'
import { Alert, Checkbox, Stack, Text } from '@mantine/core'
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import classes from './publish.module.css'

/** What the server has against the publish, before it is made; what may be meant can be accepted. */
export function Findings({
  findings,
  accepted,
  onAccept,
}: {
  findings: readonly ReleaseFinding[]
  accepted: readonly string[]
  onAccept: (accepted: readonly string[]) => void
}) {
  const { t } = useTranslation('publish')
  return (
    <Stack gap="sm" aria-live="polite">
      {findings.map((finding) => {
        const { check, severity, expected, found, advice, acceptedBy } = finding
        const isError = severity === 'error'
        const word = acceptedBy ?? (accepted.includes(check) ? check : undefined)
        return (
          <Alert
            key={`${check} ${found}`}
            className={classes.finding}
            color={isError ? 'red' : 'yellow'}
            icon={isError ? <IconAlertTriangle aria-hidden /> : <IconInfoCircle aria-hidden />}
            title={t(`checks.${check}`, { defaultValue: check })}
          >
            <Text>{t('findings.said', { expected, found })}</Text>
            <Text>{advice}</Text>
            {word !== undefined && (
              <Checkbox
                mt="xs"
                label={t('findings.accept')}
                checked={accepted.includes(word)}
                onChange={(event) =>
                  onAccept(event.currentTarget.checked ? [...accepted, word] : accepted.filter((each) => each !== word))
                }
              />
            )}
          </Alert>
        )
      })}
    </Stack>
  )
}
