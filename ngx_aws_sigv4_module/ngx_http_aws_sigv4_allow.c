
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


static char *ngx_http_aws_sigv4_allow_regex(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pattern_t *pattern, ngx_str_t *value);
static ngx_uint_t ngx_http_aws_sigv4_match(ngx_array_t *patterns,
    ngx_str_t *host);


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
                               "\"aws_sigv4_allow_hosts\": invalid host "
                               "pattern \"%V\", write a name without port, "
                               "\"*.suffix\", \"~regex\" or \"*\"",
                               &value[i]);
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
                           "\"aws_sigv4_allow_hosts\": empty regex, write "
                           "\"*\" to allow all hosts");
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
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_allow_hosts\": invalid regex "
                           "\"%V\": %V", value, &rc.err);
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


ngx_int_t
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


ngx_int_t
ngx_http_aws_sigv4_allowed(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_str_t *host)
{
    if (ctx->conf->allow_hosts == NULL) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: host \"%V\" was chosen by the request and "
                      "is not signed for, allow it with "
                      "\"aws_sigv4_allow_hosts\"",
                      ngx_http_aws_sigv4_shown(r, host));

    } else if (ngx_http_aws_sigv4_match(ctx->conf->allow_hosts, host)) {
        return NGX_OK;

    } else {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "aws sigv4: host \"%V\" is not signed for, it is not "
                      "in \"aws_sigv4_allow_hosts\"",
                      ngx_http_aws_sigv4_shown(r, host));
    }

    return ngx_http_aws_sigv4_fail(ctx, NGX_HTTP_AWS_SIGV4_HOST_NOT_ALLOWED,
                                   NGX_HTTP_FORBIDDEN);
}


/* without a request that fails: for those who have another host to turn to */

ngx_uint_t
ngx_http_aws_sigv4_allows(ngx_http_aws_sigv4_loc_conf_t *slcf,
    ngx_str_t *host)
{
    return slcf->allow_hosts != NULL
           && ngx_http_aws_sigv4_match(slcf->allow_hosts, host);
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
