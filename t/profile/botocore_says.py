#!/usr/bin/python3
#
# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

"""What botocore reads from the files of the AWS CLI.

botocore_says.py SEED COUNT    makes so many files at random, without what
                               the two sides differ in on purpose
botocore_says.py               takes "kind TAB hex of the text" from stdin

Prints lines "kind TAB hex of the text TAB what is in it", the last as
parse.c prints it.
"""

import configparser
import os
import random
import sys
import tempfile

import botocore.configloader
import botocore.exceptions

PROFILES = ['default', 'prod', 'Prod', 'my prod']
KEYS = ['aws_access_key_id', 'aws_secret_access_key', 'aws_session_token',
        'region']

SECTIONS = {
    'credentials': ['default', 'prod', 'Prod', 'my prod', 'profile prod',
                    'x;y', 'my  prod', '#a'],
    'config': ['default', 'profile prod', 'profile Prod', 'profile  my',
               'profile "my prod"', 'profile\tother', 'prod', 'profile',
               'sso-session prod', 'services prod', 'profile my prod',
               'preview'],
}

VALUES = ['', 'AKIDEXAMPLE', 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
          'a=b', '=', 'a:b', 'v#w', 'v;w', 'a b', 'us-east-1', '[x]', '"q"',
          'a\tb', '%(x)s', '$HOME', '\\', '\u00fc']


def hexed(text):
    return text.encode().hex()


def make(rng, kind):
    newline = rng.choice(['\n', '\n', '\r\n', '\r'])
    sections = rng.sample(SECTIONS[kind], rng.randint(0, 5))
    lines = []

    for section in sections:
        indent = ' ' * rng.choice([0, 0, 0, 0, 1, 3])
        lines += noise(rng)
        lines.append(f'{indent}[{section}]' + blank(rng))

        for key in rng.sample(KEYS + ['output', 's3'],
                              rng.randint(0, 6)):
            if rng.random() < 0.2:
                key = key.upper()

            lines += noise(rng)
            lines.append(' ' * rng.choice([0, 0, 0, 0, 0, 1, 2, 4])
                         + key + blank(rng) + '=' + blank(rng)
                         + rng.choice(VALUES) + blank(rng))

    if rng.random() < 0.1:
        lines.insert(rng.randint(0, len(lines)), rng.choice(
            ['junk', '  junk', '=', ' = v', '[', '[]', 'k = v']))

    text = newline.join(lines)

    return text + newline if rng.random() < 0.8 else text


def noise(rng):
    if rng.random() < 0.6:
        return []

    return [rng.choice(['', '   ', '\t', '# c', '; c', '  # c = d', '\t; [c]',
                        '#', '    x = y', '  z'])]


def blank(rng):
    return rng.choice(['', '', '', ' ', '  ', '\t', ' \f', '\v'])


def read(path, kind, text):
    with open(path, 'wb') as file:
        file.write(text)

    # nested settings as one string, as any value of several lines

    parsed = botocore.configloader.raw_config_parse(path,
                                                    parse_subsections=False)

    if kind == 'config':
        parsed = botocore.configloader.build_profile_map(parsed)['profiles']

    return parsed


def says(path, kind, text):
    try:
        parsed = read(path, kind, text)

    except botocore.exceptions.ConfigParseError:
        return '!'

    words = []

    for profile in PROFILES:
        for key in KEYS:
            value = parsed.get(profile, {}).get(key)

            if value is None:
                continue

            first, more = value.partition('\n')[::2]
            words.append(f'{hexed(profile)}.{hexed(key)}={hexed(first)}'
                         + ('+' if more else ''))

    return ' '.join(words)


def main():
    if len(sys.argv) == 3:

        # sections and keys that come again, which Python refuses and the
        # other SDKs merge, are read as they read them

        configparser.RawConfigParser.__init__.__kwdefaults__['strict'] = False

        rng = random.Random(int(sys.argv[1]))
        cases = []

        for _ in range(int(sys.argv[2])):
            kind = rng.choice(['credentials', 'config'])
            cases.append((kind, make(rng, kind).encode()))

    else:
        cases = [(kind, bytes.fromhex(text)) for kind, text in
                 (line.rstrip('\n').split('\t') for line in sys.stdin)]

    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, 'file')

        for kind, text in cases:
            print(kind, text.hex(), says(path, kind, text), sep='\t')


if __name__ == '__main__':
    main()
