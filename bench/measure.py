# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause
"""Compare the signing gateway with plain proxy_pass; print a table.

README.md beside this file says how to read it.
"""

import argparse
import hashlib
import os
import platform
import random
import resource
import signal
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import client
import gateway

ITEMS = "/v1/workspaces/ws-0123456789/items"
QUERY = (ITEMS + "?start=1739577599&end=1739581199&step=15"
         "&query=up%7Bjob%3D%22node%22%7D&limit=100&dedup=true")
POST = "post.lua"

HOOK = (gateway.SIGN
        + ' aws_sigv4_by_lua_block { sigv4.region = "eu-central-1" }')
TOKEN = " session_token=" + "T" * 600

# name: (gateway, path, script for wrk)
LOADS = {
    "plain": ("plain", ITEMS, None),
    "again": ("again", ITEMS, None),
    "get": ("signed", ITEMS, None),
    "uncounted": ("uncounted", ITEMS, None),
    "token": ("token", ITEMS, None),
    "hook": ("hook", ITEMS, None),
    "plain query": ("plain", QUERY, None),
    "query": ("signed", QUERY, None),
    "plain post": ("plain", ITEMS, POST),
    "post": ("signed", ITEMS, POST),
}

# (name, title, load, compared with, at most)
RATIOS = (
    ("noise", "plain against plain: the noise", "again", "plain", None),
    ("get", "GET", "get", "plain", 1.10),
    ("counters", "GET, counters on against off", "get", "uncounted", None),
    ("query", "GET, query of six arguments", "query", "plain query", 1.15),
    ("hook", "GET with a hook that sets the region", "hook", "plain", 1.15),
    ("token", "GET, session token of 600 bytes", "token", "plain", None),
    ("post", "POST of 1 KB", "post", "plain post", 1.15),
)

KB, MB = 1 << 10, 1 << 20

# (name, title, path, bytes, requests of a round, hashed)
BODIES = (
    ("64k", "POST of 64 KB in memory", "/memory/64k", 64 * KB, 200, True),
    ("1m", "POST of 1 MB in memory", "/memory/1m", MB, 20, True),
    ("100m", "POST of 100 MB, spooled", "/spooled/100m", 100 * MB, 1, True),
    ("unsigned", "POST of 100 MB, unsigned and unbuffered",
     "/unbuffered/100m", 100 * MB, 1, False),
)

RATE = 100 * 1000 * 1000


class Bench:
    def __init__(self, options, directory):
        self.options = options
        self.directory = Path(directory)
        self.gateways = {}
        self.servers = []
        self.rows = []

        servers = (gateway.upstream(self.directory / "upstream"),
                   gateway.sink(self.directory / "sink"))
        self.servers += servers
        self.ports = [server.port for server in servers]

    def stop(self):
        for process in [*self.gateways.values(), *self.servers]:
            process.stop()

    def start(self, name, kind=None, **more):
        """A gateway, seen to sign or not to sign as it should."""
        sign, token = {"signed": (gateway.SIGN, ""),
                       "uncounted": (gateway.SIGN, ""),
                       "token": (gateway.SIGN, TOKEN),
                       "hook": (HOOK, "")}.get(kind or name, ("", ""))

        module = (self.options.uncounted if name == "uncounted"
                  else self.options.module)
        process = gateway.gateway(self.directory / name, module, self.ports,
                                  sign=sign, more=token, **more)
        self.gateways[name] = process

        connection = client.Connection(process.port)
        answer = connection.get("/authorization")
        connection.close()

        if answer.startswith(b"AWS4-HMAC-SHA256 ") != bool(sign):
            raise SystemExit(f"gateway {name}: Authorization is {answer!r}")

        return process

    def get(self, name):
        return self.gateways.get(name) or self.start(name)

    def wanted(self, name):
        return not self.options.only or name in self.options.only

    def say(self, text):
        print(f"{text} ...", file=sys.stderr, flush=True)

    def row(self, title, plain, signed, compared, target=None, reached=None):
        if target is None:
            target, verdict = "", ""
        else:
            verdict = "yes" if reached else "no"

        self.rows.append((title, plain, signed, compared, target, verdict))

    # the measures, in the order of the table

    def ratios(self):
        ratios = [ratio for ratio in RATIOS if self.wanted(ratio[0])]

        if not ratios:
            return

        names = {name for ratio in ratios for name in ratio[2:4]}
        rounds = 7 if self.options.quick else 25
        self.say(f"CPU per request, {rounds} rounds of {len(names)} loads")

        spent = interleave(rounds, names, self.load)

        for _, title, load, base, target in ratios:
            median, low, high = compare(spent[load], spent[base])

            self.row(title, us(spent[base]), us(spent[load]),
                     f"{median:.3f} ({low:.3f} to {high:.3f})",
                     target and f"at most {target:.2f}",
                     target and median <= target)

    def load(self, name):
        kind, path, script = LOADS[name]
        process = self.get(kind)

        before = process.cpu()
        requests = client.load(process.port, path, 1, script)

        return (process.cpu() - before) / requests

    def bodies(self):
        for name, title, path, size, requests, hashed in BODIES:
            if self.wanted(name):
                self.body(title, path, os.urandom(size), requests, hashed)

                if size == 100 * MB:
                    self.peak(title, path, os.urandom(size))
                    self.delay(title, path, os.urandom(size), hashed)

    def body(self, title, path, body, requests, hashed):
        rounds = 3 if self.options.quick else 9
        self.say(f"{title}, {rounds} rounds")

        def measure(name):
            if name == "hash":
                return hash_time(body, requests) if hashed else 0

            process = self.get(name)
            connection = client.Connection(process.port)
            connection.post(path, body)

            before = process.cpu()

            for _ in range(requests):
                connection.post(path, body)

            connection.close()

            return (process.cpu() - before) / requests

        spent = interleave(rounds, ("plain", "signed", "hash"), measure)
        floor = [sum(pair) for pair in zip(spent["plain"], spent["hash"])]
        median, low, high = compare(spent["signed"], floor)

        self.row(title, us(spent["plain"])
                 + (f" + SHA-256 {us(spent['hash'])}" if hashed else ""),
                 us(spent["signed"]),
                 f"{median:.3f} ({low:.3f} to {high:.3f})",
                 "at most 1.05", median <= 1.05)

    def peak(self, title, path, body):
        grown = {}

        for kind in ("plain", "signed"):
            process = self.start(kind + path.replace("/", "-"), kind)
            connection = client.Connection(process.port)
            before = process.memory("VmRSS")
            connection.post(path, body)
            grown[kind] = process.memory("VmHWM") - before
            connection.close()

        above = grown["signed"] - grown["plain"]

        self.row(f"{title}: peak memory", f"{grown['plain'] / KB:.0f} KB",
                 f"{grown['signed'] / KB:.0f} KB", f"{above / KB:+.0f} KB",
                 "at most +1 MB", above <= MB)

    def delay(self, title, path, body, hashed):
        """From the last byte of the body, or from the head, to upstream."""
        rounds = 2 if self.options.quick else 5

        def measure(name):
            connection = client.Connection(self.get(name).port)
            connection.post(path, body[:MB])
            first, head, last = connection.post(path, body, RATE)
            connection.close()

            return (int(first) - (last if hashed else head)) / 1e6

        spent = interleave(rounds, ("plain", "signed"), measure)
        plain, signed = (statistics.median(spent[name])
                         for name in ("plain", "signed"))
        what = "last byte" if hashed else "head"
        most = 5 if hashed else 1

        self.row(f"{title}, sent at 100 MB/s: from its {what} to the first "
                 "byte upstream", f"{plain:.1f} ms", f"{signed:.1f} ms",
                 f"{signed - plain:+.1f} ms", f"at most +{most} ms",
                 signed - plain <= most)

    def growth(self):
        if not self.wanted("growth"):
            return

        requests = 200000 if self.options.quick else 1000000
        self.say(f"growth over {requests} requests")
        grown = {}

        for kind in ("plain", "signed"):
            process = self.start(f"{kind}-growth", kind)
            self.send(process, requests // 10)
            before = process.memory("RssAnon")
            sent = self.send(process, requests)
            grown[kind] = (process.memory("RssAnon") - before) / sent

        self.row(f"growth over {requests:,} GETs, a request",
                 f"{grown['plain']:.2f} B", f"{grown['signed']:.2f} B", "",
                 "under 1 B", grown["signed"] < 1)

    def send(self, process, requests):
        sent = 0

        while sent < requests:
            sent += client.load(process.port, ITEMS, 1)

        return sent

    def idle(self):
        if not self.wanted("idle"):
            return

        count = raise_files(4000)
        self.say(f"{count} idle connections")
        memory = {}

        for kind in ("plain", "signed"):
            process = self.start(f"{kind}-idle", kind, files=2 * count + 100)
            connections = [client.Connection(process.port)]
            connections[0].get(ITEMS)
            before = process.memory("RssAnon")

            for _ in range(count):
                connections.append(client.Connection(process.port))
                connections[-1].get(ITEMS)

            memory[kind] = (process.memory("RssAnon") - before) / count

            for connection in connections:
                connection.close()

        above = memory["signed"] - memory["plain"]

        self.row(f"memory of an idle connection, of {count:,}",
                 f"{memory['plain']:.0f} B", f"{memory['signed']:.0f} B",
                 f"{above:+.0f} B", "at most +16 B", above <= 16)

    def signatures(self):
        if not self.wanted("signature"):
            return

        self.say("CPU per signature")

        out = subprocess.run([self.options.micro], check=True,
                             capture_output=True, text=True).stdout

        for line in out.splitlines():
            name, ns = line.rsplit(None, 2)[:2]
            hashed = "hashed" in name

            self.row(f"one signature: {name}", "", f"{ns} ns", "",
                     None if hashed else "at most 1,000 ns",
                     int(ns) <= 1000)


def interleave(rounds, names, measure):
    """What was measured in each round, all names in a shuffled order."""
    names = sorted(names)
    spent = {name: [] for name in names}

    for name in names:
        measure(name)

    for _ in range(rounds):
        random.shuffle(names)

        for name in names:
            spent[name].append(measure(name))

    return spent


def compare(some, base):
    """Median and quartiles of the ratios within each round."""
    ratios = [one / other for one, other in zip(some, base)]
    low, median, high = statistics.quantiles(ratios, n=4, method="inclusive")

    return median, low, high


def us(values):
    value = statistics.median(values) / 1000

    return f"{value:,.1f} us" if value < 1000 else f"{value / 1000:,.2f} ms"


def hash_time(body, times):
    """Nanoseconds of SHA-256, by the same library, on the same CPU."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {gateway.cpus()[0]})

    before = time.thread_time_ns()

    for _ in range(times):
        hashlib.sha256(body).digest()

    spent = (time.thread_time_ns() - before) / times
    os.sched_setaffinity(0, usable)

    return spent


def raise_files(count):
    """The number of connections that the limit of open files allows."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]

    if hard == resource.RLIM_INFINITY or hard > 2 * count + 200:
        files = 2 * count + 200
    else:
        files = hard
        count = (hard - 200) // 2

    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))

    return count


def machine(load):
    model = platform.machine()

    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break

    version = subprocess.run([gateway.NGINX, "-v"], capture_output=True,
                             text=True,
                             env={**os.environ, "PATH": gateway.PATH}).stderr
    nginx = version.strip().rpartition("/")[2]

    return (f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, "
            f"nginx {nginx}, {' '.join(ssl.OPENSSL_VERSION.split()[:2])}; "
            f"load of the machine {load:.1f} before, "
            f"{os.getloadavg()[0]:.1f} after; "
            f"{time.strftime('%Y-%m-%d', time.gmtime())}")


def table(rows):
    lines = [("measure", "plain `proxy_pass`", "signed", "compared",
              "target", "reached"), ("---",) * 6, *rows]

    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main():
    names = ([ratio[0] for ratio in RATIOS] + [body[0] for body in BODIES]
             + ["growth", "idle", "signature"])

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--module", required=True)
    parser.add_argument("--uncounted", required=True)
    parser.add_argument("--micro", required=True)
    parser.add_argument("--quick", action="store_true",
                        help="about two minutes, with more noise")
    parser.add_argument("--only", action="append", choices=names,
                        metavar="NAME", help=", ".join(names))
    options = parser.parse_args()
    load = os.getloadavg()[0]

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))

    with tempfile.TemporaryDirectory(prefix="bench-sigv4-") as directory:
        bench = Bench(options, directory)

        try:
            bench.ratios()
            bench.signatures()
            bench.bodies()
            bench.growth()
            bench.idle()

        finally:
            bench.stop()

    print(table(bench.rows))
    print()
    print(machine(load))


if __name__ == "__main__":
    main()
