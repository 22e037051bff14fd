"""Objects of every size: instances, dicts, strings, JSON, big integers, byte buffers."""

import collections
import ctypes
import hashlib
import json
import random
import re


class Node:
    def __init__(self, key, left=None, right=None):
        self.key, self.left, self.right = key, left, right
        self.payload = {"key": key, "text": f"node {key}", "list": list(range(key % 7))}


def insert(root, key):
    if root is None:
        return Node(key)
    node = root
    while True:
        side = "left" if key < node.key else "right"
        child = getattr(node, side)
        if child is None:
            setattr(node, side, Node(key))
            return root
        node = child


def tree(rng, count):
    root = None
    for _ in range(count):
        root = insert(root, rng.randrange(10**9))
    return root


def words(rng, count):
    letters = "abcdefghijklmnopqrstuvwxyz"
    return [
        "".join(rng.choices(letters, k=rng.randrange(1, 12))) for _ in range(count)
    ]


def main():
    rng = random.Random(1)
    digest = hashlib.sha256()
    kept = [tree(rng, 12_000)]

    text = words(rng, 60_000)
    index = collections.defaultdict(list)
    for position, word in enumerate(text):
        index[word[:3]].append((position, word))
    kept.append(index)
    digest.update(repr(sorted(index.items())).encode())

    document = {word: {"length": len(word), "upper": word.upper()} for word in text[:30_000]}
    for _ in range(3):
        document = json.loads(json.dumps(document, sort_keys=True))
    digest.update(json.dumps(document).encode())

    joined = " ".join(text)
    matches = re.findall(r"\b([a-m]+)([n-z]+)\b", joined)
    digest.update(repr(matches).encode())

    number = 1
    for i in range(1, 2_500):
        number *= i
    digest.update(hex(number).encode())

    buffers = collections.deque(maxlen=64)
    for i in range(4_000):
        buffers.append(bytearray(rng.randrange(1, 65_536)))
        buffers[-1][-1] = i & 255
    digest.update(bytes(buffer[-1] for buffer in buffers))

    print(digest.hexdigest(), len(index), len(document), len(matches))
    # One reference too many: alive at exit, where the memory is looked at.
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))


main()
