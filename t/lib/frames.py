# SPDX-License-Identifier: BSD-2-Clause
"""botocore reads frames of an event stream: bytes in, JSON lines out.

    frames.py < BYTES     headers and payload of each frame, then "rest",
                          the number of bytes that were no whole frame
    frames.py make        JSON lines in, [[[name, value] ...], payload]: the
                          frames that t/lib/llm_server makes of them, in hex
"""

import json
import sys

sys.dont_write_bytecode = True

import botocore.eventstream

from llm_server import eventstream


def read():
    data = sys.stdin.buffer.read()
    buffer = botocore.eventstream.EventStreamBuffer()
    buffer.add_data(data)
    used = 0

    for message in buffer:
        used += message.prelude.total_length
        print(json.dumps({"headers": message.headers,
                          "payload": message.payload.decode()}))

    print(json.dumps({"rest": len(data) - used}))


def make():
    for line in sys.stdin:
        headers, payload = json.loads(line)
        print(eventstream.frame(headers, payload.encode()).hex())


if __name__ == "__main__":
    make() if sys.argv[1:] == ["make"] else read()
