#!/bin/sh
# make-chroot.sh FOLDER SUITE PACKAGE…: a Debian with Swift in FOLDER, once. Whoever comes second waits for the first, and
# what was only half made has another name. Mounts are in a namespace of their own, which ends with this: none is left.
set -eu
folder=$1 suite=$2
shift 2

mkdir -p "$(dirname "$folder")"
exec 9> "$folder.lock"
flock -w 1500 9
[ ! -d "$folder" ] || exit 0

making=$folder.making
rm -rf --one-file-system "$making"
debootstrap --variant=minbase "$suite" "$making"
cp /etc/resolv.conf "$making/etc/resolv.conf"
unshare --mount --propagation private sh -eu -c '
  mount --rbind /dev "$0/dev"
  mount -t proc proc "$0/proc"
  export DEBIAN_FRONTEND=noninteractive
  chroot "$0" apt-get update -q
  chroot "$0" apt-get install -q -y --no-install-recommends "$@"
  chroot "$0" apt-get clean
' "$making" "$@"
mkdir "$making/checkout" "$making/build"
mv "$making" "$folder"
