"""Builds of this repository, made by the drivers themselves."""
import os
import shlex
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from lab.allocators import ROOT


def call(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                            check=False)
    if result.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")


def build(source, folder, target, *settings):
    call("cmake", "-S", source, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", *settings)
    call("cmake", "--build", folder, "--parallel", os.cpu_count(), "--target", target)
    return folder


@contextmanager
def sources(name, folder):
    """The working tree for `.`, else a copy of what git has under that name."""
    if name == ".":
        yield ROOT
        return
    call("git", "-C", ROOT, "worktree", "add", "--detach", folder, name)
    try:
        yield folder
    finally:
        call("git", "-C", ROOT, "worktree", "remove", "--force", folder)


def revision(name, folder):
    """The library of a revision, built below the folder."""
    folder = Path(folder)
    with sources(name, folder / "source") as source:
        build(source, folder / "build", "eddy", "-DEDDY_BUILD_TESTS=OFF")
    return folder / "build" / "libeddy.so"
