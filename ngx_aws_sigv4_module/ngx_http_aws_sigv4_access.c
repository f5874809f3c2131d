
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The access phase: what is done before a request may be sent, in its order.
 */


#include "ngx_http_aws_sigv4_metrics.h"


typedef ngx_int_t (*ngx_http_aws_sigv4_step_pt)(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);


static ngx_uint_t ngx_http_aws_sigv4_move_last(ngx_http_request_t *r);
static void ngx_http_aws_sigv4_run_phases(ngx_http_request_t *r);
static ngx_int_t ngx_http_aws_sigv4_step_off(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_step_need_body(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_step_hook(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_step_scope(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_step_credentials(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_no_credentials(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_int_t rc);
static ngx_int_t ngx_http_aws_sigv4_step_sign(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_deny(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);


/* the order of the work on a request */
static ngx_http_aws_sigv4_step_pt  ngx_http_aws_sigv4_steps[] = {
    ngx_http_aws_sigv4_step_off,
    ngx_http_aws_sigv4_step_need_body,
    ngx_http_aws_sigv4_step_hook,
    ngx_http_aws_sigv4_step_off,
    ngx_http_aws_sigv4_step_scope,
    ngx_http_aws_sigv4_step_credentials,
    ngx_http_aws_sigv4_payload,
    ngx_http_aws_sigv4_step_sign,
    NULL
};


ngx_int_t
ngx_http_aws_sigv4_access_handler(ngx_http_request_t *r)
{
    ngx_int_t                       rc;
    ngx_http_aws_sigv4_ctx_t       *ctx;
    ngx_http_aws_sigv4_loc_conf_t  *slcf;

    /* before the first request, signed or not, waits in a later handler */

    if (ngx_http_aws_sigv4_move_last(r)) {
        return NGX_DECLINED;
    }

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_aws_sigv4_module);

    if (!slcf->enable || slcf->proxy.pass == NULL) {
        return NGX_DECLINED;
    }

    /* refused under "satisfy any": the post access phase will answer */

    if (r->access_code) {
        return NGX_DECLINED;
    }

    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "aws sigv4 handler");

    ctx = ngx_http_aws_sigv4_get_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->resume = ngx_http_aws_sigv4_run_phases;

    rc = ngx_http_aws_sigv4_prepare(r, ctx);

    if (rc == NGX_OK) {

        /*
         * never NGX_OK: under "satisfy any" it would let in a request
         * that no other handler has allowed
         */

        return NGX_DECLINED;
    }

    if (rc == NGX_AGAIN) {
        ngx_http_finalize_request(r, NGX_DONE);
        return NGX_DONE;
    }

    return rc;
}


/*
 * A module's handler runs before those of nginx itself and, at first, of
 * ngx_lua: a request that they refuse would be read and signed, and what
 * access_by_lua chooses would come too late.  So the handler moves to the
 * end of the phase, as that of ngx_lua does.  A request that waits in one
 * of the handlers which move up would go on behind it: none has come so far
 * when the first of all requests is here.
 */

static ngx_uint_t
ngx_http_aws_sigv4_move_last(ngx_http_request_t *r)
{
    ngx_http_phase_handler_t   *ph, *last, self;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    ph = &cmcf->phase_engine.handlers[r->phase_handler];

    /* the handler before "next" is that of the post access phase */
    last = &cmcf->phase_engine.handlers[ph->next - 2];

    if (ph >= last) {
        return 0;
    }

    self = *ph;

    ngx_memmove(ph, ph + 1, (u_char *) last - (u_char *) ph);

    *last = self;

    /* the one that is in this place now has not run */
    r->phase_handler--;

    return 1;
}


static void
ngx_http_aws_sigv4_run_phases(ngx_http_request_t *r)
{
    r->preserve_body = 1;

    r->write_event_handler = ngx_http_core_run_phases;
    ngx_http_core_run_phases(r);
}


ngx_int_t
ngx_http_aws_sigv4_prepare(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_int_t  rc;

    if (ctx->rc != NGX_OK) {
        return ctx->rc;
    }

    if (ctx->step == 0 && !ctx->off) {

        /* resty.aws_sigv4 may have made it for another location */

        ctx->conf = ngx_http_get_module_loc_conf(r, ngx_http_aws_sigv4_module);
        ctx->status = NGX_HTTP_AWS_SIGV4_PENDING;
    }

    while (ngx_http_aws_sigv4_steps[ctx->step] && !ctx->off) {

        rc = ngx_http_aws_sigv4_steps[ctx->step](r, ctx);

        if (rc == NGX_OK) {
            ctx->step++;
            continue;
        }

        if (rc != NGX_AGAIN && ctx->rc == NGX_OK) {
            ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                          "aws sigv4: the request is not signed for want of "
                          "memory, or because its body cannot be read");

            return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_ERROR, rc);
        }

        return rc;
    }

    return NGX_OK;
}


/* resty.aws_sigv4 may have chosen so, or the hook */

static ngx_int_t
ngx_http_aws_sigv4_step_off(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    if (ctx->choice.off) {
        ctx->off = 1;
        ctx->status = NGX_HTTP_AWS_SIGV4_OFF;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_step_need_body(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_aws_sigv4_chunk_signed(r, ctx);

    if (rc != NGX_OK
        || ctx->conf->hook == NULL
        || !ctx->conf->lua_need_body)
    {
        return rc;
    }

    return ngx_http_aws_sigv4_read_body(r, ctx);
}


static ngx_int_t
ngx_http_aws_sigv4_step_hook(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    if (ctx->conf->hook == NULL) {
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_hook_run(r, ctx) != NGX_OK) {
        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_HOOK_ERROR,
                                       NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    if (ctx->choice.deny) {
        return ngx_http_aws_sigv4_deny(r, ctx);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_step_scope(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_aws_sigv4_scope(r, ctx, NULL);

    if (rc == NGX_AGAIN) {
        return ngx_http_aws_sigv4_no_credentials(r, ctx, rc);
    }

    return rc;
}


static ngx_int_t
ngx_http_aws_sigv4_step_credentials(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_int_t                          rc;
    ngx_http_aws_sigv4_credentials_t  *cred;

    /* looked up before the body is read: a refusal costs no upload */

    rc = ngx_http_aws_sigv4_credentials_get(ctx->provider,
                                            r->connection->log, &cred);
    if (rc == NGX_OK) {
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_no_credentials(r, ctx, rc);
}


static ngx_int_t
ngx_http_aws_sigv4_no_credentials(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_int_t rc)
{
    if (rc == NGX_AGAIN) {
        rc = ngx_http_aws_sigv4_wait_request(r, ctx);

        if (rc == NGX_AGAIN) {
            return NGX_AGAIN;
        }

        if (rc == NGX_ERROR) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    if (ctx->conf->proxy.cache) {

        /* a cached answer needs no signature; the seal lets nothing out */

        ctx->status = NGX_HTTP_AWS_SIGV4_NO_CREDENTIALS;
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_retry_after(r) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_NO_CREDENTIALS,
                                   NGX_HTTP_SERVICE_UNAVAILABLE);
}


static ngx_int_t
ngx_http_aws_sigv4_step_sign(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_int_t        rc;
    sigv4_request_t  req;

    if (ctx->status == NGX_HTTP_AWS_SIGV4_NO_CREDENTIALS) {
        return NGX_OK;
    }

    rc = ngx_http_aws_sigv4_request(r, ctx, &req);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_aws_sigv4_sign(r, ctx, &req);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx->status = NGX_HTTP_AWS_SIGV4_SIGNED;

    ngx_http_aws_sigv4_count(ctx, NGX_HTTP_AWS_SIGV4_COUNT_SIGNED, 1);

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_deny(ngx_http_request_t *r, ngx_http_aws_sigv4_ctx_t *ctx)
{
    static ngx_str_t  type = ngx_string("text/plain");

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "aws sigv4: the hook denied the request with %ui",
                  ctx->choice.deny);

    if (ctx->choice.message.len == 0) {
        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_DENIED,
                                       ctx->choice.deny);
    }

    return ngx_http_aws_sigv4_answer(r, ctx, NGX_HTTP_AWS_SIGV4_DENIED,
                                     ctx->choice.deny, &type,
                                     &ctx->choice.message);
}
