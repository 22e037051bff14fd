"""Which library a program's allocation functions really come from: preloading is silently ignored
by static programs, and a program may bring a malloc of its own. The dynamic linker itself says."""
import re
import tempfile
from pathlib import Path

from lab.launch import BenchmarkFailed

FUNCTIONS = {"malloc", "free", "calloc", "realloc", "aligned_alloc", "memalign", "posix_memalign",
             "malloc_usable_size"}
BINDING = re.compile(r"binding file (\S+) \[\d+\] to (\S+) \[\d+\]: normal symbol `(\w+)'")


def bindings(text, allocator):
    """{(function, library)}: whose functions one process calls, by what the linker wrote. The
    allocator itself may take what it likes from libc. A program that uses the address of a function
    lends the others its own jump to it: then what counts is where that jump leads."""
    found = [(user, library, function) for user, library, function in BINDING.findall(text)
             if function in FUNCTIONS and not (allocator.libraries and serves(allocator, user))]
    jumps = {(user, function) for user, library, function in found if user != library}
    return {(function, library) for _, library, function in found
            if serves(allocator, library) or (library, function) not in jumps}


def serves(allocator, library):
    if not allocator.libraries:
        return Path(library).name.startswith("libc.so")
    return Path(library).resolve() in {own.resolve() for own in allocator.libraries}


def check(point, allocator):
    """Runs the point once, which warms it up as well, and returns its row. Raises BenchmarkFailed
    when a process of it takes an allocation function from elsewhere."""
    # What the command leaves running may still write there.
    with tempfile.TemporaryDirectory(prefix="eddy-origin-",
                                     ignore_cleanup_errors=True) as folder:
        row = point.run(allocator, more_environment={
            "LD_DEBUG": "bindings", "LD_DEBUG_OUTPUT": f"{folder}/process"})
        found = set().union(*(bindings(path.read_text(errors="replace"), allocator)
                              for path in Path(folder).iterdir()))
    if "malloc" not in {function for function, _ in found}:
        raise BenchmarkFailed(f"{point}: no process asks the dynamic linker for malloc; a static "
                              "program cannot be preloaded")
    for function, library in sorted(found):
        if not serves(allocator, library):
            raise BenchmarkFailed(f"{point} on {allocator.name}: {function} comes from {library}")
    return row
