
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Presigned queries.  The signatures are those of awscrt 0.16.8, and that
 * of S3 is botocore's as well.  Buffers end at a page that cannot be
 * touched.
 */


#include "guard.h"
#include "tap.h"


#define TEST_TOKEN                "FwoGZXIvYXdzEXAMPLE//TOKEN+with/slashes=="
#define TEST_TOKEN_ENCODED                                                    \
    "FwoGZXIvYXdzEXAMPLE%2F%2FTOKEN%2Bwith%2Fslashes%3D%3D"


typedef struct {
    const char                   *name;
    const char                   *path;
    const char                   *query;
    const char                   *host;
    const char                   *region;
    const char                   *service;
    const char                   *payload_hash;
    unsigned                      expires;
    unsigned                      double_encode;
    const char                   *presigned;
} test_vector_t;


static void test_vector(const test_vector_t *vector, sigv4_crypto_t *crypto);
static int test_presign(const sigv4_request_t *in,
    const sigv4_credentials_t *cred, const sigv4_scope_t *scope,
    unsigned expires, sigv4_crypto_t *crypto, sigv4_buf_t *buf);
static void test_limits(void);
static void test_code(sigv4_request_t *req, sigv4_credentials_t *cred,
    sigv4_scope_t *scope, unsigned expires, int expected, const char *name);


static const test_vector_t  test_vectors[] = {

    { "S3", "/photos/%E5%9B%B3%201.png",
      "response-content-disposition=attachment%3B%20filename%3D%22a%20b.png"
      "%22",
      "example-bucket.s3.ap-northeast-1.amazonaws.com",
      "ap-northeast-1", "s3", SIGV4_UNSIGNED_PAYLOAD, 3600, 0,
      "response-content-disposition=attachment%3B%20filename%3D%22a%20b.png"
      "%22&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE"
      "%2F20250214%2Fap-northeast-1%2Fs3%2Faws4_request"
      "&X-Amz-Date=20250214T235959Z&X-Amz-Expires=3600"
      "&X-Amz-SignedHeaders=host&X-Amz-Security-Token=" TEST_TOKEN_ENCODED
      "&X-Amz-Signature=f18a16d6e798255e7d66aa711f37f9b48345e36e9b9881ec9e28"
      "223bbe9ef0bc" },

    { "the IoT device gateway", "/mqtt", "",
      "a1b2c3d4e5f6g7-ats.iot.us-east-1.amazonaws.com",
      "us-east-1", "iotdevicegateway", SIGV4_EMPTY_SHA256, 0, 1,
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE"
      "%2F20250214%2Fus-east-1%2Fiotdevicegateway%2Faws4_request"
      "&X-Amz-Date=20250214T235959Z&X-Amz-SignedHeaders=host"
      "&X-Amz-Signature=a79798dc1c6cccf9847a7c4874ca5f9d7fc33ede57366642cc17"
      "6fd8b0674874&X-Amz-Security-Token=" TEST_TOKEN_ENCODED }
};


int
main(void)
{
    size_t           i;
    sigv4_crypto_t  *crypto;

    crypto = sigv4_crypto_create();

    if (!tap_ok(crypto != NULL, "a crypto context is made")) {
        return tap_done();
    }

    for (i = 0; i < sizeof(test_vectors) / sizeof(test_vectors[0]); i++) {
        test_vector(&test_vectors[i], crypto);
    }

    test_limits();

    sigv4_crypto_destroy(crypto);

    return tap_done();
}


static void
test_vector(const test_vector_t *vector, sigv4_crypto_t *crypto)
{
    int                  rc, whole;
    size_t               size, n;
    guard_t              guard;
    sigv4_buf_t          buf;
    sigv4_field_t        field;
    sigv4_scope_t        scope;
    sigv4_request_t      req;
    sigv4_credentials_t  cred;

    memset(&req, 0, sizeof(req));
    memset(&field, 0, sizeof(field));

    field.name = tap_str("host");
    field.value = tap_str(vector->host);

    req.method = tap_str("GET");
    req.path = tap_str(vector->path);
    req.query = tap_str(vector->query);
    req.fields = &field;
    req.nfields = 1;
    req.payload_hash = tap_str(vector->payload_hash);
    req.double_encode = vector->double_encode;
    req.normalize_path = vector->double_encode;

    cred.access_key_id = tap_str("AKIDEXAMPLE");
    cred.secret_access_key =
        tap_str("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    cred.session_token = tap_str(TEST_TOKEN);

    scope.region = tap_str(vector->region);
    scope.service = tap_str(vector->service);
    sigv4_scope_time(&scope, 1739577599);

    size = sigv4_presign_size(&req, &cred, &scope);
    guard = guard_create(size);

    buf.last = guard.data;
    buf.end = guard.data + size;

    rc = test_presign(&req, &cred, &scope, vector->expires, crypto, &buf);

    tap_is_code(rc, SIGV4_OK, vector->name);
    tap_is(tap_bytes(guard.data, buf.last - guard.data),
           tap_str(vector->presigned), vector->name);

    /* with less it is whole or says so */

    whole = 1;

    for (n = 0; n < size; n++) {
        buf.last = guard.data + size - n;
        buf.end = guard.data + size;

        rc = test_presign(&req, &cred, &scope, vector->expires, crypto, &buf);

        whole &= (rc == SIGV4_NOSPACE
                  || (rc == SIGV4_OK
                      && (size_t) (buf.last - (guard.data + size - n))
                         == strlen(vector->presigned)));
    }

    tap_ok(whole, "%s: a smaller buffer cuts nothing", vector->name);

    guard_destroy(guard);
}


static int
test_presign(const sigv4_request_t *in, const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, unsigned expires, sigv4_crypto_t *crypto,
    sigv4_buf_t *buf)
{
    int              rc;
    size_t           size;
    uint8_t          key[SIGV4_KEY_LEN], signature[SIGV4_SIGNATURE_LEN];
    uint8_t         *data;
    sigv4_buf_t      scratch;
    sigv4_str_t      canonical, headers, string;
    sigv4_request_t  req;

    req = *in;

    rc = sigv4_presign_query(in, cred, scope, expires, buf, &req.query);

    if (rc != SIGV4_OK) {
        return rc;
    }

    size = sigv4_scratch_size(&req, cred, scope);
    data = malloc(size);

    if (size == 0 || data == NULL) {
        exit(2);
    }

    scratch.last = data;
    scratch.end = data + size;

    if (sigv4_canonical_request(&req, &scratch, &canonical, &headers)
        != SIGV4_OK
        || sigv4_string_to_sign(crypto, scope, canonical, &scratch, &string)
           != SIGV4_OK
        || sigv4_signing_key(crypto, cred, scope, key) != SIGV4_OK
        || sigv4_signature(crypto, key, string, signature) != SIGV4_OK)
    {
        exit(2);
    }

    free(data);

    return sigv4_presign_signature(cred, scope, signature, buf);
}


static void
test_limits(void)
{
    size_t               size;
    uint8_t              data[1024];
    sigv4_buf_t          buf;
    sigv4_str_t          query;
    sigv4_field_t        fields[3];
    sigv4_scope_t        scope;
    sigv4_request_t      req;
    sigv4_credentials_t  cred;

    memset(&req, 0, sizeof(req));
    memset(&cred, 0, sizeof(cred));
    memset(fields, 0, sizeof(fields));

    fields[0].name = tap_str("host");
    fields[1].name = tap_str("x-amz-meta-a");
    fields[2].name = tap_str("x-amz-meta-a");

    req.fields = fields;
    req.nfields = 3;

    cred.access_key_id = tap_str("a/b:c");

    scope.region = tap_str("r+1");
    scope.service = tap_str("s");
    sigv4_scope_time(&scope, 0);

    buf.last = data;
    buf.end = data + sizeof(data);

    tap_is_code(sigv4_presign_query(&req, &cred, &scope, SIGV4_EXPIRES_MAX,
                                    &buf, &query),
                SIGV4_OK, "seven days");
    tap_is(query,
           tap_str("X-Amz-Algorithm=AWS4-HMAC-SHA256"
                   "&X-Amz-Credential=a%2Fb%3Ac%2F19700101%2Fr%2B1%2Fs"
                   "%2Faws4_request&X-Amz-Date=19700101T000000Z"
                   "&X-Amz-Expires=604800"
                   "&X-Amz-SignedHeaders=host%3Bx-amz-meta-a"),
           "values are encoded, and repeated fields are named once");

    test_code(&req, &cred, &scope, SIGV4_EXPIRES_MAX + 1, SIGV4_INVALID,
              "more than seven days");

    scope.region = tap_str("a/b");
    test_code(&req, &cred, &scope, 1, SIGV4_INVALID, "no region");

    scope.region = tap_str("r");
    cred.access_key_id = tap_str("");
    test_code(&req, &cred, &scope, 1, SIGV4_INVALID, "no access key id");

    cred.access_key_id = tap_str("a");
    req.query.len = SIZE_MAX - 1;
    size = sigv4_presign_size(&req, &cred, &scope);
    tap_ok(size == 0, "a size that cannot be");
}


/* the buffer is left as it was */

static void
test_code(sigv4_request_t *req, sigv4_credentials_t *cred,
    sigv4_scope_t *scope, unsigned expires, int expected, const char *name)
{
    uint8_t      data[1024];
    sigv4_buf_t  buf;
    sigv4_str_t  query;

    buf.last = data;
    buf.end = data + sizeof(data);

    tap_is_code(sigv4_presign_query(req, cred, scope, expires, &buf, &query),
                expected, name);
    tap_ok(buf.last == data, "%s: the buffer is as it was", name);
}
