
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What proxy_pass says: where to, by which scheme and with which Host, as far
 * as that does not depend on variables.
 */


#include "ngx_http_aws_sigv4_proxy.h"


static ngx_int_t ngx_http_aws_sigv4_literal_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass);
static ngx_int_t ngx_http_aws_sigv4_variable_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass);
static void ngx_http_aws_sigv4_literal_authority(
    ngx_http_aws_sigv4_pass_t *pass, u_char *start, u_char *end);


char *
ngx_http_aws_sigv4_record_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *slcf, ngx_str_t *value)
{
    ngx_int_t                        rc;
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_aws_sigv4_pass_t       *pass;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    pass = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_pass_t));
    if (pass == NULL) {
        return NGX_CONF_ERROR;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    /* the handler is static in the proxy module, but it has just been set */

    smcf->proxy_handler = clcf->handler;

    pass->source = value[1];
    pass->file = cf->conf_file->file.name.data;
    pass->line = cf->conf_file->line;
    pass->location = clcf->name;

    if (clcf->named
#if (NGX_PCRE)
        || clcf->regex
#endif
        || clcf->noname)
    {
        pass->location.len = 0;
    }

    if (ngx_http_script_variables_count(&pass->source)) {
        rc = ngx_http_aws_sigv4_variable_pass(cf, pass);

    } else {
        rc = ngx_http_aws_sigv4_literal_pass(cf, pass);
    }

    if (rc != NGX_OK) {
        return NGX_CONF_ERROR;
    }

    slcf->proxy.pass = pass;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_literal_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass)
{
    size_t     add;
    ngx_url_t  u;

    pass->ssl = (ngx_strncasecmp(pass->source.data,
                                 (u_char *) "https://", 8) == 0);
    add = pass->ssl ? 8 : 7;

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url.len = pass->source.len - add;
    u.url.data = pass->source.data + add;
    u.default_port = pass->ssl ? 443 : 80;
    u.uri_part = 1;
    u.no_resolve = 1;

    if (ngx_parse_url(cf->pool, &u) != NGX_OK) {
        return NGX_ERROR;
    }

    pass->uri = u.uri;

    /* as ngx_http_proxy_set_vars() does */

    if (u.family == AF_UNIX) {
        ngx_str_set(&pass->host, "localhost");

    } else if (u.no_port || u.port == u.default_port) {
        pass->host = u.host;

    } else {
        pass->host.len = u.host.len + 1 + u.port_text.len;
        pass->host.data = u.host.data;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_variable_pass(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass)
{
    u_char  *p, *start, *last;

    pass->url = ngx_http_aws_sigv4_compile(cf, &pass->source);
    if (pass->url == NULL) {
        return NGX_ERROR;
    }

    pass->variable_authority = 1;

    p = pass->source.data;
    last = p + pass->source.len;

    if (ngx_strncasecmp(p, (u_char *) "https://", 8) == 0) {
        pass->ssl = 1;
        p += 8;

    } else if (ngx_strncasecmp(p, (u_char *) "http://", 7) == 0) {
        p += 7;

    } else {

        /* a variable may be the scheme: it can be https */

        pass->ssl = (*p == '$');
        return NGX_OK;
    }

    /*
     * The authority is literal if it ends before the first variable.
     * $request_uri ends it too: it starts with "/" or "?" always, which
     * $uri and the others do not after a rewrite.
     */

    start = p;

    while (p < last && *p != '/' && *p != '?' && *p != '$') {
        p++;
    }

    if (p == last
        || (*p == '$'
            && (last - p != 12 || ngx_strncmp(p, "$request_uri", 12) != 0)))
    {
        return NGX_OK;
    }

    pass->variable_authority = 0;

    ngx_http_aws_sigv4_literal_authority(pass, start, p);

    return NGX_OK;
}


/* the Host is the authority without the port of the scheme */

static void
ngx_http_aws_sigv4_literal_authority(ngx_http_aws_sigv4_pass_t *pass,
    u_char *start, u_char *end)
{
    pass->host.data = start;
    pass->host.len = end - start;

    if (pass->host.len > 4 && pass->ssl
        && ngx_strncmp(end - 4, ":443", 4) == 0)
    {
        pass->host.len -= 4;

    } else if (pass->host.len > 3 && !pass->ssl
               && ngx_strncmp(end - 3, ":80", 3) == 0)
    {
        pass->host.len -= 3;
    }
}
