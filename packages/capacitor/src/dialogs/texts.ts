/** Every sentence that is shown; `{version}`, `{minimum}` and `{installed}` are filled in. */
export interface Texts {
  updateTitle: string
  updateBody: string
  downgradeBody: string
  reload: string
  later: string
  switching: string
  failed: string
  nativeTitle: string
  nativeBody: string
  openStore: string
  close: string
}

export const TEXTS: Readonly<Record<'en' | 'es' | 'fr', Texts>> = {
  en: {
    updateTitle: 'Update available',
    updateBody: 'Version {version} is ready. Reload now to use it.',
    downgradeBody: 'Your server runs version {version}. Reload now to use the same one.',
    reload: 'Reload now',
    later: 'Later',
    switching: 'Reloading…',
    failed: 'The update could not be applied. Please try again.',
    nativeTitle: 'App update required',
    nativeBody:
      'Your server needs version {minimum} of this app or newer. You have {installed}. Please update the app.',
    openStore: 'Update the app',
    close: 'Close',
  },
  es: {
    updateTitle: 'Actualización disponible',
    updateBody: 'La versión {version} está lista. Recarga ahora para usarla.',
    downgradeBody: 'Tu servidor usa la versión {version}. Recarga ahora para usar la misma.',
    reload: 'Recargar ahora',
    later: 'Más tarde',
    switching: 'Recargando…',
    failed: 'No se pudo aplicar la actualización. Inténtalo de nuevo.',
    nativeTitle: 'Es necesario actualizar la app',
    nativeBody:
      'Tu servidor necesita la versión {minimum} de esta app o una más reciente. Tienes la {installed}. Actualiza la app.',
    openStore: 'Actualizar la app',
    close: 'Cerrar',
  },
  fr: {
    updateTitle: 'Mise à jour disponible',
    updateBody: 'La version {version} est prête. Rechargez maintenant pour l’utiliser.',
    downgradeBody: 'Votre serveur utilise la version {version}. Rechargez maintenant pour utiliser la même.',
    reload: 'Recharger maintenant',
    later: 'Plus tard',
    switching: 'Rechargement…',
    failed: 'La mise à jour n’a pas pu être appliquée. Veuillez réessayer.',
    nativeTitle: 'Mise à jour de l’application requise',
    nativeBody:
      'Votre serveur demande la version {minimum} de cette application ou une plus récente. Vous avez la {installed}. Veuillez mettre l’application à jour.',
    openStore: 'Mettre à jour l’application',
    close: 'Fermer',
  },
}

/** English for languages that are not there. `own` replaces single sentences. */
export function textsFor(locale: string | undefined, own: Partial<Texts> = {}): Texts {
  const language = (locale ?? '').toLowerCase().split(/[-_]/)[0] ?? ''
  const known = language === 'es' || language === 'fr' ? TEXTS[language] : TEXTS.en
  return { ...known, ...own }
}
