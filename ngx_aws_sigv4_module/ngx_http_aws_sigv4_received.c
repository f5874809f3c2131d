
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_received.h"


static ngx_http_aws_sigv4_received_t *ngx_http_aws_sigv4_received_find(
    ngx_http_request_t *r);
static void ngx_http_aws_sigv4_received_cleanup(void *data);
static ngx_int_t ngx_http_aws_sigv4_received_copy(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t *received);
static void ngx_http_aws_sigv4_received_current(
    ngx_http_aws_sigv4_received_t *received, ngx_chain_t *bufs);


ngx_int_t
ngx_http_aws_sigv4_received(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t **out)
{
    ngx_chain_t                    *bufs;
    ngx_pool_cleanup_t             *cln;
    ngx_http_aws_sigv4_received_t  *received;

    if (r != r->main
        || r->request_body == NULL
        || r->reading_body
        || r->request_body_no_buffering)
    {
        return NGX_HTTP_AWS_SIGV4_BODY_NOT_READ;
    }

    bufs = r->request_body->bufs;
    received = ngx_http_aws_sigv4_received_find(r);

    if (received == NULL) {
        cln = ngx_pool_cleanup_add(r->pool,
                                   sizeof(ngx_http_aws_sigv4_received_t));
        if (cln == NULL) {
            return NGX_ERROR;
        }

        received = cln->data;
        ngx_memzero(received, sizeof(ngx_http_aws_sigv4_received_t));

        cln->handler = ngx_http_aws_sigv4_received_cleanup;

    } else if (received->current == bufs
               && received->size == ngx_http_aws_sigv4_body_length(bufs)
               && (bufs == NULL || bufs->buf == received->first))
    {
        *out = received;
        return NGX_OK;
    }

    received->request = r;
    *out = received;

    return ngx_http_aws_sigv4_received_copy(r, received);
}


static ngx_http_aws_sigv4_received_t *
ngx_http_aws_sigv4_received_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t             *cln;
    ngx_http_aws_sigv4_received_t  *received;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_aws_sigv4_received_cleanup) {
            continue;
        }

        received = cln->data;

        if (received->request == r) {
            return received;
        }
    }

    return NULL;
}


/* by which it is found */

static void
ngx_http_aws_sigv4_received_cleanup(void *data)
{
    (void) data;
}


/* whoever sends the bufs may move their ends */

static ngx_int_t
ngx_http_aws_sigv4_received_copy(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t *received)
{
    ngx_chain_t  *cl, *ln, **ll;

    ll = &received->bufs;

    for (cl = r->request_body->bufs; cl; cl = cl->next) {

        if (ngx_buf_size(cl->buf) == 0) {
            continue;
        }

        ln = ngx_alloc_chain_link(r->pool);
        if (ln == NULL) {
            return NGX_ERROR;
        }

        ln->buf = ngx_alloc_buf(r->pool);
        if (ln->buf == NULL) {
            return NGX_ERROR;
        }

        *ln->buf = *cl->buf;

        *ll = ln;
        ll = &ln->next;
    }

    *ll = NULL;

    received->length = ngx_http_aws_sigv4_body_length(received->bufs);
    received->content_length_n = r->headers_in.content_length_n;

    if (r->headers_in.content_length != NULL) {
        received->content_length = r->headers_in.content_length->value;
    }

    ngx_http_aws_sigv4_received_current(received, r->request_body->bufs);

    return NGX_OK;
}


static void
ngx_http_aws_sigv4_received_current(ngx_http_aws_sigv4_received_t *received,
    ngx_chain_t *bufs)
{
    received->current = bufs;
    received->first = bufs ? bufs->buf : NULL;
    received->size = ngx_http_aws_sigv4_body_length(bufs);
}


/*
 * A body of chunks has a length since it was read, and no header of it: all
 * that sends it looks at content_length_n, and at "chunked" only while it
 * is being read.
 */

ngx_int_t
ngx_http_aws_sigv4_received_replace(ngx_http_request_t *r,
    ngx_http_aws_sigv4_received_t *received, ngx_chain_t *bufs, off_t length)
{
    u_char                    *p;
    ngx_str_t                  value;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    if (bufs == received->bufs) {
        value = received->content_length;
        r->headers_in.content_length_n = received->content_length_n;

    } else {
        p = ngx_pnalloc(r->pool, NGX_OFF_T_LEN + 1);
        if (p == NULL) {
            return NGX_ERROR;
        }

        value.data = p;
        value.len = ngx_sprintf(p, "%O%Z", length) - p - 1;
        r->headers_in.content_length_n = length;
    }

    if (r->headers_in.content_length != NULL) {
        r->headers_in.content_length->value = value;
    }

    r->request_body->bufs = bufs;

    ngx_http_aws_sigv4_received_current(received, bufs);

    /* what was hashed is another body, wherever it lies */

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    if (ctx != NULL) {
        ctx->payload.length = -1;
        ctx->payload.read = 0;
    }

    return NGX_OK;
}
