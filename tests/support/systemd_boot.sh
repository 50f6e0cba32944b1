#!/bin/sh
# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Becomes a systemd in namespaces of its own, which systemd_host.py has made. The root is this machine's under a layer that
# vanishes with it; nothing of the kernel's settings can be written. $1 is an empty folder to mount on, $2 one that is shared,
# $3 the checkout, which is shown as it is where it would be hidden (below /tmp, say).
set -eu
layer=$1 shared=$2 checkout=$3
mount --make-rprivate /
mount -t tmpfs tmpfs "$layer"
mkdir "$layer/upper" "$layer/work" "$layer/root"
root=$layer/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$layer/upper,workdir=$layer/work" "$root"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount --bind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mkdir -p "$root/$shared"
mount --bind "$shared" "$root/$shared"
if [ ! -e "$root/$checkout" ]; then
    mkdir -p "$root/$checkout"
    mount --bind "$checkout" "$root/$checkout"
fi
ip link set lo up
# Only the journal is started with it: no udev, no mounts, no sysctl.
find "$root/lib/systemd/system/sysinit.target.wants" "$root/lib/systemd/system/sockets.target.wants" -mindepth 1 ! -name 'systemd-journald*' -delete
find "$root/etc/systemd/system" -mindepth 1 -delete
printf '[Unit]\nDefaultDependencies=no\nWants=systemd-journald.service\n' >"$root/etc/systemd/system/mailops-test.target"
# pivot_root, not chroot: in a chroot a service can have no user namespace.
mkdir -p "$root/run/old"
cd "$root"
pivot_root . run/old
umount --lazy /run/old
exec /usr/bin/env -i container=mailops PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=mailops-test.target --log-target=null
