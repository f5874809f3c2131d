
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cause.h"
#include "ngx_http_aws_sigv4_metrics.h"


static ngx_int_t ngx_http_aws_sigv4_gate(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static void ngx_http_aws_sigv4_run_handler(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_create_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_reinit_request(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_unsealed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_uint_t ngx_http_aws_sigv4_stale(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_output_filter(void *data,
    ngx_chain_t *in);
static void ngx_http_aws_sigv4_finalize_request(ngx_http_request_t *r,
    ngx_int_t rc);
static void ngx_http_aws_sigv4_wipe_sent(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t all);
static ngx_int_t ngx_http_aws_sigv4_unsent(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);


ngx_int_t
ngx_http_aws_sigv4_proxy_handler(ngx_http_request_t *r)
{
    ngx_int_t                        rc;
    ngx_http_aws_sigv4_ctx_t        *ctx;
    ngx_http_aws_sigv4_loc_conf_t   *slcf;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_aws_sigv4_module);
    smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

    if (!slcf->enable
        && (!r->internal || ngx_http_aws_sigv4_last_ctx(r) == NULL))
    {
        return smcf->proxy_handler(r);
    }

    ctx = ngx_http_aws_sigv4_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (!slcf->enable) {

        /* the variables spoke of where the request was redirected from */

        ctx->off = 1;
        ctx->status = NGX_HTTP_AWS_SIGV4_OFF;

    } else if (slcf->proxy.pass == NULL) {

        /* of two "if" blocks the last one has the configuration */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: the request matches an \"if\" block with "
                      "\"proxy_pass\" and a later one without it, write "
                      "\"proxy_pass\" in both or in the location");

        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_NOT_SEALED,
                                       NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    /*
     * Signed in the access phase, as a rule; subrequests skip that phase,
     * and "satisfy any" may.
     */

    ctx->resume = ngx_http_aws_sigv4_run_handler;

    rc = ngx_http_aws_sigv4_prepare(r, ctx);

    if (rc == NGX_AGAIN) {
        return NGX_DONE;
    }

    if (rc != NGX_OK) {
        return rc;
    }

    if (ctx->off) {
        return smcf->proxy_handler(r);
    }

    return ngx_http_aws_sigv4_gate(r, ctx);
}


static void
ngx_http_aws_sigv4_run_handler(ngx_http_request_t *r)
{
    ngx_http_finalize_request(r, ngx_http_aws_sigv4_proxy_handler(r));
}


/*
 * The proxy handler creates the upstream and, when the body is there, has
 * it initialised at once, which builds and may send the request head.
 * ngx_http_upstream_init_request() returns at once while r->aio is set: so
 * the handler stops right before, and the callbacks that build the head can
 * be replaced.
 */

static ngx_int_t
ngx_http_aws_sigv4_gate(ngx_http_request_t *r, ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_int_t                        rc;
    ngx_uint_t                       have_body, called;
    ngx_http_upstream_t             *u;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

    have_body = (r != r->main || r->request_body || r->discard_body);

    if (!have_body) {
        r->read_event_handler = ngx_http_block_reading;
    }

    r->aio = 1;

    rc = smcf->proxy_handler(r);

    r->aio = 0;

    if (rc != NGX_DONE) {
        return rc;
    }

    u = r->upstream;

    if (u->cleanup != NULL) {
        ngx_log_error(NGX_LOG_ALERT, r->connection->log, 0,
                      "aws sigv4: the proxy module built the request before "
                      "it could be sealed");

        ngx_http_finalize_request(r,
                      ngx_http_aws_sigv4_fail(ctx,
                                              NGX_HTTP_AWS_SIGV4_NOT_SEALED,
                                              NGX_HTTP_INTERNAL_SERVER_ERROR));
        return NGX_DONE;
    }

    ctx->attempts = r->upstream_states ? r->upstream_states->nelts : 0;

    ctx->create_request = u->create_request;
    ctx->reinit_request = u->reinit_request;
    ctx->finalize_request = u->finalize_request;

    u->create_request = ngx_http_aws_sigv4_create_request;
    u->reinit_request = ngx_http_aws_sigv4_reinit_request;
    u->finalize_request = ngx_http_aws_sigv4_finalize_request;

    /*
     * An unsigned payload that is still being read: the reader has called
     * ngx_http_upstream_init() unless it waits for the rest of the body,
     * and then it will call it.
     */

    called = (have_body
              || r->reading_body
              || r->read_event_handler == ngx_http_block_reading);

    if (called) {
        ngx_http_upstream_init(r);
    }

    return NGX_DONE;
}


/* also called by balancer.recreate_request() of OpenResty */

static ngx_int_t
ngx_http_aws_sigv4_create_request(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_buf_t                 *head;
    ngx_http_upstream_t       *u;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    u = r->upstream;
    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    ctx->sealed = 0;
    ctx->explained = 0;

    if (ctx->head != NULL && ctx->signature.token) {
        ngx_explicit_memzero(ctx->head->start,
                             ctx->head->last - ctx->head->start);
    }

    u->output.output_filter = NULL;

    rc = ctx->create_request(r);

    /* nothing passes that is not sealed, whatever the caller makes of rc */

    if (u->output.output_filter == NULL) {
        ctx->output_filter = (ngx_output_chain_filter_pt) ngx_chain_writer;
        ctx->filter_ctx = &u->writer;

    } else {
        ctx->output_filter = u->output.output_filter;
        ctx->filter_ctx = u->output.filter_ctx;
    }

    u->output.output_filter = ngx_http_aws_sigv4_output_filter;
    u->output.filter_ctx = ctx;

    if (rc != NGX_OK) {
        return rc;
    }

    ctx->body = (r->request_body && !r->request_body_no_buffering)
                ? r->request_body->bufs : NULL;

    /*
     * A retry that is built anew has the bufs of the body as the last try
     * left them; nginx rewinds them too, but later.
     */

    if (u->request_sent) {
        ngx_http_aws_sigv4_replay(u->request_bufs->next, ctx->body);
    }

    head = u->request_bufs->buf;

    ctx->head = head;
    ctx->unsealed.data = head->pos;
    ctx->unsealed.len = head->last - head->pos;

    if (ngx_http_aws_sigv4_seal(r, ctx, 1) == NGX_OK) {
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_unsealed(r, ctx);
}


/*
 * For want of credentials nginx goes on: the filter lets nothing pass, and
 * answers with 503, or by what nginx takes for a failure of the upstream,
 * after which it serves a stale answer.
 */

static ngx_int_t
ngx_http_aws_sigv4_unsealed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    if (ctx->status == NGX_HTTP_AWS_SIGV4_NO_CREDENTIALS) {
        return NGX_OK;
    }

#if (NGX_HTTP_CACHE)

    /* nginx would leave the cache entry in update */

    if (r->cache) {
        ngx_http_file_cache_free(r->cache, NULL);
    }

#endif

    return NGX_ERROR;
}


static ngx_uint_t
ngx_http_aws_sigv4_stale(ngx_http_request_t *r)
{
#if (NGX_HTTP_CACHE)

    return r->upstream->cache_status == NGX_HTTP_CACHE_EXPIRED
           && (r->upstream->conf->cache_use_stale
               & NGX_HTTP_UPSTREAM_FT_ERROR);

#else

    return 0;

#endif
}


/* a retry: the head is dated and signed anew */

static ngx_int_t
ngx_http_aws_sigv4_reinit_request(ngx_http_request_t *r)
{
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    /* the connection is a new one already, and its head not yet forgotten */

    ngx_http_aws_sigv4_refused_end(r, ctx, 0);
    ctx->explained = 0;

    if (ctx->reinit_request(r) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx->sealed = 0;
    ctx->signature.time = 0;

    ngx_http_aws_sigv4_replay_detach(ctx, r->upstream);

    if (ngx_http_aws_sigv4_seal(r, ctx, 0) == NGX_OK) {
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_unsealed(r, ctx);
}


/*
 * The last place before the socket: here a head is stopped that is not
 * sealed, and one that waited too long for its connection is sealed anew.
 */

static ngx_int_t
ngx_http_aws_sigv4_output_filter(void *data, ngx_chain_t *in)
{
    ngx_http_aws_sigv4_ctx_t *ctx = data;

    ngx_int_t            rc;
    ngx_http_request_t  *r;

    r = ctx->request;

    if (ctx->sealed == 0) {
        return ngx_http_aws_sigv4_unsent(r, ctx);
    }

    if (in != NULL
        && in->buf == ctx->head
        && in->buf->pos == in->buf->start
        && ngx_time() - ctx->sealed >= NGX_HTTP_AWS_SIGV4_HEAD_AGE)
    {
        ctx->sealed = 0;
        ctx->signature.time = 0;

        if (ngx_http_aws_sigv4_seal(r, ctx, 0) != NGX_OK) {
            return ngx_http_aws_sigv4_unsent(r, ctx);
        }
    }

    /* one buf in memory has come here as the last step of that function */

    if (ctx->detached != NULL && in != NULL && in->buf == ctx->head) {
        ngx_http_aws_sigv4_replay_attach(ctx, r->upstream);
        return ngx_output_chain(&r->upstream->output,
                                r->upstream->request_bufs);
    }

    rc = ctx->output_filter(ctx->filter_ctx, in);

    ngx_http_aws_sigv4_wipe_sent(r, ctx, 0);

    return rc;
}


static void
ngx_http_aws_sigv4_finalize_request(ngx_http_request_t *r, ngx_int_t rc)
{
    ngx_http_upstream_t       *u;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    u = r->upstream;

    /* what was sent belongs to the one who sealed it, also after a redirect */

    if (u->output.output_filter == ngx_http_aws_sigv4_output_filter) {
        ngx_http_aws_sigv4_count_attempts(r, u->output.filter_ctx);
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    /* an internal redirect may have come between; the proxy only logs */

    if (ctx == NULL || ctx->finalize_request == NULL) {
        return;
    }

    ngx_http_aws_sigv4_refused_end(r, ctx, 1);
    ngx_http_aws_sigv4_wipe_sent(r, ctx, 1);

    ctx->finalize_request(r, rc);
}


/*
 * A connection with TLS copies the head, and the session token in it, into
 * a buffer of its own, which is freed with the connection.  All: what was
 * not sent will not be.
 */

static void
ngx_http_aws_sigv4_wipe_sent(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t all)
{
#if (NGX_HTTP_SSL)
    size_t             size;
    ngx_buf_t         *b;
    ngx_connection_t  *c;

    c = r->upstream->peer.connection;

    if (!ctx->signature.token
        || ctx->head == NULL
        || c == NULL
        || c->ssl == NULL
        || c->ssl->buf == NULL
        || c->ssl->buf->start == NULL)
    {
        return;
    }

    b = c->ssl->buf;

    if (b->pos < b->last) {
        size = (all ? b->last : b->pos) - b->start;

    } else {

        /* the head was the first that the buffer had */

        size = ngx_min(ctx->head->last - ctx->head->start, b->end - b->start);
    }

    ngx_explicit_memzero(b->start, size);
#endif
}


static ngx_int_t
ngx_http_aws_sigv4_unsent(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    /* ngx_output_chain() would wait until the start of a file is sent */

    r->upstream->output.in = NULL;

    ctx->unsent++;

    if (ctx->status == NGX_HTTP_AWS_SIGV4_NO_CREDENTIALS) {

        if (ngx_http_aws_sigv4_stale(r)) {
            return NGX_ERROR;
        }

        if (ngx_http_aws_sigv4_retry_after(r) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        return ctx->rc;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aws sigv4: a request without signature is not sent");

    if (ctx->rc != NGX_OK) {
        return ctx->rc;
    }

    return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_NOT_SEALED,
                                   NGX_HTTP_INTERNAL_SERVER_ERROR);
}
