
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Stands before sigv4_authorization() in an nginx that asan.sh links only
 * to see that a report is noticed: writes one byte after the buffer.
 */


#include "core/sigv4.h"


int __real_sigv4_authorization(const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, sigv4_str_t signed_headers,
    const uint8_t signature[SIGV4_SIGNATURE_LEN], sigv4_buf_t *buf,
    sigv4_str_t *authorization);
int __wrap_sigv4_authorization(const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, sigv4_str_t signed_headers,
    const uint8_t signature[SIGV4_SIGNATURE_LEN], sigv4_buf_t *buf,
    sigv4_str_t *authorization);


int
__wrap_sigv4_authorization(const sigv4_credentials_t *cred,
    const sigv4_scope_t *scope, sigv4_str_t signed_headers,
    const uint8_t signature[SIGV4_SIGNATURE_LEN], sigv4_buf_t *buf,
    sigv4_str_t *authorization)
{
    buf->end[0] = 0;

    return __real_sigv4_authorization(cred, scope, signed_headers, signature,
                                      buf, authorization);
}
