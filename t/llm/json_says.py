# SPDX-License-Identifier: BSD-2-Clause
"""json_says.py PROGRAM SEED COUNT: compares t/llm/scan.c with Python's json.

Documents are generated, and most of them then damaged by a byte or two.
Prints what differs, and how many were of which kind.
"""

import collections
import json
import random
import struct
import subprocess
import sys

from edit_cases import scan

OK, SYNTAX, NO_OBJECT, DUPLICATE, TOO_DEEP = 0, -10, -11, -12, -13
NAMES = ["model", "\U0001f600", ""]
TYPES = {'"': 1, "t": 3, "f": 4, "n": 5, "{": 6, "[": 7}
SCALARS = ["0", "-0", "1.0", "9007199254740993", "-1.5e+10", "1E-2", "0e0",
           "true", "false", "null", '""', '"\\u0000"', '"\\ud800"', '"\\/"',
           '"\\ud83d\\ude00"', '"\u00e9\u4e2d\U0001f600"', '"\\"\\\\"',
           '"0123456789abcdef"', "01", "1.", ".5", "-", "+1", "1e", "tru",
           "nul", "NaN", "Infinity", "'a'", '"\\x"', '"\\u12g4"', '"\t"']
KEYS = ['"model"', '"mod\\u0065l"', '"mode"', '"models"', '"\\u006dodel"',
        '"\U0001f600"', '"\\ud83d\\ude00"', '"\\ud83d\\uDE00"', '""',
        '"\\ud83d"', '"\\ud83d\\ud83d\\ude00"', '"\\ude00"', '"a"', '"b"',
        '"c"', '"Model"', '"MOD\\u0045L"', '"A"', '"\\u0000"', '"model\\u0000"', '"\u00e9"']
DAMAGE = [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\0", b"\x1f",
          b"\x80", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
          b"\xe0\x80\x80", b"\xc3", b"\xf0\x9f", b"0", b"e", b"-", b".", b" ",
          b"\xef\xbb\xbf", b"\x0c", b"\x7f", b"\xed\x9f\xbf"]


def blanks(rand):
    return rand.choice(["", "", "", " ", "\n\t", " \r\n "])


def scalar(rand):
    return rand.choice(SCALARS[:18] if rand.random() < 0.97 else SCALARS)


def value(rand, depth):
    kind = rand.random()
    if depth > 5 or kind < 0.6:
        return scalar(rand)
    if kind < 0.8:
        return "[" + listed(rand, lambda: value(rand, depth + 1)) + "]"
    return document(rand, depth + 1)


def listed(rand, item):
    return blanks(rand) + ",".join(
        blanks(rand) + item() + blanks(rand)
        for _ in range(rand.choice([0, 1, 1, 2, 3, 4])))


def document(rand, depth=0):
    return "{" + listed(rand, lambda: rand.choice(KEYS) + blanks(rand) + ":"
                        + blanks(rand) + value(rand, depth)) + "}"


def damaged(rand, data):
    for _ in range(rand.choice([0, 0, 1, 1, 2])):
        begin = rand.randint(0, len(data))
        end = min(len(data), begin + rand.choice([0, 0, 1, 1, 3]))
        new = rand.choice(DAMAGE) if rand.random() < 0.7 else b""
        data = data[:begin] + new + data[end:]
    return data


def generated(rand):
    top = document(rand) if rand.random() < 0.95 else value(rand, 3)
    text = blanks(rand) + top + blanks(rand)
    return damaged(rand, text.encode())


def constant(name):
    raise ValueError(name)


def expected(data):
    try:
        text = data.decode("utf-8")
        if text.startswith("\ufeff"):
            raise ValueError("a byte order mark")
        top = json.loads(text, parse_constant=constant)
    except ValueError:
        return str(SYNTAX)

    if not isinstance(top, dict):
        return str(NO_OBJECT)

    start, members = scan(text)
    count = collections.Counter(lower(member["name"]) for member in members)
    if any(count[name] > 1 for name in NAMES):
        return str(DUPLICATE)

    def at(pos):
        return -1 if pos is None else len(text[:pos].encode())

    words = [OK, at(start), at(len(text.rstrip())), len(members)]

    for index, name in enumerate(NAMES):
        for m in members:
            if m["name"] == name:
                offsets = [TYPES.get(text[m["from"]], 2)] + [
                    at(pos) for pos in (*m["key"], m["from"], m["to"],
                                        m["before"], m["after"])]
                words.append(f"{index}:" + ",".join(map(str, offsets)))

    return " ".join(map(str, words))


def lower(name):
    """In ASCII only: decoders that ignore case differ in the rest."""
    return "".join(c.lower() if c < "\x80" else c for c in name)


def by_hand():
    """Documents with what must be said of them: Python recurses."""
    yield b"[" * 512 + b"]" * 512, str(NO_OBJECT)
    yield b"[" * 513 + b"]" * 513, str(TOO_DEEP)
    yield b'{"a":' * 512 + b"1" + b"}" * 512, f"0 0 {512 * 6 + 1} 1"
    yield b'{"a":' * 513 + b"1" + b"}" * 513, str(TOO_DEEP)
    yield b'{"a":' + b"[" * 511 + b"]" * 511 + b"}", f"0 0 {1022 + 6} 1"
    yield b"[" * 100000, str(TOO_DEEP)
    yield b'{"a":' + b"9" * 9000 + b"}", "0 0 9006 1"
    yield b"", str(SYNTAX)


def main():
    program, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    rand = random.Random(seed)

    cases = list(by_hand())
    for _ in range(count):
        data = generated(rand)
        cases.append((data, expected(data)))

    feed = b"".join(struct.pack("<I", len(data)) + data for data, _ in cases)
    said = subprocess.run([program], input=feed, stdout=subprocess.PIPE,
                          check=False).stdout.decode().splitlines()

    for (data, want), got in zip(cases, said):
        if got != want:
            print(f"differs: {data[:300]!r}: {got}, not {want}")

    kinds = collections.Counter(want.split()[0] for _, want in cases)
    print(len(said), "of", len(cases), sorted(kinds.items()))

    sys.exit(0 if said == [want for _, want in cases] else 1)


if __name__ == "__main__":
    main()
