"""A world of its own for the zygote: a root without anything but Python's library, no network, no other process.

Root makes the namespaces itself and its candidates get a user id of their own; anybody else starts with a user namespace.
"""

import os
from collections.abc import Sequence
from pathlib import Path

from seodang.scoring.sandbox import linux

SCRATCH = "/scratch"
INSIDE = 1000  # user and group id inside a user namespace
_NOBODY = 65534
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
_OTHER_PACKAGES = ("site-packages", "dist-packages")
_APART = (
    linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWCGROUP
)  # fmt: skip


def enter_user_namespace() -> None:
    """A user namespace in which this user is `INSIDE` and holds every capability. OSError where the system refuses it."""
    user, group = os.geteuid(), os.getegid()
    linux.unshare(linux.CLONE_NEWUSER)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{INSIDE} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{INSIDE} {group} 1")


def shut_in(library: Sequence[str], base: str) -> None:
    """Leaves for new namespaces and an empty, read-only root that holds the folders of `library`, under their own paths.

    `base` is an empty folder, in whose place the new root is built; it stays empty outside. Children of this process are in a new
    process namespace; it itself is not. OSError where the system refuses a step.
    """
    linux.unshare(_APART)
    linux.mount("none", "/", flags=linux.MS_REC | linux.MS_PRIVATE)
    linux.mount("tmpfs", base, "tmpfs", linux.MS_NOSUID, "mode=0755,size=1m")
    Path(base, "old").mkdir()
    linux.pivot_root(base, f"{base}/old")
    os.chdir("/")
    for folder in library:
        Path(folder).mkdir(parents=True, exist_ok=True)
        linux.mount(f"/old{folder}", folder, flags=linux.MS_BIND | linux.MS_REC)
        for packages in filter(os.path.isdir, (f"{folder}/{name}" for name in _OTHER_PACKAGES)):
            linux.mount("tmpfs", packages, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, "mode=0755,size=4k")
        linux.make_read_only(folder)
    Path("/dev").mkdir()
    for device in filter(os.path.exists, (f"/old{device}" for device in _DEVICES)):
        Path(device.removeprefix("/old")).touch()
        linux.mount(device, device.removeprefix("/old"), flags=linux.MS_BIND)
    Path(SCRATCH).mkdir()
    linux.unmount("/old")
    Path("/old").rmdir()
    linux.mount("none", "/", flags=linux.MS_REMOUNT | linux.MS_BIND | linux.MS_RDONLY | linux.MS_NOSUID)


def own_scratch(size_bytes: int, files: int, owner: int) -> None:
    """A new, empty scratch folder in memory for this process and its children, who form a new process namespace."""
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWPID)
    options = f"mode=0700,uid={owner},gid={owner},size={size_bytes},nr_inodes={files}"
    linux.mount("tmpfs", SCRATCH, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV | linux.MS_NOEXEC, options)


def become(owner: int) -> None:
    """Gives up root for the user `owner`, and for nobody where a container does not know that id."""
    os.setgroups([])
    try:
        os.setresgid(owner, owner, owner)
        os.setresuid(owner, owner, owner)
    except OSError:
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
