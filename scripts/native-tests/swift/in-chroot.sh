#!/bin/sh
# in-chroot.sh CHROOT CHECKOUT BUILD COMMAND…: runs it with the checkout, which it cannot write, at /checkout, and a folder
# that is kept at /build. Mounts and processes are in namespaces of their own: when this ends, however, both are gone.
set -eu
export ROOT=$1 CHECKOUT=$2 BUILD=$3
shift 3
mkdir -p "$BUILD"
# Two that build the same take turns.
exec 9> "$BUILD.lock"
flock -w 1500 9
exec unshare --mount --propagation private --pid --fork --kill-child sh -eu -c '
  mount --rbind /dev "$ROOT/dev"
  mount -t proc proc "$ROOT/proc"
  # What tests leave there ends with them, and the locks of SwiftPM, which it names by folders, are those of one build.
  mount -t tmpfs -o size=2g,mode=1777 tmpfs "$ROOT/tmp"
  mount --bind "$CHECKOUT" "$ROOT/checkout"
  mount -o remount,bind,ro "$ROOT/checkout"
  mount --bind "$BUILD" "$ROOT/build"
  root=$ROOT
  unset ROOT CHECKOUT BUILD
  exec chroot "$root" "$@"
' sh "$@"
