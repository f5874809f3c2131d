# SPDX-License-Identifier: BSD-2-Clause
"""Hands accepted requests on to a server that verifies nothing."""

import http.client

#  What concerns the connection or the signature.
_DROPPED = {"authorization", "connection", "content-length", "expect", "host",
            "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
_TIMEOUT = 60


def forward(address, head, body):
    """(status, headers, body) that `host:port` answers to this request."""
    connection = http.client.HTTPConnection(address, timeout=_TIMEOUT)
    headers = {name.decode("latin-1"): value.decode("latin-1")
               for name, value in head.headers
               if name.decode("latin-1").lower() not in _DROPPED}

    try:
        connection.request(head.method.decode("latin-1"),
                           head.target.decode("latin-1"), body, headers)
        response = connection.getresponse()

        return response.status, [
            pair for pair in response.getheaders()
            if pair[0].lower() not in _DROPPED], response.read()
    finally:
        connection.close()
