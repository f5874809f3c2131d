
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The body of a request: read where a signature needs it, and known by a
 * hash, which is made again only for a body that is another one.
 */


#include "ngx_http_aws_sigv4_module.h"
#include "ngx_http_aws_sigv4_metrics.h"


static void ngx_http_aws_sigv4_body_done(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_body_hash(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_chain_t *bufs, ngx_uint_t known);


ngx_int_t
ngx_http_aws_sigv4_read_body(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_int_t  rc;

    /* a subrequest has the body of its parent or none */

    if (r != r->main || r->request_body || r->discard_body
        || (r->headers_in.content_length_n <= 0 && !r->headers_in.chunked))
    {
        return NGX_OK;
    }

    ctx->reading = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_aws_sigv4_body_done);

    if (rc >= NGX_HTTP_SPECIAL_RESPONSE) {
        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_BAD_BODY, rc);
    }

    ctx->payload.read = 1;

    if (ctx->reading) {
        ctx->reading = 0;
        ctx->awaited = 1;
        return NGX_AGAIN;
    }

    /* it was all there: the callback has returned already */

    r->main->count--;

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_body_done(ngx_http_request_t *r)
{
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    if (ctx->reading) {
        ctx->reading = 0;
        return;
    }

    ctx->awaited = 0;
    ctx->resume(r);
}


ngx_int_t
ngx_http_aws_sigv4_body_payload(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_chain_t  *bufs;

    bufs = r->request_body ? r->request_body->bufs : NULL;

    return ngx_http_aws_sigv4_body_hash(r, ctx, bufs, ctx->payload.read);
}


ngx_int_t
ngx_http_aws_sigv4_body_sent(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *text, ngx_chain_t *bufs)
{
    ngx_buf_t                     *buf, body;
    ngx_chain_t                    cl;
    ngx_http_aws_sigv4_payload_t  *payload;

    payload = &ctx->payload;

    if (payload->literal) {
        return NGX_OK;
    }

    if (text->len) {
        ngx_memzero(&body, sizeof(ngx_buf_t));

        body.pos = text->data;
        body.last = text->data + text->len;
        body.memory = 1;

        cl.buf = &body;
        cl.next = bufs;

        return ngx_http_aws_sigv4_body_hash(r, ctx, &cl, 0);
    }

    buf = bufs ? bufs->buf : NULL;

    if (payload->value.len
        && payload->length == ngx_http_aws_sigv4_body_length(bufs)
        && (payload->length == 0
            || (payload->file ? payload->file == buf->file
                              : payload->pos == buf->pos)))
    {
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_body_hash(r, ctx, bufs, 0);
}


off_t
ngx_http_aws_sigv4_body_length(ngx_chain_t *bufs)
{
    off_t         length;
    ngx_chain_t  *cl;

    length = 0;

    for (cl = bufs; cl; cl = cl->next) {
        length += ngx_buf_size(cl->buf);
    }

    return length;
}


/* known: as ngx_http_aws_sigv4_body_hashed() takes it */

static ngx_int_t
ngx_http_aws_sigv4_body_hash(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_chain_t *bufs, ngx_uint_t known)
{
    u_char                         digest[SIGV4_SHA256_LEN];
    ngx_http_aws_sigv4_payload_t  *payload;

    payload = &ctx->payload;

    payload->pos = NULL;
    payload->file = NULL;
    payload->length = ngx_http_aws_sigv4_body_length(bufs);

    if (payload->length == 0) {
        ngx_str_set(&payload->value, SIGV4_EMPTY_SHA256);
        return NGX_OK;
    }

    payload->value.len = SIGV4_SHA256_HEX_LEN;
    payload->value.data = payload->hash;

    if (bufs->buf->in_file) {
        payload->file = bufs->buf->file;

    } else {
        payload->pos = bufs->buf->pos;
    }

    if (ngx_http_aws_sigv4_body_hashed(r, ctx, bufs, known) == NGX_OK) {
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_hash_bufs(r, bufs, digest) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    sigv4_hex(digest, payload->hash);

    ngx_http_aws_sigv4_count(ctx, NGX_HTTP_AWS_SIGV4_COUNT_HASHED,
                             payload->length);

    return NGX_OK;
}
