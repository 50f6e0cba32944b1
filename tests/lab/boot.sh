#!/bin/bash
# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# First process of a managed host: an overlay over a tree becomes its root, then that tree's sshd runs in the foreground.
# Started in fresh mount, uts, ipc and process namespaces. usage: boot.sh NAME TREE RUN [INTERPRETERS]
set -eu
[ $$ = 1 ] || { echo "boot.sh is started by the lab, as first process of a namespace" >&2; exit 1; }
name=$1 tree=$2 run=$3 lent=${4:-}

mount --make-rprivate /
mkdir -p "$run/host/$name" && cd "$run/host/$name"
mount -t tmpfs -o size=512m,mode=755 tmpfs .
cd "$run/host/$name"
mkdir upper work root
mount -t overlay overlay -o "lowerdir=$tree,upperdir=upper,workdir=work" root
cd root

mount -t proc proc proc
mount -t tmpfs -o mode=1777 tmpfs tmp
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for device in null zero full random urandom tty; do
    touch dev/$device
    mount --bind /dev/$device dev/$device
done
mkdir dev/pts dev/shm run/sshd
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd

hostname "$name"
echo "$name" > etc/hostname
printf '127.0.0.1 localhost %s\n::1 localhost\n' "$name" > etc/hosts
rm -f etc/resolv.conf
cp "$run/host-resolv.conf" etc/resolv.conf
mkdir -p -m 700 root/.ssh
cp "$run/keys/client.pub" root/.ssh/authorized_keys
chmod 600 root/.ssh/authorized_keys
rm -f etc/ssh/ssh_host_*
cp "$run/keys/host" etc/ssh/lab_host_key
chmod 600 etc/ssh/lab_host_key
if [ -n "$lent" ]; then
    mkdir -p ".$lent"
    mount --bind -o ro "$lent" ".$lent"
fi

mkdir old
pivot_root . old
umount -l /old
rmdir /old
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
exec /usr/sbin/sshd -D -e -f /dev/null -h /etc/ssh/lab_host_key -o UsePAM=no -o UseDNS=no -o PasswordAuthentication=no \
    -o PermitRootLogin=prohibit-password -o MaxStartups=100 -o LogLevel=ERROR
