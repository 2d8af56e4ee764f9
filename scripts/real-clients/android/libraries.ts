import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './command.ts'
import { exists } from './unpack-package.ts'

/** What clients are compiled and run with, where Maven Central has it. */
export interface Libraries {
  /** Android archives, by themselves. */
  archives?: readonly string[]
  /** By themselves. */
  jars?: readonly string[]
  /** These bring along what they need, but for what is named with them: `group` or `group:artifact`. */
  whole?: Readonly<Record<string, readonly string[]>>
  /** The Android that Robolectric runs, where it does. */
  runtime?: string
}

export const RUNTIME = 'org.robolectric:android-all-instrumented:14-robolectric-10818077-i7'

const ARCHIVES = [
  'androidx.activity:activity:1.7.0',
  'androidx.arch.core:core-runtime:2.2.0',
  'androidx.core:core:1.15.0',
  'androidx.customview:customview:1.0.0',
  'androidx.fragment:fragment:1.5.4',
  'androidx.lifecycle:lifecycle-livedata:2.6.1',
  'androidx.lifecycle:lifecycle-livedata-core:2.6.1',
  'androidx.lifecycle:lifecycle-process:2.6.1',
  'androidx.lifecycle:lifecycle-runtime:2.6.1',
  'androidx.lifecycle:lifecycle-viewmodel:2.6.1',
  'androidx.lifecycle:lifecycle-viewmodel-savedstate:2.6.1',
  'androidx.loader:loader:1.0.0',
  'androidx.savedstate:savedstate:1.2.1',
  'androidx.startup:startup-runtime:1.1.1',
  'androidx.test:monitor:1.8.0',
  'androidx.tracing:tracing:1.0.0',
  'com.google.android.gms:play-services-tasks:18.2.0',
  'com.google.android.play:app-update:2.1.0',
  'com.google.android.play:core-common:2.0.3',
  'org.apache.cordova:framework:14.0.1',
]
const JARS = [
  'androidx.annotation:annotation-jvm:1.9.1',
  'androidx.arch.core:core-common:2.2.0',
  'androidx.collection:collection-jvm:1.4.2',
  'androidx.concurrent:concurrent-futures:1.1.0',
  'androidx.lifecycle:lifecycle-common:2.6.1',
  'com.squareup.okhttp3:okhttp-brotli:5.3.2',
  'com.squareup.okhttp3:okhttp-jvm:5.3.2',
  'com.squareup.okio:okio-jvm:3.16.4',
  'io.github.g00fy2:versioncompare:1.5.0',
  'net.lingala.zip4j:zip4j:2.11.5',
  'org.brotli:dec:0.1.2',
  'org.jetbrains:annotations:24.0.1',
  'org.jetbrains.kotlin:kotlin-stdlib:2.2.21',
  'org.jetbrains.kotlinx:kotlinx-coroutines-core-jvm:1.7.3',
  'org.robolectric:android-all:14-robolectric-10818077',
]
/** Robolectric wants what only Google's own registry has, and does without. */
const TEST = ['androidx.test', 'androidx.test.espresso']

export const CAPACITOR_LIBRARIES: Libraries = {
  archives: ARCHIVES,
  jars: JARS,
  whole: { 'junit:junit:4.13.2': TEST, 'org.robolectric:robolectric:4.16.1': TEST },
  runtime: RUNTIME,
}

/** Has them in the folders `libraries`, `archives` and `runtime`, once; several may ask for it at the same time. */
export async function fetchLibraries(folder: string, libraries: Libraries): Promise<void> {
  const pom = libraryPom(libraries)
  const isFetched = async () => (await readFile(join(folder, 'fetched.xml'), 'utf8').catch(() => '')) === pom
  if (await isFetched()) return
  await mkdir(folder, { recursive: true })
  const fetching = await mkdtemp(join(folder, 'fetching-'))
  try {
    await writeFile(join(fetching, 'pom.xml'), pom)
    await run('mvn', ['-B', '-q', 'process-resources'], fetching)
    // Whoever was quicker has the same.
    if (await isFetched()) return
    for (const name of ['libraries', 'archives', 'runtime']) {
      await rm(join(folder, name), { recursive: true, force: true })
      if (await exists(join(fetching, name))) await rename(join(fetching, name), join(folder, name))
    }
    await writeFile(join(folder, 'fetched.xml'), pom)
  } finally {
    await rm(fetching, { recursive: true, force: true })
  }
}

/** By itself Maven puts no Android archive on a class path, and takes what one names for a plain jar: so each is named. */
function libraryPom({ archives = [], jars = [], whole = {}, runtime }: Libraries): string {
  const alone = [...archives.map((name) => entry(name, { type: 'aar' })), ...jars.map((name) => entry(name, {}))]
  const others = Object.entries(whole).map(([name, without]) => entry(name, { without }))
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>dev.hotpatch</groupId>
  <artifactId>real-clients</artifactId>
  <version>0</version>
  <packaging>pom</packaging>
  <dependencies>${[...alone, ...others].join('\n')}</dependencies>
  <build><plugins><plugin>
    <groupId>org.apache.maven.plugins</groupId>
    <artifactId>maven-dependency-plugin</artifactId>
    <version>3.8.1</version>
    <executions>
      <execution>
        <id>libraries</id><phase>process-resources</phase><goals><goal>copy-dependencies</goal></goals>
        <configuration><outputDirectory>\${project.basedir}/libraries</outputDirectory></configuration>
      </execution>${runtime === undefined ? '' : runtimeExecution(runtime)}
    </executions>
  </plugin></plugins></build>
</project>
`
}

function runtimeExecution(name: string): string {
  return `
      <execution>
        <id>runtime</id><phase>process-resources</phase><goals><goal>copy</goal></goals>
        <configuration>
          <outputDirectory>\${project.basedir}/runtime</outputDirectory>
          <artifactItems><artifactItem>${coordinates(name)}</artifactItem></artifactItems>
        </configuration>
      </execution>`
}

function entry(
  name: string,
  { type = 'jar', without = ['*'] }: { type?: string; without?: readonly string[] },
): string {
  const exclusions = without.map((each) => {
    const [group = '', artifact = '*'] = each.split(':')
    return `<exclusion><groupId>${group}</groupId><artifactId>${artifact}</artifactId></exclusion>`
  })
  return `<dependency>${coordinates(name)}<type>${type}</type><exclusions>${exclusions.join('')}</exclusions></dependency>`
}

/** `group:artifact:version`, and a classifier where there is one. */
function coordinates(name: string): string {
  const [group, artifact, version, classifier] = name.split(':')
  const which = classifier === undefined ? '' : `<classifier>${classifier}</classifier>`
  return `<groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version>${which}`
}
