# SPDX-License-Identifier: BSD-2-Clause
"""edit_cases.py DIRECTORY SIZE [LIMIT]

Writes bodies below the directory, and prints edits of them and what must
come of it, as JSON lines.

Offsets are found by the decoder of Python's json module, and what is left
must mean what the edits say: the members that were not edited are there, in
their order, and as they were.
"""

import hashlib
import json
import os
import sys

DECODER = json.JSONDecoder()
BLANKS = " \t\r\n"


def skip(text, pos):
    while pos < len(text) and text[pos] in BLANKS:
        pos += 1
    return pos


def scan(text):
    """Offsets of the top-level object, its end, and of each member."""
    start = pos = skip(text, 0)
    members = []
    comma = None
    assert text[pos] == "{"
    pos = skip(text, pos + 1)

    while text[pos] != "}":
        name, end = json.decoder.scanstring(text, pos + 1)
        member = {"name": name, "key": (pos, end), "before": comma}
        pos = skip(text, end)
        assert text[pos] == ":"
        pos = skip(text, pos + 1)
        member["from"] = pos
        _, pos = DECODER.raw_decode(text, pos)
        member["to"] = pos
        pos = skip(text, pos)
        comma = member["after"] = pos if text[pos] == "," else None
        members.append(member)
        if comma is not None:
            pos = skip(text, pos + 1)

    return start, members


def edited(text, steps):
    """The text after the steps."""
    plain = [step for step in steps if step[0] == "plain"]
    if plain:
        for _, begin, end, new in sorted(plain, reverse=True):
            text = text[:begin] + new + text[end:]
        return text

    wanted = meaning(text)
    gone = [step[1] for step in steps if step[0] == "remove"]
    added = [step for step in steps if step[0] == "insert"]

    for kind, name, *rest in steps:
        member = next((m for m in scan(text)[1] if m["name"] == name), None)
        index = [given for given, _ in wanted].index(name) if member else None

        if kind == "set":
            text = text[:member["from"]] + rest[0] + text[member["to"]:]
            wanted[index] = (name, loads(rest[0]))

        elif kind == "rename":
            begin, end = member["key"]
            text = text[:begin] + rest[0] + text[end:]
            wanted[index] = (loads(rest[0]), wanted[index][1])

    text = without(text, gone)
    wanted = [pair for pair in wanted if pair[0] not in gone]

    if added:
        begin, members = scan(text)
        new = ",".join(json.dumps(name) + ":" + value
                       for _, name, value in added)
        new += "," if members else ""
        text = text[:begin + 1] + new + text[begin + 1:]
        wanted[:0] = [(name, loads(value)) for _, name, value in added]

    assert meaning(text) == wanted

    return text


def without(text, gone):
    """Members that follow each other go with all that is between them."""
    _, members = scan(text)
    kept = [member["name"] not in gone for member in members]
    out = text

    for index in reversed(range(len(members))):
        if kept[index] or (index and not kept[index - 1]):
            continue

        last = index
        while last + 1 < len(members) and not kept[last + 1]:
            last += 1

        begin, end = members[index]["key"][0], members[last]["to"]
        if index:
            begin = members[index]["before"]
        elif last + 1 < len(members):
            end = members[last]["after"] + 1

        out = out[:begin] + out[end:]

    return out


def loads(text):
    return json.loads(text, object_pairs_hook=list)


def meaning(text):
    return [tuple(pair) for pair in loads(text)]


def pad(size):
    unit = "0123456789 \\ud800 \\u0000 \\/ \\\" \u00e9\u4e2d\U0001f600 [] {} "
    return unit * (size // len(unit.encode()) + 1)


def documents(size):
    """name → text; a third of the size lies between the members"""
    some = '"' + pad(size // 3) + '"'

    return {
        "compact": '{"model":"alias","stream":true,"messages":' + some
                   + ',"n":9007199254740993,"f":1.0,"tools":{"a":[],"b":{}}'
                   + ',"system":' + some + "}",
        "blanks": ' { "n" : ' + some + ' ,\r\n\t"mod\\u0065l" : "alias" , '
                  '"stream" : [ ] , "messages" : ' + some
                  + ' , "tools" : null , "system" : "s" }\n',
    }


REMOVALS = [["n"], ["model"], ["system"], ["model", "stream"],
            ["stream", "model"], ["stream", "messages"],
            ["tools", "system"], ["n", "model"],
            ["model", "stream", "messages"], ["model", "messages", "tools"],
            ["model", "stream", "messages", "n", "f", "tools", "system"]]

NAMES = ["model", "stream", "messages", "n", "f", "tools", "system", "new",
         "more"]


def plans(members):
    """Lists of steps for a document that has members of these names."""
    yield [["set", "model", '"other"']]
    yield [["set", "model", '"o"']]
    yield [["set", "model", '"a much longer name: \u00e9 \\u0000"']]
    yield [["set", "model", '"m"'], ["set", "stream", "false"],
           ["set", "system", "[1,{},[]]"]]
    yield [["rename", "messages", '"me"'], ["set", "n", "0"]]
    yield [["rename", "model", '"me"'], ["remove", "tools"]]
    yield [["insert", "new", '{"a":[]}']]
    yield [["insert", "new", "1"], ["insert", "more", "[]"]]
    yield [["set", "model", '"m"'], ["insert", "new", "1"],
           ["remove", "n"], ["remove", "system"]]
    yield []

    for removal in REMOVALS:
        removal = [name for name in removal if name in members]
        steps = [["remove", name] for name in removal]
        yield steps
        yield steps + [["insert", "new", "1.0"]]
        yield [["insert", "more", "{}"]] + steps


def cases(size):
    for kind, text in documents(size).items():
        names = [member["name"] for member in scan(text)[1]]
        for index, steps in enumerate(plans(names)):
            yield f"{kind} {index}", text, steps

    if size < 1000:
        yield "only one", '{"model":1}', [["remove", "model"]]
        yield "only one, replaced", '{ "model":1 }', \
            [["insert", "new", "2"], ["remove", "model"]]
        yield "empty", "{}", [["insert", "new", "2"]]
        yield "empty, two", " { } ", [["insert", "new", "2"],
                                      ["insert", "more", "3"]]
        yield "all of it", '{"model":1}', [["plain", 0, 11, "[]"]]
        yield "to nothing", '{"model":1}', [["plain", 0, 11, ""]]
        yield "the ends", '{"model":1}', [["plain", 0, 0, "  "],
                                          ["plain", 11, 11, "\n"]]
        yield "halves", '{"model":1}', [["plain", 0, 4, "a"],
                                        ["plain", 4, 11, ""]]


def stored(directory, data):
    """The path of a file that has the data."""
    path = os.path.join(directory, hashlib.sha256(data).hexdigest())

    if not os.path.exists(path):
        with open(path, "wb") as file:
            file.write(data)

    return path


def main():
    directory, size, limit = sys.argv[1], int(sys.argv[2]), sys.argv[3:]

    for count, (name, text, steps) in enumerate(cases(size)):
        if limit and count == int(limit[0]):
            break

        new = edited(text, steps).encode()

        print(json.dumps({
            "name": name,
            "file": stored(directory, text.encode()),
            "plan": {"names": NAMES, "steps": steps or [["none"]]},
            "length": len(new),
            "sha256": hashlib.sha256(new).hexdigest(),
        }))


if __name__ == "__main__":
    main()
