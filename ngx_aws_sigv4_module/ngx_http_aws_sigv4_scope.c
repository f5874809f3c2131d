
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


static char *ngx_http_aws_sigv4_allow_regex(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pattern_t *pattern, ngx_str_t *value);
static ngx_int_t ngx_http_aws_sigv4_choose_host(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *host, ngx_uint_t *variable);
static ngx_uint_t ngx_http_aws_sigv4_known_host(
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_valid_host(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);
static ngx_int_t ngx_http_aws_sigv4_allowed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *host);
static ngx_uint_t ngx_http_aws_sigv4_match(ngx_array_t *patterns,
    ngx_str_t *host);
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


char *
ngx_http_aws_sigv4_allow_hosts(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aws_sigv4_loc_conf_t *slcf = conf;

    char                          *rv;
    u_char                        *p;
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_http_aws_sigv4_pattern_t  *pattern;

    if (slcf->allow_hosts != NGX_CONF_UNSET_PTR) {
        return "is duplicate";
    }

    slcf->allow_hosts = ngx_array_create(cf->pool, cf->args->nelts - 1,
                                        sizeof(ngx_http_aws_sigv4_pattern_t));
    if (slcf->allow_hosts == NULL) {
        return NGX_CONF_ERROR;
    }

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {

        pattern = ngx_array_push(slcf->allow_hosts);
        if (pattern == NULL) {
            return NGX_CONF_ERROR;
        }

        ngx_memzero(pattern, sizeof(ngx_http_aws_sigv4_pattern_t));

        if (value[i].len && value[i].data[0] == '~') {

            rv = ngx_http_aws_sigv4_allow_regex(cf, pattern, &value[i]);
            if (rv != NGX_CONF_OK) {
                return rv;
            }

            continue;
        }

        ngx_strlow(value[i].data, value[i].data, value[i].len);

        pattern->name = value[i];

        if (value[i].len == 1 && value[i].data[0] == '*') {
            pattern->any = 1;
            continue;
        }

        if (value[i].len > 2 && ngx_strncmp(value[i].data, "*.", 2) == 0) {
            pattern->suffix = 1;
            pattern->name.data++;
            pattern->name.len--;
        }

        for (p = pattern->name.data; p < value[i].data + value[i].len; p++) {

            if (*p == '*' || *p == '/' || *p == '$'
                || (*p == ':' && pattern->name.data[0] != '['))
            {
                break;
            }
        }

        if (pattern->name.len == 0 || p < value[i].data + value[i].len) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid host pattern \"%V\", write a name "
                               "without port, \"*.suffix\", \"~regex\" or "
                               "\"*\"", &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


/* the whole name must match: "aws.com" must not allow "aws.com.evil" */

static char *
ngx_http_aws_sigv4_allow_regex(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pattern_t *pattern, ngx_str_t *value)
{
#if (NGX_PCRE)

    u_char               *p;
    ngx_regex_compile_t   rc;
    u_char                errstr[NGX_MAX_CONF_ERRSTR];

    if (value->len == 1) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "empty regex in \"aws_sigv4_allow_hosts\"");
        return NGX_CONF_ERROR;
    }

    ngx_memzero(&rc, sizeof(ngx_regex_compile_t));

    rc.pattern.len = value->len - 1 + sizeof("^(?:)$") - 1;
    rc.pattern.data = ngx_pnalloc(cf->pool, rc.pattern.len + 1);
    if (rc.pattern.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_cpymem(rc.pattern.data, "^(?:", 4);
    p = ngx_cpymem(p, value->data + 1, value->len - 1);
    p = ngx_cpymem(p, ")$", 2);
    *p = '\0';

    rc.pool = cf->pool;
    rc.options = NGX_REGEX_CASELESS;
    rc.err.len = NGX_MAX_CONF_ERRSTR;
    rc.err.data = errstr;

    if (ngx_regex_compile(&rc) != NGX_OK) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "%V", &rc.err);
        return NGX_CONF_ERROR;
    }

    pattern->name = *value;
    pattern->regex = rc.regex;

    return NGX_CONF_OK;

#else

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "using regex \"%V\" requires PCRE library", value);
    return NGX_CONF_ERROR;

#endif
}


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


/* the host that the configuration names, and that is in the table */

static ngx_uint_t
ngx_http_aws_sigv4_known_host(ngx_http_aws_sigv4_ctx_t *ctx)
{
    ngx_str_t  *known;

    known = &ctx->conf->known_host;

    return known->len
           && ctx->host.len == known->len
           && ngx_memcmp(ctx->host.data, known->data, known->len) == 0;
}


/* what may stand in an authority without userinfo: RFC 3986, 3.2 */

ngx_uint_t
ngx_http_aws_sigv4_is_host(ngx_str_t *host)
{
    u_char  ch;
    size_t  i;

    for (i = 0; i < host->len; i++) {

        ch = host->data[i];

        if ((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z')
            || (ch >= '0' && ch <= '9') || ch == '-' || ch == '.'
            || ch == '_' || ch == ':' || ch == '[' || ch == ']')
        {
            continue;
        }

        return 0;
    }

    return host->len != 0;
}


static ngx_int_t
ngx_http_aws_sigv4_valid_host(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx)
{
    if (ngx_http_aws_sigv4_known_host(ctx)
        || ngx_http_aws_sigv4_is_host(&ctx->host))
    {
        return NGX_OK;
    }

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "aws sigv4: \"%V\" is no host to sign for, look at "
                  "aws_sigv4_host, proxy_set_header Host and proxy_pass",
                  ngx_http_aws_sigv4_shown(r, &ctx->host));

    return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_BAD_HOST,
                                   NGX_HTTP_BAD_REQUEST);
}


static ngx_int_t
ngx_http_aws_sigv4_allowed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *host)
{
    if (ctx->conf->allow_hosts == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: host \"%V\" was chosen by the request and "
                      "is not signed for, allow it with "
                      "\"aws_sigv4_allow_hosts\"", host);

    } else if (ngx_http_aws_sigv4_match(ctx->conf->allow_hosts, host)) {
        return NGX_OK;

    } else {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: host \"%V\" is not signed for, it is not "
                      "in \"aws_sigv4_allow_hosts\"", host);
    }

    return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_HOST_NOT_ALLOWED,
                                   NGX_HTTP_FORBIDDEN);
}


ngx_int_t
ngx_http_aws_sigv4_authority(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *authority)
{
    if (!ctx->conf->proxy.pass->variable_authority) {
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_allowed(r, ctx, authority);
}


static ngx_uint_t
ngx_http_aws_sigv4_match(ngx_array_t *patterns, ngx_str_t *host)
{
    u_char                        *p;
    ngx_str_t                      name, *suffix;
    ngx_uint_t                     i;
    ngx_http_aws_sigv4_pattern_t  *pattern;

    /* the port does not count, nor a trailing dot */

    name = *host;

    p = ngx_strlchr(name.data, name.data + name.len,
                    name.data[0] == '[' ? ']' : ':');
    if (p != NULL) {
        name.len = p - name.data + (*p == ']');
    }

    if (name.len && name.data[name.len - 1] == '.') {
        name.len--;
    }

    pattern = patterns->elts;

    for (i = 0; i < patterns->nelts; i++) {

        if (pattern[i].any) {
            return 1;
        }

#if (NGX_PCRE)
        if (pattern[i].regex != NULL) {

            if (ngx_regex_exec(pattern[i].regex, &name, NULL, 0) >= 0) {
                return 1;
            }

            continue;
        }
#endif

        suffix = &pattern[i].name;

        if (pattern[i].suffix ? name.len <= suffix->len
                              : name.len != suffix->len)
        {
            continue;
        }

        if (ngx_strncasecmp(name.data + name.len - suffix->len, suffix->data,
                            suffix->len)
            == 0)
        {
            return 1;
        }
    }

    return 0;
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
    sigv4_endpoint_t                ep;
    ngx_http_aws_sigv4_loc_conf_t  *slcf;

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

    return ngx_http_aws_sigv4_no_scope(r, ctx, variable);
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
