
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_refusal_parts.h"


typedef struct {
    const char                   *text;
    sigv4_cause_e                 cause;
} sigv4_cause_text_t;


static sigv4_cause_e sigv4_cause_by_code(sigv4_str_t code);
static sigv4_cause_e sigv4_cause_by_message(const sigv4_refusal_t *refusal,
    sigv4_cause_e cause);


static const sigv4_cause_text_t  sigv4_cause_codes[] = {
    { "SignatureDoesNotMatch", SIGV4_CAUSE_SIGNATURE_MISMATCH },
    { "InvalidSignatureException", SIGV4_CAUSE_SIGNATURE_MISMATCH },
    { "InvalidSignature", SIGV4_CAUSE_SIGNATURE_MISMATCH },
    { "RequestTimeTooSkewed", SIGV4_CAUSE_CLOCK_SKEW },
    { "RequestExpired", SIGV4_CAUSE_CLOCK_SKEW },
    { "RequestExpiredException", SIGV4_CAUSE_CLOCK_SKEW },
    { "RequestInTheFuture", SIGV4_CAUSE_CLOCK_SKEW },
    { "IncompleteSignature", SIGV4_CAUSE_MALFORMED_AUTHORIZATION },
    { "IncompleteSignatureException", SIGV4_CAUSE_MALFORMED_AUTHORIZATION },
    { "AuthorizationHeaderMalformed", SIGV4_CAUSE_MALFORMED_AUTHORIZATION },
    { "AuthorizationQueryParametersError",
      SIGV4_CAUSE_MALFORMED_AUTHORIZATION },
    { "InvalidClientTokenId", SIGV4_CAUSE_UNKNOWN_KEY },
    { "InvalidAccessKeyId", SIGV4_CAUSE_UNKNOWN_KEY },
    { "UnrecognizedClientException", SIGV4_CAUSE_UNKNOWN_KEY },
    { "UnrecognizedClient", SIGV4_CAUSE_UNKNOWN_KEY },
    { "ExpiredToken", SIGV4_CAUSE_EXPIRED_TOKEN },
    { "ExpiredTokenException", SIGV4_CAUSE_EXPIRED_TOKEN },
    { "TokenRefreshRequired", SIGV4_CAUSE_EXPIRED_TOKEN },
    { "InvalidToken", SIGV4_CAUSE_INVALID_TOKEN },
    { "InvalidSecurity", SIGV4_CAUSE_BAD_CREDENTIALS },
    { "AuthFailure", SIGV4_CAUSE_BAD_CREDENTIALS },
    { "MissingAuthenticationToken", SIGV4_CAUSE_MISSING_AUTHENTICATION },
    { "MissingAuthenticationTokenException",
      SIGV4_CAUSE_MISSING_AUTHENTICATION },
    { "MissingSecurityHeader", SIGV4_CAUSE_MISSING_AUTHENTICATION },
    { "XAmzContentSHA256Mismatch", SIGV4_CAUSE_ALTERED_BODY },
    { "BadDigest", SIGV4_CAUSE_BAD_DIGEST },
    { "InvalidDigest", SIGV4_CAUSE_BAD_DIGEST },
    { "AccessDenied", SIGV4_CAUSE_ACCESS_DENIED },
    { "AccessDeniedException", SIGV4_CAUSE_ACCESS_DENIED },
    { "UnauthorizedOperation", SIGV4_CAUSE_ACCESS_DENIED },
    { "UnauthorizedException", SIGV4_CAUSE_ACCESS_DENIED },
    { "NotAuthorized", SIGV4_CAUSE_ACCESS_DENIED },
    { "NotAuthorizedException", SIGV4_CAUSE_ACCESS_DENIED },
    { "ForbiddenException", SIGV4_CAUSE_ACCESS_DENIED },
    { "AuthorizationError", SIGV4_CAUSE_ACCESS_DENIED },
    { "AllAccessDisabled", SIGV4_CAUSE_ACCESS_DENIED },
    { "OptInRequired", SIGV4_CAUSE_NOT_SUBSCRIBED },
    { "SubscriptionRequiredException", SIGV4_CAUSE_NOT_SUBSCRIBED },
    { "NotSignedUp", SIGV4_CAUSE_NOT_SUBSCRIBED },
    { "AccountProblem", SIGV4_CAUSE_NOT_SUBSCRIBED },
    { "Throttling", SIGV4_CAUSE_THROTTLED },
    { "ThrottlingException", SIGV4_CAUSE_THROTTLED },
    { "ThrottledException", SIGV4_CAUSE_THROTTLED },
    { "RequestThrottled", SIGV4_CAUSE_THROTTLED },
    { "RequestThrottledException", SIGV4_CAUSE_THROTTLED },
    { "TooManyRequestsException", SIGV4_CAUSE_THROTTLED },
    { "RequestLimitExceeded", SIGV4_CAUSE_THROTTLED },
    { "ProvisionedThroughputExceededException", SIGV4_CAUSE_THROTTLED },
    { "BandwidthLimitExceeded", SIGV4_CAUSE_THROTTLED },
    { "SlowDown", SIGV4_CAUSE_THROTTLED },
    { NULL, SIGV4_CAUSE_OTHER }
};


/*
 * One code stands for many causes, which the message tells apart; the texts
 * are those of AWS, and of servers that answer as S3 does.
 */

static const sigv4_cause_text_t  sigv4_cause_messages[] = {
    { "headers present in the request which were not signed",
      SIGV4_CAUSE_UNSIGNED_HEADER },
    { "Signature expired", SIGV4_CAUSE_CLOCK_SKEW },
    { "Signature not yet current", SIGV4_CAUSE_CLOCK_SKEW },
    { "difference between the request time and the current time",
      SIGV4_CAUSE_CLOCK_SKEW },
    { "scoped to a valid region", SIGV4_CAUSE_WRONG_REGION },
    { "is wrong; expecting '", SIGV4_CAUSE_WRONG_REGION },
    { "scoped to correct service", SIGV4_CAUSE_WRONG_SERVICE },
    { "incorrect service", SIGV4_CAUSE_WRONG_SERVICE },
    { "Date in Credential scope does not match", SIGV4_CAUSE_WRONG_DATE },
    { "Invalid credential date", SIGV4_CAUSE_WRONG_DATE },
    { "requires a valid Date or x-amz-date", SIGV4_CAUSE_WRONG_DATE },
    { "Date must be in ISO-8601", SIGV4_CAUSE_WRONG_DATE },
    { "Missing Authentication Token", SIGV4_CAUSE_MISSING_AUTHENTICATION },
    { "key=value pair (missing equal-sign)",
      SIGV4_CAUSE_MALFORMED_AUTHORIZATION },
    { "security token included in the request is expired",
      SIGV4_CAUSE_EXPIRED_TOKEN },
    { "security token included in the request is invalid",
      SIGV4_CAUSE_UNKNOWN_KEY },
    { "Only one auth mechanism allowed", SIGV4_CAUSE_TWO_MECHANISMS },
    { "Missing required header for this request: x-amz-content-sha256",
      SIGV4_CAUSE_MISSING_CONTENT_SHA256 },
    { "request signature we calculated does not match",
      SIGV4_CAUSE_SIGNATURE_MISMATCH },
    { "User: anonymous is not authorized",
      SIGV4_CAUSE_MISSING_AUTHENTICATION },
    { "Anonymous users cannot", SIGV4_CAUSE_MISSING_AUTHENTICATION },
    { "Anonymous access is forbidden", SIGV4_CAUSE_MISSING_AUTHENTICATION },
    { "is not authorized to perform", SIGV4_CAUSE_ACCESS_DENIED },
    { "Unable to determine service/operation name", SIGV4_CAUSE_OTHER },
    { NULL, SIGV4_CAUSE_NONE }
};


/* in the order of sigv4_cause_e */

static const struct {
    const char  *word;
    const char  *advice;
} sigv4_causes[] = {

    { "none", "nothing was refused" },

    { "wrong_secret",
      "the service signed the same string: the secret access key is not that "
      "of this access key ID, look at where the provider has it from" },

    { "signature_mismatch",
      "the service computed another signature and does not show from what: "
      "most likely the secret access key is not that of this access key ID, "
      "or something changes the request on its way" },

    { "altered_method",
      "the method was changed between this gateway and the service, look for "
      "a proxy on the way" },

    { "altered_path",
      "the path was changed between this gateway and the service, or it "
      "reads the encoding otherwise: look for a proxy that normalises or "
      "decodes paths, and at \"aws_sigv4_normalize_path\" and "
      "\"aws_sigv4_double_encode\"" },

    { "altered_query",
      "the query was changed between this gateway and the service, look for "
      "a proxy that adds, sorts or decodes parameters" },

    { "altered_header",
      "a signed header was changed, added or removed between this gateway "
      "and the service, look for a proxy that sets it" },

    { "altered_body",
      "the service received another body than the one that was hashed, look "
      "for a proxy that changes or compresses bodies" },

    { "bad_digest",
      "a checksum that the client sent is not that of the body: the client "
      "computed it of another one, or the body was changed on its way" },

    { "unsigned_header",
      "the service received a header that must be signed and is not: "
      "something between adds it, or it is to be named in "
      "\"aws_sigv4_signed_headers\"" },

    { "wrong_region",
      "the request was signed for another region than that of the endpoint, "
      "set \"aws_sigv4_region\" or send it to the endpoint of the region" },

    { "wrong_service",
      "the request was signed for another service than that of the endpoint, "
      "set \"aws_sigv4_service\" to its signing name" },

    { "wrong_date",
      "the date was changed or removed between this gateway and the "
      "service" },

    { "clock_skew",
      "the clock of this machine and that of the service differ, or the "
      "request was held for minutes on its way: look at NTP" },

    { "unknown_key",
      "the service does not know the access key ID: it was deleted or made "
      "inactive, belongs to another partition or store, or its session has "
      "ended" },

    { "bad_credentials",
      "the service does not accept the credentials and does not say whether "
      "key ID, secret, token or date is wrong" },

    { "missing_token",
      "the access key ID is one of temporary credentials, which are worth "
      "nothing without their session token: give the provider the token" },

    { "invalid_token",
      "the session token is damaged, or is not that of this access key ID" },

    { "expired_token",
      "the session of the credentials has ended: look at why the provider "
      "has no newer ones" },

    { "missing_authentication",
      "the service saw no signature: something between removes "
      "Authorization, or the endpoint has no such path or method" },

    { "malformed_authorization",
      "the service cannot read Authorization: something between changes it, "
      "or the service does not speak Signature Version 4" },

    { "two_mechanisms",
      "the request carries other credentials beside the signature, remove "
      "those of the client" },

    { "missing_content_sha256",
      "the service requires X-Amz-Content-Sha256: set "
      "\"aws_sigv4_content_sha256 on\"" },

    { "access_denied",
      "the signature is right, and a policy does not allow the request: look "
      "at the policies of the role or user and of the resource" },

    { "not_subscribed",
      "the account of the credentials has not enabled this service" },

    { "throttled",
      "the signature is right, and there are too many requests" },

    { "other",
      "the service does not name the signature as the reason" },

    { "unknown",
      "the answer does not say why in a form that can be read" }
};


sigv4_cause_e
sigv4_cause(const sigv4_refusal_t *refusal)
{
    sigv4_cause_e  cause;

    cause = SIGV4_CAUSE_UNKNOWN;

    if (refusal->code.len != 0) {
        cause = sigv4_cause_by_code(refusal->code);

    } else if (refusal->message.len != 0) {
        cause = SIGV4_CAUSE_OTHER;
    }

    switch (cause) {

    case SIGV4_CAUSE_SIGNATURE_MISMATCH:
    case SIGV4_CAUSE_MALFORMED_AUTHORIZATION:
    case SIGV4_CAUSE_ACCESS_DENIED:
    case SIGV4_CAUSE_OTHER:
        return sigv4_cause_by_message(refusal, cause);

    default:
        return cause;
    }
}


static sigv4_cause_e
sigv4_cause_by_code(sigv4_str_t code)
{
    const sigv4_cause_text_t  *t;

    for (t = sigv4_cause_codes; t->text != NULL; t++) {
        if (sigv4_str_is(code, t->text)) {
            break;
        }
    }

    return t->cause;
}


static sigv4_cause_e
sigv4_cause_by_message(const sigv4_refusal_t *refusal, sigv4_cause_e cause)
{
    sigv4_str_t                message;
    const sigv4_cause_text_t  *t;

    message = refusal->message;

    for (t = sigv4_cause_messages; t->text != NULL; t++) {
        if (sigv4_find(message, t->text) != NULL) {
            return t->cause;
        }
    }

    /* that of API Gateway */

    if (refusal->code.len == 0 && sigv4_str_is(message, "Forbidden")) {
        return SIGV4_CAUSE_ACCESS_DENIED;
    }

    return cause;
}


sigv4_cause_e
sigv4_cause_of(const sigv4_difference_t *difference)
{
    switch (difference->part) {

    case SIGV4_PART_NONE:
        return SIGV4_CAUSE_WRONG_SECRET;

    case SIGV4_PART_METHOD:
        return SIGV4_CAUSE_ALTERED_METHOD;

    case SIGV4_PART_PATH:
        return SIGV4_CAUSE_ALTERED_PATH;

    case SIGV4_PART_QUERY:
        return SIGV4_CAUSE_ALTERED_QUERY;

    case SIGV4_PART_HEADER:
    case SIGV4_PART_SIGNED_HEADERS:
        return SIGV4_CAUSE_ALTERED_HEADER;

    case SIGV4_PART_PAYLOAD_HASH:
        return SIGV4_CAUSE_ALTERED_BODY;

    case SIGV4_PART_DATE:
    case SIGV4_PART_SCOPE_DATE:
        return SIGV4_CAUSE_WRONG_DATE;

    case SIGV4_PART_REGION:
        return SIGV4_CAUSE_WRONG_REGION;

    case SIGV4_PART_SERVICE:
        return SIGV4_CAUSE_WRONG_SERVICE;

    default:
        return SIGV4_CAUSE_SIGNATURE_MISMATCH;
    }
}


const char *
sigv4_cause_word(sigv4_cause_e cause)
{
    return sigv4_causes[cause].word;
}


const char *
sigv4_cause_advice(sigv4_cause_e cause)
{
    return sigv4_causes[cause].advice;
}
