
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * sigv4_scratch_size() is enough for any request, and with less the stages
 * say so: they neither overrun the buffer nor cut the result.  Buffers end
 * at a page that cannot be touched.
 */


#include "guard.h"
#include "tap.h"


#define TEST_FIELDS               925
#define TEST_LEN                  6000
#define TEST_RESULT               65536
#define TEST_CANARY               0xa5


typedef struct {
    sigv4_request_t               req;
    sigv4_credentials_t           cred;
    sigv4_scope_t                 scope;
    sigv4_crypto_t               *crypto;
} test_t;


static void test_request(test_t *test, const char *name);
static void test_smaller(test_t *test, size_t size, sigv4_str_t expected,
    const char *name);
static void test_unaligned(test_t *test, size_t size, sigv4_str_t expected,
    const char *name);
static int test_sign(test_t *test, uint8_t *data, size_t size,
    uint8_t *result, size_t *len);
static void test_overflow(test_t *test);
static sigv4_str_t test_repeat(const char *unit, size_t len);
static sigv4_field_t *test_many_fields(size_t n, size_t repeated);


int
main(void)
{
    size_t         i;
    test_t         test;
    sigv4_field_t  fields[2];

    static const char *const  queries[] = {
        "a=b", "&", "a&", "\x80", "\x80=\x80&", "=", "=&", "%", "+", "%41",
        "%e9=%zz&", "z=1&y=2&x=3&", "a=/&", "b&a&"
    };

    static const char *const  paths[] = {
        "/", "/a", "//", "/.", "/..", "/../a", "/\x80", "\x80", "/:/../@", "a/"
    };

    memset(&test, 0, sizeof(test));

    fields[0].name = tap_str("host");
    fields[0].value = tap_str("example.com");
    fields[1].name = tap_str("x-amz-date");
    fields[1].value = tap_str("20250214T235959Z");

    test.req.method = tap_str("GET");
    test.req.path = tap_str("/");
    test.req.fields = fields;
    test.req.nfields = 2;
    test.req.payload_hash = tap_str(SIGV4_EMPTY_SHA256);
    test.req.double_encode = 1;
    test.req.normalize_path = 1;

    test.cred.access_key_id = tap_str("AKIDEXAMPLE");
    test.cred.secret_access_key = tap_str("secret");

    test.scope.region = tap_str("us-west-2");
    test.scope.service = tap_str("bedrock");
    sigv4_scope_time(&test.scope, 0);

    test.crypto = sigv4_crypto_create();

    if (!tap_ok(test.crypto != NULL, "a crypto context is made")) {
        return tap_done();
    }

    test_request(&test, "a plain request");

    for (i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
        test.req.query = tap_str(queries[i]);
        test_request(&test, "a short query");

        test.req.query = test_repeat(queries[i], TEST_LEN);
        test_request(&test, "a long query");

        free((void *) test.req.query.data);
    }

    test.req.query = tap_str("");

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        test.req.path = tap_str(paths[i]);
        test_request(&test, "a short path");

        test.req.path = test_repeat(paths[i], TEST_LEN);
        test_request(&test, "a long path");

        free((void *) test.req.path.data);
    }

    test.req.path = tap_str("/");
    test.req.nfields = TEST_FIELDS;

    test.req.fields = test_many_fields(TEST_FIELDS, 1);
    test_request(&test, "many fields in reverse order");
    free(test.req.fields);

    test.req.fields = test_many_fields(TEST_FIELDS, TEST_FIELDS);
    test_request(&test, "one field many times");

    test.req.path = test_repeat("/\x80", TEST_LEN);
    test.req.query = test_repeat("\x80&", TEST_LEN);
    test.cred.access_key_id = test_repeat("A", 700);
    test.scope.region = test_repeat("r", 700);
    test.scope.service = test_repeat("s", 700);
    test_request(&test, "everything at once");

    test_overflow(&test);

    free(test.req.fields);
    free((void *) test.req.path.data);
    free((void *) test.req.query.data);
    free((void *) test.cred.access_key_id.data);
    free((void *) test.scope.region.data);
    free((void *) test.scope.service.data);

    sigv4_crypto_destroy(test.crypto);

    return tap_done();
}


static void
test_request(test_t *test, const char *name)
{
    size_t   size, len;
    guard_t  guard;
    uint8_t  *result;

    result = malloc(TEST_RESULT);
    size = sigv4_scratch_size(&test->req, &test->cred, &test->scope);

    if (size == 0 || result == NULL) {
        tap_ok(0, "%s: has a size", name);
        free(result);
        return;
    }

    guard = guard_create(size);

    if (tap_is_code(test_sign(test, guard.data, size, result, &len),
                    SIGV4_OK, name))
    {
        test_smaller(test, size, tap_bytes(result, len), name);
        test_unaligned(test, size, tap_bytes(result, len), name);
    }

    guard_destroy(guard);
    free(result);
}


/* every smaller size, or a sample of them if there are very many */

static void
test_smaller(test_t *test, size_t size, sigv4_str_t expected,
    const char *name)
{
    int      ok, rc;
    size_t   len, n, step;
    guard_t  guard;
    uint8_t  *result;

    result = malloc(TEST_RESULT);
    guard = guard_create(size);
    step = size / 1024 + 1;
    ok = 1;

    if (result == NULL) {
        exit(2);
    }

    for (n = 0; n < size; n += step) {
        rc = test_sign(test, guard.data + size - n, n, result, &len);

        ok &= rc == SIGV4_NOSPACE
              || (rc == SIGV4_OK && len == expected.len
                  && memcmp(result, expected.data, len) == 0);
    }

    ok &= test_sign(test, guard.data + size, 0, result, &len)
          == SIGV4_NOSPACE;

    tap_ok(ok, "%s: a smaller buffer is enough or refused", name);

    guard_destroy(guard);
    free(result);
}


/* the index of parameters must find its place wherever the buffer ends */

static void
test_unaligned(test_t *test, size_t size, sigv4_str_t expected,
    const char *name)
{
    int      ok, rc;
    size_t   i, len, shift;
    uint8_t  *data, *result;

    result = malloc(TEST_RESULT);
    data = malloc(size + 32);
    ok = 1;

    if (result == NULL || data == NULL) {
        exit(2);
    }

    for (shift = 0; shift < 16; shift++) {
        memset(data, TEST_CANARY, size + 32);

        rc = test_sign(test, data + shift, size, result, &len);

        ok &= rc == SIGV4_OK && len == expected.len
              && memcmp(result, expected.data, len) == 0;

        for (i = 0; i < size + 32; i++) {
            if (i < shift || i >= shift + size) {
                ok &= data[i] == TEST_CANARY;
            }
        }
    }

    tap_ok(ok, "%s: the same wherever the buffer ends", name);

    free(data);
    free(result);
}


/* all stages one after the other; the result is all that they write */

static int
test_sign(test_t *test, uint8_t *data, size_t size, uint8_t *result,
    size_t *len)
{
    int             rc;
    uint8_t         key[SIGV4_KEY_LEN], signature[SIGV4_SIGNATURE_LEN];
    sigv4_buf_t     buf;
    sigv4_str_t     canonical, headers, string, authorization;
    sigv4_field_t  *fields;

    buf.last = data;
    buf.end = data + size;

    fields = malloc(test->req.nfields * sizeof(sigv4_field_t));

    if (fields == NULL) {
        exit(2);
    }

    memcpy(fields, test->req.fields,
           test->req.nfields * sizeof(sigv4_field_t));

    sigv4_sort_fields(test->req.fields, test->req.nfields);

    if ((rc = sigv4_canonical_request(&test->req, &buf, &canonical, &headers))
        == SIGV4_OK
        && (rc = sigv4_string_to_sign(test->crypto, &test->scope, canonical,
                                      &buf, &string)) == SIGV4_OK
        && (rc = sigv4_signing_key(test->crypto, &test->cred, &test->scope,
                                   key)) == SIGV4_OK
        && (rc = sigv4_signature(test->crypto, key, string, signature))
           == SIGV4_OK)
    {
        rc = sigv4_authorization(&test->cred, &test->scope, headers,
                                 signature, &buf, &authorization);
    }

    if (rc == SIGV4_OK) {
        *len = buf.last - data;

        if (*len > TEST_RESULT) {
            exit(2);
        }

        memcpy(result, data, *len);
    }

    memcpy(test->req.fields, fields,
           test->req.nfields * sizeof(sigv4_field_t));
    free(fields);

    return rc;
}


static void
test_overflow(test_t *test)
{
    sigv4_request_t  req;
    sigv4_field_t    fields[2];

    req = test->req;

    req.path.len = SIZE_MAX / 2;
    tap_ok(sigv4_scratch_size(&req, &test->cred, &test->scope) == 0,
           "a path of more than memory");

    req = test->req;
    memset(fields, 0, sizeof(fields));

    req.fields = fields;
    req.nfields = 2;
    fields[0].value.len = SIZE_MAX / 2;
    fields[1].value.len = SIZE_MAX / 2;
    tap_ok(sigv4_scratch_size(&req, &test->cred, &test->scope) == 0,
           "values of more than memory");

    fields[1].value.len = 0;
    fields[1].name.len = SIZE_MAX - 1;
    tap_ok(sigv4_scratch_size(&req, &test->cred, &test->scope) == 0,
           "a name of more than memory");
}


static sigv4_str_t
test_repeat(const char *unit, size_t len)
{
    char    *p;
    size_t  i, n;

    n = strlen(unit);
    p = malloc(len);

    if (p == NULL) {
        exit(2);
    }

    for (i = 0; i < len; i++) {
        p[i] = unit[i % n];
    }

    return tap_bytes(p, len);
}


static sigv4_field_t *
test_many_fields(size_t n, size_t repeated)
{
    char           *name;
    size_t          i;
    sigv4_field_t  *fields;

    /* the names are behind the fields */

    fields = malloc(n * (sizeof(sigv4_field_t) + 16));

    if (fields == NULL) {
        exit(2);
    }

    for (i = 0; i < n; i++) {
        name = (char *) (fields + n) + i * 16;

        sprintf(name, "x-%05u", (unsigned) ((n - i) / repeated));

        fields[i].name = tap_str(name);
        fields[i].value = tap_str(" a  b ");
    }

    return fields;
}
