
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "sigv4_bytes.h"


/* 9999-12-31T23:59:59Z, the last that four digits of a year can say */
#define SIGV4_TIME_MAX            INT64_C(253402300799)

#define SIGV4_SECRET_PREFIX       "AWS4"
#define SIGV4_SECRET_PREFIX_LEN   (sizeof(SIGV4_SECRET_PREFIX) - 1)


#define sigv4_append_str(buf, str)                                            \
    sigv4_append(buf, (str).data, (str).len)

#define sigv4_append_literal(buf, literal)                                    \
    sigv4_append(buf, literal, sizeof(literal) - 1)


static void sigv4_decimal(uint8_t *p, unsigned n, unsigned digits);
static int sigv4_date_key(sigv4_crypto_t *crypto, sigv4_str_t secret,
    sigv4_str_t date, uint8_t key[SIGV4_KEY_LEN]);
static int sigv4_hash_secret(sigv4_crypto_t *crypto, sigv4_str_t secret,
    uint8_t digest[SIGV4_SHA256_LEN]);
static int sigv4_next_key(sigv4_crypto_t *crypto, uint8_t key[SIGV4_KEY_LEN],
    sigv4_str_t in);
static sigv4_key_entry_t *sigv4_find_key(sigv4_key_cache_t *cache,
    uint64_t generation, const sigv4_scope_t *scope);
static void sigv4_store_key(sigv4_key_cache_t *cache, uint64_t generation,
    const sigv4_scope_t *scope, const uint8_t key[SIGV4_KEY_LEN]);


void
sigv4_scope_time(sigv4_scope_t *scope, time_t t)
{
    int64_t   time;
    uint8_t  *p;
    unsigned  days, sec, era, doe, yoe, doy, month, year;

    time = (int64_t) t;

    if (time < 0) {
        time = 0;
    }

    if (time > SIGV4_TIME_MAX) {
        time = SIGV4_TIME_MAX;
    }

    sec = (unsigned) (time % 86400);

    /*
     * The proleptic Gregorian calendar in eras of 400 years, each year
     * from 1 March, so that the leap day is the last of its year.
     */

    days = (unsigned) (time / 86400) + 719468;

    era = days / 146097;
    doe = days % 146097;
    yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    month = (5 * doy + 2) / 153;
    year = era * 400 + yoe + (month >= 10);

    p = scope->datetime;

    sigv4_decimal(p, year, 4);
    sigv4_decimal(p + 4, month < 10 ? month + 3 : month - 9, 2);
    sigv4_decimal(p + 6, doy - (153 * month + 2) / 5 + 1, 2);
    p[8] = 'T';
    sigv4_decimal(p + 9, sec / 3600, 2);
    sigv4_decimal(p + 11, sec / 60 % 60, 2);
    sigv4_decimal(p + 13, sec % 60, 2);
    p[15] = 'Z';
}


static void
sigv4_decimal(uint8_t *p, unsigned n, unsigned digits)
{
    while (digits > 0) {
        p[--digits] = (uint8_t) ('0' + n % 10);
        n /= 10;
    }
}


int
sigv4_credential_scope(const sigv4_scope_t *scope, sigv4_buf_t *buf)
{
    int          rc;
    sigv4_buf_t  b;

    if (!sigv4_is_scope_part(scope->region)
        || !sigv4_is_scope_part(scope->service))
    {
        return SIGV4_INVALID;
    }

    b = *buf;

    if ((rc = sigv4_append(&b, scope->datetime, SIGV4_DATE_LEN)) != SIGV4_OK
        || (rc = sigv4_append_literal(&b, "/")) != SIGV4_OK
        || (rc = sigv4_append_str(&b, scope->region)) != SIGV4_OK
        || (rc = sigv4_append_literal(&b, "/")) != SIGV4_OK
        || (rc = sigv4_append_str(&b, scope->service)) != SIGV4_OK
        || (rc = sigv4_append_literal(&b, "/" SIGV4_SCOPE_TERMINATOR))
           != SIGV4_OK)
    {
        return rc;
    }

    *buf = b;

    return SIGV4_OK;
}


int
sigv4_is_scope_part(sigv4_str_t part)
{
    return part.len != 0 && sigv4_all_bytes(part, SIGV4_BYTE_SCOPE);
}


int
sigv4_string_to_sign(sigv4_crypto_t *crypto, const sigv4_scope_t *scope,
    sigv4_str_t canonical_request, sigv4_buf_t *buf,
    sigv4_str_t *string_to_sign)
{
    int          rc;
    uint8_t      digest[SIGV4_SHA256_LEN], hex[SIGV4_SHA256_HEX_LEN];
    sigv4_buf_t  b;

    rc = sigv4_sha256(crypto, canonical_request, digest);

    if (rc != SIGV4_OK) {
        return rc;
    }

    sigv4_hex(digest, hex);

    b = *buf;

    if ((rc = sigv4_append_literal(&b, SIGV4_ALGORITHM "\n")) != SIGV4_OK
        || (rc = sigv4_append(&b, scope->datetime, SIGV4_DATETIME_LEN))
           != SIGV4_OK
        || (rc = sigv4_append_literal(&b, "\n")) != SIGV4_OK
        || (rc = sigv4_credential_scope(scope, &b)) != SIGV4_OK
        || (rc = sigv4_append_literal(&b, "\n")) != SIGV4_OK
        || (rc = sigv4_append(&b, hex, sizeof(hex))) != SIGV4_OK)
    {
        return rc;
    }

    string_to_sign->data = buf->last;
    string_to_sign->len = b.last - buf->last;

    *buf = b;

    return SIGV4_OK;
}


int
sigv4_signing_key(sigv4_crypto_t *crypto, const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, uint8_t key[SIGV4_KEY_LEN])
{
    int          rc;
    sigv4_str_t  date, terminator;

    /* without a secret anyone could derive the key */

    if (cred->secret_access_key.len == 0
        || !sigv4_is_scope_part(scope->region)
        || !sigv4_is_scope_part(scope->service))
    {
        return SIGV4_INVALID;
    }

    date.data = scope->datetime;
    date.len = SIGV4_DATE_LEN;

    terminator.data = (const uint8_t *) SIGV4_SCOPE_TERMINATOR;
    terminator.len = sizeof(SIGV4_SCOPE_TERMINATOR) - 1;

    if ((rc = sigv4_date_key(crypto, cred->secret_access_key, date, key))
        != SIGV4_OK
        || (rc = sigv4_next_key(crypto, key, scope->region)) != SIGV4_OK
        || (rc = sigv4_next_key(crypto, key, scope->service)) != SIGV4_OK
        || (rc = sigv4_next_key(crypto, key, terminator)) != SIGV4_OK)
    {
        sigv4_wipe(key, SIGV4_KEY_LEN);
    }

    return rc;
}


static int
sigv4_date_key(sigv4_crypto_t *crypto, sigv4_str_t secret, sigv4_str_t date,
    uint8_t key[SIGV4_KEY_LEN])
{
    int          rc;
    uint8_t      bytes[SIGV4_HMAC_BLOCK_LEN];
    sigv4_str_t  prefixed;

    prefixed.data = bytes;

    if (secret.len <= sizeof(bytes) - SIGV4_SECRET_PREFIX_LEN) {
        memcpy(bytes, SIGV4_SECRET_PREFIX, SIGV4_SECRET_PREFIX_LEN);
        memcpy(bytes + SIGV4_SECRET_PREFIX_LEN, secret.data, secret.len);

        prefixed.len = SIGV4_SECRET_PREFIX_LEN + secret.len;
        rc = SIGV4_OK;

    } else {
        prefixed.len = SIGV4_SHA256_LEN;
        rc = sigv4_hash_secret(crypto, secret, bytes);
    }

    if (rc == SIGV4_OK) {
        rc = sigv4_hmac_sha256(crypto, prefixed, date, key);
    }

    sigv4_wipe(bytes, sizeof(bytes));

    return rc;
}


/* what HMAC does to a key longer than a block, without a copy of it */

static int
sigv4_hash_secret(sigv4_crypto_t *crypto, sigv4_str_t secret,
    uint8_t digest[SIGV4_SHA256_LEN])
{
    int            rc;
    sigv4_hash_t  *hash;

    hash = sigv4_hash_create(crypto);

    if (hash == NULL) {
        return SIGV4_ERROR;
    }

    if ((rc = sigv4_hash_update(hash, SIGV4_SECRET_PREFIX,
                                SIGV4_SECRET_PREFIX_LEN)) == SIGV4_OK
        && (rc = sigv4_hash_update(hash, secret.data, secret.len))
           == SIGV4_OK)
    {
        rc = sigv4_hash_final(hash, digest);
    }

    sigv4_hash_destroy(hash);

    return rc;
}


/* replaces the key by the one that follows from it */

static int
sigv4_next_key(sigv4_crypto_t *crypto, uint8_t key[SIGV4_KEY_LEN],
    sigv4_str_t in)
{
    sigv4_str_t  previous;

    previous.data = key;
    previous.len = SIGV4_KEY_LEN;

    return sigv4_hmac_sha256(crypto, previous, in, key);
}


int
sigv4_cached_signing_key(sigv4_key_cache_t *cache, sigv4_crypto_t *crypto,
    const sigv4_credentials_t *cred, uint64_t generation,
    const sigv4_scope_t *scope, uint8_t key[SIGV4_KEY_LEN])
{
    int                 rc;
    sigv4_key_entry_t  *entry;

    entry = sigv4_find_key(cache, generation, scope);

    if (entry != NULL) {
        cache->hits++;
        entry->used = ++cache->clock;

        memcpy(key, entry->key, SIGV4_KEY_LEN);

        return SIGV4_OK;
    }

    cache->misses++;

    rc = sigv4_signing_key(crypto, cred, scope, key);

    if (rc == SIGV4_OK) {
        sigv4_store_key(cache, generation, scope, key);
    }

    return rc;
}


static sigv4_key_entry_t *
sigv4_find_key(sigv4_key_cache_t *cache, uint64_t generation,
    const sigv4_scope_t *scope)
{
    sigv4_key_entry_t  *entry, *end;

    end = cache->entries + SIGV4_KEY_CACHE_SIZE;

    /* entries are filled from the first and never become free again */

    for (entry = cache->entries;
         entry < end && entry->generation != 0;
         entry++)
    {
        if (entry->generation == generation
            && entry->region_len == scope->region.len
            && entry->service_len == scope->service.len
            && memcmp(entry->date, scope->datetime, SIGV4_DATE_LEN) == 0
            && memcmp(entry->region, scope->region.data,
                      scope->region.len) == 0
            && memcmp(entry->service, scope->service.data,
                      scope->service.len) == 0)
        {
            return entry;
        }
    }

    return NULL;
}


static void
sigv4_store_key(sigv4_key_cache_t *cache, uint64_t generation,
    const sigv4_scope_t *scope, const uint8_t key[SIGV4_KEY_LEN])
{
    sigv4_key_entry_t  *entry, *oldest, *end;

    if (generation == 0
        || scope->region.len > SIGV4_KEY_NAME_LEN
        || scope->service.len > SIGV4_KEY_NAME_LEN)
    {
        return;
    }

    end = cache->entries + SIGV4_KEY_CACHE_SIZE;
    oldest = cache->entries;

    /* a free entry has never been used, so the first of them is the oldest */

    for (entry = cache->entries; entry < end; entry++) {
        if (entry->used < oldest->used) {
            oldest = entry;
        }
    }

    oldest->generation = generation;
    oldest->used = ++cache->clock;
    oldest->region_len = (uint8_t) scope->region.len;
    oldest->service_len = (uint8_t) scope->service.len;

    memcpy(oldest->date, scope->datetime, SIGV4_DATE_LEN);
    memcpy(oldest->region, scope->region.data, scope->region.len);
    memcpy(oldest->service, scope->service.data, scope->service.len);
    memcpy(oldest->key, key, SIGV4_KEY_LEN);
}


int
sigv4_signature(sigv4_crypto_t *crypto, const uint8_t key[SIGV4_KEY_LEN],
    sigv4_str_t string_to_sign, uint8_t signature[SIGV4_SIGNATURE_LEN])
{
    int          rc;
    uint8_t      mac[SIGV4_SHA256_LEN];
    sigv4_str_t  signing_key;

    signing_key.data = key;
    signing_key.len = SIGV4_KEY_LEN;

    rc = sigv4_hmac_sha256(crypto, signing_key, string_to_sign, mac);

    if (rc == SIGV4_OK) {
        sigv4_hex(mac, signature);
    }

    return rc;
}


int
sigv4_authorization(const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, sigv4_str_t signed_headers,
    const uint8_t signature[SIGV4_SIGNATURE_LEN], sigv4_buf_t *buf,
    sigv4_str_t *authorization)
{
    int          rc;
    sigv4_str_t  akid;
    sigv4_buf_t  b;

    /* those of S3-compatible stores may have "/" and ":" in them */

    akid = cred->access_key_id;

    if (akid.len == 0 || !sigv4_all_bytes(akid, SIGV4_BYTE_KEY_ID)) {
        return SIGV4_INVALID;
    }

    b = *buf;

    if ((rc = sigv4_append_literal(&b, SIGV4_ALGORITHM " Credential="))
        != SIGV4_OK
        || (rc = sigv4_append_str(&b, akid)) != SIGV4_OK
        || (rc = sigv4_append_literal(&b, "/")) != SIGV4_OK
        || (rc = sigv4_credential_scope(scope, &b)) != SIGV4_OK
        || (rc = sigv4_append_literal(&b, ", SignedHeaders=")) != SIGV4_OK
        || (rc = sigv4_append_str(&b, signed_headers)) != SIGV4_OK
        || (rc = sigv4_append_literal(&b, ", Signature=")) != SIGV4_OK
        || (rc = sigv4_append(&b, signature, SIGV4_SIGNATURE_LEN))
           != SIGV4_OK)
    {
        return rc;
    }

    authorization->data = buf->last;
    authorization->len = b.last - buf->last;

    *buf = b;

    return SIGV4_OK;
}


const char *
sigv4_strerror(int code)
{
    switch (code) {

    case SIGV4_OK:
        return "no error";

    case SIGV4_ERROR:
        return "the crypto library failed";

    case SIGV4_NOSPACE:
        return "the buffer is too small";

    case SIGV4_INVALID:
        return "the request cannot be signed";

    default:
        return "unknown error";
    }
}
