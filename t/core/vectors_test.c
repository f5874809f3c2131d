
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Whole requests, stage by stage: what fails first names the stage.
 */


#include "tap.h"
#include "vectors.h"


#define TEST_FIELDS               16
#define TEST_DATE                 "20250214T235959Z"
#define TEST_TOKEN                "FwoGZXIvYXdzEXAMPLE//TOKEN+with/slashes=="

#define TEST_CHUNKED                                                          \
    "Content-Type:application/octet-stream\n"                                 \
    "Content-Encoding:aws-chunked\n"                                          \
    "X-Amz-Decoded-Content-Length:20000\n"


/* fields are lines "Name:value", in the order in which they were received */

typedef struct {
    const char                   *method;
    const char                   *path;
    const char                   *query;
    const char                   *region;
    const char                   *service;
    const char                   *fields;
    const char                   *body;
    const char                   *payload_hash;     /* NULL: of the body */
    unsigned                      s3:1;
    unsigned                      presigned:1;      /* no X-Amz-Date field */
} test_request_t;


static void test_vector(const vector_t *vector, const test_request_t *tr,
    sigv4_crypto_t *crypto);
static void test_fields(const test_request_t *tr, char *text,
    sigv4_request_t *req);
static void test_body_hash(const test_request_t *tr, sigv4_crypto_t *crypto,
    uint8_t *hex);
static void test_authorization(const vector_t *vector,
    const sigv4_scope_t *scope, sigv4_str_t authorization);


static const test_request_t  test_requests[] = {

    { "POST",
      "/model/anthropic.claude-3-haiku-20240307-v1%3A0/invoke", "",
      "us-west-2", "bedrock",
      "Host:bedrock-runtime.us-west-2.amazonaws.com\n"
      "Content-Type:application/json\n",
      "{\"anthropic_version\":\"bedrock-2023-05-31\",\"max_tokens\":16,"
      "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
      NULL, 0, 0 },

    { "GET", "/example-bucket/reports/Q1%20%28final%29%2Bv2~.csv", "",
      "eu-central-1", "s3",
      "Host:s3.eu-central-1.amazonaws.com\n"
      "Range:bytes=0-1023\n"
      "X-Amz-Content-Sha256:" SIGV4_EMPTY_SHA256 "\n",
      "", NULL, 1, 0 },

    { "DELETE", "/a//b/./c/../d%2Fe", "versionId=null",
      "us-east-1", "s3",
      "Host:example-bucket.s3.us-east-1.amazonaws.com\n"
      "X-Amz-Content-Sha256:" SIGV4_EMPTY_SHA256 "\n",
      "", NULL, 1, 0 },

    { "GET", "/prod/./v1//items/../snow%E2%98%83/caf%E9/", "",
      "ap-southeast-2", "execute-api",
      "Host:a1b2c3d4e5.execute-api.ap-southeast-2.amazonaws.com\n",
      "", NULL, 0, 0 },

    { "GET", "/",
      "b=2&a=1&a=&A=1&flag&d=x+y&e=%7etilde%7E&a-b=1&a%5Bb%5D=q%2fr&x=%2B"
      "&&z=1=2",
      "us-east-1", "es",
      "Host:search-logs-abc123.us-east-1.es.amazonaws.com\n",
      "", NULL, 0, 0 },

    { "GET", "/status", "", "eu-west-1", "execute-api",
      "Host:vpce-0123456789abcdef0-abcdefgh.execute-api.eu-west-1.vpce"
      ".amazonaws.com:8443\n"
      "X-Multi:  first  value \n"
      "X-Multi: second\t\tvalue\n"
      "X-Empty: \n"
      "X-Multi: a\"  quoted  \"b\n"
      "Accept: */*\n",
      "", NULL, 0, 0 },

    { "POST", "/", "", "us-gov-west-1", "sts",
      "Host:sts.us-gov-west-1.amazonaws.com\n"
      "Content-Type:application/x-www-form-urlencoded; charset=utf-8\n"
      "X-Amz-Security-Token:" TEST_TOKEN "\n",
      "Action=GetCallerIdentity&Version=2011-06-15", NULL, 0, 0 },

    { "PUT", "/upload.bin",
      "partNumber=2&uploadId=VCVsb2FkIElEIGZvciBlbHZpbmcncyBteS1tb3ZpZS5t"
      "MnRz",
      "us-east-2", "s3",
      "Host:example-bucket.s3.dualstack.us-east-2.amazonaws.com\n"
      "Content-Type:application/octet-stream\n"
      "x-amz-checksum-crc32:y/Q5Jg==\n"
      "X-Amz-Content-Sha256:UNSIGNED-PAYLOAD\n",
      "123456789", SIGV4_UNSIGNED_PAYLOAD, 1, 0 },

    { "POST", "", "", "eu-west-2", "aps",
      "Host:aps-workspaces.eu-west-2.amazonaws.com\n",
      "", NULL, 0, 0 },

    { "GET", "/photos/%E5%9B%B3%201.png",
      "response-content-disposition=attachment%3B%20filename%3D%22a%20b.png"
      "%22&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE"
      "%2F20250214%2Fap-northeast-1%2Fs3%2Faws4_request&X-Amz-Date="
      TEST_DATE "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host"
      "&X-Amz-Security-Token=FwoGZXIvYXdzEXAMPLE%2F%2FTOKEN%2Bwith%2F"
      "slashes%3D%3D",
      "ap-northeast-1", "s3",
      "Host:example-bucket.s3.ap-northeast-1.amazonaws.com\n",
      "", SIGV4_UNSIGNED_PAYLOAD, 1, 1 },

    { "GET", "/mqtt",
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F"
      "20250214%2Fus-east-1%2Fiotdevicegateway%2Faws4_request&X-Amz-Date="
      TEST_DATE "&X-Amz-SignedHeaders=host",
      "us-east-1", "iotdevicegateway",
      "Host:a1b2c3d4e5f6g7-ats.iot.us-east-1.amazonaws.com\n",
      "", NULL, 0, 1 },

    { "PUT", "/stream.bin", "", "us-west-2", "s3",
      "Host:example-bucket.s3.us-west-2.amazonaws.com\n"
      TEST_CHUNKED
      "X-Amz-Trailer:x-amz-checksum-crc32c\n"
      "X-Amz-Content-Sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER\n",
      "", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", 1, 0 },

    { "PUT", "/stream.bin", "", "us-west-2", "s3",
      "Host:example-bucket.s3.us-west-2.amazonaws.com\n"
      TEST_CHUNKED
      "X-Amz-Content-Sha256:STREAMING-AWS4-HMAC-SHA256-PAYLOAD\n",
      "", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", 1, 0 },

    { "PUT", "/stream.bin", "", "us-west-2", "s3",
      "Host:example-bucket.s3.us-west-2.amazonaws.com\n"
      TEST_CHUNKED
      "X-Amz-Trailer:x-amz-checksum-crc32c\n"
      "X-Amz-Content-Sha256:STREAMING-UNSIGNED-PAYLOAD-TRAILER\n",
      "", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", 1, 0 }
};


int
main(void)
{
    size_t           i, n;
    sigv4_crypto_t  *crypto;

    crypto = sigv4_crypto_create();

    if (!tap_ok(crypto != NULL, "a crypto context is made")) {
        return tap_done();
    }

    n = sizeof(vectors) / sizeof(vectors[0]);

    if (tap_ok(n == sizeof(test_requests) / sizeof(test_requests[0]),
               "each vector has a request"))
    {
        for (i = 0; i < n; i++) {
            test_vector(&vectors[i], &test_requests[i], crypto);
        }
    }

    sigv4_crypto_destroy(crypto);

    return tap_done();
}


static void
test_vector(const vector_t *vector, const test_request_t *tr,
    sigv4_crypto_t *crypto)
{
    char                 name[128], *text;
    size_t               size;
    uint8_t              hex[SIGV4_SHA256_HEX_LEN], key[SIGV4_KEY_LEN];
    uint8_t              signature[SIGV4_SIGNATURE_LEN], *data;
    sigv4_str_t          canonical, headers, string, authorization;
    sigv4_buf_t          buf;
    sigv4_field_t        fields[TEST_FIELDS];
    sigv4_scope_t        scope;
    sigv4_request_t      req;
    sigv4_credentials_t  cred;

    memset(&req, 0, sizeof(req));

    req.method = tap_str(tr->method);
    req.path = tap_str(tr->path);
    req.query = tap_str(tr->query);
    req.fields = fields;
    req.double_encode = !tr->s3;
    req.normalize_path = !tr->s3;

    text = malloc(strlen(tr->fields) + 64);

    if (text == NULL) {
        exit(2);
    }

    test_fields(tr, text, &req);

    if (tr->payload_hash != NULL) {
        req.payload_hash = tap_str(tr->payload_hash);

    } else {
        test_body_hash(tr, crypto, hex);
        req.payload_hash = tap_bytes(hex, sizeof(hex));
    }

    cred.access_key_id = tap_str("AKIDEXAMPLE");
    cred.secret_access_key =
        tap_str("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    cred.session_token = tap_str("");

    scope.region = tap_str(tr->region);
    scope.service = tap_str(tr->service);
    sigv4_scope_time(&scope, 1739577599);

    size = sigv4_scratch_size(&req, &cred, &scope);
    data = malloc(size);

    if (size == 0 || data == NULL) {
        exit(2);
    }

    buf.last = data;
    buf.end = data + size;

    canonical = tap_str("");
    string = tap_str("");
    authorization = tap_str("");

    sigv4_canonical_request(&req, &buf, &canonical, &headers);

    snprintf(name, sizeof(name), "vector %s: canonical request",
             vector->name);
    tap_is(canonical, tap_str(vector->canonical_request), name);

    sigv4_string_to_sign(crypto, &scope, canonical, &buf, &string);

    if (vector->string_to_sign != NULL) {
        snprintf(name, sizeof(name), "vector %s: string to sign",
                 vector->name);
        tap_is(string, tap_str(vector->string_to_sign), name);
    }

    memset(signature, 0, sizeof(signature));

    sigv4_signing_key(crypto, &cred, &scope, key);
    sigv4_signature(crypto, key, string, signature);

    snprintf(name, sizeof(name), "vector %s: signature", vector->name);
    tap_is(tap_bytes(signature, sizeof(signature)),
           tap_str(vector->signature), name);

    sigv4_authorization(&cred, &scope, headers, signature, &buf,
                        &authorization);

    test_authorization(vector, &scope, authorization);

    free(data);
    free(text);
}


/* the names in lower case, as the API demands, and X-Amz-Date put last */

static void
test_fields(const test_request_t *tr, char *text, sigv4_request_t *req)
{
    char           *p, *colon, *end;
    sigv4_field_t  *field;

    strcpy(text, tr->fields);

    if (!tr->presigned) {
        strcat(text, "X-Amz-Date:" TEST_DATE "\n");
    }

    field = req->fields;

    for (p = text; *p != '\0'; p = end + 1) {
        colon = strchr(p, ':');
        end = strchr(p, '\n');

        field->name = tap_bytes(p, colon - p);
        field->value = tap_bytes(colon + 1, end - colon - 1);
        field++;

        for ( /* void */ ; p < colon; p++) {
            if (*p >= 'A' && *p <= 'Z') {
                *p |= 0x20;
            }
        }
    }

    req->nfields = field - req->fields;

    sigv4_sort_fields(req->fields, req->nfields);
}


/* fed in two pieces, as bodies come */

static void
test_body_hash(const test_request_t *tr, sigv4_crypto_t *crypto,
    uint8_t *hex)
{
    size_t         len, half;
    uint8_t        digest[SIGV4_SHA256_LEN];
    sigv4_hash_t  *hash;

    len = strlen(tr->body);
    half = len / 2;

    hash = sigv4_hash_create(crypto);

    if (hash == NULL
        || sigv4_hash_update(hash, tr->body, half) != SIGV4_OK
        || sigv4_hash_update(hash, tr->body + half, len - half) != SIGV4_OK
        || sigv4_hash_final(hash, digest) != SIGV4_OK)
    {
        exit(2);
    }

    sigv4_hash_destroy(hash);
    sigv4_hex(digest, hex);
}


static void
test_authorization(const vector_t *vector, const sigv4_scope_t *scope,
    sigv4_str_t authorization)
{
    char         expected[1024], name[128];
    const char  *headers, *payload;

    /* the signed headers are the last line but one */

    payload = strrchr(vector->canonical_request, '\n');
    headers = payload;

    while (headers[-1] != '\n') {
        headers--;
    }

    snprintf(expected, sizeof(expected),
             "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20250214/%s/%s"
             "/aws4_request, SignedHeaders=%.*s, Signature=%s",
             (const char *) scope->region.data,
             (const char *) scope->service.data,
             (int) (payload - headers), headers, vector->signature);

    snprintf(name, sizeof(name), "vector %s: Authorization", vector->name);
    tap_is(authorization, tap_str(expected), name);
}
