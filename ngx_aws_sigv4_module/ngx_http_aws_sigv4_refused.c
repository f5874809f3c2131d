
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * An answer in which AWS refuses a request that was signed.  The first bytes
 * of its body are copied as they pass, and looked at when it ends.  One that
 * nginx does not pass on, as it answers itself or tries another server, is
 * looked at as far as it has come with its header.
 */


#include "ngx_http_aws_sigv4_cause.h"
#include "providers/sigv4_http.h"


static ngx_int_t ngx_http_aws_sigv4_refused_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_refused_body(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_uint_t ngx_http_aws_sigv4_refused_answered(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_uint_t ngx_http_aws_sigv4_refused_status(ngx_uint_t status);
static ngx_http_aws_sigv4_refused_t *ngx_http_aws_sigv4_refused_create(
    ngx_http_request_t *r, ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_uint_t connected);
static void ngx_http_aws_sigv4_refused_done(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused);
static void ngx_http_aws_sigv4_refused_buffered(ngx_http_request_t *r,
    ngx_http_aws_sigv4_refused_t *refused);
static ngx_uint_t ngx_http_aws_sigv4_refused_append(
    ngx_http_aws_sigv4_refused_t *refused, ngx_chain_t *in);
static ngx_uint_t ngx_http_aws_sigv4_refused_copy(
    ngx_http_aws_sigv4_refused_t *refused, ngx_buf_t *b);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;
static ngx_http_output_body_filter_pt    ngx_http_next_body_filter;


ngx_int_t
ngx_http_aws_sigv4_refused_init(ngx_conf_t *cf)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_aws_sigv4_refused_header;

    ngx_http_next_body_filter = ngx_http_top_body_filter;
    ngx_http_top_body_filter = ngx_http_aws_sigv4_refused_body;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_refused_header(ngx_http_request_t *r)
{
    ngx_http_upstream_t           *u;
    ngx_http_aws_sigv4_ctx_t      *ctx;
    ngx_http_aws_sigv4_refused_t  *refused;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    if (ctx == NULL || !ngx_http_aws_sigv4_refused_answered(r, ctx)) {
        return ngx_http_next_header_filter(r);
    }

    u = r->upstream;

    /* explained: what passes is a page of nginx's own */

    if (!ngx_http_aws_sigv4_refused_status(u->headers_in.status_n)
        || ctx->explained)
    {
        if (ctx->signature.skew != 0) {
            ngx_http_aws_sigv4_skew_check(r, ctx);
        }

        return ngx_http_next_header_filter(r);
    }

    refused = ngx_http_aws_sigv4_refused_create(r, ctx, 1);

    if (refused != NULL) {

        /* a body that came for HEAD, auth_request or a mirror is dropped */

        if (r->header_only || r->method == NGX_HTTP_HEAD || refused->encoded)
        {
            ngx_http_aws_sigv4_refused_buffered(r, refused);
            ngx_http_aws_sigv4_refused_done(r, ctx, refused);

        } else {
            ctx->refused = refused;
        }
    }

    return ngx_http_next_header_filter(r);
}


static ngx_uint_t
ngx_http_aws_sigv4_refused_answered(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_http_upstream_t  *u;

    u = r->upstream;

    /* an internal redirect leaves the upstream of the request before it */

    if (u == NULL || u->state == NULL
        || u->output.filter_ctx != ctx
        || (ctx->status != NGX_HTTP_AWS_SIGV4_SIGNED
            && ctx->status != NGX_HTTP_AWS_SIGV4_RESIGNED))
    {
        return 0;
    }

#if (NGX_HTTP_CACHE)

    if (r->cached) {
        return 0;
    }

#endif

    return u->headers_in.status_n != 0;
}


static ngx_uint_t
ngx_http_aws_sigv4_refused_status(ngx_uint_t status)
{
    return status == NGX_HTTP_BAD_REQUEST
           || status == NGX_HTTP_UNAUTHORIZED
           || status == NGX_HTTP_FORBIDDEN;
}


static ngx_http_aws_sigv4_refused_t *
ngx_http_aws_sigv4_refused_create(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t connected)
{
    ngx_http_aws_sigv4_refused_t  *refused;

    static ngx_str_t  type = ngx_string("x-amzn-errortype");
    static ngx_str_t  encoding = ngx_string("content-encoding");
    static ngx_str_t  region = ngx_string("x-amz-bucket-region");

    refused = ngx_palloc(r->pool, sizeof(ngx_http_aws_sigv4_refused_t));
    if (refused == NULL) {
        return NULL;
    }

    refused->status = r->upstream->headers_in.status_n;
    refused->date = ngx_http_aws_sigv4_skew_date(r);
    refused->type = ngx_http_aws_sigv4_answer_header(r, &type);
    refused->bucket_region = ngx_http_aws_sigv4_answer_header(r, &region);
    refused->request_id = ngx_http_aws_sigv4_answer_id(r);
    refused->verified = (connected
                         && ngx_http_aws_sigv4_skew_verified(r, ctx));
    refused->encoded = (ngx_http_aws_sigv4_answer_header(r, &encoding).len
                        != 0);
    refused->len = 0;

    return refused;
}


static void
ngx_http_aws_sigv4_refused_done(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused)
{
    ctx->refused = NULL;
    ctx->explained = 1;

    ngx_http_aws_sigv4_cause(r, ctx, refused);

    (void) ngx_pfree(r->pool, refused);
}


static ngx_int_t
ngx_http_aws_sigv4_refused_body(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_http_aws_sigv4_ctx_t      *ctx;
    ngx_http_aws_sigv4_refused_t  *refused;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    if (ctx == NULL || ctx->refused == NULL) {
        return ngx_http_next_body_filter(r, in);
    }

    refused = ctx->refused;

    if (ngx_http_aws_sigv4_refused_append(refused, in)) {
        ngx_http_aws_sigv4_refused_done(r, ctx, refused);
    }

    return ngx_http_next_body_filter(r, in);
}


/* 1: there is nothing more to come, or to be looked at */

static ngx_uint_t
ngx_http_aws_sigv4_refused_append(ngx_http_aws_sigv4_refused_t *refused,
    ngx_chain_t *in)
{
    for ( /* void */ ; in != NULL; in = in->next) {

        if (ngx_http_aws_sigv4_refused_copy(refused, in->buf)) {
            return 1;
        }
    }

    return 0;
}


static ngx_uint_t
ngx_http_aws_sigv4_refused_copy(ngx_http_aws_sigv4_refused_t *refused,
    ngx_buf_t *b)
{
    size_t  size;

    if (ngx_buf_in_memory(b)) {
        size = ngx_min((size_t) (b->last - b->pos),
                       NGX_HTTP_AWS_SIGV4_REFUSED_BODY - refused->len);

        ngx_memcpy(refused->data + refused->len, b->pos, size);
        refused->len += size;

    } else if (b->in_file) {

        /* what follows would not follow what there is */

        return 1;
    }

    return b->last_buf
           || b->last_in_chain
           || refused->len == NGX_HTTP_AWS_SIGV4_REFUSED_BODY;
}


void
ngx_http_aws_sigv4_refused_end(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t connected)
{
    ngx_http_aws_sigv4_refused_t  *refused;

    if (ctx->refused != NULL) {
        ngx_http_aws_sigv4_refused_done(r, ctx, ctx->refused);
        return;
    }

    if (ctx->explained
        || !ngx_http_aws_sigv4_refused_answered(r, ctx)
        || !ngx_http_aws_sigv4_refused_status(
                                          r->upstream->headers_in.status_n))
    {
        return;
    }

    refused = ngx_http_aws_sigv4_refused_create(r, ctx, connected);
    if (refused == NULL) {
        return;
    }

    ngx_http_aws_sigv4_refused_buffered(r, refused);
    ngx_http_aws_sigv4_refused_done(r, ctx, refused);
}


/* of a body, what has come with the header: nobody has read it yet */

static void
ngx_http_aws_sigv4_refused_buffered(ngx_http_request_t *r,
    ngx_http_aws_sigv4_refused_t *refused)
{
    size_t                len;
    ngx_http_upstream_t  *u;

    u = r->upstream;

    /* a pipe frees the buffer when it has sent what was in it */

    if (refused->encoded || u->header_sent || u->buffer.start == NULL) {
        return;
    }

    (void) ngx_http_aws_sigv4_refused_copy(refused, &u->buffer);

    if (u->headers_in.chunked) {
        len = sigv4_http_dechunk(refused->data, refused->len);

        /* a session token may be in what is left behind, too */

        ngx_explicit_memzero(refused->data + len, refused->len - len);
        refused->len = len;
    }
}


ngx_str_t
ngx_http_aws_sigv4_answer_header(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_str_t         none;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    part = &r->upstream->headers_in.headers.part;
    h = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {

            if (part->next == NULL) {
                break;
            }

            part = part->next;
            h = part->elts;
            i = 0;
        }

        if (h[i].key.len == name->len
            && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
        {
            return h[i].value;
        }
    }

    ngx_str_null(&none);

    return none;
}


/* services spell it in three ways */

ngx_str_t
ngx_http_aws_sigv4_answer_id(ngx_http_request_t *r)
{
    ngx_str_t   id;
    ngx_uint_t  i;

    static ngx_str_t  names[] = {
        ngx_string("x-amzn-requestid"),
        ngx_string("x-amz-request-id"),
        ngx_string("x-amzn-request-id")
    };

    ngx_str_null(&id);

    for (i = 0; i < 3 && id.len == 0; i++) {
        id = ngx_http_aws_sigv4_answer_header(r, &names[i]);
    }

    return id;
}
