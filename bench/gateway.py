# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause
"""The processes that are measured, and what the kernel tells of them."""

import os
import socket
import subprocess
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
NGINX = os.environ.get("NGINX", "nginx")
PATH = os.environ["PATH"] + ":/usr/sbin"

SIGN = "aws_sigv4 on;"
STATIC = ("aws_sigv4_provider default static access_key_id=AKIDEXAMPLE"
          " secret_access_key_file={secret}{more};")


def cpus():
    """The CPU of the gateway, and that of all who talk to it."""
    usable = sorted(os.sched_getaffinity(0))

    return usable[0], usable[-1]


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def pin(cpu):
    if cpu is not None:
        os.sched_setaffinity(0, {cpu})


class Process:
    """A child on one CPU, or on any if there is none given; ready when its
    port accepts connections."""

    def __init__(self, command, port, cpu, directory):
        self.port = port
        self.output = open(Path(directory) / "output", "wb")
        self.child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.output,
            stderr=self.output, env={**os.environ, "PATH": PATH},
            preexec_fn=lambda: pin(cpu))
        self.pid = self.child.pid
        self.directory = Path(directory)
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 30

        while self.child.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except ConnectionRefusedError:
                time.sleep(0.01)

        self.stop()
        raise SystemExit(f"{self.child.args[0]} does not start:\n"
                         + (self.directory / "output").read_text())

    def stop(self):
        if self.child.poll() is None:
            self.child.terminate()
            self.child.wait()

        self.output.close()

    def cpu(self):
        """Nanoseconds on the CPU."""
        text = Path(f"/proc/{self.pid}/schedstat").read_text()

        return int(text.split()[0])

    def memory(self, field):
        """Bytes of a field of /proc/PID/status."""
        text = Path(f"/proc/{self.pid}/status").read_text()

        for line in text.splitlines():
            name, _, value = line.partition(":")

            if name == field:
                return int(value.split()[0]) * 1024

        raise KeyError(field)


def nginx(template, directory, port, cpu, **values):
    directory = Path(directory)
    directory.mkdir()

    text = (HERE / template).read_text().format(
        directory=directory, port=port, **values)
    conf = directory / "nginx.conf"
    conf.write_text(text)

    return Process([NGINX, "-p", str(directory), "-c", str(conf),
                    "-e", str(directory / "error.log")],
                   port, cpu, directory)


def upstream(directory):
    return nginx("upstream.conf", directory, free_port(), cpus()[1])


def sink(directory):
    """An upstream that reads bodies, and tells when they began to come."""
    Path(directory).mkdir()
    port = free_port()

    return Process(["/usr/bin/python3", str(HERE / "sink.py"), str(port)],
                   port, cpus()[1], directory)


def gateway(directory, module, ports, sign="", more="", files=1024):
    """Plain, without the module, if sign is empty."""
    directory = Path(directory)
    values = {"load_module": "", "provider": "", "unsigned": ""}

    if sign:
        secret = directory.with_suffix(".secret")
        secret.write_text("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
        secret.chmod(0o600)

        values["load_module"] = f"load_module {module};"
        values["provider"] = STATIC.format(secret=secret, more=more)
        values["unsigned"] = "aws_sigv4_payload unsigned;"

    return nginx("gateway.conf", directory, free_port(), cpus()[0],
                 sign=sign, files=files, upstream=ports[0], sink=ports[1],
                 **values)
