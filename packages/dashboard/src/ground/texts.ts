import i18next from 'i18next'
import { initReactI18next } from 'react-i18next'

/** Each in its own name for itself. */
export const LANGUAGES = { en: 'English', es: 'Español', fr: 'Français' } as const
export type Language = keyof typeof LANGUAGES

const LOADERS: Record<Language, () => Promise<{ default: Record<string, object> }>> = {
  en: () => import('../texts/en.ts'),
  es: () => import('../texts/es.ts'),
  fr: () => import('../texts/fr.ts'),
}

const KEPT_AS = 'hotpatch-language'

/** Reads the texts of the chosen language, or of the browser's, before anything is shown. */
export async function startTexts(): Promise<void> {
  const language = chosenLanguage()
  await i18next.use(initReactI18next).init({
    lng: language,
    resources: { [language]: (await LOADERS[language]()).default },
    interpolation: { escapeValue: false },
    returnNull: false,
  })
  document.documentElement.lang = language
}

export async function changeLanguage(language: Language): Promise<void> {
  const texts = await LOADERS[language]()
  for (const [namespace, bundle] of Object.entries(texts.default))
    i18next.addResourceBundle(language, namespace, bundle)
  await i18next.changeLanguage(language)
  document.documentElement.lang = language
  localStorage.setItem(KEPT_AS, language)
}

export function currentLanguage(): Language {
  return isLanguage(i18next.language) ? i18next.language : 'en'
}

function chosenLanguage(): Language {
  const wished = [localStorage.getItem(KEPT_AS), ...navigator.languages.map((tag) => tag.split('-')[0])]
  return wished.find(isLanguage) ?? 'en'
}

function isLanguage(text: string | null | undefined): text is Language {
  return text !== null && text !== undefined && Object.hasOwn(LANGUAGES, text)
}
