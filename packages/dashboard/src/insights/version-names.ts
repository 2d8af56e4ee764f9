import { OTHER_VERSIONS, UNKNOWN_VERSION } from '@hotpatch/api'
import { useTranslation } from 'react-i18next'

/** Such as "1.2.0", or what stands for it. */
export function useVersionNames(): (version: string | null) => string {
  const { t } = useTranslation('insights')
  return (version) => {
    if (version === null) return t('embedded')
    if (version === OTHER_VERSIONS) return t('others')
    return version === UNKNOWN_VERSION ? t('unknown') : version
  }
}
