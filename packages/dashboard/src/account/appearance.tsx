import { SegmentedControl, Select, Stack, Text, useMantineColorScheme } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { Section } from '../ground/page.tsx'
import { changeLanguage, currentLanguage, LANGUAGES, type Language } from '../ground/texts.ts'

export function Appearance() {
  const { t } = useTranslation('account')
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Section title={t('appearance.title')} about={t('appearance.about')}>
      <Stack gap="md" align="flex-start">
        <Select
          label={t('appearance.language')}
          data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
          value={currentLanguage()}
          onChange={(value) => value !== null && void changeLanguage(value as Language)}
          allowDeselect={false}
        />
        <div>
          <Text fw={500} mb={4} id="theme-label">
            {t('appearance.theme')}
          </Text>
          <SegmentedControl
            aria-labelledby="theme-label"
            data={(['auto', 'light', 'dark'] as const).map((value) => ({
              value,
              label: t(`appearance.themes.${value}`),
            }))}
            value={colorScheme}
            onChange={(value) => setColorScheme(value)}
          />
        </div>
      </Stack>
    </Section>
  )
}
