
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Digests, signing keys and their cache, the scope and its date.
 */


#include "tap.h"


#define TEST_KEY                                                              \
    "e760fc21d4d32e049b6fce8b88523e519a53ae8567b31ee974cd7ef1a66cdbd0"

#define TEST_LONG                                                             \
    "0123456789012345678901234567890123456789012345678"


static void test_digests(sigv4_crypto_t *crypto);
static void test_hmac(sigv4_crypto_t *crypto, sigv4_str_t key,
    sigv4_str_t in, const char *expected, const char *name);
static void test_signing_key(sigv4_crypto_t *crypto);
static void test_long_secret(sigv4_crypto_t *crypto);
static void test_cache(sigv4_crypto_t *crypto);
static void test_services(sigv4_crypto_t *crypto);
static void test_eviction(sigv4_crypto_t *crypto);
static void test_long_names(sigv4_crypto_t *crypto);
static void test_time(void);
static void test_scope(void);
static void test_access_key_id(void);
static void test_get(sigv4_crypto_t *crypto, uint64_t generation,
    const char *secret, const char *region, time_t t,
    uint8_t key[SIGV4_KEY_LEN]);
static int test_miss(sigv4_crypto_t *crypto, uint64_t generation,
    const char *secret, const char *region, time_t t);
static sigv4_scope_t test_make_scope(const char *region,
    const char *service);
static sigv4_credentials_t test_make_credentials(const char *secret);


static sigv4_key_cache_t  test_keys;


int
main(void)
{
    sigv4_crypto_t  *crypto;

    crypto = sigv4_crypto_create();

    if (!tap_ok(crypto != NULL, "a crypto context is made")) {
        return tap_done();
    }

    test_digests(crypto);
    test_signing_key(crypto);
    test_long_secret(crypto);
    test_cache(crypto);
    test_services(crypto);
    test_eviction(crypto);
    test_long_names(crypto);
    test_time();
    test_scope();
    test_access_key_id();

    sigv4_crypto_destroy(crypto);
    sigv4_crypto_destroy(NULL);
    sigv4_hash_destroy(NULL);

    return tap_done();
}


/* the HMACs are cases 2, 3 and 6 of RFC 4231 */

static void
test_digests(sigv4_crypto_t *crypto)
{
    uint8_t        digest[SIGV4_SHA256_LEN], hex[SIGV4_SHA256_HEX_LEN];
    uint8_t        key[131], data[50];
    unsigned       i;
    sigv4_hash_t  *hash;

    sigv4_sha256(crypto, tap_str(""), digest);
    sigv4_hex(digest, hex);
    tap_is(tap_bytes(hex, sizeof(hex)), tap_str(SIGV4_EMPTY_SHA256),
           "SHA-256 of nothing");

    sigv4_sha256(crypto, tap_bytes(NULL, 0), digest);
    sigv4_hex(digest, hex);
    tap_is(tap_bytes(hex, sizeof(hex)), tap_str(SIGV4_EMPTY_SHA256),
           "SHA-256 of a null string");

    sigv4_sha256(crypto, tap_str("abc"), digest);
    sigv4_hex(digest, hex);
    tap_is(tap_bytes(hex, sizeof(hex)),
           tap_str("ba7816bf8f01cfea414140de5dae2223"
                   "b00361a396177a9cb410ff61f20015ad"),
           "SHA-256 of FIPS 180");

    hash = sigv4_hash_create(crypto);

    if (!tap_ok(hash != NULL, "a hash is made")) {
        return;
    }

    for (i = 0; i < 3; i++) {
        sigv4_hash_update(hash, &"abc"[i], 1);

        /* another digest in between does not disturb it */

        sigv4_sha256(crypto, tap_str("x"), digest);
    }

    sigv4_hash_final(hash, digest);
    sigv4_hash_destroy(hash);
    sigv4_hex(digest, hex);
    tap_is(tap_bytes(hex, sizeof(hex)),
           tap_str("ba7816bf8f01cfea414140de5dae2223"
                   "b00361a396177a9cb410ff61f20015ad"),
           "the same piece by piece");

    test_hmac(crypto, tap_str("Jefe"),
              tap_str("what do ya want for nothing?"),
              "5bdcc146bf60754e6a042426089575c7"
              "5a003f089d2739839dec58b964ec3843", "HMAC with a short key");

    memset(key, 0xaa, sizeof(key));
    memset(data, 0xdd, sizeof(data));

    test_hmac(crypto, tap_bytes(key, 20), tap_bytes(data, sizeof(data)),
              "773ea91e36800e46854db8ebd09181a7"
              "2959098b3ef8c122d9635514ced565fe", "HMAC of binary data");

    test_hmac(crypto, tap_bytes(key, sizeof(key)),
              tap_str("Test Using Larger Than Block-Size Key - "
                      "Hash Key First"),
              "60e431591ee0b67f0d8a26aacbf5b77f"
              "8e0bc6213728c5140546040f0ee37f54", "HMAC with a long key");
}


static void
test_hmac(sigv4_crypto_t *crypto, sigv4_str_t key, sigv4_str_t in,
    const char *expected, const char *name)
{
    uint8_t  mac[SIGV4_SHA256_LEN], hex[SIGV4_SHA256_HEX_LEN];

    sigv4_hmac_sha256(crypto, key, in, mac);
    sigv4_hex(mac, hex);

    tap_is(tap_bytes(hex, sizeof(hex)), tap_str(expected), name);
}


static void
test_signing_key(sigv4_crypto_t *crypto)
{
    uint8_t              key[SIGV4_KEY_LEN], hex[SIGV4_SHA256_HEX_LEN];
    sigv4_scope_t        scope;
    sigv4_credentials_t  cred;

    cred = test_make_credentials("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    scope = test_make_scope("us-west-2", "bedrock");

    tap_is_code(sigv4_signing_key(crypto, &cred, &scope, key), SIGV4_OK,
                "a signing key is derived");
    sigv4_hex(key, hex);
    tap_is(tap_bytes(hex, sizeof(hex)), tap_str(TEST_KEY),
           "and is that of the specification");

    cred.secret_access_key.len = 0;
    tap_is_code(sigv4_signing_key(crypto, &cred, &scope, key),
                SIGV4_INVALID, "without a secret there is none");
}


/*
 * Around the block of HMAC: "AWS4" and 60 bytes fill it.  Expected values
 * are from Python's hmac module, for secrets of n times "k".
 */

static void
test_long_secret(sigv4_crypto_t *crypto)
{
    char                 secret[201], name[64];
    size_t               i;
    uint8_t              key[SIGV4_KEY_LEN], hex[SIGV4_SHA256_HEX_LEN];
    sigv4_scope_t        scope;
    sigv4_credentials_t  cred;

    static const struct {
        size_t       len;
        const char  *key;
    } cases[] = {
        { 1, "787c3e51f9971aa0c10f0f47d03d1979"
             "4a3f261cc22966a5ac0dc45ab38dc18e" },
        { 59, "4cfe5e9f0bf3831196cf831ecc25fc2a"
              "4f493d482c85ad70c3974edcf171f839" },
        { 60, "6c908587ce70aef61101ce7813a0e25c"
              "f9cab0152bbe2ba247af971e70cef1df" },
        { 61, "85c203fb50847cf926362476f8304696"
              "f9f91c93897bf86bc7a79690131ee9bd" },
        { 64, "e16e0e58a116140c029b9b1dce8c6e17"
              "4fc785e0419270ef4405bf8cd825ed3d" },
        { 200, "3f52a727016eb6fbcb9dc6abdd825bdc"
               "26ca418f0c7c1eccd223d4411667d975" }
    };

    memset(secret, 'k', sizeof(secret));
    scope = test_make_scope("us-west-2", "bedrock");

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        secret[cases[i].len] = '\0';
        cred = test_make_credentials(secret);

        sigv4_signing_key(crypto, &cred, &scope, key);
        sigv4_hex(key, hex);
        secret[cases[i].len] = 'k';

        snprintf(name, sizeof(name), "a secret of %zu bytes", cases[i].len);
        tap_is(tap_bytes(hex, sizeof(hex)), tap_str(cases[i].key), name);
    }
}


static void
test_cache(sigv4_crypto_t *crypto)
{
    time_t   day, next;
    uint8_t  one[SIGV4_KEY_LEN], two[SIGV4_KEY_LEN];

    memset(&test_keys, 0, sizeof(test_keys));

    day = 1739577599;       /* the last second of 14 February 2025 */
    next = day + 1;

    tap_ok(test_miss(crypto, 1, "a", "r", day), "a new key is derived");
    tap_ok(!test_miss(crypto, 1, "a", "r", day), "and found again");
    tap_ok(!test_miss(crypto, 1, "a", "r", day - 86399),
           "all through its day");
    tap_ok(test_miss(crypto, 1, "a", "r", next), "not on the next");
    tap_ok(!test_miss(crypto, 1, "a", "r", day),
           "a late request still finds that of its own day");
    tap_ok(test_miss(crypto, 1, "a", "q", day), "not for another region");
    tap_ok(test_miss(crypto, 1, "a", "rr", day),
           "not for a longer name of a region");
    tap_ok(test_miss(crypto, 1, "a", "zz", day)
           && test_miss(crypto, 1, "a", "z", day),
           "nor for a shorter one");
    tap_ok(test_miss(crypto, 2, "b", "r", day),
           "not for another generation of credentials");
    tap_ok(!test_miss(crypto, 1, "a", "r", day),
           "while the old generation is still there");

    test_get(crypto, 1, "a", "r", day, one);
    test_get(crypto, 2, "b", "r", day, two);
    tap_ok(memcmp(one, two, sizeof(one)) != 0,
           "generations have keys of their own");

    tap_ok(test_miss(crypto, 0, "a", "r", day)
           && test_miss(crypto, 0, "a", "r", day),
           "generation 0 is never stored");

    tap_ok(test_miss(crypto, 9, "", "r", day)
           && test_miss(crypto, 9, "", "r", day),
           "a failure is not stored");
}


/* each a part of another, so that a name compared in part is found out */

static void
test_services(sigv4_crypto_t *crypto)
{
    int                  ok;
    size_t               i;
    uint8_t              key[SIGV4_KEY_LEN], derived[SIGV4_KEY_LEN];
    sigv4_scope_t        scope;
    sigv4_credentials_t  cred;

    static const char *const  services[] = {
        "s3express", "s3", "s3-outposts", "s", "express"
    };

    memset(&test_keys, 0, sizeof(test_keys));
    cred = test_make_credentials("a");
    ok = 1;

    for (i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        scope = test_make_scope("r", services[i]);

        sigv4_cached_signing_key(&test_keys, crypto, &cred, 1, &scope, key);
        sigv4_signing_key(crypto, &cred, &scope, derived);

        ok &= memcmp(key, derived, sizeof(key)) == 0;
    }

    tap_ok(ok && test_keys.hits == 0, "each service has a key of its own");
}


static void
test_eviction(sigv4_crypto_t *crypto)
{
    int       ok;
    uint64_t  i;

    memset(&test_keys, 0, sizeof(test_keys));
    ok = 1;

    for (i = 1; i <= SIGV4_KEY_CACHE_SIZE; i++) {
        ok &= test_miss(crypto, i, "a", "r", 0);
    }

    for (i = 1; i <= SIGV4_KEY_CACHE_SIZE; i++) {
        ok &= !test_miss(crypto, i, "a", "r", 0);
    }

    tap_ok(ok, "the cache holds as many as it says");

    /* 2 is now the one not used for longest */

    ok = !test_miss(crypto, 1, "a", "r", 0);
    ok &= test_miss(crypto, 1000, "a", "r", 0);
    ok &= !test_miss(crypto, 1, "a", "r", 0);

    for (i = 3; i <= SIGV4_KEY_CACHE_SIZE; i++) {
        ok &= !test_miss(crypto, i, "a", "r", 0);
    }

    ok &= !test_miss(crypto, 1000, "a", "r", 0);

    tap_ok(ok, "a new key takes the place of the least recently used");
    tap_ok(test_miss(crypto, 2, "a", "r", 0), "which is derived again");
}


static void
test_long_names(sigv4_crypto_t *crypto)
{
    const char        *longest;
    uint8_t            one[SIGV4_KEY_LEN], two[SIGV4_KEY_LEN];
    sigv4_key_entry_t  entries[SIGV4_KEY_CACHE_SIZE];

    memset(&test_keys, 0, sizeof(test_keys));

    longest = &TEST_LONG[sizeof(TEST_LONG) - 1 - SIGV4_KEY_NAME_LEN];

    tap_ok(test_miss(crypto, 1, "a", longest, 0)
           && !test_miss(crypto, 1, "a", longest, 0),
           "the longest name is stored");

    memcpy(entries, test_keys.entries, sizeof(entries));

    tap_ok(test_miss(crypto, 1, "a", TEST_LONG, 0)
           && test_miss(crypto, 1, "a", TEST_LONG, 0),
           "a longer one is not");
    tap_ok(memcmp(entries, test_keys.entries, sizeof(entries)) == 0,
           "and leaves the entries as they were");

    test_get(crypto, 1, "a", longest, 0, one);
    test_get(crypto, 1, "a", TEST_LONG, 0, two);
    tap_ok(memcmp(one, two, sizeof(one)) != 0, "but has the right key");
}


static void
test_time(void)
{
    int            ok;
    char           expected[32];
    time_t         t;
    size_t         i;
    unsigned       day;
    struct tm      tm;
    sigv4_scope_t  scope;

    static const struct {
        int64_t      t;
        const char  *datetime;
    } cases[] = {
        { 0, "19700101T000000Z" },
        { 951782400, "20000229T000000Z" },
        { 951868800, "20000301T000000Z" },
        { 1440938160, "20150830T123600Z" },
        { 1739577599, "20250214T235959Z" },
        { 1739577600, "20250215T000000Z" },
        { INT64_C(2147483648), "20380119T031408Z" },
        { INT64_C(4107542400), "21000301T000000Z" },
        { INT64_C(253402300799), "99991231T235959Z" },
        { INT64_C(253402300800), "99991231T235959Z" },
        { -1, "19700101T000000Z" }
    };

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        t = (time_t) cases[i].t;

        if (t != cases[i].t) {
            continue;
        }

        sigv4_scope_time(&scope, t);
        tap_is(tap_bytes(scope.datetime, sizeof(scope.datetime)),
               tap_str(cases[i].datetime), cases[i].datetime);
    }

    ok = 1;

    for (day = 0; day < 60000; day++) {
        t = (time_t) day * 86400 + day % 86400;

        if (t < 0 || gmtime_r(&t, &tm) == NULL) {
            break;
        }

        sigv4_scope_time(&scope, t);
        strftime(expected, sizeof(expected), "%Y%m%dT%H%M%SZ", &tm);
        ok &= memcmp(scope.datetime, expected, SIGV4_DATETIME_LEN) == 0;
    }

    tap_ok(ok, "every day of 164 years as gmtime_r() has it");
}


static void
test_scope(void)
{
    size_t         i;
    uint8_t        data[128];
    sigv4_buf_t    buf;
    sigv4_scope_t  scope;

    static const char *const  bad[] = {
        "", "a/b", "a b", "a,b", "a\nb", "\r", "a\x7f", "a\x80", "a\tb"
    };

    scope = test_make_scope("us-west-2", "bedrock");

    buf.last = data;
    buf.end = data + sizeof(data);

    sigv4_credential_scope(&scope, &buf);
    tap_is(tap_bytes(data, buf.last - data),
           tap_str("20250214/us-west-2/bedrock/aws4_request"),
           "the credential scope");

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buf.last = data;

        scope = test_make_scope(bad[i], "bedrock");
        tap_is_code(sigv4_credential_scope(&scope, &buf), SIGV4_INVALID,
                    "a region that would break the scope");

        scope = test_make_scope("us-west-2", bad[i]);
        tap_is_code(sigv4_credential_scope(&scope, &buf), SIGV4_INVALID,
                    "a service that would break the scope");
    }

    scope.region = tap_bytes("a\0b", 3);
    tap_is_code(sigv4_credential_scope(&scope, &buf), SIGV4_INVALID,
                "NUL in a region");
    tap_ok(buf.last == data, "a refusal writes nothing");
}


static void
test_access_key_id(void)
{
    size_t               i;
    uint8_t              data[512], signature[SIGV4_SIGNATURE_LEN];
    sigv4_buf_t          buf;
    sigv4_str_t          out;
    sigv4_scope_t        scope;
    sigv4_credentials_t  cred;

    static const char *const  good[] = { "AKIDEXAMPLE", "acct:user", "a/b=" };
    static const char *const  bad[] = {
        "", "a b", "a,b", "a\r\nX: y", "a\x7f", "a\x80", "\t"
    };

    memset(signature, '0', sizeof(signature));
    scope = test_make_scope("us-west-2", "bedrock");
    cred = test_make_credentials("a");

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        buf.last = data;
        buf.end = data + sizeof(data);
        cred.access_key_id = tap_str(good[i]);

        tap_is_code(sigv4_authorization(&cred, &scope, tap_str("host"),
                                        signature, &buf, &out), SIGV4_OK,
                    "an access key ID");
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        buf.last = data;
        cred.access_key_id = tap_str(bad[i]);

        tap_is_code(sigv4_authorization(&cred, &scope, tap_str("host"),
                                        signature, &buf, &out),
                    SIGV4_INVALID,
                    "an access key ID that would break the header");
    }
}


static void
test_get(sigv4_crypto_t *crypto, uint64_t generation, const char *secret,
    const char *region, time_t t, uint8_t key[SIGV4_KEY_LEN])
{
    int                  rc, expected;
    uint8_t              derived[SIGV4_KEY_LEN];
    sigv4_scope_t        scope;
    sigv4_credentials_t  cred;

    scope = test_make_scope(region, "s3");
    cred = test_make_credentials(secret);
    sigv4_scope_time(&scope, t);

    rc = sigv4_cached_signing_key(&test_keys, crypto, &cred, generation,
                                  &scope, key);
    expected = sigv4_signing_key(crypto, &cred, &scope, derived);

    if (rc != expected
        || (rc == SIGV4_OK && memcmp(key, derived, SIGV4_KEY_LEN) != 0))
    {
        tap_ok(0, "the cache gives the key that is derived");
    }
}


static int
test_miss(sigv4_crypto_t *crypto, uint64_t generation, const char *secret,
    const char *region, time_t t)
{
    uint8_t   key[SIGV4_KEY_LEN];
    uint64_t  hits, misses;

    hits = test_keys.hits;
    misses = test_keys.misses;

    test_get(crypto, generation, secret, region, t, key);

    if (test_keys.hits + test_keys.misses != hits + misses + 1) {
        tap_ok(0, "each look is a hit or a miss");
    }

    return test_keys.misses != misses;
}


static sigv4_scope_t
test_make_scope(const char *region, const char *service)
{
    sigv4_scope_t  scope;

    scope.region = tap_str(region);
    scope.service = tap_str(service);
    sigv4_scope_time(&scope, 1739577599);

    return scope;
}


static sigv4_credentials_t
test_make_credentials(const char *secret)
{
    sigv4_credentials_t  cred;

    cred.access_key_id = tap_str("AKIDEXAMPLE");
    cred.secret_access_key = tap_str(secret);
    cred.session_token = tap_str("");

    return cred;
}
