"""The user a server runs as where it refuses to be root. What the server does lives elsewhere.

PostgreSQL will not run as root. As `nobody` it could neither enter a checkout below /root nor read a virtual
environment there, so it keeps one capability of root's: to read and search any folder (never to write).
"""

import ctypes
import os
import pwd
from dataclasses import dataclass
from pathlib import Path

CAP_DAC_READ_SEARCH = 2  # Source: capabilities(7)
PR_SET_KEEPCAPS = 8  # Source: prctl(2)
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
_CAPABILITY_VERSION_3 = 0x20080522  # Source: linux/capability.h

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Account:
    """A user and group of this machine."""

    uid: int
    gid: int

    def become(self) -> None:
        """Turn the calling process (a fresh fork) into this user's."""
        keeps_capabilities = hasattr(_libc, "prctl") and hasattr(_libc, "capset")
        if keeps_capabilities:
            _libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(self.gid)
        os.setuid(self.uid)
        if keeps_capabilities:
            _keep_only(CAP_DAC_READ_SEARCH)

    def own(self, folder: Path) -> None:
        """Give the folder, which must exist, to this user."""
        os.chown(folder, self.uid, self.gid)


def unprivileged() -> Account | None:
    """The account for servers that refuse root: `nobody` for root, nothing to change for anybody else."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid)


def _keep_only(capability: int) -> None:
    """Drop all capabilities but one, and let that one pass through exec. Where it is not ours, nothing is
    kept.
    """
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    bit = 1 << capability
    sets = (ctypes.c_uint32 * 6)(
        bit, bit, bit, 0, 0, 0
    )  # effective, permitted, inheritable; low half, high half
    if _libc.capset(header, sets) == 0:
        _libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0)
