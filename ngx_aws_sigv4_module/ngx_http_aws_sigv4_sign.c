
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cause.h"
#include "ngx_http_aws_sigv4_metrics.h"


static ngx_int_t ngx_http_aws_sigv4_credentials(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_credentials_t **cred);
static ngx_int_t ngx_http_aws_sigv4_all_fields(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req, sigv4_str_t *token,
    sigv4_request_t *all);
static ngx_uint_t ngx_http_aws_sigv4_send_sha256(
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_wire_lines(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_work_t *work);
static u_char *ngx_http_aws_sigv4_line(u_char *p, ngx_str_t *name,
    const u_char *value, size_t len);
static ngx_int_t ngx_http_aws_sigv4_keep(ngx_http_request_t *r,
    ngx_str_t *dst, sigv4_str_t *src);


ngx_int_t
ngx_http_aws_sigv4_sign(ngx_http_request_t *r, ngx_http_aws_sigv4_ctx_t *ctx,
    sigv4_request_t *req)
{
    int                                rc;
    size_t                             size;
    uint8_t                            signature[SIGV4_SIGNATURE_LEN];
    ngx_int_t                          status;
    sigv4_request_t                    all;
    ngx_http_aws_sigv4_work_t          work;
    ngx_http_aws_sigv4_signature_t    *sig;
    ngx_http_aws_sigv4_credentials_t  *cred;

    status = ngx_http_aws_sigv4_credentials(r, ctx, &cred);
    if (status != NGX_OK) {
        return status;
    }

    ngx_memzero(&work, sizeof(ngx_http_aws_sigv4_work_t));

    work.smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);
    work.cred = &cred->value;
    work.generation = cred->generation;

    sig = &ctx->signature;

    sig->request = *req;

    /* that of the payload is made anew in its place, literals are shorter */

    ngx_memcpy(sig->payload_hash, req->payload_hash.data,
               req->payload_hash.len);
    sig->request.payload_hash.data = sig->payload_hash;

    sig->generation = cred->generation;
    sig->token = (cred->value.session_token.len != 0);
    sig->scope.service = ngx_http_aws_sigv4_str(&ctx->service);
    sig->scope.region = ngx_http_aws_sigv4_str(&ctx->region);

    sig->time = ngx_time();
    sig->skew = ngx_http_aws_sigv4_skew(ctx);

    ngx_http_aws_sigv4_date(work.smcf, &sig->scope, sig->time + sig->skew);

    if (ngx_http_aws_sigv4_all_fields(r, ctx, req, &cred->value.session_token,
                                      &all)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    size = sigv4_scratch_size(&all, work.cred, &sig->scope);

    if (ngx_http_aws_sigv4_scratch(work.smcf, size, &work.buf,
                                   r->connection->log)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_aws_sigv4_stages(&work, &sig->scope, &all, signature);

    if (rc == SIGV4_OK) {
        rc = sigv4_authorization(work.cred, &sig->scope, work.signed_headers,
                                 signature, &work.buf, &work.authorization);
    }

    if (rc == SIGV4_OK) {
        status = ngx_http_aws_sigv4_wire_lines(r, ctx, &work);
        ngx_http_aws_sigv4_wipe_scratch(&work);
        return status;
    }

    ngx_http_aws_sigv4_wipe_scratch(&work);

    if (rc == SIGV4_INVALID && work.signed_headers.len == 0) {

        /* it has not come as far as the scope */

        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: the request has a method, a path or a "
                      "header that cannot be signed");

        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_BAD_REQUEST,
                                       NGX_HTTP_BAD_REQUEST);
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aws sigv4: cannot sign for host \"%V\", service \"%V\", "
                  "region \"%V\": %s", &ctx->host,
                  ngx_http_aws_sigv4_shown(r, &ctx->service),
                  ngx_http_aws_sigv4_shown(r, &ctx->region),
                  sigv4_strerror(rc));

    return ngx_http_aws_sigv4_fail(ctx,
                                   rc == SIGV4_INVALID
                                   ? NGX_HTTP_AWS_SIGV4_BAD_SCOPE
                                   : NGX_HTTP_AWS_SIGV4_ERROR,
                                   NGX_HTTP_INTERNAL_SERVER_ERROR);
}


static ngx_int_t
ngx_http_aws_sigv4_credentials(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_credentials_t **cred)
{
    ngx_int_t  rc;

    /* looked up for each signature: a rotation may have come in between */

    rc = ngx_http_aws_sigv4_credentials_get(ctx->provider, r->connection->log,
                                            cred);
    if (rc == NGX_OK) {
        return NGX_OK;
    }

    if (rc == NGX_AGAIN) {
        ngx_http_aws_sigv4_credentials_missing(ctx->provider,
                                               r->connection->log);
    }

    return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_NO_CREDENTIALS,
                                   NGX_HTTP_SERVICE_UNAVAILABLE);
}


/* the fields of the request and those that the module adds, sorted */

static ngx_int_t
ngx_http_aws_sigv4_all_fields(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, sigv4_request_t *req, sigv4_str_t *token,
    sigv4_request_t *all)
{
    *all = *req;

    all->fields = ngx_palloc(r->pool,
                             (req->nfields + 3) * sizeof(sigv4_field_t));
    if (all->fields == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(all->fields, req->fields,
               req->nfields * sizeof(sigv4_field_t));

    ngx_http_aws_sigv4_add_own(all, &ctx->signature.scope,
                               ngx_http_aws_sigv4_send_sha256(ctx)
                               ? &ctx->payload.value : NULL, token);

    return NGX_OK;
}


/* S3 refuses requests without it, and a literal is known by it alone */

static ngx_uint_t
ngx_http_aws_sigv4_send_sha256(ngx_http_aws_sigv4_ctx_t *ctx)
{
    return ctx->conf->content_sha256 || ctx->s3 || ctx->payload.literal;
}


/* what the seal puts at the end of the head */

static ngx_int_t
ngx_http_aws_sigv4_wire_lines(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_work_t *work)
{
    u_char                          *p;
    size_t                           len;
    ngx_str_t                       *lines, *payload;
    sigv4_str_t                     *token;
    ngx_uint_t                       sha256;
    ngx_http_aws_sigv4_signature_t  *sig;

    static ngx_str_t  date = ngx_string("X-Amz-Date");
    static ngx_str_t  content_sha256 = ngx_string("X-Amz-Content-Sha256");
    static ngx_str_t  security_token = ngx_string("X-Amz-Security-Token");
    static ngx_str_t  authorization = ngx_string("Authorization");

    sig = &ctx->signature;
    lines = &sig->headers;
    payload = &ctx->payload.value;
    token = &work->cred->session_token;
    sha256 = ngx_http_aws_sigv4_send_sha256(ctx);

    /* each line has a colon, a space and a CRLF */

    len = date.len + SIGV4_DATETIME_LEN + 4
          + authorization.len + work->authorization.len + 4
          + (sha256 ? content_sha256.len + payload->len + 4 : 0)
          + (token->len ? security_token.len + token->len + 4 : 0);

    if (lines->len) {
        ngx_explicit_memzero(lines->data, lines->len);
    }

    if (lines->len < len) {
        lines->data = ngx_pnalloc(r->pool, len);
        if (lines->data == NULL) {
            lines->len = 0;
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }
    }

    p = ngx_http_aws_sigv4_line(lines->data, &date, sig->scope.datetime,
                                SIGV4_DATETIME_LEN);
    if (sha256) {
        p = ngx_http_aws_sigv4_line(p, &content_sha256, payload->data,
                                    payload->len);
    }

    if (token->len) {
        p = ngx_http_aws_sigv4_line(p, &security_token, token->data,
                                    token->len);
    }

    p = ngx_http_aws_sigv4_line(p, &authorization, work->authorization.data,
                                work->authorization.len);

    lines->len = p - lines->data;

    /* for the variables */

    if (ngx_http_aws_sigv4_keep(r, &sig->access_key_id,
                                &work->cred->access_key_id)
        != NGX_OK
        || ngx_http_aws_sigv4_keep(r, &sig->string_to_sign,
                                   &work->string_to_sign)
           != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_OK;
}


static u_char *
ngx_http_aws_sigv4_line(u_char *p, ngx_str_t *name, const u_char *value,
    size_t len)
{
    p = ngx_cpymem(p, name->data, name->len);
    *p++ = ':'; *p++ = ' ';

    p = ngx_cpymem(p, value, len);
    *p++ = CR; *p++ = LF;

    return p;
}


static ngx_int_t
ngx_http_aws_sigv4_keep(ngx_http_request_t *r, ngx_str_t *dst,
    sigv4_str_t *src)
{
    if (dst->len < src->len) {
        dst->data = ngx_pnalloc(r->pool, src->len);
        if (dst->data == NULL) {
            dst->len = 0;
            return NGX_ERROR;
        }
    }

    dst->len = src->len;
    ngx_memcpy(dst->data, src->data, src->len);

    return NGX_OK;
}


ngx_int_t
ngx_http_aws_sigv4_explain(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *canonical_request,
    ngx_str_t *signed_headers)
{
    size_t                size;
    u_char               *start;
    sigv4_buf_t           buf;
    sigv4_str_t           token, canonical, names;
    sigv4_request_t       all;
    sigv4_credentials_t   none;

    ngx_memzero(&none, sizeof(sigv4_credentials_t));

    token.data = (u_char *) SIGV4_MASKED;
    token.len = ctx->signature.token ? sizeof(SIGV4_MASKED) - 1 : 0;

    if (ngx_http_aws_sigv4_all_fields(r, ctx, &ctx->signature.request, &token,
                                      &all)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    size = sigv4_scratch_size(&all, &none, &ctx->signature.scope);

    start = size ? ngx_palloc(r->pool, size) : NULL;
    if (start == NULL) {
        return NGX_ERROR;
    }

    buf.last = start;
    buf.end = start + size;

    if (sigv4_canonical_request(&all, &buf, &canonical, &names) != SIGV4_OK) {
        return NGX_ERROR;
    }

    canonical_request->len = canonical.len;
    canonical_request->data = (u_char *) canonical.data;

    signed_headers->len = names.len;
    signed_headers->data = (u_char *) names.data;

    return NGX_OK;
}
