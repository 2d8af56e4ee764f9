import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { ProblemPanel } from '../ground/problem-panel.tsx'
import { PasswordInput } from '../ground/password-input.tsx'

/** Asks for the password before what a session that somebody else has got must not be enough for. */
export function PasswordAgain({
  opened,
  onClose,
  title,
  action,
  isDangerous = false,
  children,
  onPassword,
}: {
  opened: boolean
  onClose: () => void
  title: string
  action: string
  isDangerous?: boolean
  children?: ReactNode
  /** What it throws is shown, and the dialog stays. */
  onPassword: (password: string) => Promise<unknown>
}) {
  const { t } = useTranslation('account')
  const ground = useTranslation('ground').t
  const [password, setPassword] = useState('')
  const [error, setError] = useState<unknown>()
  const [isBusy, setIsBusy] = useState(false)

  function close() {
    setPassword('')
    setError(undefined)
    onClose()
  }

  async function submit() {
    setIsBusy(true)
    setError(undefined)
    try {
      await onPassword(password)
      close()
    } catch (caught) {
      setError(caught)
    } finally {
      setIsBusy(false)
    }
  }

  return (
    <Modal opened={opened} onClose={close} title={title} centered closeButtonProps={{ 'aria-label': ground('close') }}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
      >
        <Stack gap="md">
          {children && <Text component="div">{children}</Text>}
          <PasswordInput
            label={t('again.label')}
            description={t('again.about')}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
            autoComplete="current-password"
            data-autofocus
            required
            withAsterisk={false}
          />
          <ProblemPanel error={error} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={close}>
              {ground('cancel')}
            </Button>
            <Button type="submit" loading={isBusy} {...(isDangerous && { color: 'red' })}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
