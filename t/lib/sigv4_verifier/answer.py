# SPDX-License-Identifier: BSD-2-Clause
"""Answers: a report in JSON, or an error in the shape that AWS gives it."""

import email.utils
import http.client
import json
from xml.sax.saxutils import escape

#  reason: (S3 status, S3 code, query-protocol code, JSON code)
_SIGNATURE = (403, "SignatureDoesNotMatch", "SignatureDoesNotMatch",
              "InvalidSignatureException")
_MALFORMED = (400, "AuthorizationHeaderMalformed", "IncompleteSignature",
              "IncompleteSignatureException")
_MALFORMED_QUERY = (400, "AuthorizationQueryParametersError",
                    "IncompleteSignature", "IncompleteSignatureException")
_UNSIGNED = (403, "AccessDenied", "SignatureDoesNotMatch",
             "InvalidSignatureException")
_SCOPE = (400, "AuthorizationHeaderMalformed", "SignatureDoesNotMatch",
          "InvalidSignatureException")
_TOKEN = (400, "InvalidToken", "InvalidClientTokenId",
          "UnrecognizedClientException")
_TWO = (400, "InvalidArgument", "IncompleteSignature",
        "IncompleteSignatureException")
_INCOMPLETE = (400, "IncompleteBody", "IncompleteBody", "IncompleteBody")
_MISSING = (403, "AccessDenied", "MissingAuthenticationToken",
            "MissingAuthenticationTokenException")
_BAD = (400, "InvalidRequest", "ValidationError", "BadRequestException")

ERRORS = {
    "no_authentication": _MISSING,
    "foreign_authorization": _MISSING,
    "presigned": _MISSING,
    "malformed_authorization": _MALFORMED,
    "malformed_credential": _MALFORMED,
    "malformed_signature": _MALFORMED,
    "malformed_signed_headers": _MALFORMED,
    "malformed_query": _MALFORMED_QUERY,
    "malformed_expires": _MALFORMED_QUERY,
    "malformed_date": (403, "AccessDenied", "IncompleteSignature",
                       "IncompleteSignatureException"),
    "two_mechanisms": _TWO,
    "legacy_query": _TWO,
    "client_leftover": _TWO,
    "scope_date": _SCOPE,
    "scope_service": _SCOPE,
    "scope_region": _SCOPE,
    "unknown_key": (403, "InvalidAccessKeyId", "InvalidClientTokenId",
                    "UnrecognizedClientException"),
    "date_skew": (403, "RequestTimeTooSkewed", "SignatureDoesNotMatch",
                  "InvalidSignatureException"),
    "expired_url": _UNSIGNED,
    "expired_token": (400, "ExpiredToken", "ExpiredToken",
                      "ExpiredTokenException"),
    "missing_token": _TOKEN,
    "wrong_token": _TOKEN,
    "unexpected_token": _TOKEN,
    "unsigned_header": _UNSIGNED,
    "signed_header_absent": _SIGNATURE,
    "signed_mutable_header": _SIGNATURE,
    "signature": _SIGNATURE,
    "chunk_signature": _SIGNATURE,
    "trailer_signature": _SIGNATURE,
    "payload_hash": (400, "XAmzContentSHA256Mismatch",
                     "SignatureDoesNotMatch", "InvalidSignatureException"),
    "payload_kind": (400, "InvalidArgument", "SignatureDoesNotMatch",
                     "InvalidSignatureException"),
    "missing_content_sha256": _BAD,
    "missing_decoded_length": (411, "MissingContentLength",
                               "MissingContentLength",
                               "MissingContentLength"),
    "transfer_encoding": (411, "MissingContentLength",
                          "MissingContentLength", "MissingContentLength"),
    "chunk_size": (403, "InvalidChunkSizeError", "InvalidChunkSizeError",
                   "InvalidChunkSizeError"),
    "incomplete_body": _INCOMPLETE,
    "decoded_length": _INCOMPLETE,
    "bytes_after_body": _INCOMPLETE,
    "checksum": (400, "BadDigest", "BadDigest", "BadDigest"),
}

_S3 = ("s3", "s3express", "s3-outposts", "s3-object-lambda")
_QUERY = ("sts", "iam", "monitoring")


def error(reason, detail, service, json_1x=False):
    """(status, code, headers, body) of a refusal."""
    status, s3, query, other = ERRORS.get(reason, _BAD)
    message = reason + (": " + detail if detail else "")

    if service in _S3:
        return status, s3, [("Content-Type", "application/xml")], (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            "<Error><Code>%s</Code><Message>%s</Message>"
            "<RequestId>0</RequestId><HostId>verifier</HostId></Error>"
            % (s3, escape(message)))

    status = 400 if status == 400 and query != "SignatureDoesNotMatch" \
        else 403

    if service in _QUERY:
        return status, query, [("Content-Type", "text/xml")], (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            "<Error><Type>Sender</Type><Code>%s</Code>"
            "<Message>%s</Message></Error><RequestId>0</RequestId>"
            "</ErrorResponse>" % (query, escape(message)))

    if json_1x:
        return 400, other, [("Content-Type", "application/x-amz-json-1.1")], \
            json.dumps({"__type": "com.amazon.coral.service#" + other,
                        "message": message})

    return status, other, [("Content-Type", "application/json"),
                           ("x-amzn-ErrorType", other)], \
        json.dumps({"message": message})


def message(status, headers, body, keepalive, no_body=False):
    """The bytes of a response; `headers` win over the ones made here."""
    given = {name.lower() for name, _ in headers}
    lines = ["HTTP/1.1 %d %s" % (status, http.client.responses.get(status,
                                                                   "Status"))]
    made = [("Date", email.utils.formatdate(usegmt=True)),
            ("Server", "sigv4-verifier"),
            ("Connection", "keep-alive" if keepalive else "close")]

    if body is not None and not {"content-length",
                                 "transfer-encoding"} & given:
        made.append(("Content-Length", str(len(body))))

    lines += ["%s: %s" % (n, v) for n, v in made if n.lower() not in given]
    lines += ["%s: %s" % (n, v) for n, v in headers]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    return head if no_body or body is None else head + body
