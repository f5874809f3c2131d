
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_ffi_sign.h"


typedef struct {
    ngx_str_t    scheme;
    ngx_str_t    port;
} ngx_http_aws_sigv4_ffi_scheme_t;


static ngx_http_aws_sigv4_ffi_scheme_t *ngx_http_aws_sigv4_ffi_scheme(
    ngx_str_t *url);


static ngx_http_aws_sigv4_ffi_scheme_t  ngx_http_aws_sigv4_ffi_schemes[] = {
    { ngx_string("https://"), ngx_string(":443") },
    { ngx_string("http://"), ngx_string(":80") },
    { ngx_string("wss://"), ngx_string(":443") },
    { ngx_string("ws://"), ngx_string(":80") },
    { ngx_null_string, ngx_null_string }
};


int
ngx_http_aws_sigv4_ffi_url(ngx_http_aws_sigv4_ffi_call_t *call)
{
    u_char                           *p, *start, *last;
    ngx_str_t                         url, *port;
    ngx_http_aws_sigv4_ffi_scheme_t  *scheme;

    url.len = call->in->url.len;
    url.data = (u_char *) call->in->url.data;

    scheme = ngx_http_aws_sigv4_ffi_scheme(&url);

    if (scheme == NULL || memchr(url.data, '#', url.len) != NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "invalid url");
    }

    call->scheme = scheme->scheme;

    start = url.data + scheme->scheme.len;
    last = url.data + url.len;

    for (p = start; p < last && *p != '/' && *p != '?'; p++) { /* void */ }

    call->uri.data = p;
    call->uri.len = last - p;

    call->authority.len = p - start;
    call->authority.data = ngx_pnalloc(call->pool, p - start + 1);
    if (call->authority.data == NULL) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "no memory");
    }

    ngx_strlow(call->authority.data, start, call->authority.len);

    /* clients leave out the port of the scheme, and so does the Host */

    port = &scheme->port;

    if (call->authority.len > port->len
        && ngx_memcmp(call->authority.data + call->authority.len - port->len,
                      port->data, port->len)
           == 0)
    {
        call->authority.len -= port->len;
    }

    if (!ngx_http_aws_sigv4_is_host(&call->authority)) {
        return ngx_http_aws_sigv4_ffi_error(call->err, "invalid url");
    }

    call->host = call->authority;

    return NGX_OK;
}


static ngx_http_aws_sigv4_ffi_scheme_t *
ngx_http_aws_sigv4_ffi_scheme(ngx_str_t *url)
{
    ngx_http_aws_sigv4_ffi_scheme_t  *s;

    for (s = ngx_http_aws_sigv4_ffi_schemes; s->scheme.len; s++) {

        if (url->len > s->scheme.len
            && ngx_strncasecmp(url->data, s->scheme.data, s->scheme.len) == 0)
        {
            return s;
        }
    }

    return NULL;
}
