"""An allocator is a library to preload; libc is none."""
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EDDY = ROOT / "build" / "release" / "libeddy.so"

LIBRARY_FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64",
                   "/usr/lib", "/usr/local/lib")
PEERS = {"mimalloc": "libmimalloc.so.2", "jemalloc": "libjemalloc.so.2",
         "tcmalloc": "libtcmalloc_minimal.so.4"}

# The size of the environment moves the stack, and that alone can move a time by some per cent. So
# LD_PRELOAD is equally long for all: the dynamic linker skips empty names.
PRELOAD_LENGTH = 400


@dataclass(frozen=True)
class Allocator:
    name: str
    libraries: tuple[Path, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    def environment(self):
        preload = ":".join(str(library.resolve()) for library in self.libraries)
        return os.environ | dict(self.settings) | {
            "LD_PRELOAD": preload.ljust(PRELOAD_LENGTH, ":"),
            # Lazy binding would run the dynamic linker inside the first round.
            "LD_BIND_NOW": "1",
        }


LIBC = Allocator("libc")


def from_library(path, name=None):
    path = Path(path)
    if not path.is_file():
        raise SystemExit(f"no library {path}")
    return Allocator(name or path.name.split(".")[0].removeprefix("lib"), (path,))


def eddy():
    if not EDDY.is_file():
        raise SystemExit(f"no {EDDY}; build it: ./eddy build")
    return from_library(EDDY)


def find_peers():
    """Those of the well-known allocators that are installed."""
    found = []
    for name, file in PEERS.items():
        paths = [Path(folder, file) for folder in LIBRARY_FOLDERS]
        found += [from_library(path, name) for path in paths if path.is_file()][:1]
    return found


def by_name(name):
    """`libc`, `eddy`, the name of a peer, or NAME=PATH of any other library."""
    if "=" in name:
        return from_library(*reversed(name.split("=", 1)))
    known = {peer.name: peer for peer in find_peers()} | {"libc": LIBC}
    if name == "eddy":
        return eddy()
    if name not in known:
        raise SystemExit(f"no allocator {name}; there are eddy, {', '.join(known)} and NAME=PATH")
    return known[name]
