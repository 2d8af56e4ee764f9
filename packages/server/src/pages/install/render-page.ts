import { androidVersion, type Platform } from '@hotpatch/protocol'
import { encodeQR } from 'qr'
import { Html, markup } from './markup.ts'
import { actionOf, provisioningText, type PageAddresses } from './install-action.ts'
import type { Installable, InstallableFile, Installables } from './installables.ts'
import { notesHtml } from './notes-html.ts'
import { STYLE } from './page-style.ts'
import {
  ANDROID_STEPS,
  ANDROID_VERIFICATION,
  dayOf,
  fileSize,
  FOR_EVERYONE,
  PLATFORM_NAMES,
  SHOWN_PLATFORMS,
} from './page-texts.ts'

export interface ShownPage {
  appName: string
  channel: string
  isDefaultChannel: boolean
  installables: Installables
  addresses: PageAddresses
  visitor: Platform | undefined
  now: number
}

/** All of it is there without a script: what is not for the visitor's own device comes after what is. */
export function renderInstallPage(page: ShownPage): string {
  const { appName, installables, addresses } = page
  const platforms = SHOWN_PLATFORMS.filter((platform) => installables.has(platform))
  const own = platforms.filter((platform) => platform === page.visitor)
  const others = platforms.filter((platform) => platform !== page.visitor)
  const title = `Install ${appName}`
  return document(
    title,
    markup`${heading(page)}
${platforms.length === 0 && markup`<p>There is nothing to install yet.</p>`}
${[...own, ...others].map((platform) => platformSection(page, platform))}
<section aria-labelledby="elsewhere">
<h2 id="elsewhere">On another device</h2>
<p>Point its camera here, or open <a href="${addresses.page}">${addresses.page}</a> there.</p>
${qrCode(addresses.page)}
</section>
${versionsSection(page, platforms)}
<p class="quiet">${FOR_EVERYONE}</p>`,
  )
}

function heading({ appName, channel, isDefaultChannel, installables, addresses }: ShownPage): Html {
  const files = [...installables.values()].flatMap(([newest]) => newest?.files ?? [])
  const icon = files.find(({ iconSha256 }) => iconSha256 !== undefined)?.iconSha256
  return markup`<header>
${icon !== undefined && markup`<img src="${addresses.base}icons/${icon}" alt="" width="96" height="96">`}
<div><h1>${appName}</h1>${!isDefaultChannel && markup`<p class="quiet">Channel ${channel}</p>`}</div>
</header>`
}

function platformSection(page: ShownPage, platform: Platform): Html {
  const [newest] = page.installables.get(platform) ?? []
  if (!newest) return markup``
  const isOwn = platform === page.visitor
  const id = `for-${platform}`
  const applications = newest.files.flatMap(({ application }) => application ?? [])
  const minOs = applications.find(({ minOsVersion }) => minOsVersion !== undefined)?.minOsVersion
  const code = applications.find(({ versionCode }) => versionCode !== undefined)?.versionCode
  return markup`<section aria-labelledby="${id}">
<h2 id="${id}">${PLATFORM_NAMES[platform]}${isOwn && ' (this device)'}</h2>
<dl>
<dt>Version</dt><dd>${newest.version}${code !== undefined && !newest.version.includes('+') && ` (${code})`}</dd>
<dt>Published</dt><dd>${dayOf(newest.publishedAt)}</dd>
${minOs !== undefined && markup`<dt>Needs</dt><dd>${needs(platform, minOs)}</dd>`}
</dl>
${newest.files.map((file) => fileLine(page, newest, file, isOwn))}
${platform === 'android' && newest.files.some(({ isInstallable }) => isInstallable) && androidNotes()}
</section>`
}

function needs(platform: Platform, minOs: string): string {
  if (platform === 'ios') return `iOS ${minOs} or later`
  if (platform !== 'android') return `${PLATFORM_NAMES[platform]} ${minOs} or later`
  const version = androidVersion(minOs)
  return version === minOs ? `Android with API level ${minOs} or later` : `Android ${version} or later`
}

function fileLine(page: ShownPage, version: Installable, file: InstallableFile, isOwn: boolean): Html {
  const action = actionOf(version, file, page)
  const size = fileSize(file.sizeBytes)
  if ('reason' in action) return markup`<p>${file.name} (${size}) ${action.reason}.</p>`
  const forWhom = provisioningText(file)
  return markup`<p><a class="button${!isOwn && ' second'}" href="${action.url}" rel="nofollow">${action.label}</a>
<span class="quiet">${file.name}, ${size}</span></p>
${forWhom !== undefined && markup`<p class="quiet">${forWhom}</p>`}`
}

function androidNotes(): Html {
  return markup`<p class="quiet">${ANDROID_STEPS}</p><p class="note">${ANDROID_VERIFICATION}</p>`
}

/** Of the page, and not of a file: what is scanned on another device is shown for that one. */
function qrCode(url: string): Html {
  const svg = encodeQR(url, 'svg', { border: 2 })
  return markup`<div class="code" role="img" aria-label="QR code of the address of this page">${new Html(svg)}</div>`
}

function versionsSection(page: ShownPage, platforms: readonly Platform[]): Html {
  if (platforms.length === 0) return markup``
  return markup`<section aria-labelledby="versions">
<h2 id="versions">All versions</h2>
${platforms.map(
  (platform) => markup`<h3>${PLATFORM_NAMES[platform]}</h3>
${(page.installables.get(platform) ?? []).map((version) => versionEntry(page, version))}`,
)}
</section>`
}

function versionEntry(page: ShownPage, version: Installable): Html {
  const links = version.files.flatMap((file) => {
    const action = actionOf(version, file, page)
    return 'reason' in action ? [] : [markup`<a href="${action.url}" rel="nofollow">${file.name}</a> `]
  })
  return markup`<div class="version">
<p><strong>${version.version}</strong> <span class="quiet">${dayOf(version.publishedAt)}</span></p>
${version.notes.trim() !== '' && markup`<div class="notes">${new Html(notesHtml(version.notes))}</div>`}
${links.length > 0 && markup`<p class="quiet">${links}</p>`}
</div>`
}

export interface ShownSignIn {
  appName: string
  hasPassword: boolean
  /** What went wrong the last time. */
  fault: string | undefined
  action: string
}

export function renderSignIn({ hasPassword, fault, action }: ShownSignIn): string {
  return document(
    'This page is protected',
    markup`<h1>This page is protected</h1>
${fault !== undefined && markup`<p role="alert">${fault}</p>`}
${
  hasPassword
    ? markup`<form method="post" action="${action}">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required maxlength="200">
<button class="button" type="submit">Continue</button>
</form>`
    : markup`<p>Whoever runs it gives links to it, and this one is over, or is none.</p>`
}`,
  )
}

export function renderNoPage(): string {
  return document('Nothing here', markup`<h1>Nothing here</h1><p>There is no page to install from at this address.</p>`)
}

function document(title: string, body: Html): string {
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<link rel="icon" href="data:,">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
${body}
</main>
</body>
</html>
`.text
}
