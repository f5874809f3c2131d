
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The cause by what an answer says, and by the first difference between what
 * was signed and what the service has signed.
 */


#include "tap.h"
#include "guard.h"
#include "sigv4_refusal.h"


/* not the text of a string, but that there is none */
#define NONE  NULL


static void test_causes(void);
static void test_words(void);
static void test_requests(void);
static void test_queries(void);
static void test_headers(void);
static void test_tokens(void);
static void test_strings(void);
static void test_cut(void);
static void test_long(void);
static void test_request(const char *theirs, sigv4_part_e part,
    const char *name, const char *our_value, const char *their_value);
static void test_query(const char *ours, const char *theirs,
    const char *name, const char *our_value, const char *their_value);
static void test_string(const char *theirs, sigv4_part_e part,
    const char *our_value, const char *their_value);
static void test_difference(sigv4_difference_t *difference,
    sigv4_part_e part, const char *name, const char *our_value,
    const char *their_value, const char *what);
static int test_value(sigv4_str_t got, const char *expected);


static const char  request[] =
    "GET\n/a/b\nx=1&y=2\nhost:h\nx-amz-date:20250214T235959Z\n\n"
    "host;x-amz-date\ne3b0";

static const char  string[] =
    "AWS4-HMAC-SHA256\n20250214T235959Z\n"
    "20250214/us-east-1/s3/aws4_request\n9ef1";


int
main(void)
{
    test_causes();
    test_words();
    test_requests();
    test_queries();
    test_headers();
    test_tokens();
    test_strings();
    test_cut();
    test_long();

    return tap_done();
}


static void
test_causes(void)
{
    size_t           i;
    sigv4_refusal_t  refusal;

    static const struct {
        const char  *code;
        const char  *message;
        const char  *word;
    } causes[] = {
        { "", "", "unknown" },
        { "", "something", "other" },
        { "ValidationException", "", "other" },
        { "signaturedoesnotmatch", "", "other" },

        { "SignatureDoesNotMatch", "", "signature_mismatch" },
        { "InvalidSignatureException", "", "signature_mismatch" },
        { "", "The request signature we calculated does not match the "
          "signature you provided.", "signature_mismatch" },

        { "RequestTimeTooSkewed", "", "clock_skew" },
        { "SignatureDoesNotMatch", "Signature expired: 20250214T235959Z is "
          "now earlier than 20250215T001000Z", "clock_skew" },
        { "InvalidSignatureException", "Signature not yet current: a",
          "clock_skew" },
        { "AccessDenied", "The difference between the request time and the "
          "current time is too large", "clock_skew" },

        { "InvalidClientTokenId", "", "unknown_key" },
        { "InvalidAccessKeyId", "", "unknown_key" },
        { "UnrecognizedClientException", "The security token included in the "
          "request is invalid.", "unknown_key" },
        { "", "The security token included in the request is invalid.",
          "unknown_key" },
        { "ExpiredToken", "", "expired_token" },
        { "ExpiredTokenException", "", "expired_token" },
        { "", "The security token included in the request is expired",
          "expired_token" },
        { "InvalidToken", "", "invalid_token" },
        { "AuthFailure", "", "bad_credentials" },

        { "AccessDenied", "There were headers present in the request which "
          "were not signed", "unsigned_header" },
        { "AccessDeniedException", "", "access_denied" },
        { "", "User: arn:aws:iam::1:user/a is not authorized to perform: b",
          "access_denied" },
        { "", "User: anonymous is not authorized to perform: es:ESHttpGet",
          "missing_authentication" },
        { "AccessDenied", "Anonymous users cannot initiate multipart "
          "uploads.  Please authenticate.", "missing_authentication" },
        { "AccessDenied", "Anonymous access is forbidden for this operation",
          "missing_authentication" },
        { "AccessDeniedException", "Unable to determine service/operation "
          "name to be authorized", "other" },
        { "", "Forbidden", "access_denied" },
        { "", "Forbidden.", "other" },

        { "AuthorizationHeaderMalformed", "The authorization header is "
          "malformed; the region 'a' is wrong; expecting 'b'",
          "wrong_region" },
        { "SignatureDoesNotMatch", "Credential should be scoped to a valid "
          "region, not 'a'. ", "wrong_region" },
        { "SignatureDoesNotMatch", "Credential should be scoped to correct "
          "service: 'sts'. ", "wrong_service" },
        { "AuthorizationHeaderMalformed", "incorrect service \"a\".",
          "wrong_service" },
        { "SignatureDoesNotMatch", "Date in Credential scope does not match "
          "YYYYMMDD from ISO-8601 version of date", "wrong_date" },
        { "IncompleteSignature", "", "malformed_authorization" },
        { "", "'a' not a valid key=value pair (missing equal-sign) in "
          "Authorization header: 'a'.", "malformed_authorization" },
        { "", "Invalid key=value pair (missing equal-sign) in Authorization "
          "header (hashed with SHA-256 and encoded with Base64): 'YQ=='.",
          "malformed_authorization" },
        { "ValidationException", "no such model in the region 'a'", "other" },

        { "XAmzContentSHA256Mismatch", "", "altered_body" },
        { "BadDigest", "", "bad_digest" },
        { "", "Missing Authentication Token", "missing_authentication" },
        { "InvalidRequest", "Missing required header for this request: "
          "x-amz-content-sha256", "missing_content_sha256" },
        { "InvalidArgument", "Only one auth mechanism allowed; only the a",
          "two_mechanisms" },
        { "OptInRequired", "", "not_subscribed" },
        { "ThrottlingException", "", "throttled" },

        /* a code that is clear is not overruled by what a user has named */

        { "ThrottlingException", "Signature expired", "throttled" },
        { "InvalidAccessKeyId", "Missing Authentication Token",
          "unknown_key" }
    };

    memset(&refusal, 0, sizeof(sigv4_refusal_t));

    for (i = 0; i < sizeof(causes) / sizeof(causes[0]); i++) {
        refusal.code = tap_str(causes[i].code);
        refusal.message = tap_str(causes[i].message);

        tap_is(tap_str(sigv4_cause_word(sigv4_cause(&refusal))),
               tap_str(causes[i].word), causes[i].word);
    }
}


/* each cause has a word of its own, and an advice that is one sentence */

static void
test_words(void)
{
    int          i, j;
    unsigned     bad;
    const char  *word, *advice;

    bad = 0;

    for (i = 0; i < SIGV4_CAUSES; i++) {
        word = sigv4_cause_word(i);
        advice = sigv4_cause_advice(i);

        if (word[strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_")]
            || advice[0] == '\0' || strchr(advice, '\n') != NULL
            || advice[strlen(advice) - 1] == '.')
        {
            bad++;
        }

        for (j = 0; j < i; j++) {
            bad += strcmp(word, sigv4_cause_word(j)) == 0;
            bad += strcmp(advice, sigv4_cause_advice(j)) == 0;
        }
    }

    tap_ok(bad == 0, "words and advice of all causes, %u are not right", bad);
}


static void
test_requests(void)
{
    test_request(request, SIGV4_PART_NONE, NONE, NONE, NONE);
    test_request("POST\n/a/b\nx=1&y=2\nhost:h\n", SIGV4_PART_METHOD, NONE,
                 "GET", "POST");
    test_request("GET\n/a%2Fb\nx=1&y=2\nhost:h\n", SIGV4_PART_PATH, NONE,
                 "/a/b", "/a%2Fb");
    test_request("GET\n/a/b\nx=1&y=2\nhost:h\nx-amz-date:20250214T235959Z\n"
                 "\nhost\ne3b0", SIGV4_PART_SIGNED_HEADERS, NONE,
                 "host;x-amz-date", "host");
    test_request("GET\n/a/b\nx=1&y=2\nhost:h\nx-amz-date:20250214T235959Z\n"
                 "\nhost;x-amz-date\n9ef1", SIGV4_PART_PAYLOAD_HASH, NONE,
                 "e3b0", "9ef1");

    /* as far as it goes */

    test_request("", SIGV4_PART_METHOD, NONE, "GET", "");
    test_request("GET", SIGV4_PART_PATH, NONE, "/a/b", NONE);
    test_request("GET\n/a/b", SIGV4_PART_QUERY, "x", "1", NONE);
}


static void
test_queries(void)
{
    test_query("a=1&b=2", "a=1&b=3", "b", "2", "3");
    test_query("a=1&b=2", "a=2&b=3", "a", "1", "2");
    test_query("a=1&b=2", "a=1", "b", "2", NONE);
    test_query("a=1", "a=1&b=2", "b", NONE, "2");
    test_query("a=1&c=3", "a=1&b=2&c=3", "b", NONE, "2");
    test_query("a=1&b=2&c=3", "a=1&c=3", "b", "2", NONE);
    test_query("", "a=1", "a", NONE, "1");
    test_query("a=1", "", "a", "1", NONE);

    /* a name that begins as another does, and one that comes twice */

    test_query("a=1", "ab=1", "a", "1", NONE);
    test_query("ab=1", "a=1", "a", NONE, "1");
    test_query("a=1&a=2", "a=1&a=3", "a", "2", "3");
    test_query("a=1&a=2", "a=1", "a", "2", NONE);

    /* values that are empty, and what is no canonical query */

    test_query("a=", "a=1", "a", "", "1");
    test_query("a=1", "a=", "a", "1", "");
    test_query("a=1", "a=1=2", "a", "1", "1=2");
    test_query("a=", "a", "a", "", "");
    test_query("a=1", "&a=1", "a", "1", NONE);
    test_query("a=1", "a=1&", NONE, NONE, NONE);
    test_query("b=2", "&&", "b", "2", NONE);
}


static void
test_headers(void)
{
    static const char  head[] = "GET\n/a/b\nx=1&y=2\n";
    static const char  tail[] = "\nhost;x-amz-date\ne3b0";

    size_t  i;
    char    text[256];

    static const struct {
        const char  *headers;
        const char  *name;
        const char  *ours;
        const char  *theirs;
    } cases[] = {
        { "host:other\nx-amz-date:20250214T235959Z\n", "host", "h", "other" },
        { "x-amz-date:20250214T235959Z\n", "host", "h", NONE },
        { "host:h\n", "x-amz-date", "20250214T235959Z", NONE },
        { "host:h\nx-amz-a:1\nx-amz-date:20250214T235959Z\n", "x-amz-a",
          NONE, "1" },
        { "host:h\nx-amz-date:20250214T235959Z\nz:1:2\n", "z", NONE, "1:2" },
        { "host:\nx-amz-date:20250214T235959Z\n", "host", "h", "" },
        { "", "host", "h", NONE },
        { "host\n", "host", "h", "" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(text, sizeof(text), "%s%s%s", head, cases[i].headers, tail);

        test_request(text, SIGV4_PART_HEADER, cases[i].name, cases[i].ours,
                     cases[i].theirs);
    }
}


/* a token is in theirs, and masked in ours: any one will do, but none not */

static void
test_tokens(void)
{
    sigv4_difference_t  difference;

    static const char  ours[] = "GET\n/\n\nhost:h\nx-amz-security-token:"
        SIGV4_MASKED "\n\nhost;x-amz-security-token\ne3b0";

    sigv4_compare_requests(&difference, tap_str(ours),
        tap_str("GET\n/\n\nhost:h\nx-amz-security-token:abc\n\n"
                "host;x-amz-security-token\ne3b0"), 0);
    test_difference(&difference, SIGV4_PART_NONE, NONE, NONE, NONE,
                    "a token");

    sigv4_compare_requests(&difference, tap_str(ours),
        tap_str("GET\n/\n\nhost:h\nx-amz-security-token:\n\n"
                "host;x-amz-security-token\ne3b0"), 0);
    test_difference(&difference, SIGV4_PART_HEADER, "x-amz-security-token",
                    SIGV4_MASKED, "", "an empty token");

    sigv4_compare_requests(&difference, tap_str(ours),
        tap_str("GET\n/\n\nhost:h\n\nhost;x-amz-security-token\ne3b0"), 0);
    test_difference(&difference, SIGV4_PART_HEADER, "x-amz-security-token",
                    SIGV4_MASKED, NONE, "no token");
}


static void
test_strings(void)
{
    test_string(string, SIGV4_PART_NONE, NONE, NONE);
    test_string("AWS4-ECDSA-P256-SHA256\n20250214T235959Z\n",
                SIGV4_PART_ALGORITHM, "AWS4-HMAC-SHA256",
                "AWS4-ECDSA-P256-SHA256");
    test_string("AWS4-HMAC-SHA256\n20250215T000000Z\n", SIGV4_PART_DATE,
                "20250214T235959Z", "20250215T000000Z");
    test_string("AWS4-HMAC-SHA256\n20250214T235959Z\n"
                "20250215/us-east-1/s3/aws4_request\n9ef1",
                SIGV4_PART_SCOPE_DATE, "20250214", "20250215");
    test_string("AWS4-HMAC-SHA256\n20250214T235959Z\n"
                "20250214/eu-west-1/sqs/aws4_request\n9ef1",
                SIGV4_PART_REGION, "us-east-1", "eu-west-1");
    test_string("AWS4-HMAC-SHA256\n20250214T235959Z\n"
                "20250214/us-east-1/sqs/aws4_request\n9ef1",
                SIGV4_PART_SERVICE, "s3", "sqs");
    test_string("AWS4-HMAC-SHA256\n20250214T235959Z\n"
                "20250214/us-east-1/s3/other\n9ef1", SIGV4_PART_SCOPE,
                "20250214/us-east-1/s3/aws4_request",
                "20250214/us-east-1/s3/other");
    test_string("AWS4-HMAC-SHA256\n20250214T235959Z\n20250214\n9ef1",
                SIGV4_PART_REGION, "us-east-1", "");
    test_string("AWS4-HMAC-SHA256\n20250214T235959Z\n"
                "20250214/us-east-1/s3/aws4_request\ne3b0",
                SIGV4_PART_REQUEST_HASH, "9ef1", "e3b0");
    test_string("", SIGV4_PART_ALGORITHM, "AWS4-HMAC-SHA256", "");
}


/* what ends within is equal as far as it goes, and its last line is none */

static void
test_cut(void)
{
    size_t              len;
    guard_t             guard;
    unsigned            bad;
    sigv4_str_t         theirs;
    sigv4_difference_t  difference;

    bad = 0;

    for (len = 0; len < sizeof(request); len++) {
        theirs = tap_bytes(request, len);
        guard = guard_copy(&theirs);

        sigv4_compare_requests(&difference, tap_str(request), theirs, 1);
        bad += difference.part != SIGV4_PART_CUT;

        guard_destroy(guard);
    }

    tap_ok(bad == 0, "a request cut at each byte, %u are not right", bad);

    bad = 0;

    for (len = 0; len < sizeof(string); len++) {
        theirs = tap_bytes(string, len);
        guard = guard_copy(&theirs);

        sigv4_compare_strings(&difference, tap_str(string), theirs, 1);
        bad += difference.part != SIGV4_PART_CUT;

        guard_destroy(guard);
    }

    tap_ok(bad == 0, "a string cut at each byte, %u are not right", bad);

    sigv4_compare_requests(&difference, tap_str(request),
                           tap_str("POST\n/a"), 1);
    test_difference(&difference, SIGV4_PART_METHOD, NONE, "GET", "POST",
                    "a difference before the cut");
}


/* what has more lines than there are parts still has one of them */

static void
test_long(void)
{
    char                ours[256];
    sigv4_str_t         lines;
    sigv4_difference_t  difference;

    memset(ours, '\n', sizeof(ours));

    lines = tap_bytes(ours, sizeof(ours));

    sigv4_compare_requests(&difference, lines,
                           tap_bytes(ours, sizeof(ours) - 1), 0);
    test_difference(&difference, SIGV4_PART_PAYLOAD_HASH, NONE, "", NONE,
                    "a line less of many");

    sigv4_compare_requests(&difference, tap_bytes(ours, 100), lines, 0);
    tap_ok(difference.part == SIGV4_PART_PAYLOAD_HASH, "more of them");
}


static void
test_request(const char *theirs, sigv4_part_e part, const char *name,
    const char *our_value, const char *their_value)
{
    sigv4_difference_t  difference;

    sigv4_compare_requests(&difference, tap_str(request), tap_str(theirs), 0);

    test_difference(&difference, part, name, our_value, their_value,
                    sigv4_part_name(part));
}


static void
test_query(const char *ours, const char *theirs, const char *name,
    const char *our_value, const char *their_value)
{
    char                our_text[64], their_text[64];
    sigv4_difference_t  difference;

    snprintf(our_text, sizeof(our_text), "GET\n/\n%s\nhost:h\n", ours);
    snprintf(their_text, sizeof(their_text), "GET\n/\n%s\nhost:h\n", theirs);

    sigv4_compare_requests(&difference, tap_str(our_text),
                           tap_str(their_text), 0);

    test_difference(&difference, SIGV4_PART_QUERY, name, our_value,
                    their_value, theirs);
}


static void
test_string(const char *theirs, sigv4_part_e part, const char *our_value,
    const char *their_value)
{
    sigv4_difference_t  difference;

    sigv4_compare_strings(&difference, tap_str(string), tap_str(theirs), 0);

    test_difference(&difference, part, NONE, our_value, their_value,
                    sigv4_part_name(part));
}


static void
test_difference(sigv4_difference_t *difference, sigv4_part_e part,
    const char *name, const char *our_value, const char *their_value,
    const char *what)
{
    int  ok;

    ok = difference->part == part
         && (part == SIGV4_PART_NONE
             || (test_value(difference->ours, our_value)
                 && test_value(difference->theirs, their_value)
                 && (name == NONE || test_value(difference->name, name))));

    tap_ok(ok, "%s", what);

    if (!ok) {
        printf("#   part %d, expected %d\n", difference->part, part);

        tap_print("name    ", difference->name);
        tap_print("ours    ", difference->ours);
        tap_print("theirs  ", difference->theirs);
    }
}


static int
test_value(sigv4_str_t got, const char *expected)
{
    if (expected == NONE) {
        return got.data == NULL && got.len == 0;
    }

    return got.data != NULL && got.len == strlen(expected)
           && memcmp(got.data, expected, got.len) == 0;
}
