
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <string.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include "sigv4.h"


/* fetching an algorithm anew for each digest costs more than the digest */

#if OPENSSL_VERSION_NUMBER >= 0x30000000L && !defined LIBRESSL_VERSION_NUMBER
#define SIGV4_FETCH               1
#endif


/*
 * The context is ready for new data whenever no function below is running:
 * each starts it again after use, so that nothing of a key or of a message
 * stays in the library's memory.
 */

struct sigv4_crypto_s {
    const EVP_MD                 *md;
#if (SIGV4_FETCH)
    EVP_MD                       *fetched;
#endif
    EVP_MD_CTX                   *ctx;
    unsigned                      ready:1;
};


struct sigv4_hash_s {
    EVP_MD_CTX                   *ctx;
};


static int sigv4_fetch(sigv4_crypto_t *crypto);
static int sigv4_start(sigv4_crypto_t *crypto);
static int sigv4_finish(sigv4_crypto_t *crypto, int ok,
    uint8_t digest[SIGV4_SHA256_LEN]);
static int sigv4_fail(void);


sigv4_crypto_t *
sigv4_crypto_create(void)
{
    sigv4_crypto_t  *crypto;

    crypto = OPENSSL_zalloc(sizeof(sigv4_crypto_t));

    if (crypto == NULL) {
        ERR_clear_error();
        return NULL;
    }

    crypto->ctx = EVP_MD_CTX_new();

    if (crypto->ctx == NULL
        || sigv4_fetch(crypto) != SIGV4_OK
        || sigv4_start(crypto) != SIGV4_OK)
    {
        sigv4_crypto_destroy(crypto);
        ERR_clear_error();
        return NULL;
    }

    return crypto;
}


static int
sigv4_fetch(sigv4_crypto_t *crypto)
{
#if (SIGV4_FETCH)
    crypto->fetched = EVP_MD_fetch(NULL, "SHA256", NULL);
    crypto->md = crypto->fetched;
#else
    crypto->md = EVP_sha256();
#endif

    return crypto->md != NULL ? SIGV4_OK : SIGV4_ERROR;
}


void
sigv4_crypto_destroy(sigv4_crypto_t *crypto)
{
    if (crypto == NULL) {
        return;
    }

    EVP_MD_CTX_free(crypto->ctx);

#if (SIGV4_FETCH)
    EVP_MD_free(crypto->fetched);
#endif

    OPENSSL_free(crypto);
}


int
sigv4_sha256(sigv4_crypto_t *crypto, sigv4_str_t in,
    uint8_t digest[SIGV4_SHA256_LEN])
{
    return sigv4_sha256_parts(crypto, &in, 1, digest);
}


int
sigv4_sha256_parts(sigv4_crypto_t *crypto, const sigv4_str_t *parts, size_t n,
    uint8_t digest[SIGV4_SHA256_LEN])
{
    int     ok;
    size_t  i;

    ok = sigv4_start(crypto) == SIGV4_OK;

    for (i = 0; i < n && ok; i++) {
        ok = EVP_DigestUpdate(crypto->ctx, parts[i].data, parts[i].len) == 1;
    }

    return sigv4_finish(crypto, ok, digest);
}


int
sigv4_hmac_sha256(sigv4_crypto_t *crypto, sigv4_str_t key, sigv4_str_t in,
    uint8_t mac[SIGV4_SHA256_LEN])
{
    int      ok, rc;
    size_t   i;
    uint8_t  inner[SIGV4_HMAC_BLOCK_LEN];
    uint8_t  outer[SIGV4_HMAC_BLOCK_LEN + SIGV4_SHA256_LEN];

    memset(inner, 0, sizeof(inner));

    if (key.len <= sizeof(inner)) {

        if (key.len != 0) {
            memcpy(inner, key.data, key.len);
        }

        rc = SIGV4_OK;

    } else {
        rc = sigv4_sha256(crypto, key, inner);
    }

    for (i = 0; i < SIGV4_HMAC_BLOCK_LEN; i++) {
        outer[i] = inner[i] ^ 0x5c;
        inner[i] ^= 0x36;
    }

    if (rc == SIGV4_OK) {
        ok = sigv4_start(crypto) == SIGV4_OK
             && EVP_DigestUpdate(crypto->ctx, inner, sizeof(inner)) == 1
             && EVP_DigestUpdate(crypto->ctx, in.data, in.len) == 1;

        rc = sigv4_finish(crypto, ok, outer + SIGV4_HMAC_BLOCK_LEN);
    }

    if (rc == SIGV4_OK) {
        ok = EVP_DigestUpdate(crypto->ctx, outer, sizeof(outer)) == 1;

        rc = sigv4_finish(crypto, ok, mac);
    }

    sigv4_wipe(inner, sizeof(inner));
    sigv4_wipe(outer, sizeof(outer));

    return rc;
}


/* does nothing unless a call has failed since the context was ready */

static int
sigv4_start(sigv4_crypto_t *crypto)
{
    if (!crypto->ready) {
        crypto->ready = EVP_DigestInit_ex(crypto->ctx, crypto->md, NULL) == 1;
    }

    return crypto->ready ? SIGV4_OK : SIGV4_ERROR;
}


static int
sigv4_finish(sigv4_crypto_t *crypto, int ok, uint8_t digest[SIGV4_SHA256_LEN])
{
    ok = ok && EVP_DigestFinal_ex(crypto->ctx, digest, NULL) == 1;

    crypto->ready = 0;

    ok = sigv4_start(crypto) == SIGV4_OK && ok;

    return ok ? SIGV4_OK : sigv4_fail();
}


sigv4_hash_t *
sigv4_hash_create(sigv4_crypto_t *crypto)
{
    sigv4_hash_t  *hash;

    hash = OPENSSL_zalloc(sizeof(sigv4_hash_t));

    if (hash == NULL) {
        ERR_clear_error();
        return NULL;
    }

    hash->ctx = EVP_MD_CTX_new();

    if (hash->ctx == NULL
        || EVP_DigestInit_ex(hash->ctx, crypto->md, NULL) != 1)
    {
        sigv4_hash_destroy(hash);
        ERR_clear_error();
        return NULL;
    }

    return hash;
}


int
sigv4_hash_update(sigv4_hash_t *hash, const void *data, size_t len)
{
    if (EVP_DigestUpdate(hash->ctx, data, len) != 1) {
        return sigv4_fail();
    }

    return SIGV4_OK;
}


int
sigv4_hash_final(sigv4_hash_t *hash, uint8_t digest[SIGV4_SHA256_LEN])
{
    if (EVP_DigestFinal_ex(hash->ctx, digest, NULL) != 1) {
        return sigv4_fail();
    }

    return SIGV4_OK;
}


void
sigv4_hash_destroy(sigv4_hash_t *hash)
{
    if (hash == NULL) {
        return;
    }

    EVP_MD_CTX_free(hash->ctx);
    OPENSSL_free(hash);
}


static int
sigv4_fail(void)
{
    ERR_clear_error();

    return SIGV4_ERROR;
}


void
sigv4_hex(const uint8_t digest[SIGV4_SHA256_LEN],
    uint8_t hex[SIGV4_SHA256_HEX_LEN])
{
    uint64_t        word, letters, ones;
    const uint8_t  *p;

    ones = UINT64_C(0x0101010101010101);

    /*
     * Eight digits at once, each in a byte of its own.  Those above 9 are
     * told by the carry when 6 is added, and the letters are 0x27 further
     * on than the digits would be.
     */

    for (p = digest; p < digest + SIGV4_SHA256_LEN; p += 4) {

        word = (uint64_t) p[0] << 48 | (uint64_t) p[1] << 32
               | (uint64_t) p[2] << 16 | p[3];
        word = (word | word << 4) & ones * 0xf;

        letters = (word + ones * 6) >> 4 & ones;
        word += ones * '0' + letters * 0x27;

        *hex++ = (uint8_t) (word >> 56);
        *hex++ = (uint8_t) (word >> 48);
        *hex++ = (uint8_t) (word >> 40);
        *hex++ = (uint8_t) (word >> 32);
        *hex++ = (uint8_t) (word >> 24);
        *hex++ = (uint8_t) (word >> 16);
        *hex++ = (uint8_t) (word >> 8);
        *hex++ = (uint8_t) word;
    }
}


void
sigv4_wipe(void *p, size_t len)
{
    OPENSSL_cleanse(p, len);
}
