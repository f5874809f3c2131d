# SPDX-License-Identifier: BSD-2-Clause
"""awscrt and botocore as second and third opinion.

    oracle.py sign        JSON lines in, JSON lines out: signs a request
    oracle.py check LOG   signs each accepted request of a verifier's log
                          anew, with awscrt, and compares signatures

A request to sign has method, host, target, service, region, access_key_id,
secret_access_key, and may have headers (pairs), body, session_token, date
(20250214T235959Z; default now), payload (a value for the payload hash) and
signer (awscrt, the default, or botocore).  Strings are bytes as latin-1.
The answer has headers, all that are to be sent but Content-Length, and
botocore's canonical_request.
"""

import datetime
import hashlib
import json
import os
import sys
import urllib.parse

os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
sys.dont_write_bytecode = True

import awscrt.auth
import awscrt.http
import awscrt.io
import botocore.auth
import botocore.awsrequest
import botocore.credentials

S3_FAMILY = ("s3", "s3express", "s3-outposts", "s3-object-lambda")
MADE_BY_SIGNER = ("authorization", "x-amz-date", "x-amz-security-token",
                  "x-amz-content-sha256")


def when(date):
    if date is None:
        return datetime.datetime.now(datetime.timezone.utc)

    return datetime.datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(
        tzinfo=datetime.timezone.utc)


def encoded(target):
    """The target with its query encoded anew, which changes no signature."""
    path, mark, query = target.partition("?")
    decode = urllib.parse.unquote_to_bytes
    pairs = [piece.partition("=") for piece in query.split("&") if piece]

    return path + mark + "&".join(
        urllib.parse.quote(decode(name), "-._~") + "="
        + urllib.parse.quote(decode(value), "-._~")
        for name, _, value in pairs)


def utf8(value):
    """Bytes as latin-1, made the text that the signers take for them."""
    return value.encode("latin-1").decode("utf-8")


def payload_hash(request):
    return request.get("payload") or hashlib.sha256(
        request.get("body", "").encode("latin-1")).hexdigest()


def sign_awscrt(request):
    """All headers of the request with those that awscrt adds."""
    s3 = request["service"] in S3_FAMILY
    body_header = request.get("content_sha256", s3)
    types = awscrt.auth.AwsSignedBodyHeaderType

    config = awscrt.auth.AwsSigningConfig(
        algorithm=awscrt.auth.AwsSigningAlgorithm.V4,
        signature_type=awscrt.auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=awscrt.auth.AwsCredentialsProvider.new_static(
            request["access_key_id"], request["secret_access_key"],
            request.get("session_token")),
        region=request["region"],
        service=request["service"],
        date=when(request.get("date")),
        use_double_uri_encode=not s3,
        should_normalize_uri_path=not s3,
        signed_body_value=payload_hash(request),
        signed_body_header_type=(types.X_AMZ_CONTENT_SHA_256 if body_header
                                 else types.NONE))

    #  awscrt 0.16 takes what stands before ":/" for a scheme.
    target = request["target"]

    if ":/" in target.partition("?")[2]:
        target = encoded(target)

    headers = awscrt.http.HttpHeaders(
        [("Host", request["host"])]
        + [(name, utf8(value)) for name, value in
           request.get("headers", [])])

    result = awscrt.auth.aws_sign_request(
        awscrt.http.HttpRequest(request["method"], target, headers),
        config).result(30)

    return {"headers": [list(pair) for pair in result.headers]}


class FixedClock:
    """What botocore.auth finds under the name datetime."""

    def __init__(self, moment):
        class Clock(datetime.datetime):
            @classmethod
            def utcnow(cls):
                return moment.replace(tzinfo=None)

        self.datetime = Clock


def sign_botocore(request):
    s3 = request["service"] in S3_FAMILY
    botocore.auth.datetime = FixedClock(when(request.get("date")))

    made = botocore.awsrequest.AWSRequest(
        request["method"], "http://" + request["host"] + request["target"],
        data=request.get("body", "").encode("latin-1"))
    made.headers.add_header("Host", request["host"])

    for name, value in request.get("headers", []):
        made.headers.add_header(name, utf8(value))

    if request.get("content_sha256"):
        made.headers["X-Amz-Content-SHA256"] = payload_hash(request)

    credentials = botocore.credentials.Credentials(
        request["access_key_id"], request["secret_access_key"],
        request.get("session_token"))
    signer = (botocore.auth.S3SigV4Auth if s3 else botocore.auth.SigV4Auth)(
        credentials, request["service"], request["region"])

    signer.payload = lambda _: payload_hash(request)
    signer.add_auth(made)

    return {"headers": [[n, v] for n, v in made.headers.items()],
            "canonical_request": signer.canonical_request(made)}


SIGNERS = {"awscrt": sign_awscrt, "botocore": sign_botocore}


def sign():
    for line in sys.stdin:
        request = json.loads(line)
        signer = SIGNERS[request.get("signer", "awscrt")]
        print(json.dumps(signer(request)), flush=True)


def authorization(headers):
    return [v for n, v in headers if n.lower() == "authorization"][-1]


def sign_again(record, secrets):
    """The Authorization that an oracle makes for a request of the log.

    It is awscrt, or botocore for a path that awscrt cannot take.
    """
    signed = record["signed_headers"].split(";")
    headers = [pair for pair in record["headers"]
               if pair[0].lower() in signed and pair[0].lower() != "host"
               and pair[0].lower() not in MADE_BY_SIGNER]
    secret, token = secrets[record["access_key_id"]]
    request = {
        "method": record["method"],
        "host": record["host"],
        "target": record["target"],
        "headers": headers,
        "service": record["service"],
        "region": record["region"],
        "access_key_id": record["access_key_id"],
        "secret_access_key": secret,
        "session_token": token,
        "date": record["date"],
        "payload": record["payload_hash"],
        "content_sha256": "x-amz-content-sha256" in signed,
    }

    if ":/" not in record["target"].partition("?")[0]:
        return authorization(sign_awscrt(request)["headers"])

    #  botocore takes the query as it stands.
    request["target"] = encoded(request["target"])

    return authorization(sign_botocore(request)["headers"])


def check(path, keys):
    """Compare; the number of differences decides the exit code."""
    secrets = {}
    counts = {"checked": 0, "different": 0}

    for key in keys:
        parts = key.split(":", 2)
        secrets[parts[0]] = (parts[1], parts[2] if len(parts) > 2 else None)

    with open(path, encoding="ascii") as log:
        for line in log:
            record = json.loads(line)

            if record["verdict"] != "ok" or record["mechanism"] != "header":
                continue

            counts["checked"] += 1
            got = authorization(record["headers"])
            expected = sign_again(record, secrets)

            if got != expected:
                counts["different"] += 1
                print("differs: %s %s\n  received %s\n  awscrt   %s" % (
                    record["method"], record["target"], got, expected),
                    file=sys.stderr)

    print(json.dumps(counts))

    return 1 if counts["different"] or not counts["checked"] else 0


def main():
    if sys.argv[1:2] == ["sign"]:
        return sign()

    if sys.argv[1:2] == ["check"] and len(sys.argv) > 3:
        return check(sys.argv[2], sys.argv[3:])

    print("usage: oracle.py sign | check LOG AKID:SECRET[:TOKEN]...",
          file=sys.stderr)

    return 2


if __name__ == "__main__":
    sys.exit(main())
