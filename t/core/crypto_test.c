
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Failures of the crypto library: each is reported, none leaves an error in
 * its queue or spoils what comes after.  The library's functions are
 * replaced by ones that can be told to fail.
 */


#include <dlfcn.h>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "tap.h"


typedef int (*test_call_pt)(sigv4_crypto_t *crypto);


static void test_failures(sigv4_crypto_t *crypto, test_call_pt call,
    const char *name);
static int test_sha256(sigv4_crypto_t *crypto);
static int test_hmac(sigv4_crypto_t *crypto);
static int test_long_hmac(sigv4_crypto_t *crypto);
static int test_hash(sigv4_crypto_t *crypto);
static int test_signing_key(sigv4_crypto_t *crypto);
static int test_long_secret(sigv4_crypto_t *crypto);
static int test_create(sigv4_crypto_t *crypto);
static int test_key(sigv4_crypto_t *crypto, size_t len);
static int test_fails(void);
static void *test_real(const char *name);


/* which call from now on fails; 0: none */
static unsigned  test_fail_at;

static uint8_t   test_digest[SIGV4_SHA256_LEN];


int
EVP_DigestInit_ex(EVP_MD_CTX *ctx, const EVP_MD *type, ENGINE *impl)
{
    int  (*real)(EVP_MD_CTX *, const EVP_MD *, ENGINE *);

    *(void **) &real = test_real("EVP_DigestInit_ex");

    return test_fails() ? 0 : real(ctx, type, impl);
}


int
EVP_DigestUpdate(EVP_MD_CTX *ctx, const void *data, size_t len)
{
    int  (*real)(EVP_MD_CTX *, const void *, size_t);

    *(void **) &real = test_real("EVP_DigestUpdate");

    return test_fails() ? 0 : real(ctx, data, len);
}


int
EVP_DigestFinal_ex(EVP_MD_CTX *ctx, unsigned char *digest, unsigned *len)
{
    int  (*real)(EVP_MD_CTX *, unsigned char *, unsigned *);

    *(void **) &real = test_real("EVP_DigestFinal_ex");

    return test_fails() ? 0 : real(ctx, digest, len);
}


EVP_MD_CTX *
EVP_MD_CTX_new(void)
{
    EVP_MD_CTX  *(*real)(void);

    *(void **) &real = test_real("EVP_MD_CTX_new");

    return test_fails() ? NULL : real();
}


static int
test_fails(void)
{
    if (test_fail_at == 0 || --test_fail_at != 0) {
        return 0;
    }

    ERR_put_error(ERR_LIB_EVP, 0, ERR_R_MALLOC_FAILURE, __FILE__, __LINE__);

    return 1;
}


static void *
test_real(const char *name)
{
    void  *real;

    real = dlsym(RTLD_NEXT, name);

    if (real == NULL) {
        exit(2);
    }

    return real;
}


int
main(void)
{
    sigv4_crypto_t  *crypto;

    crypto = sigv4_crypto_create();

    if (!tap_ok(crypto != NULL, "a crypto context is made")) {
        return tap_done();
    }

    test_failures(crypto, test_create, "making a context");
    test_failures(crypto, test_sha256, "SHA-256");
    test_failures(crypto, test_hmac, "HMAC");
    test_failures(crypto, test_long_hmac, "HMAC with a long key");
    test_failures(crypto, test_hash, "a hash in pieces");
    test_failures(crypto, test_signing_key, "a signing key");
    test_failures(crypto, test_long_secret, "a signing key, long secret");

    sigv4_crypto_destroy(crypto);

    return tap_done();
}


/* lets the first call fail, then the second, until there are no more */

static void
test_failures(sigv4_crypto_t *crypto, test_call_pt call, const char *name)
{
    int       clean, right, rc, told;
    uint8_t   expected[SIGV4_SHA256_LEN];
    unsigned  n;

    test_fail_at = 0;
    clean = 1;
    right = 1;
    told = 1;

    rc = call(crypto);
    right &= rc == SIGV4_OK;
    memcpy(expected, test_digest, sizeof(expected));

    for (n = 1; n < 1000; n++) {
        test_fail_at = n;

        rc = call(crypto);

        clean &= ERR_peek_error() == 0;

        if (test_fail_at != 0) {
            break;
        }

        told &= rc == SIGV4_ERROR;

        memset(test_digest, 0, sizeof(test_digest));

        right &= call(crypto) == SIGV4_OK
                 && memcmp(test_digest, expected, sizeof(expected)) == 0;
    }

    test_fail_at = 0;

    tap_ok(n > 2 && told, "%s: each failure of %u is told", name, n - 1);
    tap_ok(clean, "%s: none leaves an error behind", name);
    tap_ok(right, "%s: after it all is as before", name);
}


static int
test_sha256(sigv4_crypto_t *crypto)
{
    return sigv4_sha256(crypto, tap_str("abc"), test_digest);
}


static int
test_hmac(sigv4_crypto_t *crypto)
{
    return sigv4_hmac_sha256(crypto, tap_str("key"), tap_str("abc"),
                             test_digest);
}


static int
test_long_hmac(sigv4_crypto_t *crypto)
{
    uint8_t  key[100];

    memset(key, 'k', sizeof(key));

    return sigv4_hmac_sha256(crypto, tap_bytes(key, sizeof(key)),
                             tap_str("abc"), test_digest);
}


static int
test_hash(sigv4_crypto_t *crypto)
{
    int            rc;
    sigv4_hash_t  *hash;

    hash = sigv4_hash_create(crypto);

    if (hash == NULL) {
        return SIGV4_ERROR;
    }

    rc = sigv4_hash_update(hash, "abc", 3);

    if (rc == SIGV4_OK) {
        rc = sigv4_hash_final(hash, test_digest);
    }

    sigv4_hash_destroy(hash);

    return rc;
}


static int
test_signing_key(sigv4_crypto_t *crypto)
{
    return test_key(crypto, 40);
}


static int
test_long_secret(sigv4_crypto_t *crypto)
{
    return test_key(crypto, 100);
}


/* a key that was not finished must not be left to the caller either */

static int
test_key(sigv4_crypto_t *crypto, size_t len)
{
    int                  rc;
    char                 secret[101];
    size_t               i;
    sigv4_scope_t        scope;
    sigv4_credentials_t  cred;

    memset(secret, 's', len);
    memset(test_digest, 0, sizeof(test_digest));

    cred.access_key_id = tap_str("AKIDEXAMPLE");
    cred.secret_access_key = tap_bytes(secret, len);
    cred.session_token = tap_str("");

    scope.region = tap_str("us-west-2");
    scope.service = tap_str("s3");
    sigv4_scope_time(&scope, 0);

    rc = sigv4_signing_key(crypto, &cred, &scope, test_digest);

    for (i = 0; rc != SIGV4_OK && i < sizeof(test_digest); i++) {
        if (test_digest[i] != 0) {
            return SIGV4_INVALID;
        }
    }

    return rc;
}


static int
test_create(sigv4_crypto_t *crypto)
{
    int              rc;
    sigv4_crypto_t  *another;

    (void) crypto;

    another = sigv4_crypto_create();

    if (another == NULL) {
        return SIGV4_ERROR;
    }

    rc = sigv4_sha256(another, tap_str("abc"), test_digest);

    sigv4_crypto_destroy(another);

    return rc;
}
