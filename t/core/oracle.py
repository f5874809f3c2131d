# Copyright (C) ngx_aws_sigv4_module authors
#
# SPDX-License-Identifier: BSD-2-Clause

"""Compares the core with awscrt (signatures) and botocore (canonical
requests) on requests made at random; prints TAP.

Left out is what these two are known to do otherwise: awscrt reads a raw "+"
of a query as a plus, refuses a "%" without two digits, and mis-reads targets
with ":/" in them; botocore takes a raw query as it is, so it is given the
decoded parameters; its S3 signer copies the path, as the core does.
"""

import datetime
import hashlib
import io
import random
import subprocess
import sys

try:
    from awscrt import auth, http
    from botocore.auth import S3SigV4Auth, SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
except ImportError as e:
    print(f'1..0 # SKIP {e}')
    sys.exit(0)


SEED = 20250214
COUNT = 4000

AKID = 'AKIDEXAMPLE'
SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'
TIME = datetime.datetime(2025, 2, 14, 23, 59, 59,
                         tzinfo=datetime.timezone.utc)
DATETIME = TIME.strftime('%Y%m%dT%H%M%SZ')

UNRESERVED = ('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
              '0123456789-._~')
LETTERS = 'aAbBzZ09-._~'
SPECIAL = ' /:@!$&\'()*+,;=?#%"<>[]\\^`{|}\x01\x7f\xe9\u2603\U0001f600'

SERVICES = ['execute-api', 'bedrock', 'es', 'aps', 'monitoring', 'sts']
REGIONS = ['us-east-1', 'eu-central-1', 'ap-southeast-2', 'us-gov-west-1']
METHODS = ['GET', 'GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS']
NAMES = ['Content-Type', 'Content-MD5', 'Accept', 'Range', 'X-Amz-Target',
         'X-Amz-Meta-A', 'x-amz-meta-b', 'X-AMZ-META', 'X-Custom_Name',
         'x-a.b', 'X-Amz-Security-Thing', 'If-Match']


class Request:
    pass


def escape(rnd, c):
    """An escape of the character in one of its spellings."""
    form = '%%%02x' if rnd.random() < 0.3 else '%%%02X'
    return ''.join(form % b for b in c.encode())


def word(rnd, longest):
    chars = LETTERS if rnd.random() < 0.6 else LETTERS + SPECIAL
    return ''.join(rnd.choice(chars) for _ in range(rnd.randint(0, longest)))


def make_path(rnd):
    if rnd.random() < 0.05:
        return '/'

    path = ''

    for _ in range(rnd.randint(1, 7)):
        kind = rnd.random()

        if kind < 0.1:
            segment = ''
        elif kind < 0.2:
            segment = '.'
        elif kind < 0.3:
            segment = '..'
        else:
            segment = ''.join(
                c if c in UNRESERVED or c in ':@!$&\'()*+,;='
                and rnd.random() < 0.7 else escape(rnd, c)
                for c in word(rnd, 12))

        path += '/' + segment

    if rnd.random() < 0.2:
        path += '/'

    # an escape of an unreserved byte too
    if rnd.random() < 0.2:
        path += '%7e%41'

    while ':/' in path:
        path = path.replace(':/', '/')

    return path


def make_query(rnd):
    """The parameters, the query on the wire, and that with "+" spelt out."""
    if rnd.random() < 0.3:
        return [], '', ''

    params, pieces = [], []
    names = [word(rnd, 6) for _ in range(rnd.randint(1, 4))]

    for _ in range(rnd.choice([1, 2, 3, 4, 6, 10, 20, 60])):
        name, value = rnd.choice(names + [word(rnd, 8)]), word(rnd, 10)

        if not name:
            continue

        params.append((name, value))
        piece = ''.join(wire_char(rnd, c, True) for c in name)

        if value or rnd.random() < 0.5:
            piece += '=' + ''.join(wire_char(rnd, c, False) for c in value)

        pieces.append(piece)

        if rnd.random() < 0.05:
            pieces.append('')

    # ":/" again
    wire = '&'.join(pieces).replace(':/', ':%2F')

    return params, wire, wire.replace('+', '%20')


def wire_char(rnd, c, name):
    if c == ' ' and rnd.random() < 0.5:
        return '+'

    if c in UNRESERVED and rnd.random() < 0.9:
        return c

    if c in '/:@!$\'()*,;?' and rnd.random() < 0.5:
        return c

    if c == '=' and not name and rnd.random() < 0.5:
        return c

    return escape(rnd, c)


def make_fields(rnd):
    fields = [('Host', rnd.choice(['example.com', 'example.com:8443',
                                   '[::1]:8443']))]

    for _ in range(rnd.choice([0, 1, 2, 3, 5, 8, 30])):
        name = rnd.choice(NAMES)
        value = ''.join(rnd.choice('abcXYZ019 \t  ",;=/\xe9')
                        for _ in range(rnd.randint(0, 30)))
        fields.append((name, value))

    rnd.shuffle(fields)

    return fields


def make_request(rnd):
    req = Request()
    req.s3 = rnd.random() < 0.4
    req.method = rnd.choice(METHODS)
    req.path = make_path(rnd)
    req.params, req.wire, req.spelt = make_query(rnd)
    req.fields = make_fields(rnd)
    req.region = rnd.choice(REGIONS)
    req.service = 's3' if req.s3 else rnd.choice(SERVICES)
    req.body = rnd.randbytes(rnd.choice([0, 0, 1, 55, 64, 1000]))
    req.literal = 'UNSIGNED-PAYLOAD' if rnd.random() < 0.2 else None

    return req


def core(program, requests):
    """What the core makes of them: signatures and canonical requests."""
    lines = []

    for req in requests:
        flags = '' if req.s3 else 'dn'

        if req.literal is None:
            flags += 'b'
            payload = req.body
        else:
            payload = req.literal.encode()

        words = [req.method, req.path, req.wire, req.region, req.service,
                 flags, payload]

        for name, value in req.fields + [('x-amz-date', DATETIME)]:
            words += [name.lower(), value]

        lines.append(' '.join(
            '.' + (w if isinstance(w, bytes) else w.encode()).hex()
            for w in words))

    run = subprocess.run(
        [program, AKID, SECRET, str(int(TIME.timestamp()))],
        input='\n'.join(lines) + '\n', stdout=subprocess.PIPE, text=True,
        check=True, timeout=300)

    answers = [line.split(' ', 1) for line in run.stdout.splitlines()]

    if len(answers) != len(requests):
        raise RuntimeError(f'{len(answers)} answers of {len(requests)}')

    return answers


def awscrt_signature(req, provider):
    target = req.path + ('?' + req.spelt if req.spelt else '')
    body = io.BytesIO(req.body) if req.body else None
    wire = http.HttpRequest(req.method, target,
                            http.HttpHeaders(req.fields), body)

    config = auth.AwsSigningConfig(
        algorithm=auth.AwsSigningAlgorithm.V4,
        signature_type=auth.AwsSignatureType.HTTP_REQUEST_HEADERS,
        credentials_provider=provider, region=req.region,
        service=req.service, date=TIME, use_double_uri_encode=not req.s3,
        should_normalize_uri_path=not req.s3, signed_body_value=req.literal,
        signed_body_header_type=auth.AwsSignedBodyHeaderType.NONE)

    auth.aws_sign_request(wire, config).result(60)

    return wire.headers.get('Authorization').rpartition('Signature=')[2]


def botocore_canonical(req, credentials):
    wire = AWSRequest(method=req.method, url='https://x' + req.path,
                      params=req.params, data=req.body)

    for name, value in req.fields + [('X-Amz-Date', DATETIME)]:
        wire.headers[name] = value

    wire.context['payload_signing_enabled'] = True
    signer = (S3SigV4Auth if req.s3 else SigV4Auth)(
        credentials, req.service, req.region)

    # the payload is given, so that no header need be set for it
    payload = req.literal or hashlib.sha256(req.body).hexdigest()
    signer.payload = lambda request: payload

    return signer.canonical_request(wire)


def report(number, bad, name):
    print(f'{"not ok" if bad else "ok"} {number} - {name}')

    for text in bad[:3]:
        for line in text.splitlines():
            print('#   ' + line)


def main():
    rnd = random.Random(SEED)
    requests = [make_request(rnd) for _ in range(COUNT)]
    answers = core(sys.argv[1], requests)
    provider = auth.AwsCredentialsProvider.new_static(AKID, SECRET)
    credentials = Credentials(AKID, SECRET)
    bad = {'core': [], 'awscrt': [], 'botocore': []}

    for req, (signature, canonical) in zip(requests, answers):
        seen = f'{req.method} {req.path!r} {req.wire!r} {req.fields!r}'

        if signature == 'error':
            bad['core'].append(f'{seen}: {canonical}')
            continue

        canonical = bytes.fromhex(canonical).decode()
        theirs = botocore_canonical(req, credentials)

        if canonical != theirs:
            bad['botocore'].append(f'{seen}\ngot {canonical!r}\n'
                                   f'not {theirs!r}')

        if signature != awscrt_signature(req, provider):
            bad['awscrt'].append(f'{seen}\ncanonical request '
                                 f'{canonical!r}')

    print('1..3')
    report(1, bad['core'], f'the core signs {COUNT} requests')
    report(2, bad['botocore'], 'botocore has the same canonical requests')
    report(3, bad['awscrt'], 'awscrt has the same signatures')

    return any(bad.values())


if __name__ == '__main__':
    sys.exit(main())
