#!/bin/bash
# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# First process of a managed host: an overlay over a tree becomes its root, then that tree's sshd or systemd takes over.
# Started in fresh mount, uts, ipc, cgroup and process namespaces. usage: boot.sh NAME TREE RUN sshd|systemd [INTERPRETERS]
set -eu
[ $$ = 1 ] || { echo "boot.sh is started by the lab, as first process of a namespace" >&2; exit 1; }
name=$1 tree=$2 run=$3 init=$4 lent=${5:-}

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

# Who runs playbooks need not be root: deploy may become it.
printf 'deploy:x:2000:2000::/srv/deploy:/bin/bash\n' >> etc/passwd
printf 'deploy:x:2000:\n' >> etc/group
printf 'deploy:*:19000:0:99999:7:::\n' >> etc/shadow
echo 'deploy ALL=(ALL) NOPASSWD: ALL' > etc/sudoers.d/deploy
mkdir -p srv/deploy
cp -r root/.ssh srv/deploy/
chown -R 2000:2000 srv/deploy
cat > etc/ssh/lab_config <<'CONFIG'
HostKey /etc/ssh/lab_host_key
UsePAM no
UseDNS no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
LogLevel ERROR
Subsystem sftp internal-sftp
CONFIG
sshd="/usr/sbin/sshd -D -e -f /etc/ssh/lab_config"

if [ "$init" = systemd ]; then
    mount --bind proc/sys proc/sys
    mount -o remount,bind,ro proc/sys
    mount -t sysfs -o ro sysfs sys
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    # The journal and sshd, nothing else: no udev, no mounts, no sysctl.
    find etc/systemd/system -mindepth 1 -delete
    for wants in sysinit sockets multi-user; do
        [ ! -d lib/systemd/system/$wants.target.wants ] || find lib/systemd/system/$wants.target.wants -mindepth 1 ! -name 'systemd-journald*' -delete
    done
    printf '[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=%s\n' "$sshd" > etc/systemd/system/lab-sshd.service
    # What is enabled starts with it, as everywhere.
    printf '[Unit]\nDefaultDependencies=no\nWants=systemd-journald.service lab-sshd.service multi-user.target\n' > etc/systemd/system/lab.target
    set -- env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --system --unit=lab.target --log-target=null
else
    # shellcheck disable=SC2086
    set -- env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 $sshd
fi

mkdir old
pivot_root . old
umount -l /old
rmdir /old
exec "$@"
