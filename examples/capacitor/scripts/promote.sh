#!/usr/bin/env bash
# Makes a release of what is checked out:
#
#   all of main:       git switch main && npm run promote 1.2.0
#   one commit of it:  git switch -c release/1.1.1 v1.1.0 && git cherry-pick COMMIT && npm run promote 1.1.1
#
# It raises MIN_NATIVE_VERSION where the shell changed, builds, commits, tags vVERSION, and pushes both at once; then it is
# the turn of CI. When anything fails, everything is as before.
#
# It compares with the newest release below this commit that CI has published (the tag published/vVERSION), so a shell
# whose build failed does not pass for one that people have.
set -euo pipefail

fail() {
  echo "promote: $*" >&2
  exit 1
}

version=${1:-}
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || fail "expected a version such as 1.2.0, found \"$version\""
cd "$(dirname "$0")/.."
branch=$(git symbolic-ref --quiet --short HEAD) || fail 'no branch is checked out; make one: git switch -c NAME'
[ -z "$(git status --porcelain)" ] || fail 'there are changes that are not committed: git status'

# The tags say what was released, also to a clone that has only the newest commits.
if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
  git fetch --quiet --tags --unshallow origin
else
  git fetch --quiet --tags origin
fi
! git rev-parse --quiet --verify "refs/tags/v$version" >/dev/null || fail "v$version is there already"

start=$(git rev-parse HEAD)
undo() {
  local code=$?
  [ "$code" -ne 0 ] || return 0
  git tag --delete "v$version" >/dev/null 2>&1 || true
  git reset --quiet --hard "$start"
  echo "promote: nothing was released; $branch is as it was" >&2
}
trap undo EXIT

PATH="$PWD/node_modules/.bin:$PATH"
previous=$(git tag --merged HEAD --list 'published/v*' --sort version:refname | tail -n 1)
if [ -n "$previous" ]; then
  code=0
  hotpatch native changed --from "$previous" || code=$?
  case $code in
    0) echo 'The apps that people have can run it.' ;;
    10) echo 'It needs a new build of the apps.' ;;
    *) exit "$code" ;;
  esac
  hotpatch native stamp --from "$previous" --version "$version"
else
  echo 'Nothing was published before.'
  hotpatch native stamp --first --version "$version"
fi

npm version "$version" --no-git-tag-version --allow-same-version >/dev/null
${PROMOTE_BUILD:-npm run build}

git add package.json package-lock.json MIN_NATIVE_VERSION
git commit --quiet --allow-empty --message "release: $version"
git tag --annotate "v$version" --message "$version"
git push --quiet --atomic origin "$branch" "v$version"
echo "v$version is on its way."
