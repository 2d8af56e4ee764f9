import { REASON_SENTENCES } from '@hotpatch/api'
import { useTranslation } from 'react-i18next'

/**
 * What the server says of a decision, in the language of the page: by its reason. Where the server's sentence has figures,
 * it is told as well, as it is.
 */
export function useSentence(): (reason: string | null, sentence: string) => string {
  const { t, i18n } = useTranslation('explanations')
  return (reason, sentence) => {
    if (reason === null || i18n.language === 'en' || !i18n.exists(`explanations:${reason}`)) return sentence
    const isUsual =
      reason.startsWith('passed-') || sentence === (REASON_SENTENCES as Readonly<Record<string, string>>)[reason]
    return isUsual ? t(reason) : `${t(reason)} (${sentence})`
  }
}
