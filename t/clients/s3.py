# SPDX-License-Identifier: BSD-2-Clause
"""What an application does with boto3 and S3, and what comes of it.

    s3.py ENDPOINT dummy|unsigned BUCKET

Prints "ok - NAME" or "not ok - NAME: why" for each thing done, and "done".
"""

import hashlib
import io
import sys

import boto3
import botocore
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

KEYS = [
    "plain",
    "with space",
    "plus+plus",
    "percent%2Fslash%20%25",
    "at@equals=colon:comma,semi;",
    "(round)!bang'quote*star",
    "~tilde$dollar&amp",
    "q?m#hash",
    "back\\slash\"quote<less>^caret`tick{brace}|[bracket]",
    "caf\u00e9",
    "\u3042\u3044",
    "\U0001f600",
    "a//b///c",
    "dots/./x/../y/...",
    "ends/with/slash/",
]

LARGE = 17 * 1024 * 1024
METADATA = {"colour": "blue  and   green", "empty": ""}


class Session:
    def __init__(self, endpoint, how, bucket):
        signer = botocore.UNSIGNED if how == "unsigned" else "s3v4"

        self.bucket = bucket
        self.s3 = boto3.client(
            "s3", endpoint_url=endpoint, region_name="us-east-1",
            aws_access_key_id="AKIDNOBODY", aws_secret_access_key="nothing",
            config=Config(signature_version=signer,
                          s3={"addressing_style": "path"},
                          retries={"max_attempts": 0},
                          connect_timeout=60, read_timeout=120))

    def create(self):
        self.s3.create_bucket(Bucket=self.bucket)
        names = [b["Name"] for b in self.s3.list_buckets()["Buckets"]]
        assert self.bucket in names, names

    def odd_keys(self):
        for key in KEYS:
            data = key.encode() * 3
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)
            same(self._get(key), data, key)

    def list(self):
        same(sorted(self._keys()), sorted(KEYS), "keys")
        same(self._keys(Prefix="percent%2F"), [KEYS[3]], "prefix")
        same(self._keys(Prefix="caf\u00e9"), ["caf\u00e9"], "UTF-8 prefix")
        same(self._keys(Prefix="at@equals=colon:,"), [], "no such prefix")

        page = self.s3.list_objects_v2(Bucket=self.bucket, Delimiter="/",
                                       Prefix="a//", MaxKeys=2)
        same([p["Prefix"] for p in page["CommonPrefixes"]], ["a//b/"],
             "delimiter")

    def _keys(self, **options):
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, PaginationConfig={"PageSize": 4}, **options)

        return [item["Key"] for page in pages
                for item in page.get("Contents", [])]

    def metadata(self):
        self.s3.put_object(Bucket=self.bucket, Key="meta", Body=b"data",
                           ContentType="text/plain; charset=utf-8",
                           Metadata=METADATA)
        head = self.s3.head_object(Bucket=self.bucket, Key="meta")
        same(head["ContentLength"], 4, "length")
        same(head["Metadata"]["colour"].split(), METADATA["colour"].split(),
             "metadata")

    def part_of(self):
        self.s3.put_object(Bucket=self.bucket, Key="part", Body=b"0123456789")
        answer = self.s3.get_object(Bucket=self.bucket, Key="part",
                                    Range="bytes=2-5")
        same(answer["Body"].read(), b"2345", "range")

    def empty(self):
        self.s3.put_object(Bucket=self.bucket, Key="empty", Body=b"")
        same(self._get("empty"), b"", "empty")

    def copy(self):
        self.s3.copy_object(
            Bucket=self.bucket, Key="copy of +",
            CopySource={"Bucket": self.bucket, "Key": KEYS[2]})
        same(self._get("copy of +"), KEYS[2].encode() * 3, "copy")

    def multipart(self):
        data = large()
        config = TransferConfig(multipart_chunksize=5 * 1024 * 1024 + 7,
                                multipart_threshold=1, max_concurrency=2)
        self.s3.upload_fileobj(io.BytesIO(data), self.bucket,
                               "large (1)+\u00e9", Config=config)
        got = io.BytesIO()
        self.s3.download_fileobj(self.bucket, "large (1)+\u00e9", got,
                                 Config=config)
        same(digest(got.getvalue()), digest(data), "SHA-256")
        tag = self.s3.head_object(Bucket=self.bucket,
                                  Key="large (1)+\u00e9")["ETag"]
        assert tag.endswith('-4"'), tag

    def missing(self):
        for call in self.s3.get_object, self.s3.head_object:
            try:
                call(Bucket=self.bucket, Key="no such key")
            except ClientError as error:
                same(error.response["ResponseMetadata"]["HTTPStatusCode"],
                     404, "status")
            else:
                raise AssertionError("found what is not there")

    def remove(self):
        keys = self._keys()
        self.s3.delete_object(Bucket=self.bucket, Key=keys[0])
        self.s3.delete_objects(
            Bucket=self.bucket,
            Delete={"Objects": [{"Key": key} for key in keys[1:]]})
        same(self._keys(), [], "what is left")
        self.s3.delete_bucket(Bucket=self.bucket)

    def _get(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()


def same(got, expected, what):
    assert got == expected, f"{what}: {got!r}, not {expected!r}"


def large():
    block = hashlib.sha512(b"block").digest() * 1024

    return (block * (LARGE // len(block) + 1))[:LARGE]


def digest(data):
    return hashlib.sha256(data).hexdigest()


def main():
    session = Session(*sys.argv[1:])

    for step in (session.create, session.odd_keys, session.list,
                 session.metadata, session.part_of, session.empty,
                 session.copy, session.multipart, session.missing,
                 session.remove):
        name = step.__name__.replace("_", " ")

        try:
            step()
            print("ok -", name, flush=True)
        except Exception as error:
            text = f"{type(error).__name__} {error}".encode("unicode_escape")
            print(f"not ok - {name}: {text.decode()}", flush=True)

    print("done")


if __name__ == "__main__":
    main()
