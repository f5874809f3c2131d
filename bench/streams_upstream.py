# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause
"""streams_upstream.py STREAMS FLAKY GOOD: upstreams on these three ports.

STREAMS answers with a stream of events, each with the time at which it was
written; the field "user" of the body, "N SPREAD INTERVAL TOKENS", says when:
the first ones within SPREAD seconds after N requests have come.  FLAKY fails
or answers at random, GOOD answers always; GET /answered there is how often
each request was answered with success.
"""

import asyncio
import collections
import json
import random
import resource
import sys
import time

HEAD = (b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n")
EVENT = ('data: {"id":"chatcmpl-1","object":"chat.completion.chunk",'
         '"created":1700000000,"model":"bench","choices":[{"index":0,'
         '"delta":{"content":" token"},"finish_reason":null}],"t":%d}\n\n')
DONE = b"E\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"

waiting = []
answered = collections.Counter()


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


class Upstream(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.received = b""

    def data_received(self, data):
        self.received += data
        head, end, body = self.received.partition(b"\r\n\r\n")

        if not end:
            return

        length = 0

        for line in head.lower().split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")

            if name == b"content-length":
                length = int(value)

        if len(body) >= length:
            self.received = body[length:]
            self.request(head, body[:length])

    def answer(self, status, value):
        data = json.dumps(value).encode()
        self.transport.write(
            b"HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (status, len(data), data))


class Streams(Upstream):
    def request(self, head, body):
        question = json.loads(body)

        if (question["model"] == "signed"
                and b"AWS4-HMAC-SHA256 Credential=" not in head):
            self.answer(403, {"error": {"message": "not signed"}})
            return

        number, spread, interval, tokens = map(
            float, question["user"].split())
        self.interval = interval
        self.left = tokens
        waiting.append(self)

        if len(waiting) == number:
            for stream in waiting:
                asyncio.get_running_loop().call_later(
                    0.5 + random.random() * spread, stream.begin)

            waiting.clear()

    def begin(self):
        self.token(HEAD)

    def token(self, before=b""):
        if self.transport.is_closing():
            return

        self.left -= 1
        self.transport.write(
            before + chunk((EVENT % time.monotonic_ns()).encode())
            + (b"" if self.left else DONE))

        if self.left:
            asyncio.get_running_loop().call_later(self.interval, self.token)


class Good(Upstream):
    def request(self, head, body):
        if head.startswith(b"GET /answered "):
            self.answer(200, answered)
            return

        answered[json.loads(body)["user"]] += 1
        self.answer(200, {
            "id": "1", "object": "chat.completion", "model": "bench",
            "choices": [{"index": 0, "finish_reason": "stop", "message":
                         {"role": "assistant", "content": "x" * 200}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 5,
                      "total_tokens": 8}})


class Flaky(Good):
    def request(self, head, body):
        how = random.choice(("answer", "abort", "close", 429, 500, 503, 529))

        if how == "answer":
            super().request(head, body)
        elif how == "abort":
            self.transport.abort()
        elif how == "close":
            self.transport.close()
        else:
            self.answer(how, {"error": {"message": "no"}})


async def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    loop = asyncio.get_running_loop()

    for kind, port in zip((Streams, Flaky, Good), sys.argv[1:]):
        await loop.create_server(kind, "127.0.0.1", int(port), backlog=2048)

    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
