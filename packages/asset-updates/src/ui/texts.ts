import { textsOf } from '@hotpatch/update-elements'

/** Every sentence that is shown. `{version}`, `{size}` and `{received}` are filled in. */
export interface OTATexts {
  availableTitle: string
  availableBody: string
  availableSize: string
  backTitle: string
  backBody: string
  mandatoryTitle: string
  mandatoryBody: string
  notes: string
  download: string
  later: string
  downloadingTitle: string
  preparing: string
  progress: string
  progressLabel: string
  hide: string
  readyTitle: string
  readyBody: string
  restart: string
  restartYourself: string
  close: string
  failedDownload: string
  failedStorage: string
  failedVerification: string
  failedCheck: string
  retry: string
  applied: string
}

export const OTA_TEXTS: Readonly<Record<'en' | 'es' | 'fr', Readonly<OTATexts>>> = {
  en: {
    availableTitle: 'Update available',
    availableBody: 'Version {version} is there.',
    availableSize: 'The download is {size}.',
    backTitle: 'An update was taken back',
    backBody: 'The app can go back to the version that it was installed with.',
    mandatoryTitle: 'Update required',
    mandatoryBody: 'This version is no longer supported. Version {version} is needed to go on.',
    notes: 'What is new',
    download: 'Update now',
    later: 'Later',
    downloadingTitle: 'Updating to version {version}',
    preparing: 'Preparing…',
    progress: '{received} of {size}',
    progressLabel: 'Downloaded',
    hide: 'Continue in background',
    readyTitle: 'Update ready',
    readyBody: 'Version {version} was downloaded and verified. It runs from the next start on.',
    restart: 'Restart now',
    restartYourself: 'Close the app and open it again to use version {version}.',
    close: 'Close',
    failedDownload: 'Version {version} could not be downloaded. Check your connection and try again.',
    failedStorage: 'There is not enough room for version {version}. Free some and try again.',
    failedVerification: 'What was downloaded of version {version} is not what was published, and is not used.',
    failedCheck: 'It could not be found out whether there is an update.',
    retry: 'Try again',
    applied: 'The app was updated to version {version}.',
  },
  es: {
    availableTitle: 'Actualización disponible',
    availableBody: 'Ya está la versión {version}.',
    availableSize: 'La descarga ocupa {size}.',
    backTitle: 'Se ha retirado una actualización',
    backBody: 'La aplicación puede volver a la versión con la que se instaló.',
    mandatoryTitle: 'Actualización necesaria',
    mandatoryBody: 'Esta versión ya no es compatible. Para continuar hace falta la versión {version}.',
    notes: 'Novedades',
    download: 'Actualizar ahora',
    later: 'Más tarde',
    downloadingTitle: 'Actualizando a la versión {version}',
    preparing: 'Preparando…',
    progress: '{received} de {size}',
    progressLabel: 'Descargado',
    hide: 'Continuar en segundo plano',
    readyTitle: 'Actualización lista',
    readyBody: 'La versión {version} se ha descargado y verificado. Se usará a partir del próximo inicio.',
    restart: 'Reiniciar ahora',
    restartYourself: 'Cierra la aplicación y ábrela de nuevo para usar la versión {version}.',
    close: 'Cerrar',
    failedDownload: 'No se pudo descargar la versión {version}. Comprueba tu conexión e inténtalo de nuevo.',
    failedStorage: 'No hay espacio suficiente para la versión {version}. Libera espacio e inténtalo de nuevo.',
    failedVerification: 'Lo descargado de la versión {version} no es lo que se publicó y no se usará.',
    failedCheck: 'No se pudo comprobar si hay una actualización.',
    retry: 'Reintentar',
    applied: 'La aplicación se ha actualizado a la versión {version}.',
  },
  fr: {
    availableTitle: 'Mise à jour disponible',
    availableBody: 'La version {version} est là.',
    availableSize: 'Le téléchargement fait {size}.',
    backTitle: 'Une mise à jour a été retirée',
    backBody: 'L’application peut revenir à la version avec laquelle elle a été installée.',
    mandatoryTitle: 'Mise à jour requise',
    mandatoryBody: 'Cette version n’est plus prise en charge. Il faut la version {version} pour continuer.',
    notes: 'Nouveautés',
    download: 'Mettre à jour',
    later: 'Plus tard',
    downloadingTitle: 'Mise à jour vers la version {version}',
    preparing: 'Préparation…',
    progress: '{received} sur {size}',
    progressLabel: 'Téléchargé',
    hide: 'Continuer en arrière-plan',
    readyTitle: 'Mise à jour prête',
    readyBody: 'La version {version} a été téléchargée et vérifiée. Elle sera utilisée au prochain démarrage.',
    restart: 'Redémarrer',
    restartYourself: 'Fermez l’application et rouvrez-la pour utiliser la version {version}.',
    close: 'Fermer',
    failedDownload: 'La version {version} n’a pas pu être téléchargée. Vérifiez votre connexion et réessayez.',
    failedStorage: 'Il n’y a pas assez de place pour la version {version}. Libérez-en et réessayez.',
    failedVerification:
      'Ce qui a été téléchargé de la version {version} n’est pas ce qui a été publié, et ne sera pas utilisé.',
    failedCheck: 'Impossible de savoir s’il y a une mise à jour.',
    retry: 'Réessayer',
    applied: 'L’application a été mise à jour vers la version {version}.',
  },
}

/** English for languages that are not there. `own` replaces single sentences. */
export function otaTextsFor(locale: string | undefined, own: Partial<OTATexts> = {}): OTATexts {
  return textsOf(OTA_TEXTS, locale, own)
}
