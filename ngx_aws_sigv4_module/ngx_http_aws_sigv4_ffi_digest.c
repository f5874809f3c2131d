
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * SHA-256 for Lua code, which finds callers by the digest of their keys.
 */


#include "ngx_http_aws_sigv4_module.h"


int ngx_http_aws_sigv4_ffi_sha256(const u_char *data, size_t len,
    u_char *digest);


/*
 * SIGV4_SHA256_LEN bytes at digest; NGX_OK, or NGX_ERROR.  With a context of
 * its own it works in any phase, and where nothing is signed.
 */

int
ngx_http_aws_sigv4_ffi_sha256(const u_char *data, size_t len, u_char *digest)
{
    int              rc;
    sigv4_str_t      in;
    sigv4_crypto_t  *crypto;

    crypto = sigv4_crypto_create();
    if (crypto == NULL) {
        return NGX_ERROR;
    }

    in.len = len;
    in.data = data;

    rc = sigv4_sha256(crypto, in, digest);

    sigv4_crypto_destroy(crypto);

    return (rc == SIGV4_OK) ? NGX_OK : NGX_ERROR;
}
