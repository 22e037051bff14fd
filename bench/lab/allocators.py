"""An allocator is a library to preload; libc is none."""
import contextlib
import enum
import glob
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EDDY = ROOT / "build" / "release" / "libeddy.so"

LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
                   "/usr/lib", "/usr/local/lib")
# clang's own folder, the newest version last.
CLANG_FOLDERS = "/usr/lib/llvm-*/lib/clang/*/lib/linux"


@dataclass(frozen=True)
class Peer:
    file: str
    package: str  # Debian's


PEERS = {
    "mimalloc": Peer("libmimalloc.so.2", "libmimalloc2.0"),
    "jemalloc": Peer("libjemalloc.so.2", "libjemalloc2"),
    "tcmalloc": Peer("libtcmalloc_minimal.so.4", "libtcmalloc-minimal4"),
    "tbbmalloc": Peer("libtbbmalloc_proxy.so.2", "libtbbmalloc2"),
    "scudo": Peer(f"libclang_rt.scudo_standalone-{os.uname().machine}.so", "libclang-rt-dev"),
}

# The size of the environment moves the stack, and that alone can move a time by some per cent. So
# LD_PRELOAD is equally long for all: the dynamic linker skips empty names.
PRELOAD_LENGTH = 400


class Role(enum.Enum):
    SUBJECT = "subject"      # what the others are compared with
    PEER = "peer"
    BEFORE = "before"        # another revision of the subject: not among the best of the peers
    REFERENCE = "reference"  # a lower bound, no allocator for programs


@dataclass(frozen=True)
class Allocator:
    name: str
    libraries: tuple[Path, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    role: Role = Role.PEER
    revision: str = ""  # where it was built of one

    def __post_init__(self):
        for library in self.libraries:
            if set(str(library.resolve())) & set(": \t\n"):
                raise SystemExit(f"cannot preload '{library.resolve()}'; move it to a path without "
                                 "colons and spaces")
        if len(self.preload) > PRELOAD_LENGTH:
            raise SystemExit(f"cannot preload {self.name} like the others: more than "
                             f"{PRELOAD_LENGTH} characters; move it to a shorter path")

    @property
    def preload(self):
        return ":".join(str(library.resolve()) for library in self.libraries)

    def environment(self, base=None):
        return (os.environ if base is None else base) | dict(self.settings) | {
            "LD_PRELOAD": self.preload.ljust(PRELOAD_LENGTH, ":"),
            # Lazy binding would run the dynamic linker inside the first round.
            "LD_BIND_NOW": "1",
        }

    @contextlib.contextmanager
    def copied(self):
        """The same, out of files of its own. Where a library lies in physical memory stays as it is
        while the file is in use, and can make it slower than its very copy: with new files for each
        process that is a matter of luck like the addresses, and no longer of one visit."""
        with tempfile.TemporaryDirectory(prefix="eddy-copy-") as folder:
            yield replace(self, libraries=tuple(
                _copy(library, Path(folder, f"{number}-{library.name}"))
                for number, library in enumerate(self.libraries)))

    @property
    def file(self):
        """The library that serves malloc, symbolic links followed."""
        return self.libraries[0].resolve() if self.libraries else _libc_file()

    def checksum(self):
        return hashlib.sha256(self.file.read_bytes()).hexdigest()

    def version(self):
        """The revision, what the package manager calls it, or the end of the file's name."""
        return (self.revision or debian_package(self.file)
                or self.file.name.partition(".so")[2].lstrip(".") or "unknown")


def _copy(library, path):
    """A library that looks for others beside itself has to stay where it is."""
    content = library.read_bytes()
    if b"$ORIGIN" in content:
        return library
    path.write_bytes(content)
    return path


LIBC = Allocator("libc")


def _libc_file():
    """The one that this very program runs on."""
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = [Path(line.split()[-1]) for line in maps if "/libc" in line and ".so" in line]
    return next(path for path in paths if path.name.startswith(("libc.so", "libc-")))


def debian_package(path):
    """`NAME VERSION` of the package that owns the file, or None."""
    if not shutil.which("dpkg-query"):
        return None
    # Packages of before /usr was merged own /lib/...
    for candidate in (str(path), str(path).removeprefix("/usr")):
        owner = subprocess.run(["dpkg-query", "-S", candidate], capture_output=True, text=True,
                               check=False)
        if owner.returncode == 0:
            name = owner.stdout.split(":")[0]
            return subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}", name],
                                  capture_output=True, text=True, check=True).stdout.split("\n")[0]
    return None


def from_library(path, name=None, role=Role.PEER, revision=""):
    path = Path(path)
    if not path.is_file():
        raise SystemExit(f"no library {path}")
    return Allocator(name or path.name.split(".")[0].removeprefix("lib"), (path,), role=role,
                     revision=revision)


def eddy():
    if not EDDY.is_file():
        raise SystemExit(f"no {EDDY}; build it: ./eddy build")
    return from_library(EDDY)


def find_peers():
    """Those of the well-known allocators that are installed."""
    folders = [*LIBRARY_FOLDERS, *sorted(glob.glob(CLANG_FOLDERS), reverse=True)]
    found = []
    for name, peer in PEERS.items():
        paths = [Path(folder, peer.file) for folder in folders]
        found += [from_library(path, name) for path in paths if path.is_file()][:1]
    return found


def by_name(name):
    """`libc`, `eddy`, the name of a peer, or NAME=PATH of any other library; what stands behind a
    colon is preloaded after it."""
    if "=" in name:
        name, paths = name.split("=", 1)
        libraries = [library for path in paths.split(":")
                     for library in from_library(path).libraries]
        return Allocator(name, tuple(libraries))
    known = {peer.name: peer for peer in find_peers()} | {"libc": LIBC}
    if name == "eddy":
        return eddy()
    if name not in known:
        raise SystemExit(f"no allocator {name}; there are eddy, {', '.join(known)} and NAME=PATH")
    return known[name]
