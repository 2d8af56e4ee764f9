import { ApiProblem, ServerUnreachable } from '@hotpatch/api'
import { PROBLEMS, type ProblemType } from '@hotpatch/protocol'
import { Alert, Button, Group, List, Text } from '@mantine/core'
import { IconAlertTriangle, IconPlugConnectedX } from '@tabler/icons-react'
import { useTranslation } from 'react-i18next'
import { ApprovalNotice, isApprovalAwaited, proposalOf } from './approval-notice.tsx'

/** What went wrong, as the server said it, and what to do about it; or that it waits for somebody. Nothing while nothing did. */
export function ProblemPanel({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation('ground')
  if (!error) return null
  if (isApprovalAwaited(error)) return <ApprovalNotice proposalId={proposalOf(error)} />
  const isLost = error instanceof ServerUnreachable
  const document = error instanceof ApiProblem ? error.document : undefined
  return (
    <Alert
      role="alert"
      color={isLost ? 'yellow' : 'red'}
      icon={isLost ? <IconPlugConnectedX aria-hidden /> : <IconAlertTriangle aria-hidden />}
      title={isLost ? t('problem.lost') : (document?.title ?? t('problem.unexpected'))}
    >
      <Text size="sm">{isLost ? t('problem.lostDetail') : (document?.detail ?? messageOf(error))}</Text>
      {document?.errors && (
        <List size="sm" mt={4}>
          {document.errors.map(({ pointer, detail }) => (
            <List.Item key={pointer + detail}>
              <code>{pointer.replace(/^#\//, '')}</code> {detail}
            </List.Item>
          ))}
        </List>
      )}
      {adviceOf(error) && (
        <Text size="sm" mt={4}>
          {adviceOf(error)}
        </Text>
      )}
      {(onRetry ?? document?.instance) && (
        <Group mt="xs" gap="md">
          {onRetry && (
            <Button size="compact-sm" variant="default" onClick={onRetry}>
              {t('problem.retry')}
            </Button>
          )}
          {document?.instance && (
            <Text size="xs" c="dimmed">
              {document.instance}
            </Text>
          )}
        </Group>
      )}
    </Alert>
  )
}

function adviceOf(error: unknown): string | undefined {
  return error instanceof ApiProblem && Object.hasOwn(PROBLEMS, error.type)
    ? PROBLEMS[error.type as ProblemType].advice
    : undefined
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
