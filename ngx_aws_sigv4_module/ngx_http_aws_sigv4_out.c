
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_status.h"


#define NGX_HTTP_AWS_SIGV4_OUT_BUF        32768
#define NGX_HTTP_AWS_SIGV4_OUT_LINE       1024
#define NGX_HTTP_AWS_SIGV4_OUT_STR        2048


static ngx_int_t ngx_http_aws_sigv4_out_room(ngx_http_aws_sigv4_out_t *out,
    size_t size);
static ngx_int_t ngx_http_aws_sigv4_out_header(ngx_http_request_t *r,
    char *name, char *value);


void
ngx_http_aws_sigv4_out_init(ngx_http_aws_sigv4_out_t *out, ngx_pool_t *pool)
{
    ngx_memzero(out, sizeof(ngx_http_aws_sigv4_out_t));

    out->pool = pool;
    out->next = &out->bufs;
}


void
ngx_http_aws_sigv4_out(ngx_http_aws_sigv4_out_t *out, const char *fmt, ...)
{
    u_char   *last, *end;
    va_list   args;

    if (ngx_http_aws_sigv4_out_room(out, NGX_HTTP_AWS_SIGV4_OUT_LINE)
        != NGX_OK)
    {
        return;
    }

    end = out->buf->last + NGX_HTTP_AWS_SIGV4_OUT_LINE;

    va_start(args, fmt);
    last = ngx_vslprintf(out->buf->last, end, fmt, args);
    va_end(args);

    /* a part of a line is worse than no answer, and full is taken for cut */

    if (last == end) {
        out->failed = 1;
        return;
    }

    out->size += last - out->buf->last;
    out->buf->last = last;
}


void
ngx_http_aws_sigv4_out_escaped(ngx_http_aws_sigv4_out_t *out,
    sigv4_escape_e form, ngx_str_t *s)
{
    ngx_str_t    in;
    sigv4_buf_t  buf;

    in.data = s->data;
    in.len = ngx_min(s->len, NGX_HTTP_AWS_SIGV4_OUT_STR);

    if (ngx_http_aws_sigv4_out_room(out, SIGV4_ESCAPE_GROWTH * in.len)
        != NGX_OK)
    {
        return;
    }

    buf.last = out->buf->last;
    buf.end = out->buf->end;

    if (sigv4_escape(form, ngx_http_aws_sigv4_str(&in), &buf) != SIGV4_OK) {
        out->failed = 1;
        return;
    }

    out->size += buf.last - out->buf->last;
    out->buf->last = buf.last;
}


static ngx_int_t
ngx_http_aws_sigv4_out_room(ngx_http_aws_sigv4_out_t *out, size_t size)
{
    ngx_chain_t  *cl;

    if (out->failed) {
        return NGX_ERROR;
    }

    if (out->buf != NULL && (size_t) (out->buf->end - out->buf->last) >= size)
    {
        return NGX_OK;
    }

    out->failed = 1;

    cl = ngx_alloc_chain_link(out->pool);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    out->buf = ngx_create_temp_buf(out->pool, NGX_HTTP_AWS_SIGV4_OUT_BUF);
    if (out->buf == NULL) {
        return NGX_ERROR;
    }

    cl->buf = out->buf;
    cl->next = NULL;

    *out->next = cl;
    out->next = &cl->next;

    out->failed = 0;

    return NGX_OK;
}


ngx_int_t
ngx_http_aws_sigv4_out_method(ngx_http_request_t *r)
{
    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD)) {
        return ngx_http_discard_request_body(r);
    }

    if (ngx_http_aws_sigv4_out_header(r, "Allow", "GET, HEAD") != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_HTTP_NOT_ALLOWED;
}


ngx_int_t
ngx_http_aws_sigv4_out_head(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, char *policy)
{
    if (ngx_http_aws_sigv4_out_header(r, "Cache-Control", "no-store")
        != NGX_OK
        || ngx_http_aws_sigv4_out_header(r, "X-Content-Type-Options",
                                         "nosniff")
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (policy != NULL
        && ngx_http_aws_sigv4_out_header(r, "Content-Security-Policy", policy)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.status = status;
    r->headers_out.content_type = *type;
    r->headers_out.content_type_len = type->len;
    r->headers_out.content_type_lowcase = NULL;

    return ngx_http_send_header(r);
}


ngx_int_t
ngx_http_aws_sigv4_out_send(ngx_http_request_t *r,
    ngx_http_aws_sigv4_out_t *out, ngx_uint_t status, ngx_str_t *type,
    char *policy)
{
    ngx_int_t  rc;

    if (out->failed || out->buf == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    r->headers_out.content_length_n = out->size;

    rc = ngx_http_aws_sigv4_out_head(r, status, type, policy);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    out->buf->last_buf = (r == r->main) ? 1 : 0;
    out->buf->last_in_chain = 1;

    return ngx_http_output_filter(r, out->bufs);
}


static ngx_int_t
ngx_http_aws_sigv4_out_header(ngx_http_request_t *r, char *name, char *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value.data = (u_char *) value;
    h->value.len = ngx_strlen(value);

    return NGX_OK;
}
