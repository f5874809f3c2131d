
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The hash of a body that arrives in pieces.  It outlives internal
 * redirects, which clear the contexts of modules: a spooled body is never
 * read a second time.
 */


#include "ngx_http_aws_sigv4_module.h"
#include "ngx_http_aws_sigv4_metrics.h"


typedef struct {
    ngx_http_request_t             *request;
    sigv4_hash_t                   *hash;       /* NULL: finished */
    off_t                           length;
    ngx_file_t                     *file;       /* where it was spooled */
    ngx_pool_cleanup_t             *opened;     /* ended: it was closed */
    u_char                          digest[SIGV4_SHA256_LEN];
    ngx_uint_t                      counted;
} ngx_http_aws_sigv4_body_t;


static ngx_int_t ngx_http_aws_sigv4_body_filter(ngx_http_request_t *r,
    ngx_chain_t *in);
static ngx_uint_t ngx_http_aws_sigv4_body_stays(ngx_http_request_t *r,
    ngx_uint_t last);
static ngx_uint_t ngx_http_aws_sigv4_body_last(ngx_chain_t *in);
static ngx_http_aws_sigv4_body_t *ngx_http_aws_sigv4_body_find(
    ngx_http_request_t *r);
static ngx_http_aws_sigv4_body_t *ngx_http_aws_sigv4_body_start(
    ngx_http_request_t *r);
static void ngx_http_aws_sigv4_body_cleanup(void *data);
static ngx_int_t ngx_http_aws_sigv4_body_update(
    ngx_http_aws_sigv4_body_t *body, ngx_chain_t *in);
static void ngx_http_aws_sigv4_body_spooled(ngx_http_aws_sigv4_body_t *body,
    ngx_http_request_t *r);
static ngx_uint_t ngx_http_aws_sigv4_body_is_file(
    ngx_http_aws_sigv4_body_t *body, ngx_chain_t *bufs);


static ngx_http_request_body_filter_pt   ngx_http_next_request_body_filter;


ngx_int_t
ngx_http_aws_sigv4_body_init(ngx_conf_t *cf)
{
    ngx_http_next_request_body_filter = ngx_http_top_request_body_filter;
    ngx_http_top_request_body_filter = ngx_http_aws_sigv4_body_filter;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_body_filter(ngx_http_request_t *r, ngx_chain_t *in)
{
    ngx_int_t                       rc;
    ngx_uint_t                      last;
    ngx_http_aws_sigv4_ctx_t       *ctx;
    ngx_http_aws_sigv4_body_t      *body;
    ngx_http_aws_sigv4_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_aws_sigv4_module);

    if (in == NULL || !slcf->enable || slcf->proxy.pass == NULL) {
        return ngx_http_next_request_body_filter(r, in);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    if (ctx != NULL && (ctx->payload.literal || ctx->off)) {
        return ngx_http_next_request_body_filter(r, in);
    }

    last = ngx_http_aws_sigv4_body_last(in);
    body = ngx_http_aws_sigv4_body_find(r);

    if (body == NULL) {

        /* what stays in memory is hashed there, all at once */

        if (ngx_http_aws_sigv4_body_stays(r, last)) {
            return ngx_http_next_request_body_filter(r, in);
        }

        body = ngx_http_aws_sigv4_body_start(r);
        if (body == NULL) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (body->hash != NULL
        && ngx_http_aws_sigv4_body_update(body, in) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_next_request_body_filter(r, in);

    if (rc == NGX_OK && last) {
        ngx_http_aws_sigv4_body_spooled(body, r);
    }

    return rc;
}


/*
 * Whether nginx will keep the body in memory: it comes in one piece, or is
 * known to fit.  Should it be spooled all the same, the file is read.
 */

static ngx_uint_t
ngx_http_aws_sigv4_body_stays(ngx_http_request_t *r, ngx_uint_t last)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (r->request_body_in_file_only) {
        return 0;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    return last
           || (!r->headers_in.chunked
               && r->headers_in.content_length_n
                  <= (off_t) clcf->client_body_buffer_size);
}


static ngx_uint_t
ngx_http_aws_sigv4_body_last(ngx_chain_t *in)
{
    ngx_chain_t  *cl;

    for (cl = in; cl; cl = cl->next) {
        if (cl->buf->last_buf) {
            return 1;
        }
    }

    return 0;
}


static ngx_http_aws_sigv4_body_t *
ngx_http_aws_sigv4_body_find(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t         *cln;
    ngx_http_aws_sigv4_body_t  *body;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_aws_sigv4_body_cleanup) {
            continue;
        }

        body = cln->data;

        if (body->request == r->main) {
            return body;
        }
    }

    return NULL;
}


static ngx_http_aws_sigv4_body_t *
ngx_http_aws_sigv4_body_start(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t              *cln;
    ngx_http_aws_sigv4_body_t       *body;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_aws_sigv4_body_t));
    if (cln == NULL) {
        return NULL;
    }

    body = cln->data;
    ngx_memzero(body, sizeof(ngx_http_aws_sigv4_body_t));

    smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

    body->hash = sigv4_hash_create(smcf->crypto);
    if (body->hash == NULL) {
        return NULL;
    }

    body->request = r;
    cln->handler = ngx_http_aws_sigv4_body_cleanup;

    return body;
}


static void
ngx_http_aws_sigv4_body_cleanup(void *data)
{
    ngx_http_aws_sigv4_body_t  *body = data;

    if (body->hash != NULL) {
        sigv4_hash_destroy(body->hash);
        body->hash = NULL;
    }
}


static ngx_int_t
ngx_http_aws_sigv4_body_update(ngx_http_aws_sigv4_body_t *body,
    ngx_chain_t *in)
{
    int           rc;
    size_t        size;
    ngx_chain_t  *cl;

    for (cl = in; cl; cl = cl->next) {

        size = ngx_buf_size(cl->buf);

        if (size
            && sigv4_hash_update(body->hash, cl->buf->pos, size) != SIGV4_OK)
        {
            return NGX_ERROR;
        }

        body->length += size;

        if (cl->buf->last_buf) {
            rc = sigv4_hash_final(body->hash, body->digest);

            ngx_http_aws_sigv4_body_cleanup(body);

            return (rc == SIGV4_OK) ? NGX_OK : NGX_ERROR;
        }
    }

    return NGX_OK;
}


/*
 * The hash is found again by the file.  ngx_lua may put another body into
 * the same ngx_file_t, and the number of the file and its inode may be used
 * again; the cleanup that closes it tells whether it is open still.
 */

static void
ngx_http_aws_sigv4_body_spooled(ngx_http_aws_sigv4_body_t *body,
    ngx_http_request_t *r)
{
    ngx_file_t               *file;
    ngx_pool_cleanup_t       *cln;
    ngx_pool_cleanup_file_t  *clnf;

    if (r->request_body->temp_file == NULL) {
        return;
    }

    file = &r->request_body->temp_file->file;

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_pool_cleanup_file
            && cln->handler != ngx_pool_delete_file)
        {
            continue;
        }

        clnf = cln->data;

        if (clnf->fd == file->fd) {
            body->file = file;
            body->opened = cln;
            return;
        }
    }
}


ngx_int_t
ngx_http_aws_sigv4_body_hashed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_chain_t *bufs, ngx_uint_t known)
{
    ngx_http_aws_sigv4_body_t     *body;
    ngx_http_aws_sigv4_payload_t  *payload;

    payload = &ctx->payload;

    body = ngx_http_aws_sigv4_body_find(r);

    if (body == NULL
        || body->hash != NULL
        || body->length != payload->length
        || !(payload->file ? ngx_http_aws_sigv4_body_is_file(body, bufs)
                           : known))
    {
        return NGX_DECLINED;
    }

    sigv4_hex(body->digest, payload->hash);

    if (!body->counted) {
        body->counted = 1;
        ngx_http_aws_sigv4_count(ctx, NGX_HTTP_AWS_SIGV4_COUNT_HASHED,
                                 payload->length);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_aws_sigv4_body_is_file(ngx_http_aws_sigv4_body_t *body,
    ngx_chain_t *bufs)
{
    ngx_buf_t                *b;
    ngx_pool_cleanup_file_t  *clnf;

    b = bufs->buf;

    /* an edited body has parts of the file */

    if (bufs->next != NULL
        || b->file_pos != 0
        || b->file_last != body->length
        || b->file != body->file
        || body->opened->handler == NULL)
    {
        return 0;
    }

    clnf = body->opened->data;

    return clnf->fd == b->file->fd;
}
