import { textsOf } from '@hotpatch/update-elements'

/** Every sentence that is shown. `{release}`, `{version}`, `{duration}`, `{component}`, `{from}` and `{to}` are filled in. */
export interface BannerTexts {
  availableTitle: string
  availableBody: string
  requiredTitle: string
  securityBody: string
  breakingBody: string
  downtime: string
  newerInstaller: string
  details: string
  changes: string
  changed: string
  added: string
  notes: string
  install: string
  later: string
  close: string
}

export const BANNER_TEXTS: Readonly<Record<'en' | 'es' | 'fr', Readonly<BannerTexts>>> = {
  en: {
    availableTitle: 'Update available',
    availableBody: 'Release {release} can be installed.',
    requiredTitle: 'Update required',
    securityBody: 'Release {release} closes a security hole. Install it as soon as you can.',
    breakingBody: 'Release {release} is needed for everything to go on working. Install it as soon as you can.',
    downtime: 'It needs about {duration} of downtime.',
    newerInstaller: 'Update the installer to version {version} first.',
    details: 'Details',
    changes: 'What changes',
    changed: '{component}: {from} → {to}',
    added: '{component}: {to}, new',
    notes: 'What is new',
    install: 'Open the installer',
    later: 'Remind me in 7 days',
    close: 'Close',
  },
  es: {
    availableTitle: 'Actualización disponible',
    availableBody: 'La versión {release} se puede instalar.',
    requiredTitle: 'Actualización necesaria',
    securityBody: 'La versión {release} corrige un problema de seguridad. Instálela lo antes posible.',
    breakingBody: 'La versión {release} es necesaria para que todo siga funcionando. Instálela lo antes posible.',
    downtime: 'Habrá una interrupción de unos {duration}.',
    newerInstaller: 'Actualice antes el instalador a la versión {version}.',
    details: 'Detalles',
    changes: 'Qué cambia',
    changed: '{component}: {from} → {to}',
    added: '{component}: {to}, nuevo',
    notes: 'Novedades',
    install: 'Abrir el instalador',
    later: 'Recordármelo en 7 días',
    close: 'Cerrar',
  },
  fr: {
    availableTitle: 'Mise à jour disponible',
    availableBody: 'La version {release} peut être installée.',
    requiredTitle: 'Mise à jour requise',
    securityBody: 'La version {release} corrige une faille de sécurité. Installez-la dès que possible.',
    breakingBody:
      'La version {release} est nécessaire pour que tout continue à fonctionner. Installez-la dès que possible.',
    downtime: 'Une interruption d’environ {duration} est à prévoir.',
    newerInstaller: 'Mettez d’abord à jour l’installateur vers la version {version}.',
    details: 'Détails',
    changes: 'Ce qui change',
    changed: '{component} : {from} → {to}',
    added: '{component} : {to}, nouveau',
    notes: 'Nouveautés',
    install: 'Ouvrir l’installateur',
    later: 'Me le rappeler dans 7 jours',
    close: 'Fermer',
  },
}

/** English for languages that are not there. `own` replaces single sentences. */
export function bannerTextsFor(locale: string | undefined, own: Partial<BannerTexts> = {}): BannerTexts {
  return textsOf(BANNER_TEXTS, locale, own)
}
