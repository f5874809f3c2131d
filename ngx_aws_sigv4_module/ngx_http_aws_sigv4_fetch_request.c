
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_fetch_parts.h"


#define NGX_HTTP_AWS_SIGV4_FETCH_HEAD                                         \
    "%V %V HTTP/1.1" CRLF                                                     \
    "Host: %V" CRLF                                                           \
    "Connection: close" CRLF                                                  \
    "%V"


ngx_int_t
ngx_http_aws_sigv4_fetch_header(ngx_http_aws_sigv4_fetch_t *f,
    const char *name, ngx_str_t *value)
{
    size_t      size;
    u_char     *p, *data;
    ngx_uint_t  i;

    for (i = 0; i < value->len; i++) {
        if (value->data[i] < 0x20 || value->data[i] == 0x7f) {
            return NGX_DECLINED;
        }
    }

    size = f->headers.len + ngx_strlen(name) + sizeof(": " CRLF) - 1
           + value->len;

    data = ngx_http_aws_sigv4_fetch_alloc(f, size);
    if (data == NULL) {
        return NGX_ERROR;
    }

    p = ngx_slprintf(data, data + size, "%V%s: %V" CRLF, &f->headers, name,
                     value);

    f->headers.data = data;
    f->headers.len = p - data;

    return NGX_OK;
}


ngx_str_t
ngx_http_aws_sigv4_fetch_field(ngx_http_aws_sigv4_fetch_t *f,
    const char *name)
{
    ngx_str_t    value;
    sigv4_str_t  field;

    field = sigv4_http_field(&f->http, name);

    value.len = field.len;
    value.data = (u_char *) field.data;

    return value;
}


ngx_int_t
ngx_http_aws_sigv4_fetch_request(ngx_http_aws_sigv4_fetch_t *f)
{
    u_char      *p;
    size_t       size;
    ngx_buf_t   *b;
    ngx_str_t   *uri;
    ngx_uint_t   i;

    uri = f->uri.len ? &f->uri : &f->origin->uri;

    /* it may be made of what a server has said */

    for (i = 0; i < uri->len; i++) {
        if (uri->data[i] <= 0x20 || uri->data[i] >= 0x7f) {
            ngx_http_aws_sigv4_fetch_error(f, 0, "the path to ask for has a "
                                           "space or a byte that is not "
                                           "ASCII");
            return NGX_ERROR;
        }
    }

    size = sizeof(NGX_HTTP_AWS_SIGV4_FETCH_HEAD) - 1
           + f->method.len + uri->len + f->origin->authority.len
           + f->headers.len
           + sizeof("Content-Length: " CRLF CRLF) - 1 + NGX_SIZE_T_LEN
           + f->body.len;

    b = &f->request;

    b->start = ngx_http_aws_sigv4_fetch_alloc(f, size);
    if (b->start == NULL) {
        ngx_http_aws_sigv4_fetch_error(f, 0, "there is no memory");
        return NGX_ERROR;
    }

    b->end = b->start + size;

    p = ngx_slprintf(b->start, b->end, NGX_HTTP_AWS_SIGV4_FETCH_HEAD,
                     &f->method, uri, &f->origin->authority, &f->headers);

    /* a PUT without a body says so, as RFC 9110, 8.6, wants it */

    if (f->body.len
        || f->method.len != 3
        || ngx_strncmp(f->method.data, "GET", 3) != 0)
    {
        p = ngx_slprintf(p, b->end, "Content-Length: %uz" CRLF, f->body.len);
    }

    p = ngx_slprintf(p, b->end, CRLF "%V", &f->body);

    b->pos = b->start;
    b->last = p;

    return NGX_OK;
}
