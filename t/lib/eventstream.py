# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

"""Event streams as botocore reads them.

usage: eventstream.py decode        hex lines in, one JSON array a line out
       eventstream.py random SEED N N random frames: "hex JSON" a line

A frame is {"headers": {name: value}, "payload": hex}.  A value is "true",
"false", "n:" and a number, "s:" and hex, or "u:" and a UUID.
"""

import json
import random
import struct
import sys
import uuid
import zlib

from botocore.eventstream import EventStreamBuffer


def value(name, v):
    if isinstance(v, bool):
        return 'true' if v else 'false'

    if isinstance(v, int):
        return f'n:{v}'

    if isinstance(v, str):
        return 's:' + v.encode().hex()

    if name.startswith('uuid'):
        return 'u:' + str(uuid.UUID(bytes=v))

    return 's:' + v.hex()


def decode(data):
    buffer = EventStreamBuffer()
    buffer.add_data(data)

    return [{
        'headers': {k: value(k, v) for k, v in message.headers.items()},
        'payload': message.payload.hex(),
    } for message in buffer]


def string(data):
    return struct.pack('>H', len(data)) + data


def random_header(rng, number):
    kind = rng.randrange(10)
    name = ('uuid' if kind == 9 else 'h') + str(number)
    name += 'x' * rng.choice([0, 0, 0, 200])

    edge = rng.choice([0, 1, -1, 127, -128, None])

    def integer(bits):
        n = rng.randrange(-2 ** (bits - 1), 2 ** (bits - 1))
        return (n if edge is None else edge).to_bytes(
            bits // 8, 'big', signed=True)

    data = {
        0: lambda: b'', 1: lambda: b'',
        2: lambda: integer(8), 3: lambda: integer(16),
        4: lambda: integer(32), 5: lambda: integer(64),
        6: lambda: string(rng.randbytes(rng.choice([0, 1, 300]))),
        7: lambda: string('é🙂a'.encode() * rng.randrange(3)),
        8: lambda: integer(64),
        9: lambda: rng.randbytes(16),
    }[kind]()

    return bytes([len(name)]) + name.encode() + bytes([kind]) + data


def frame(headers, payload):
    head = struct.pack('>II', 16 + len(headers) + len(payload), len(headers))
    head += struct.pack('>I', zlib.crc32(head))
    data = head + headers + payload

    return data + struct.pack('>I', zlib.crc32(data))


def main(argv):
    if argv[1] == 'decode':
        for line in sys.stdin:
            print(json.dumps(decode(bytes.fromhex(line.strip()))))

    else:
        rng = random.Random(argv[2])

        for _ in range(int(argv[3])):
            headers = b''.join(random_header(rng, i)
                               for i in range(rng.randrange(8)))
            data = frame(headers, rng.randbytes(rng.choice([0, 1, 50, 5000])))
            print(data.hex(), json.dumps(decode(data)))


main(sys.argv)
