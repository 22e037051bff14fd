"""Builds of this repository, made by the drivers themselves."""
import os
import shlex
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

from lab.allocators import ROOT


def call(*command, folder=None):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                            check=False, cwd=folder)
    if result.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")
    return result.stdout


def build(source, folder, targets, *settings):
    call("cmake", "-S", source, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", *settings)
    call("cmake", "--build", folder, "--parallel", os.cpu_count(),
         "--target", *targets)
    return folder


def commit(name):
    """What the name stands for; `.` is what the working tree came from, and whether it differs."""
    words = (("describe", "--always", "--dirty") if name == "."
             else ("rev-parse", "--short", "--verify", f"{name}^{{commit}}"))
    return call("git", "-C", ROOT, *words).strip()


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


def edit_sources(source, command):
    """A command that no longer finds what it is to change says nothing of it."""
    call("sh", "-ec", command, folder=source)
    if subprocess.run(["git", "-C", source, "diff", "--quiet"], check=False).returncode == 0:
        sys.exit(f"this changes nothing: {command}")


def revision(name, folder, edit=None):
    """The library of a revision, built below the folder; `edit` is a command of the shell that
    changes the sources first."""
    folder = Path(folder)
    if edit and name == ".":
        sys.exit("only a copy is edited: name a revision, not the working tree")
    with sources(name, folder / "source") as source:
        if edit:
            edit_sources(source, edit)
        build(source, folder / "build", ["eddy"], "-DEDDY_BUILD_TESTS=OFF")
    return folder / "build" / "libeddy.so"
