import { ANNOUNCEMENT_TYPES } from '@hotpatch/api'
import { Checkbox, Radio, SimpleGrid, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'

/** Of what it is told: of everything, what comes later too, or of some things. */
export function EventsField({
  types,
  onChange,
}: {
  types: readonly string[] | null
  onChange: (types: readonly string[] | null) => void
}) {
  const { t } = useTranslation('webhooks')
  return (
    <Radio.Group
      label={t('events')}
      value={types === null ? 'every' : 'some'}
      onChange={(value) => onChange(value === 'every' ? null : ['guard.tripped', 'rollback'])}
    >
      <Stack gap="xs" mt={4}>
        <Radio value="every" label={t('eventsField.every')} />
        <Radio value="some" label={t('eventsField.some')} />
        {types !== null && (
          <Checkbox.Group aria-label={t('eventsField.some')} value={[...types]} onChange={onChange}>
            <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="xs" pl="lg">
              {ANNOUNCEMENT_TYPES.map((type) => (
                <Checkbox key={type} value={type} label={type} />
              ))}
            </SimpleGrid>
          </Checkbox.Group>
        )}
      </Stack>
    </Radio.Group>
  )
}
