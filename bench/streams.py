# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause
"""Streams through the LLM gateway, and requests whose first targets fail.

README.md beside this file says what is measured.
"""

import argparse
import asyncio
import hashlib
import json
import os
import re
import resource
import signal
import sys
import tempfile
import time
from pathlib import Path

import gateway
import measure

ROOT = gateway.HERE.parent
EXAMPLE = ROOT / "examples" / "llm-gateway"
MODULES = "/usr/share/nginx/modules"

FEW = 10
TOKENS = 5
CONNECTIONS = 100
KEY = "sk-bench"

TIME = re.compile(rb'"t":(\d+)}')

LOAD = """load_module {modules}/ndk_http_module.so;
load_module {modules}/ngx_http_lua_module.so;
load_module {module};"""

HTTP = """    lua_package_path "{root}/lua/?.lua;;";
    lua_shared_dict llm 10m;

    init_by_lua_block {{
        require("resty.aws_sigv4.llm").init {{
            table = "{directory}/models.lua",
            callers = "{directory}/callers.lua",
            dict = "llm",
        }}
    }}

    {provider}
    aws_sigv4_allow_hosts *.amazonaws.com 127.0.0.1;
    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;"""

SERVER = """        include {example}/llm-variables.conf;
        include {example}/llm-locations.conf;"""

PLAIN = """        proxy_buffering off;
        proxy_buffer_size 16k;
        proxy_buffers 8 16k;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_read_timeout 600s;
        client_body_buffer_size 64k;

        location / {{
            proxy_pass http://127.0.0.1:{port};
        }}"""

MODELS = """local function target(port)
    return {{ route = "runtime-openai", url = "http://127.0.0.1:" .. port,
             host = "bedrock-runtime.us-east-1.amazonaws.com",
             region = "us-east-1", model = "signed", cooldown = 0 }}
end

return {{ models = {{
    chat = {{ target({streams}) }},
    flaky = {{ target({closed}), target({flaky}), target({good}) }},
}} }}
"""

CALLERS = """return {{ bench = {{ sha256 = "{digest}", models = "*" }} }}
"""


def request(model, user, stream=False):
    body = json.dumps({
        "model": model, "user": user, "stream": stream,
        "messages": [{"role": "user", "content": "Hello. " * 30}]}).encode()

    return (b"POST /v1/chat/completions HTTP/1.1\r\nHost: bench\r\n"
            b"Authorization: Bearer %s\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (KEY.encode(), len(body), body))


class Stream(asyncio.Protocol):
    """One client, which notes how old each token is when it comes."""

    def __init__(self, load):
        self.load = load
        self.rest = b""
        self.ages = []
        self.finished = False
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport):
        self.transport = transport
        transport.write(self.load.request)

    def data_received(self, data):
        now = time.monotonic_ns()

        if not self.ages and data.startswith(b"HTTP/1.1 ") \
                and not data.startswith(b"HTTP/1.1 200 "):
            self.transport.close()
            return

        data = self.rest + data
        end = 0

        for found in TIME.finditer(data):
            end = found.end()
            self.ages.append((now - int(found[1])) / 1e6)

            if len(self.ages) == 1:
                self.load.has_begun()

        self.rest = data[end:]

        if b"[DONE]" in self.rest:
            self.finished = True
            self.transport.close()

    def connection_lost(self, exc):
        if not self.ended.done():
            self.ended.set_result(None)


class Load:
    """Streams that are all open at a time."""

    def __init__(self, port, number, spread, process=None):
        self.port = port
        self.number = number
        self.request = request("chat", f"{number} {spread} 1 {TOKENS}", True)
        self.process = process
        self.begun = 0
        self.streams = []

    def resident(self):
        return self.process.memory("VmRSS") if self.process else 0

    def has_begun(self):
        self.begun += 1

        if self.begun == self.number:
            self.full = self.resident()

    async def run(self):
        self.full = self.idle = self.resident()
        loop = asyncio.get_running_loop()

        for _ in range(self.number):
            _, stream = await loop.create_connection(
                lambda: Stream(self), "127.0.0.1", self.port)
            self.streams.append(stream)

        await asyncio.wait([stream.ended for stream in self.streams],
                           timeout=30)

        return self

    def lost(self):
        return sum(not stream.finished or len(stream.ages) != TOKENS
                   for stream in self.streams)

    def first(self):
        return sorted(stream.ages[0] for stream in self.streams
                      if stream.ages)

    def later(self):
        return sorted(age for stream in self.streams
                      for age in stream.ages[1:])

    def memory(self):
        return (self.full - self.idle) / self.number / 1024


class Failover:
    """Requests of which most have to be tried again."""

    def __init__(self, port, total):
        self.port = port
        self.left = list(range(total))
        self.good = 0

    async def run(self):
        start = time.monotonic()
        await asyncio.gather(*[self.connection()
                               for _ in range(CONNECTIONS)])
        self.seconds = time.monotonic() - start

    async def connection(self):
        streams = None

        while self.left:
            user = f"request {self.left.pop()}"

            try:
                streams = streams or await asyncio.open_connection(
                    "127.0.0.1", self.port)
                head, _ = await asyncio.wait_for(
                    exchange(*streams, request("flaky", user)), 60)
                self.good += head.startswith(b"HTTP/1.1 200 ")

                #  as nginx does after a 500, even one that it went past
                if b"\r\nconnection: close\r\n" in head.lower():
                    streams[1].close()
                    streams = None

            except (OSError, asyncio.IncompleteReadError,
                    asyncio.TimeoutError):
                streams = None

        if streams:
            streams[1].close()


async def exchange(reader, writer, data):
    writer.write(data)

    head = await reader.readuntil(b"\r\n\r\n")
    found = re.search(rb"\r\ncontent-length: *(\d+)", head, re.I)

    if found:
        return head, await reader.readexactly(int(found[1]))

    body = b""

    while size := int(await reader.readuntil(b"\r\n"), 16):
        body += (await reader.readexactly(size + 2))[:-2]

    await reader.readexactly(2)

    return head, body


async def answered(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    _, body = await exchange(reader, writer,
                             b"GET /answered HTTP/1.1\r\nHost: bench\r\n\r\n")
    writer.close()

    return json.loads(body)


def start_upstreams(directory):
    path = directory / "upstream"
    path.mkdir()
    ports = [gateway.free_port() for _ in range(3)]

    #  the last of them listens last
    process = gateway.Process(
        ["/usr/bin/python3", str(gateway.HERE / "streams_upstream.py"),
         *map(str, ports)], ports[-1], gateway.cpus()[1], path)

    return process, ports


def start_front(directory, module, ports):
    streams, flaky, good = ports
    digest = hashlib.sha256(KEY.encode()).hexdigest()

    for name, text in (("callers.lua", CALLERS.format(digest=digest)),
                       ("models.lua", MODELS.format(
                           streams=streams, flaky=flaky, good=good,
                           closed=gateway.free_port()))):
        (directory / name).write_text(text)

    secret = directory / "secret"
    secret.write_text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    secret.chmod(0o600)

    return gateway.nginx(
        "streams.conf", directory / "front", gateway.free_port(),
        gateway.cpus()[0],
        load_module=LOAD.format(modules=MODULES, module=module),
        http=HTTP.format(root=ROOT, directory=directory,
                         provider=gateway.STATIC.format(secret=secret,
                                                        more="")),
        server=SERVER.format(example=EXAMPLE))


def start_plain(directory, ports):
    return gateway.nginx(
        "streams.conf", directory / "plain", gateway.free_port(),
        gateway.cpus()[0], load_module="", http="",
        server=PLAIN.format(port=ports[0]))


def at(values, part):
    return values[min(int(len(values) * part), len(values) - 1)] if values \
        else float("nan")


def pair(values):
    return f"{at(values, 0.5):.2f} / {at(values, 0.99):.2f}"


def table(rows):
    rows = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
    print("\n".join("| " + " | ".join(row) + " |" for row in rows))


async def measures(options, ways, front, good):
    rows = [("streams", "way", "first token, ms, p50 / p99",
             "later tokens, ms, p50 / p99", "KB of the worker a stream")]
    lost = 0

    for number, spread in ((FEW, 1), (options.streams, 3)):
        for name, port, process in ways:
            load = await Load(port, number, spread, process).run()
            lost += load.lost()
            rows.append((f"{number:,}", name, pair(load.first()),
                         pair(load.later()),
                         f"{load.memory():.1f}"
                         if process and number > FEW else ""))

    table(rows)

    failover = Failover(front, options.requests)
    await failover.run()
    counts = await answered(good)
    once = sum(count == 1 for count in counts.values())

    print(f"\nStreams that were lost: {lost}")
    print(f"Failover under load: {options.requests:,} requests on "
          f"{CONNECTIONS} connections in {failover.seconds:.1f} s, "
          f"{failover.good:,} answered with 200, "
          f"{once:,} answered once by the targets")

    return not lost and failover.good == once == options.requests


def run(options, directory):
    running = []

    try:
        upstream, ports = start_upstreams(directory)
        running.append(upstream)
        plain = start_plain(directory, ports)
        running.append(plain)
        front = start_front(directory, options.module, ports)
        running.append(front)

        ways = (("direct", ports[0], None), ("proxy_pass", plain.port, plain),
                ("LLM gateway", front.port, front))

        gateway.pin(gateway.cpus()[1])

        return asyncio.run(measures(options, ways, front.port, ports[2]))

    finally:
        for process in reversed(running):
            process.stop()

        log = directory / "front" / "error.log"

        if options.log and log.exists():
            Path(options.log).write_text(log.read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--module", required=True)
    add("--streams", type=int, default=1000)
    add("--requests", type=int, default=2000, help="that fail over")
    add("--log", metavar="FILE", help="keep the error log of nginx there")
    options = parser.parse_args()
    before = os.getloadavg()[0]

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    with tempfile.TemporaryDirectory(prefix="bench-sigv4-") as directory:
        good = run(options, Path(directory))

    print()
    print(measure.machine(before))

    sys.exit(not good)


if __name__ == "__main__":
    main()
