/** A package.json of packages/ as it is published: its entries lead to what was compiled, and what is ours alone is left out. */
export function publishedManifest(manifest, { directory, repository }) {
  const { private: _, devDependencies: _development, scripts: _scripts, main, exports, ...rest } = manifest
  return {
    ...rest,
    // For bundlers that do not read `exports`: Metro's before React Native 0.79.
    ...(main && { main: compiledEntry(main).default, types: compiledEntry(main).types }),
    ...(repository && whereabouts(repository, directory)),
    ...(exports && { exports: publishedExports(exports) }),
  }
}

/** Where the repository is that packages are published from, which they say only when they are told: a fork has another. */
export function readRepository({ HOTPATCH_REPOSITORY: address }) {
  if (!address) return undefined
  const url = URL.canParse(address) ? new URL(address) : undefined
  const isPlain = url?.protocol === 'https:' && !url.username && !url.password && !url.search && !url.hash
  // The value is not repeated: an address copied from a clone may have a token in it.
  if (!isPlain || url.pathname === '/') {
    throw new Error(
      'HOTPATCH_REPOSITORY: expected the https address of the repository, without a user, a query or a fragment, ' +
        'such as https://host/owner/name. Set it so, or leave it out to build packages that name no repository.',
    )
  }
  return url.href.replace(/\/$/, '').replace(/\.git$/, '')
}

function whereabouts(repository, directory) {
  return {
    homepage: `${repository}#readme`,
    bugs: { url: `${repository}/issues` },
    repository: { type: 'git', url: `git+${repository}.git`, directory },
  }
}

function publishedExports(exports) {
  const entries = Object.entries(typeof exports === 'string' ? { '.': exports } : exports)
  const published = entries
    .filter(([, path]) => !/^\.\/src\/testing[/.]/.test(path))
    .map(([name, path]) => [name, compiledEntry(path)])
  return { ...Object.fromEntries(published), './package.json': './package.json' }
}

/** `types` first: conditions are tried in order. */
function compiledEntry(source) {
  // For what looks for a file of that name, in JavaScript.
  if (!source.endsWith('.ts')) return source
  const path = source.replace(/^\.\/src\//, './dist/').replace(/\.ts$/, '')
  return { types: `${path}.d.ts`, default: `${path}.js` }
}
