
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the entry points for LuaJIT's FFI have in common.  The structures
 * are declared once more in lua/resty/aws_sigv4/abi.lua: a change in them is a
 * new version of the module.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_FFI_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_FFI_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* valid until the caller returns to the event loop; data NULL: none */
typedef struct {
    size_t               len;
    const u_char        *data;
} ngx_http_aws_sigv4_ffi_str_t;


/* makes the text, which the next one replaces, and returns NGX_ERROR */
int ngx_http_aws_sigv4_ffi_error(ngx_http_aws_sigv4_ffi_str_t *err,
    const char *fmt, ...);


#endif /* _NGX_HTTP_AWS_SIGV4_FFI_H_INCLUDED_ */
