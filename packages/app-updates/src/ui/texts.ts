import { textsOf } from '@hotpatch/update-elements'

/** Every sentence that is shown. `{version}`, `{size}`, `{received}` and `{date}` are filled in. */
export interface Texts {
  availableTitle: string
  availableBody: string
  mandatoryTitle: string
  mandatoryBody: string
  notes: string
  download: string
  later: string
  downloadingTitle: string
  progress: string
  progressLabel: string
  background: string
  cancel: string
  readyTitle: string
  readyBody: string
  install: string
  handingOver: string
  handedOverTitle: string
  handedOverBody: string
  openAgain: string
  close: string
  failedTitle: string
  failedDownload: string
  failedStorage: string
  failedVerification: string
  failedInstaller: string
  retry: string
  changelogEmpty: string
  published: string
  installed: string
}

export const TEXTS: Readonly<Record<'en' | 'es' | 'fr', Readonly<Texts>>> = {
  en: {
    availableTitle: 'Update available',
    availableBody: 'Version {version} can be installed. The download is {size}.',
    mandatoryTitle: 'Update required',
    mandatoryBody: 'This version is no longer supported. Install version {version} to go on. The download is {size}.',
    notes: 'What is new',
    download: 'Update now',
    later: 'Later',
    downloadingTitle: 'Downloading version {version}',
    progress: '{received} of {size}',
    progressLabel: 'Downloaded',
    background: 'Continue in background',
    cancel: 'Cancel',
    readyTitle: 'Ready to install',
    readyBody: 'Version {version} was downloaded and verified.',
    install: 'Install now',
    handingOver: 'Opening the installer…',
    handedOverTitle: 'Finish the installation',
    handedOverBody: 'Go on in the installer of your system. If it is not there, open it again.',
    openAgain: 'Open again',
    close: 'Close',
    failedTitle: 'The update did not work',
    failedDownload: 'Version {version} could not be downloaded. Check your connection and try again.',
    failedStorage: 'There is not enough room for version {version}. Free {size} and try again.',
    failedVerification: 'What was downloaded is not what was published, and was deleted. Try again later.',
    failedInstaller: 'The installer could not be opened. Try again.',
    retry: 'Try again',
    changelogEmpty: 'No versions yet.',
    published: 'Published on {date}',
    installed: 'Installed',
  },
  es: {
    availableTitle: 'Actualización disponible',
    availableBody: 'Se puede instalar la versión {version}. La descarga ocupa {size}.',
    mandatoryTitle: 'Actualización necesaria',
    mandatoryBody:
      'Esta versión ya no es compatible. Instala la versión {version} para continuar. La descarga ocupa {size}.',
    notes: 'Novedades',
    download: 'Actualizar ahora',
    later: 'Más tarde',
    downloadingTitle: 'Descargando la versión {version}',
    progress: '{received} de {size}',
    progressLabel: 'Descargado',
    background: 'Continuar en segundo plano',
    cancel: 'Cancelar',
    readyTitle: 'Lista para instalar',
    readyBody: 'La versión {version} se ha descargado y verificado.',
    install: 'Instalar ahora',
    handingOver: 'Abriendo el instalador…',
    handedOverTitle: 'Termina la instalación',
    handedOverBody: 'Continúa en el instalador de tu sistema. Si no aparece, ábrelo de nuevo.',
    openAgain: 'Abrir de nuevo',
    close: 'Cerrar',
    failedTitle: 'La actualización no ha funcionado',
    failedDownload: 'No se pudo descargar la versión {version}. Comprueba tu conexión e inténtalo de nuevo.',
    failedStorage: 'No hay espacio suficiente para la versión {version}. Libera {size} e inténtalo de nuevo.',
    failedVerification: 'Lo descargado no es lo que se publicó y se ha eliminado. Inténtalo más tarde.',
    failedInstaller: 'No se pudo abrir el instalador. Inténtalo de nuevo.',
    retry: 'Reintentar',
    changelogEmpty: 'Todavía no hay versiones.',
    published: 'Publicada el {date}',
    installed: 'Instalada',
  },
  fr: {
    availableTitle: 'Mise à jour disponible',
    availableBody: 'La version {version} peut être installée. Le téléchargement fait {size}.',
    mandatoryTitle: 'Mise à jour requise',
    mandatoryBody:
      'Cette version n’est plus prise en charge. Installez la version {version} pour continuer. Le téléchargement fait {size}.',
    notes: 'Nouveautés',
    download: 'Mettre à jour',
    later: 'Plus tard',
    downloadingTitle: 'Téléchargement de la version {version}',
    progress: '{received} sur {size}',
    progressLabel: 'Téléchargé',
    background: 'Continuer en arrière-plan',
    cancel: 'Annuler',
    readyTitle: 'Prête à être installée',
    readyBody: 'La version {version} a été téléchargée et vérifiée.',
    install: 'Installer maintenant',
    handingOver: 'Ouverture du programme d’installation…',
    handedOverTitle: 'Terminez l’installation',
    handedOverBody:
      'Continuez dans le programme d’installation de votre système. S’il n’apparaît pas, ouvrez-le à nouveau.',
    openAgain: 'Ouvrir à nouveau',
    close: 'Fermer',
    failedTitle: 'La mise à jour a échoué',
    failedDownload: 'La version {version} n’a pas pu être téléchargée. Vérifiez votre connexion et réessayez.',
    failedStorage: 'Il n’y a pas assez de place pour la version {version}. Libérez {size} et réessayez.',
    failedVerification:
      'Ce qui a été téléchargé n’est pas ce qui a été publié, et a été supprimé. Réessayez plus tard.',
    failedInstaller: 'Le programme d’installation n’a pas pu être ouvert. Réessayez.',
    retry: 'Réessayer',
    changelogEmpty: 'Aucune version pour l’instant.',
    published: 'Publiée le {date}',
    installed: 'Installée',
  },
}

/** English for languages that are not there. `own` replaces single sentences. */
export function textsFor(locale: string | undefined, own: Partial<Texts> = {}): Texts {
  return textsOf(TEXTS, locale, own)
}
