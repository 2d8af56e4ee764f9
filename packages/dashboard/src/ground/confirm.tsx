import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { isApprovalAwaited } from './approval-notice.tsx'
import { ProblemPanel } from './problem-panel.tsx'

export interface ConfirmProps {
  opened: boolean
  onClose: () => void
  title: string
  /** What will happen, to which devices or people, and whether it can be undone. */
  children: ReactNode
  /** The deed itself, such as "Halt rollout": never "OK". */
  action: string
  isDangerous?: boolean
  /** Has to be typed first: for what cannot be undone. */
  mustType?: string
  /** Closes when it is done; what it throws is shown, and the dialog stays. */
  onConfirm: () => Promise<unknown>
}

/** Asks before something happens that is not easily undone. */
export function Confirm({ opened, onClose, title, children, action, isDangerous, mustType, onConfirm }: ConfirmProps) {
  const { t } = useTranslation('ground')
  const [typed, setTyped] = useState('')
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)

  const isProposed = isApprovalAwaited(error)

  function close() {
    if (isBusy) return
    setTyped('')
    setError(undefined)
    onClose()
  }

  async function confirm() {
    setIsBusy(true)
    setError(undefined)
    try {
      await onConfirm()
      setTyped('')
      onClose()
    } catch (caught) {
      setError(caught)
    } finally {
      setIsBusy(false)
    }
  }

  return (
    <Modal opened={opened} onClose={close} title={title} centered closeButtonProps={{ 'aria-label': t('close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void confirm()
        }}
      >
        <Stack gap="md">
          <Text component="div">{children}</Text>
          {mustType !== undefined && (
            <TextInput
              label={t('confirm.type', { text: mustType })}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
          )}
          <ProblemPanel error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close} disabled={isBusy}>
              {t(isProposed ? 'close' : 'cancel')}
            </Button>
            {!isProposed && (
              <Button
                type="submit"
                {...(isDangerous && { color: 'red' })}
                loading={isBusy}
                disabled={mustType !== undefined && typed !== mustType}
              >
                {action}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
