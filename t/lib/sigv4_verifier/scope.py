# SPDX-License-Identifier: BSD-2-Clause
"""Which service and region a host belongs to: a small table of its own."""

import re

REGION = (r"(?:us-gov|us-isob|us-isof|us-iso|eu-isoe|eusc-de|us|eu|ap|sa|ca"
          r"|me|af|il|mx|cn)-[a-z]+-\d+")
SUFFIX = (r"(?:amazonaws\.com\.cn|amazonaws\.com|amazonaws\.eu"
          r"|api\.amazonwebservices\.com\.cn|api\.amazonwebservices\.eu"
          r"|api\.aws|on\.aws)")

#  Labels in front of the region whose signing name is another one.
SIGNING_NAMES = {
    "bedrock-runtime": "bedrock",
    "bedrock-agent": "bedrock",
    "bedrock-agent-runtime": "bedrock",
    "aps-workspaces": "aps",
    "runtime.sagemaker": "sagemaker",
    "api.sagemaker": "sagemaker",
    "streams.dynamodb": "dynamodb",
    "queue": "sqs",
    "email": "ses",
    "api.ecr": "ecr",
    "transcribestreaming": "transcribe",
    "runtime.lex": "lex",
    "runtime-v2-lex": "lex",
    "data.iot": "iotdata",
    "query.timestream": "timestream",
    "ingest.timestream": "timestream",
    "s3-control": "s3",
    "s3-accesspoint": "s3",
}

#  Services without a region in their host.
GLOBAL_REGIONS = {
    "iam": "us-east-1",
    "sts": "us-east-1",
    "s3": "us-east-1",
    "route53": "us-east-1",
    "cloudfront": "us-east-1",
}

_PATTERNS = [(re.compile(pattern % {"r": REGION, "s": SUFFIX}), service)
             for pattern, service in (
    (r"[a-z0-9]+\.lambda-url\.(%(r)s)\.on\.aws", "lambda"),
    (r"(?:.+\.)?vpc-lattice-svcs\.(%(r)s)\.on\.aws", "vpc-lattice-svcs"),
    (r"(?:.+\.)?s3[.-](?:fips[.-])?(?:dualstack\.)?(%(r)s)\.%(s)s", "s3"),
    (r"(?:.+\.)?s3-fips\.(?:dualstack\.)?(%(r)s)\.%(s)s", "s3"),
    (r"(?:.+\.)?s3express-[a-z0-9]+-az\d\.(%(r)s)\.%(s)s", "s3express"),
    (r"(?:.+\.)?s3-accesspoint\.(?:dualstack\.)?(%(r)s)\.%(s)s", "s3"),
    (r"(?:.+\.)?s3-object-lambda\.(%(r)s)\.%(s)s", "s3-object-lambda"),
    (r"(?:.+\.)?vpce-[^.]+\.s3\.(%(r)s)\.vpce\.%(s)s", "s3"),
    (r"(?:.+\.)?(%(r)s)\.es\.%(s)s", "es"),
    (r"(?:.+\.)?(%(r)s)\.aoss\.%(s)s", "aoss"),
    (r"(%(r)s)\.queue\.%(s)s", "sqs"),
    (r".+\.(%(r)s)\.neptune\.%(s)s", "neptune-db"),
    (r"(?:.+\.)?execute-api\.(%(r)s)\.(?:vpce\.)?%(s)s", "execute-api"),
    (r"[^.]+\.iot\.(%(r)s)\.%(s)s", "iotdata"),
    (r"(?:.+\.)?s3(?:\.dualstack)?\.%(s)s", "s3"),
)]

_REGIONAL = re.compile(r"(?P<labels>.+?)\.(?:dualstack\.)?(?P<region>%s)"
                       r"\.(?:vpce\.)?%s" % (REGION, SUFFIX))
_GLOBAL = re.compile(r"(?P<label>[a-z0-9-]+)\.amazonaws\.com")


def without_port(host):
    """The host name in lower case, without port and trailing dot."""
    return re.sub(r":\d*$", "", host.lower()).rstrip(".")


def infer(host):
    """(service, region) of an AWS host, or None for any other host."""
    name = without_port(host)

    for pattern, service in _PATTERNS:
        match = pattern.fullmatch(name)
        if match:
            groups = match.groups()
            return service, groups[0] if groups else "us-east-1"

    match = _REGIONAL.fullmatch(name)
    if match:
        return _signing_name(match["labels"]), match["region"]

    match = _GLOBAL.fullmatch(name)
    if match and match["label"] in GLOBAL_REGIONS:
        return match["label"], GLOBAL_REGIONS[match["label"]]

    return None


def _signing_name(labels):
    """The longest tail of the labels that the table knows, else the last."""
    parts = [re.sub(r"-fips$", "", part) for part in labels.split(".")]

    for start in range(len(parts)):
        tail = ".".join(parts[start:])
        if tail in SIGNING_NAMES:
            return SIGNING_NAMES[tail]

    return parts[-1]
