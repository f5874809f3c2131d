
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The seam to the crypto library: SHA-256, HMAC-SHA256 and wiping.  All
 * functions return SIGV4_OK or SIGV4_ERROR; what the library has put in its
 * error queue is removed before they return.
 */


#ifndef _SIGV4_CRYPTO_H_INCLUDED_
#define _SIGV4_CRYPTO_H_INCLUDED_


#include <stddef.h>
#include <stdint.h>


#define SIGV4_SHA256_LEN          32
#define SIGV4_SHA256_HEX_LEN      64
#define SIGV4_HMAC_BLOCK_LEN      64


typedef struct {
    size_t                        len;
    const uint8_t                *data;
} sigv4_str_t;


/*
 * Digest contexts that are made once and used again: one for each worker
 * or thread, since the functions below change it.
 */
typedef struct sigv4_crypto_s  sigv4_crypto_t;

/* a hash that is fed piece by piece, for bodies */
typedef struct sigv4_hash_s  sigv4_hash_t;


/* NULL if the library refuses or there is no memory */
sigv4_crypto_t *sigv4_crypto_create(void);
void sigv4_crypto_destroy(sigv4_crypto_t *crypto);

int sigv4_sha256(sigv4_crypto_t *crypto, sigv4_str_t in,
    uint8_t digest[SIGV4_SHA256_LEN]);

/* the digest of all parts behind one another */
int sigv4_sha256_parts(sigv4_crypto_t *crypto, const sigv4_str_t *parts,
    size_t n, uint8_t digest[SIGV4_SHA256_LEN]);

/* keys of at most a block are used as they are, longer ones are hashed */
int sigv4_hmac_sha256(sigv4_crypto_t *crypto, sigv4_str_t key,
    sigv4_str_t in, uint8_t mac[SIGV4_SHA256_LEN]);

sigv4_hash_t *sigv4_hash_create(sigv4_crypto_t *crypto);
int sigv4_hash_update(sigv4_hash_t *hash, const void *data, size_t len);
int sigv4_hash_final(sigv4_hash_t *hash, uint8_t digest[SIGV4_SHA256_LEN]);
void sigv4_hash_destroy(sigv4_hash_t *hash);

/* lower-case hexadecimal */
void sigv4_hex(const uint8_t digest[SIGV4_SHA256_LEN],
    uint8_t hex[SIGV4_SHA256_HEX_LEN]);

/* a memset() that the compiler may not leave out */
void sigv4_wipe(void *p, size_t len);


#endif /* _SIGV4_CRYPTO_H_INCLUDED_ */
