"""Builds of this repository, made by the drivers themselves."""
import os
import shlex
import subprocess
import sys


def call(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                            check=False)
    if result.returncode != 0:
        sys.exit(f"{shlex.join(map(str, command))} failed:\n{result.stdout}{result.stderr}")


def build(source, folder, target, *settings):
    call("cmake", "-S", source, "-B", folder, "-DCMAKE_BUILD_TYPE=Release", *settings)
    call("cmake", "--build", folder, "--parallel", os.cpu_count(), "--target", target)
    return folder
