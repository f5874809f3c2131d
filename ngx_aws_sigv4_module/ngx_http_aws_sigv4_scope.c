
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


static ngx_int_t ngx_http_aws_sigv4_choose_host(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *host, ngx_uint_t *variable);
static ngx_int_t ngx_http_aws_sigv4_choose_provider(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_choose_scope(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t variable);
static ngx_int_t ngx_http_aws_sigv4_infer(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t variable,
    sigv4_endpoint_t *ep);
static ngx_int_t ngx_http_aws_sigv4_no_scope(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t variable);


static ngx_str_t  ngx_http_aws_sigv4_s3_family[] = {
    ngx_string("s3"),
    ngx_string("s3express"),
    ngx_string("s3-outposts"),
    ngx_string("s3-object-lambda"),
    ngx_null_string
};


ngx_int_t
ngx_http_aws_sigv4_scope(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *host)
{
    ngx_int_t   rc;
    ngx_uint_t  variable;

    rc = ngx_http_aws_sigv4_choose_host(r, ctx, host, &variable);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_aws_sigv4_choose_provider(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    rc = ngx_http_aws_sigv4_choose_scope(r, ctx, variable);
    if (rc != NGX_OK) {
        return rc;
    }

    ctx->s3 = ngx_http_aws_sigv4_is_s3(&ctx->service);

    return NGX_OK;
}


ngx_uint_t
ngx_http_aws_sigv4_is_s3(ngx_str_t *service)
{
    ngx_str_t  *s;

    for (s = ngx_http_aws_sigv4_s3_family; s->len; s++) {

        if (ngx_http_aws_sigv4_name_is(service, (char *) s->data, s->len)) {
            return 1;
        }
    }

    return 0;
}


ngx_uint_t
ngx_http_aws_sigv4_takes_unsigned(ngx_str_t *service)
{
    return ngx_http_aws_sigv4_is_s3(service)
           || ngx_http_aws_sigv4_name_is(service, "vpc-lattice-svcs", 16);
}


static ngx_int_t
ngx_http_aws_sigv4_choose_host(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *host, ngx_uint_t *variable)
{
    ngx_int_t                       rc;
    ngx_str_t                       authority;
    ngx_http_aws_sigv4_loc_conf_t  *slcf;

    slcf = ctx->conf;
    *variable = slcf->variable_host;

    ngx_str_null(&authority);

    if (host != NULL) {
        ctx->host = *host;

        /* the configuration did not tell it */
        *variable = 1;

    } else if (ngx_http_aws_sigv4_target_host(r, slcf, &ctx->host, &authority)
               != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->choice.host.len) {
        ctx->host = ctx->choice.host;
        *variable = 1;

    } else if (slcf->host != NULL
               && ngx_http_complex_value(r, slcf->host, &ctx->host) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_aws_sigv4_valid_host(r, ctx);
    if (rc != NGX_OK) {
        return rc;
    }

    if (*variable) {
        rc = ngx_http_aws_sigv4_allowed(r, ctx, &ctx->host);
        if (rc != NGX_OK) {
            return rc;
        }
    }

    if (authority.len) {
        return ngx_http_aws_sigv4_authority(r, ctx, &authority);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_choose_provider(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_str_t                        name;
    ngx_http_aws_sigv4_loc_conf_t   *slcf;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    slcf = ctx->conf;

    if (ctx->choice.provider != NULL) {
        ctx->provider = ctx->choice.provider;
        return NGX_OK;
    }

    if (slcf->credentials == NULL || slcf->credentials->lengths == NULL) {
        ctx->provider = slcf->provider;
        return NGX_OK;
    }

    if (ngx_http_complex_value(r, slcf->credentials, &name) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (name.len == 0) {
        ngx_str_set(&name, "default");
    }

    smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

    ctx->provider = ngx_http_aws_sigv4_provider_find(&smcf->store, &name);

    if (ctx->provider != NULL) {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aws sigv4: there is no provider \"%V\", define it with "
                  "\"aws_sigv4_provider\"",
                  ngx_http_aws_sigv4_shown(r, &name));

    return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_NO_PROVIDER,
                                   NGX_HTTP_INTERNAL_SERVER_ERROR);
}


static ngx_int_t
ngx_http_aws_sigv4_choose_scope(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t variable)
{
    sigv4_endpoint_t                   ep;
    ngx_http_aws_sigv4_loc_conf_t     *slcf;
    ngx_http_aws_sigv4_credentials_t  *cred;

    slcf = ctx->conf;

    ctx->service = ctx->choice.service;
    ctx->region = ctx->choice.region;

    if (ctx->service.len == 0 && slcf->service != NULL
        && ngx_http_complex_value(r, slcf->service, &ctx->service) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->region.len == 0 && slcf->region != NULL
        && ngx_http_complex_value(r, slcf->region, &ctx->region) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx->service.len && ctx->region.len) {
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_infer(r, ctx, variable, &ep) == NGX_OK) {

        if (ctx->service.len == 0) {
            ctx->service.len = ep.service.len;
            ctx->service.data = (u_char *) ep.service.data;
        }

        if (ctx->region.len == 0) {
            ctx->region.len = ep.region.len;
            ctx->region.data = (u_char *) ep.region.data;
        }
    }

    if (ctx->region.len == 0) {
        ctx->region = *ngx_http_aws_sigv4_provider_region(ctx->provider);
    }

    if (ctx->service.len && ctx->region.len) {
        return NGX_OK;
    }

    /* a region may come with the first credentials */

    if (ctx->service.len
        && ctx->status == NGX_HTTP_AWS_SIGV4_PENDING
        && ngx_http_aws_sigv4_credentials_get(ctx->provider,
                                              r->connection->log, &cred)
           == NGX_AGAIN)
    {
        return NGX_AGAIN;
    }

    return ngx_http_aws_sigv4_no_scope(r, ctx, variable);
}


/* the host that the configuration names, and that is in the table */

ngx_uint_t
ngx_http_aws_sigv4_known_host(ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_str_t  *known;

    known = &ctx->conf->known_host;

    return known->len
           && ctx->host.len == known->len
           && ngx_memcmp(ctx->host.data, known->data, known->len) == 0;
}


static ngx_int_t
ngx_http_aws_sigv4_infer(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t variable, sigv4_endpoint_t *ep)
{
    ngx_str_t  host;

    if (ngx_http_aws_sigv4_known_host(ctx)) {
        *ep = ctx->conf->known;
        return NGX_OK;
    }

    host.len = ctx->host.len;
    host.data = ngx_pnalloc(r->pool, host.len);
    if (host.data == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(host.data, ctx->host.data, host.len);

    if (sigv4_endpoint(ngx_http_aws_sigv4_str(&host), ep) != SIGV4_OK
        || ep->asymmetric
        || (variable && !ep->exact))
    {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_no_scope(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t variable)
{
    if (ctx->service.len == 0) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: no service can be inferred from host "
                      "\"%V\"%s, set \"aws_sigv4_service\"", &ctx->host,
                      variable ? " that the request has chosen" : "");

        return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_NO_SERVICE,
                                       NGX_HTTP_INTERNAL_SERVER_ERROR);
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aws sigv4: no region can be inferred from host \"%V\" and "
                  "the credentials have none, set \"aws_sigv4_region\"",
                  &ctx->host);

    return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_NO_REGION,
                                   NGX_HTTP_INTERNAL_SERVER_ERROR);
}


ngx_str_t *
ngx_http_aws_sigv4_shown(ngx_http_request_t *r, ngx_str_t *value)
{
    u_char     *p, *last;
    ngx_str_t  *shown;

    static ngx_str_t  unknown = ngx_string("?");

    if (value->len == 0) {
        return value;
    }

    last = value->data + value->len;

    for (p = value->data; p < last && *p >= ' ' && *p != 0x7f; p++) {
        /* void */
    }

    if (p == last) {
        return value;
    }

    shown = ngx_palloc(r->pool, sizeof(ngx_str_t));
    if (shown == NULL) {
        return &unknown;
    }

    shown->len = value->len;
    shown->data = ngx_pstrdup(r->pool, value);
    if (shown->data == NULL) {
        return &unknown;
    }

    for (p = shown->data; p < shown->data + shown->len; p++) {

        if (*p < ' ' || *p == 0x7f) {
            *p = '?';
        }
    }

    return shown;
}
