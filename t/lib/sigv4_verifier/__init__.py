# SPDX-License-Identifier: BSD-2-Clause
"""A strict server for AWS Signature Version 4, written from the protocol.

It recomputes every signature from the bytes that arrived and shares no code
with the module under test.

    canonical   canonical request, string to sign, signing key
    wire        HTTP/1.1 as raw bytes: heads, bodies, what may not stand there
    payload     the body as it arrives: hashes, signed chunks, trailers
    scope       which service and region a host belongs to
    verify      the rules, in order; each refusal has a name
    answer      200 with a report, or an error in the shape AWS gives it
    server      sockets, threads, the log and the script
"""
