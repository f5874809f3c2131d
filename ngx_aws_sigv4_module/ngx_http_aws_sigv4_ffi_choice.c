
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What Lua code chooses for the request that is being proxied.  It becomes
 * the choice of the ctx, as that of the hook does, which runs later and may
 * choose otherwise.
 */


#include "ngx_http_aws_sigv4_module.h"
#include "ngx_http_aws_sigv4_ffi.h"
#include "providers/ngx_http_aws_sigv4_provider.h"


/* longer than any host name, region or service */
#define NGX_HTTP_AWS_SIGV4_FFI_VALUE  255


typedef struct {
    ngx_http_aws_sigv4_ffi_str_t    region;
    ngx_http_aws_sigv4_ffi_str_t    service;
    ngx_http_aws_sigv4_ffi_str_t    host;
    ngx_http_aws_sigv4_ffi_str_t    credentials;
    int                             payload;    /* as choice->payload */
    int                             begun;      /* it is too late to choose */
} ngx_http_aws_sigv4_ffi_choice_t;


int ngx_http_aws_sigv4_ffi_set(ngx_http_request_t *r,
    const ngx_http_aws_sigv4_ffi_choice_t *in,
    ngx_http_aws_sigv4_ffi_str_t *err);
int ngx_http_aws_sigv4_ffi_get(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ffi_choice_t *out);
int ngx_http_aws_sigv4_ffi_off(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ffi_str_t *err);
int ngx_http_aws_sigv4_ffi_allows(ngx_http_request_t *r, const u_char *host,
    size_t len);
static ngx_http_aws_sigv4_ctx_t *ngx_http_aws_sigv4_ffi_ctx(
    ngx_http_request_t *r, ngx_http_aws_sigv4_ffi_str_t *err);
static int ngx_http_aws_sigv4_ffi_check(
    const ngx_http_aws_sigv4_ffi_choice_t *in,
    ngx_http_aws_sigv4_ffi_str_t *err);
static u_char *ngx_http_aws_sigv4_ffi_copy(u_char *p, ngx_str_t *dst,
    const ngx_http_aws_sigv4_ffi_str_t *src);
static void ngx_http_aws_sigv4_ffi_show(ngx_http_aws_sigv4_ffi_str_t *dst,
    ngx_str_t *src);


/* what has no data stays as it was chosen before */

int
ngx_http_aws_sigv4_ffi_set(ngx_http_request_t *r,
    const ngx_http_aws_sigv4_ffi_choice_t *in,
    ngx_http_aws_sigv4_ffi_str_t *err)
{
    u_char                          *p;
    ngx_str_t                        name;
    ngx_http_aws_sigv4_ctx_t        *ctx;
    ngx_http_aws_sigv4_choice_t     *choice;
    ngx_http_aws_sigv4_provider_t   *provider;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    if (ngx_http_aws_sigv4_ffi_check(in, err) != NGX_OK) {
        return NGX_ERROR;
    }

    ctx = ngx_http_aws_sigv4_ffi_ctx(r, err);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    choice = &ctx->choice;
    provider = choice->provider;

    if (in->credentials.data != NULL) {
        smcf = ngx_http_get_module_main_conf(r, ngx_http_aws_sigv4_module);

        name.len = in->credentials.len;
        name.data = (u_char *) in->credentials.data;

        provider = ngx_http_aws_sigv4_provider_find(&smcf->store, &name);

        if (provider == NULL) {
            return ngx_http_aws_sigv4_ffi_error(err,
                                                "no provider \"%V\" is "
                                                "defined", &name);
        }
    }

    /* the strings of Lua may be gone when the request is signed */

    p = ngx_pnalloc(r->pool, in->region.len + in->service.len
                             + in->host.len + 1);
    if (p == NULL) {
        return ngx_http_aws_sigv4_ffi_error(err, "no memory");
    }

    p = ngx_http_aws_sigv4_ffi_copy(p, &choice->region, &in->region);
    p = ngx_http_aws_sigv4_ffi_copy(p, &choice->service, &in->service);
    (void) ngx_http_aws_sigv4_ffi_copy(p, &choice->host, &in->host);

    choice->provider = provider;
    choice->off = 0;

    if (in->payload) {
        choice->payload = in->payload;
    }

    return NGX_OK;
}


/* what was chosen, and when the request is signed, what with */

int
ngx_http_aws_sigv4_ffi_get(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ffi_choice_t *out)
{
    ngx_http_aws_sigv4_ctx_t       *ctx;
    ngx_http_aws_sigv4_choice_t    *choice;
    ngx_http_aws_sigv4_provider_t  *provider;

    ngx_memzero(out, sizeof(ngx_http_aws_sigv4_ffi_choice_t));

    ctx = ngx_http_get_module_ctx(r, ngx_http_aws_sigv4_module);
    if (ctx == NULL) {
        return NGX_OK;
    }

    choice = &ctx->choice;
    provider = choice->provider;

    out->begun = (ctx->step != 0);
    out->payload = choice->payload;

    if (ctx->signature.headers.len) {
        ngx_http_aws_sigv4_ffi_show(&out->region, &ctx->region);
        ngx_http_aws_sigv4_ffi_show(&out->service, &ctx->service);
        ngx_http_aws_sigv4_ffi_show(&out->host, &ctx->host);

        provider = ctx->provider;

    } else {
        ngx_http_aws_sigv4_ffi_show(&out->region, &choice->region);
        ngx_http_aws_sigv4_ffi_show(&out->service, &choice->service);
        ngx_http_aws_sigv4_ffi_show(&out->host, &choice->host);
    }

    if (provider != NULL) {
        ngx_http_aws_sigv4_ffi_show(&out->credentials, &provider->name);
    }

    return NGX_OK;
}


int
ngx_http_aws_sigv4_ffi_off(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ffi_str_t *err)
{
    ngx_http_aws_sigv4_ctx_t  *ctx;

    ctx = ngx_http_aws_sigv4_ffi_ctx(r, err);
    if (ctx == NULL) {
        return NGX_ERROR;
    }

    ctx->choice.off = 1;

    return NGX_OK;
}


/* whether a host that is chosen will be signed for in this location */

int
ngx_http_aws_sigv4_ffi_allows(ngx_http_request_t *r, const u_char *host,
    size_t len)
{
    ngx_str_t                       name;
    ngx_http_aws_sigv4_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_aws_sigv4_module);

    name.len = len;
    name.data = (u_char *) host;

    return len && ngx_http_aws_sigv4_allows(slcf, &name);
}


static ngx_http_aws_sigv4_ctx_t *
ngx_http_aws_sigv4_ffi_ctx(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ffi_str_t *err)
{
    ngx_http_aws_sigv4_ctx_t       *ctx;
    ngx_http_aws_sigv4_loc_conf_t  *slcf;

    slcf = ngx_http_get_module_loc_conf(r, ngx_http_aws_sigv4_module);

    if (!slcf->enable) {
        (void) ngx_http_aws_sigv4_ffi_error(err, "aws_sigv4 is off in this "
                                            "location");
        return NULL;
    }

    ctx = ngx_http_aws_sigv4_get_ctx(r);

    if (ctx == NULL) {
        (void) ngx_http_aws_sigv4_ffi_error(err, "no memory");
        return NULL;
    }

    if (ctx->step) {
        (void) ngx_http_aws_sigv4_ffi_error(err, "already signed");
        return NULL;
    }

    /* as long as nothing is proxied */

    ctx->status = NGX_HTTP_AWS_SIGV4_OFF;

    return ctx;
}


/* whether a host is allowed is known when it is to be signed for */

static int
ngx_http_aws_sigv4_ffi_check(const ngx_http_aws_sigv4_ffi_choice_t *in,
    ngx_http_aws_sigv4_ffi_str_t *err)
{
    ngx_str_t    host;
    sigv4_str_t  region, service;

    region.len = in->region.len;
    region.data = in->region.data;

    service.len = in->service.len;
    service.data = in->service.data;

    host.len = in->host.len;
    host.data = (u_char *) in->host.data;

    if (region.data != NULL
        && (region.len > NGX_HTTP_AWS_SIGV4_FFI_VALUE
            || !sigv4_is_scope_part(region)))
    {
        return ngx_http_aws_sigv4_ffi_error(err, "invalid region");
    }

    if (service.data != NULL
        && (service.len > NGX_HTTP_AWS_SIGV4_FFI_VALUE
            || !sigv4_is_scope_part(service)))
    {
        return ngx_http_aws_sigv4_ffi_error(err, "invalid service");
    }

    if (host.data != NULL
        && (host.len > NGX_HTTP_AWS_SIGV4_FFI_VALUE
            || !ngx_http_aws_sigv4_is_host(&host)))
    {
        return ngx_http_aws_sigv4_ffi_error(err, "invalid host");
    }

    return NGX_OK;
}


static u_char *
ngx_http_aws_sigv4_ffi_copy(u_char *p, ngx_str_t *dst,
    const ngx_http_aws_sigv4_ffi_str_t *src)
{
    if (src->data == NULL) {
        return p;
    }

    dst->len = src->len;
    dst->data = p;

    return ngx_cpymem(p, src->data, src->len);
}


static void
ngx_http_aws_sigv4_ffi_show(ngx_http_aws_sigv4_ffi_str_t *dst, ngx_str_t *src)
{
    if (src->len) {
        dst->len = src->len;
        dst->data = src->data;
    }
}
