"""How the child that opens a document is kept from everything else.

The rule: before the first byte of a document is looked at, the child has given up all that it does not need, in
the kernel's hands and for good: it can open no file and make no socket (no descriptor is left to it), start no
program and no thread, signal nobody, and outgrow neither its memory nor its time. Each measure stands for itself;
which of them hold is told with every report:

- `limits`: setrlimit: memory, processor time, no core, no file grows. On every POSIX system.
- `descriptors`: no more than those that are open: neither a file nor a socket. On every POSIX system.
- `syscalls`: seccomp: a list of what is allowed, and EPERM for the rest (Linux on x86-64 and arm64).
- `network`: a network namespace with nothing in it (Linux, where the kernel lets us: as root, or by a user namespace).

The child dies with its daemon (`follow_reader`), and gives way to it (priority.py). The kernel's own signal at a parent's death
(PR_SET_PDEATHSIG) is not used: it comes when the thread ends that started the child, and trio's threads end after ten seconds
without work, however well their daemon is. A child that is forked has a parent of one thread, and that signal instead (`lock`).
Source: fcntl(2), F_SETOWN and O_ASYNC; prctl(2), seccomp(2), setrlimit(2), unshare(2); docs/adr/0045-a-document-is-opened-in-a-cell.md.
"""

import ctypes
import fcntl
import os
import platform
import resource
import signal
import struct
import sys
from typing import Final

from comptoir.actors.priority import give_way

__all__ = ["bound", "follow_reader", "leave_network", "lock", "lose_reader"]

NICE: Final = 5
"""A page takes seconds of computing: a third of what the daemon gets, so that it is read in its time on a busy machine, too."""
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_SECCOMP: Final = 22
_SECCOMP_MODE_FILTER: Final = 2
_CLONE_NEWUSER: Final = 0x10000000
_CLONE_NEWNET: Final = 0x40000000

_LOAD, _JUMP_IF, _RETURN = 0x20, 0x15, 0x06
_NUMBER_AT, _ARCH_AT = 0, 4
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050001, 0x7FFF0000
"""SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ERRNO | EPERM, SECCOMP_RET_ALLOW."""

_X86_64: Final = (0xC000003E, {
    "read": 0, "write": 1, "close": 3, "fstat": 5, "poll": 7, "lseek": 8, "mmap": 9, "mprotect": 10,
    "munmap": 11, "brk": 12, "rt_sigaction": 13, "rt_sigprocmask": 14, "rt_sigreturn": 15,
    "pread64": 17, "writev": 20, "sched_yield": 24, "mremap": 25, "madvise": 28, "nanosleep": 35,
    "getpid": 39, "exit": 60, "uname": 63, "gettimeofday": 96, "getrusage": 98, "sysinfo": 99,
    "sigaltstack": 131, "gettid": 186, "futex": 202, "sched_getaffinity": 204, "restart_syscall": 219,
    "clock_gettime": 228, "clock_getres": 229, "clock_nanosleep": 230, "exit_group": 231,
    "set_robust_list": 273, "getrandom": 318, "membarrier": 324, "rseq": 334,
})  # fmt: skip
_AARCH64: Final = (0xC00000B7, {
    "close": 57, "lseek": 62, "read": 63, "write": 64, "writev": 66, "pread64": 67, "ppoll": 73,
    "fstat": 80, "exit": 93, "exit_group": 94, "futex": 98, "set_robust_list": 99, "nanosleep": 101,
    "clock_gettime": 113, "clock_getres": 114, "clock_nanosleep": 115, "sched_getaffinity": 123,
    "sched_yield": 124, "restart_syscall": 128, "sigaltstack": 132, "rt_sigaction": 134,
    "rt_sigprocmask": 135, "rt_sigreturn": 139, "uname": 160, "getrusage": 165, "gettimeofday": 169,
    "getpid": 172, "gettid": 178, "sysinfo": 179, "brk": 214, "munmap": 215, "mremap": 216,
    "mmap": 222, "mprotect": 226, "madvise": 233, "getrandom": 278, "membarrier": 283, "rseq": 293,
})  # fmt: skip
_ALLOWED: Final = {"x86_64": _X86_64, "aarch64": _AARCH64}


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def bound(memory_bytes_max: int, cpu_seconds_max: int) -> None:
    """Bound what this process may take; called before anything large is loaded."""
    give_way(nice=NICE)
    limits = {
        resource.RLIMIT_AS: memory_bytes_max,
        resource.RLIMIT_CPU: cpu_seconds_max,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    for limit, most in limits.items():
        _, hard = resource.getrlimit(limit)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # At the soft bound of time there is SIGXCPU, which says why; at the hard one, SIGKILL, which does not.
        free = hard == resource.RLIM_INFINITY or least < hard
        last = least + 1 if limit == resource.RLIMIT_CPU and free else least
        resource.setrlimit(limit, (least, last))


def follow_reader() -> None:
    """End when nobody is there any more to read standard output, a pipe: SIGIO comes then, and ends this program.

    It comes as well with each part that is read, and with each look for one: whoever writes says `lose_reader` before, and
    whoever reads waits until there is something.
    """
    if platform.system() != "Linux":
        return
    output = sys.stdout.fileno()
    fcntl.fcntl(output, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(output, fcntl.F_SETFL, fcntl.fcntl(output, fcntl.F_GETFL) | os.O_ASYNC)


def lose_reader() -> None:
    """From here on a reader that goes is an error of writing, and no signal."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)


def lock(parent: int | None = None) -> tuple[str, ...]:
    """Give up everything else; what is needed of files has been loaded.

    Args:
        parent: a program of one thread, with which this one ends (Linux).

    Returns:
        What holds.
    """
    held = ["limits"]
    if leave_network():
        held.append("network")
    if parent is not None:  # after the network: the kernel may forget it where credentials change
        _end_with(parent)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))
    held.append("descriptors")
    if _filter_syscalls():
        held.append("syscalls")
    return tuple(held)


def _end_with(parent: int) -> None:
    if platform.system() != "Linux":
        return
    _libc().prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:  # it went before it was said
        os._exit(1)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def leave_network() -> bool:
    """Be where there is no network, if the kernel lets us: whether it did."""
    if platform.system() != "Linux":
        return False
    unshare = _libc().unshare
    return any(unshare(flags) == 0 for flags in (_CLONE_NEWNET, _CLONE_NEWUSER | _CLONE_NEWNET))


def _filter_syscalls() -> bool:
    if platform.system() != "Linux" or platform.machine() not in _ALLOWED:
        return False
    arch, allowed = _ALLOWED[platform.machine()]
    numbers = sorted(allowed.values())
    steps = [(_LOAD, 0, 0, _ARCH_AT), (_JUMP_IF, 1, 0, arch), (_RETURN, 0, 0, _KILL)]
    steps.append((_LOAD, 0, 0, _NUMBER_AT))
    for left, number in zip(range(len(numbers), 0, -1), numbers, strict=True):
        steps.append((_JUMP_IF, left, 0, number))
    steps += [(_RETURN, 0, 0, _REFUSE), (_RETURN, 0, 0, _ALLOW)]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    program = _Program(len(steps), code)
    prctl = _libc().prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    done: int = prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0)
    return done == 0
