# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause
"""Requests while credentials are replaced and their source fails and hangs.

README.md beside this file says what is counted.
"""

import argparse
import asyncio
import collections
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gateway
import measure

LIB = gateway.HERE.parent / "t" / "lib"
PYTHON = "/usr/bin/python3"
PATH = "/v1/workspaces/ws-0123456789/items"

CONNECTIONS = 32
VERIFIERS = 2

#  Two fetches that begin within so many seconds are those of two workers:
#  after a failure the next one is due in 0.75 s at the earliest.
TOGETHER = 0.5

FAILURES = (
    {"status": 500},
    {"status": 429, "body": "slow down"},
    {"body": "<html>Bad Gateway</html>"},
    {"cut": 40},
    {"set": {"SecretAccessKey": None}},
    {"set": {"Expiration": "2020-01-01T00:00:00Z"}},
    {"reset": True},
    {"hang": 60},
    {"hang": 60},
    {"trickle": 1},
)

STATUS = re.compile(rb"HTTP/1\.1 (\d+)")
FIELD = re.compile(rb"\r\n(x-[a-z-]+|content-length): *([^\r\n]*)", re.I)


def held(action):
    """The seconds after which nginx gives up."""
    return 2 if "hang" in action else 5 if "trickle" in action else 0


def plan(options):
    """What the source does, fetch by fetch; {} gives good credentials.

    It fails by chance, but never for so long that those who have fetched in
    time, and have tried again as they should, are left without credentials.
    """
    chance = random.Random(options.seed)
    longest = options.life / 6 - 1
    actions = []
    lost = failed = 0

    while len(actions) < 1000:
        retry = 1.25 * 2 ** failed
        fitting = [action for action in FAILURES
                   if lost + held(action) + retry < longest]

        if fitting and chance.random() < options.failing:
            actions.append(chance.choice(fitting))
            lost += held(actions[-1]) + retry
            failed += 1

        else:
            actions.append({"hang": 0.5} if chance.random() < 0.25 else {})
            lost = failed = 0

    return actions


def is_good(action):
    return not action or action == {"hang": 0.5}


class Source:
    """t/lib/credentials-server, and what was asked of it."""

    def __init__(self, directory, keys, options):
        self.directory = Path(directory)
        self.directory.mkdir()
        self.script = plan(options)
        state = {
            "keys": {"AccessKeyId": "",
                     "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG",
                     "Token": "T" * 600},
            "count": True, "life": options.life, "issued": str(keys),
            "script": self.script}

        (self.directory / "state").write_text(json.dumps(state))

        self.child = subprocess.Popen(
            [PYTHON, str(LIB / "credentials-server"), str(self.directory)],
            stdin=subprocess.DEVNULL)
        port = self.directory / "port"
        wait(port.exists, "the source of credentials does not start")
        self.port = int(port.read_text())

    def stop(self):
        self.child.terminate()
        self.child.wait()

    def fetches(self):
        """(time, good) of each."""
        lines = (self.directory / "log").read_text().splitlines()

        return [(json.loads(line)["time"], is_good(action))
                for line, action in zip(lines, self.script)]


class Load:
    """Requests at a rate, on connections that stay open."""

    def __init__(self, port, options):
        self.port = port
        self.options = options
        self.results = collections.Counter()
        self.workers = collections.Counter()
        self.keys = collections.Counter()
        self.slowest = 0

    async def run(self):
        self.start = time.monotonic()
        await asyncio.gather(*[self.connection(i)
                               for i in range(CONNECTIONS)])
        self.seconds = time.monotonic() - self.start

    async def connection(self, number):
        """Requests that are late are sent all the same, as fast as it
        goes; after a failure another connection is made."""
        count = self.options.rate * self.options.seconds
        streams = None

        for request in range(number, count, CONNECTIONS):
            due = self.start + request / self.options.rate
            await asyncio.sleep(max(0, due - time.monotonic()))

            try:
                streams = streams or await asyncio.open_connection(
                    "127.0.0.1", self.port)
                await self.request(*streams)
            except (OSError, asyncio.IncompleteReadError,
                    asyncio.TimeoutError) as error:
                self.results[type(error).__name__] += 1
                streams = None

        if streams:
            streams[1].close()

    async def request(self, reader, writer):
        begin = time.monotonic()
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())

        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 60)
        fields = {name.lower(): value.decode()
                  for name, value in FIELD.findall(head)}
        await reader.readexactly(int(fields.get(b"content-length", 0)))

        status = int(STATUS.match(head)[1])
        reason = fields.get(b"x-verifier-reason", "")

        self.slowest = max(self.slowest, time.monotonic() - begin)
        self.results[f"{status} {reason}".strip()] += 1
        self.workers[fields.get(b"x-worker")] += 1
        self.keys[fields.get(b"x-key")] += 1


class Report:
    def __init__(self):
        self.rows = []
        self.kept = True

    def row(self, title, value, promise="", kept=True):
        self.rows.append((title, value, promise,
                          ("yes" if kept else "no") if promise else ""))
        self.kept = self.kept and kept

    def print(self):
        lines = [("measure", "value", "promise", "kept"), ("---",) * 4,
                 *self.rows]
        print("\n".join("| " + " | ".join(line) + " |" for line in lines))


def wait(condition, message):
    deadline = time.monotonic() + 60

    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(message)

        time.sleep(0.02)


def windows(fetches, life):
    """How often credentials were replaced, and how often that was done
    before the last quarter of their life: too early, or once more."""
    good = [when for when, fine in fetches if fine]
    early = 0

    for last, this in zip(good, good[1:]):
        #  both are rounded to seconds on the way
        if this - last < life * 3 / 4 - 2:
            early += 1

    return len(good) - 1, early


def report(options, load, fetches):
    out = Report()
    results = load.results
    done = sum(results.values())
    good = results.pop("200", 0)
    #  with a reason, it is the verifier who has answered
    reasons = [(name.partition(" ")[2], n) for name, n in results.items()]
    expired = sum(n for reason, n in reasons if reason == "expired_token")
    refused = sum(n for reason, n in reasons if reason) - expired
    failed = sum(n for reason, n in reasons if not reason)
    refreshed, early = windows(fetches, options.life)
    failures = sum(not fine for _, fine in fetches)
    together = sum(later[0] - one[0] < TOGETHER
                   for one, later in zip(fetches, fetches[1:]))

    out.row("seconds", f"{load.seconds:.0f}")
    out.row("requests", f"{done:,}")
    out.row("requests a second", f"{done / load.seconds:,.0f}")
    out.row("workers that served them", str(len(load.workers)))
    out.row("keys that signed them", str(len(load.keys)))
    out.row("accepted by the verifier", f"{good:,}", "all", good == done)
    out.row("failures", str(failed), "0", failed == 0)
    out.row("refused: signed with an expired key", str(expired), "0",
            expired == 0)
    out.row("refused for another reason", str(refused), "0", refused == 0)
    out.row("the slowest request", f"{load.slowest * 1000:.0f} ms")
    out.row("fetches by all workers", str(len(fetches)))
    out.row("of these failed or hung", str(failures))
    out.row("windows in which keys were replaced", str(refreshed))
    out.row("good fetches before the window, or a second one in it",
            str(early), "0", early == 0)
    out.row("fetches of two workers at a time", str(together), "0",
            together == 0)

    for name, number in results.items():
        print(f"{number} requests: {name}", file=sys.stderr)

    return out


def run(options, directory):
    keys = directory / "keys"
    keys.write_text("[]")
    running = []

    try:
        running.append(source := Source(directory / "source", keys, options))

        verifiers = []

        for number in range(VERIFIERS):
            path = directory / f"verifier{number}"
            path.mkdir()
            port = gateway.free_port()
            verifiers.append(gateway.Process(
                [PYTHON, str(LIB / "sigv4-verifier"), "--echo",
                 "--listen", f"127.0.0.1:{port}", "--keys", str(keys)],
                port, None, path))
            running.append(verifiers[-1])

        nginx = gateway.nginx(
            "rotation.conf", directory / "gateway", gateway.free_port(),
            None, load_module=f"load_module {options.module};",
            workers=options.workers, source=source.port,
            servers=" ".join(f"server 127.0.0.1:{verifier.port} max_fails=0;"
                             for verifier in verifiers))
        running.append(nginx)

        #  the first credentials may take a few tries
        wait(lambda: "uses access key"
             in (directory / "gateway" / "error.log").read_text(),
             "there are no credentials")

        load = Load(nginx.port, options)
        asyncio.run(load.run())

        return report(options, load, source.fetches())

    finally:
        for process in reversed(running):
            process.stop()

        if options.log:
            Path(options.log).write_text(
                (directory / "gateway" / "error.log").read_text())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--module", required=True)
    add("--seconds", type=int, default=300)
    add("--rate", type=int, default=1000, help="requests a second")
    add("--life", type=int, default=60, help="of credentials, in seconds")
    add("--workers", type=int, default=4)
    add("--seed", type=int, default=1, help="of what the source does")
    add("--failing", type=float, default=0.7,
        help="how likely a fetch fails")
    add("--log", metavar="FILE", help="keep the error log of nginx there")
    options = parser.parse_args()
    before = os.getloadavg()[0]

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    with tempfile.TemporaryDirectory(prefix="bench-sigv4-") as directory:
        result = run(options, Path(directory))

    result.print()
    print()
    print(measure.machine(before))

    sys.exit(not result.kept)


if __name__ == "__main__":
    main()
