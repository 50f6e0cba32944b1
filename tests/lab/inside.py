# Copyright: (c) mailops.smtp contributors
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a program can do that runs in Mailpit's place, in its unit: tried one by one, the answers as JSON in the file that is named."""

from __future__ import annotations

import ctypes
import json
import mmap
import os
import socket
import sys


def tried(action):
    """What came of it: "done", or the error's name."""
    try:
        action()
    except OSError as error:
        return os.strerror(error.errno or 0) if error.errno else str(error)
    except Exception as error:  # whatever it is, it was not done
        return type(error).__name__
    return "done"


def system(name, *arguments):
    """A function of the C library that gives -1 when it was refused."""
    libc = ctypes.CDLL(None, use_errno=True)

    def call():
        if getattr(libc, name)(*arguments) == -1:
            raise OSError(ctypes.get_errno(), name)

    return call


def write(path):
    """Write a new file."""

    def call():
        with open(path, "w", encoding="ascii") as file:
            file.write("x")

    return call


def read(path):
    """Read a file's first byte."""

    def call():
        with open(path, "rb") as file:
            file.read(1)

    return call


def main():
    """All that an intruder would try first."""
    results = {
        "write data": tried(write("/var/lib/mailpit/inside")),
        "read accounts": tried(read("/etc/mailpit/smtp.passwd")),
        "read ca key": tried(read("/etc/mailpit/ca/ca.key")),
        "read shadow": tried(read("/etc/shadow")),
        "list root": tried(lambda: os.listdir("/root")),
        "see homes": tried(lambda: os.stat(os.path.join("/home", "secret"))),
        "see tmp of others": tried(read("/tmp/of-others")),
        "disk": tried(lambda: os.open("/dev/kmsg", os.O_RDONLY)),
        "processes of others": "seen"
        if [pid for pid in os.listdir("/proc") if pid.isdigit() and os.stat("/proc/" + pid).st_uid != os.getuid()]
        else "none",
        "other user": tried(lambda: os.setuid(0)),
        "unix socket": tried(lambda: socket.socket(socket.AF_UNIX)),
        "netlink": tried(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)),
        "packets": tried(lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW)),
        "tcp": tried(lambda: socket.socket(socket.AF_INET6)),
        "code of its own": tried(lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)),
        "namespace": tried(system("unshare", 0x10000000)),
        "mount": tried(system("mount", b"none", b"/mnt", b"tmpfs", 0, None)),
        "host name": tried(system("sethostname", b"x", 1)),
        "clock": tried(system("clock_settime", 0, ctypes.byref((ctypes.c_long * 2)(0, 0)))),
        "chroot": tried(lambda: os.chroot("/tmp")),
        "set-uid file": tried(lambda: os.chmod("/var/lib/mailpit/inside", 0o4755)),
        "trace": tried(system("ptrace", 16, 1, None, None)),
        "capabilities": next(
            line.split()[1] for line in open("/proc/self/status", encoding="ascii") if line.startswith("CapEff")
        ),
        "mask of new files": oct(os.stat("/var/lib/mailpit/inside").st_mode & 0o777),
    }
    for path in (
        "/etc/x",
        "/etc/mailpit/x",
        "/opt/mailpit/x",
        "/usr/x",
        "/var/lib/x",
        "/var/tmp/../lib/x",
        "/run/x",
        "/boot/x",
        "/proc/sys/kernel/hostname",
    ):
        results["write " + path] = tried(write(path))
    os.unlink("/var/lib/mailpit/inside")
    with open(sys.argv[1], "w", encoding="ascii") as file:
        json.dump(results, file)


main()
