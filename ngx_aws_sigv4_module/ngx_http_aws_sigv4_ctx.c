
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The state of a request: where it is found, how a failure is noted in it
 * and answered, and what is wiped when it ends.
 */


#include "ngx_http_aws_sigv4_cause.h"
#include "ngx_http_aws_sigv4_metrics.h"


static void ngx_http_aws_sigv4_ctx_cleanup(void *data);


ngx_http_aws_sigv4_ctx_t *
ngx_http_aws_sigv4_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    if (ctx != NULL) {
        return ctx;
    }

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_aws_sigv4_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_aws_sigv4_ctx_t));

    cln->handler = ngx_http_aws_sigv4_ctx_cleanup;

    ctx->request = r;
    ctx->conf = ngx_http_get_module_loc_conf(r, ngx_http_aws_sigv4_module);
    ctx->status = NGX_HTTP_AWS_SIGV4_PENDING;

    ngx_http_set_ctx(r, ctx, ngx_http_aws_sigv4_module);

    return ctx;
}


ngx_http_aws_sigv4_ctx_t *
ngx_http_aws_sigv4_last_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t        *cln;
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);

    if (ctx != NULL) {
        return ctx;
    }

    /* an internal redirect has cleared it; subrequests share the pool */

    for (cln = r->pool->cleanup; cln; cln = cln->next) {

        if (cln->handler != ngx_http_aws_sigv4_ctx_cleanup) {
            continue;
        }

        ctx = cln->data;

        if (ctx->request == r) {
            return ctx;
        }
    }

    return NULL;
}


/* what carried the session token must not stay in memory that is freed */

static void
ngx_http_aws_sigv4_ctx_cleanup(void *data)
{
    ngx_http_aws_sigv4_ctx_t  *ctx = data;

    ngx_str_t  *headers;

    if (ctx->status == NGX_HTTP_AWS_SIGV4_PENDING && ctx->awaited) {

        /* nginx has ended the request without a word */

        (void) ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_BAD_BODY,
                                       NGX_ERROR);
    }

    headers = &ctx->signature.headers;

    if (headers->len) {
        ngx_explicit_memzero(headers->data, headers->len);
    }

    if (ctx->refused != NULL) {
        ngx_explicit_memzero(ctx->refused->data, ctx->refused->len);
    }

    if (ctx->head != NULL && ctx->head->start != NULL) {
        ngx_explicit_memzero(ctx->head->start,
                             ctx->head->last - ctx->head->start);
    }
}


ngx_int_t
ngx_http_aws_sigv4_fail(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_http_aws_sigv4_status_e status, ngx_int_t rc)
{
    ctx->status = status;
    ctx->rc = rc;
    ctx->sealed = 0;

    /* a retry may fail as the attempt before it did */

    if (!ctx->failed) {
        ctx->failed = 1;

        ngx_http_aws_sigv4_count(ctx,
                                 NGX_HTTP_AWS_SIGV4_COUNT_STATUS + status, 1);
    }

    return rc;
}


ngx_int_t
ngx_http_aws_sigv4_answer(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_status_e status,
    ngx_int_t rc, ngx_str_t *type, ngx_str_t *message)
{
    ngx_int_t                 discarded;
    ngx_http_complex_value_t  cv;

    (void) ngx_http_aws_sigv4_fail(ctx, status, rc);

    /* no 100 for a body that is thrown away */

    r->expect_tested = 1;

    discarded = ngx_http_discard_request_body(r);
    if (discarded != NGX_OK) {
        return discarded;
    }

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));
    cv.value = *message;

    /* the access phase would take the NGX_OK of it for a permission */

    r->main->count++;

    ngx_http_finalize_request(r, ngx_http_send_response(r, rc, type, &cv));

    return NGX_AGAIN;
}


ngx_int_t
ngx_http_aws_sigv4_retry_after(ngx_http_request_t *r)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    ngx_memzero(h, sizeof(ngx_table_elt_t));

    h->hash = 1;
    ngx_str_set(&h->key, "Retry-After");
    ngx_str_set(&h->value, "5");

    return NGX_OK;
}
