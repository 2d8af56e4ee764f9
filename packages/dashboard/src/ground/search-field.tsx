import { TextInput, type TextInputProps } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { useEffect, useState } from 'react'

const TYPING_MS = 300

interface SearchFieldProps extends Omit<TextInputProps, 'value' | 'onChange' | 'type' | 'leftSection'> {
  /** What is searched for now, such as what the address says. */
  value?: string | undefined
  /** Told once somebody has stopped typing: undefined, when nothing is left. */
  onChange: (text: string | undefined) => void
}

/** Searches while somebody types, and shows what the address says when that is another one. */
export function SearchField({ value = '', onChange, ...props }: SearchFieldProps) {
  const [typed, setTyped] = useState(value)
  // A blank at the end is typed, and not searched for.
  useEffect(() => setTyped((now) => (now.trim() === value ? now : value)), [value])
  const tell = useDebouncedCallback((text: string) => onChange(text === '' ? undefined : text), TYPING_MS)
  return (
    <TextInput
      {...props}
      type="search"
      leftSection={<IconSearch size={16} aria-hidden />}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        tell(event.currentTarget.value.trim())
      }}
    />
  )
}
