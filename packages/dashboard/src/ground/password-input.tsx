import { PasswordInput as PlainPasswordInput, type PasswordInputProps } from '@mantine/core'
import { useTranslation } from 'react-i18next'

/** With its button to show what is typed, which is named in the language of the page. */
export function PasswordInput(props: PasswordInputProps) {
  const { t } = useTranslation('ground')
  return <PlainPasswordInput visibilityToggleButtonProps={{ 'aria-label': t('showPassword') }} {...props} />
}
