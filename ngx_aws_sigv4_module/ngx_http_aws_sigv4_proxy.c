
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What was recorded of the proxy module: inherited as the proxy module does
 * it, and looked up by those who must know what it will send.
 */


#include "ngx_http_aws_sigv4_proxy.h"


static void ngx_http_aws_sigv4_merge_guards(ngx_http_aws_sigv4_proxy_t *prev,
    ngx_http_aws_sigv4_proxy_t *conf);
static ngx_int_t ngx_http_aws_sigv4_compile_headers(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);


void
ngx_http_aws_sigv4_proxy_init(ngx_http_aws_sigv4_proxy_t *proxy)
{
    proxy->pass = NULL;
    proxy->headers = NGX_CONF_UNSET_PTR;
    proxy->method = NULL;
    proxy->cache = NGX_CONF_UNSET;
    proxy->set_body = NGX_CONF_UNSET;
    proxy->http2 = NGX_CONF_UNSET;
    proxy->grpc = NGX_CONF_UNSET;
    proxy->allow = NGX_CONF_UNSET;
    proxy->deny = NGX_CONF_UNSET;
    proxy->auth_basic = NGX_CONF_UNSET;
    proxy->auth_request = NGX_CONF_UNSET;
    proxy->access_lua = NGX_CONF_UNSET;
    proxy->client_cert = NGX_CONF_UNSET;
    proxy->internal = NGX_CONF_UNSET;
    proxy->lua = NGX_CONF_UNSET;
    proxy->ssl_verify = NGX_CONF_UNSET;
    proxy->ssl_server_name = NGX_CONF_UNSET;
    proxy->ssl_name = NGX_CONF_UNSET;
    proxy->buffering = NGX_CONF_UNSET;
    proxy->pass_body = NGX_CONF_UNSET;
}


ngx_int_t
ngx_http_aws_sigv4_proxy_merge(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *prev, ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t        *clcf;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    /* proxy_pass is inherited by "if" and "limit_except" blocks only */

    if (clcf->noname
        && (clcf->handler == NULL || clcf->handler == smcf->proxy_handler))
    {

        if (conf->proxy.pass == NULL) {
            conf->proxy.pass = prev->proxy.pass;
        }

        ngx_conf_merge_value(conf->proxy.grpc, prev->proxy.grpc, 0);
    }

    ngx_conf_merge_value(conf->proxy.grpc, NGX_CONF_UNSET, 0);
    ngx_conf_merge_value(conf->proxy.lua, prev->proxy.lua, 0);
    ngx_conf_merge_ptr_value(conf->proxy.headers, prev->proxy.headers, NULL);
    ngx_conf_merge_value(conf->proxy.cache, prev->proxy.cache, 0);
    ngx_conf_merge_value(conf->proxy.set_body, prev->proxy.set_body, 0);
    ngx_conf_merge_value(conf->proxy.http2, prev->proxy.http2, 0);
    ngx_conf_merge_value(conf->proxy.ssl_verify, prev->proxy.ssl_verify, 0);
    ngx_conf_merge_value(conf->proxy.ssl_server_name,
                         prev->proxy.ssl_server_name, 0);
    ngx_conf_merge_value(conf->proxy.ssl_name, prev->proxy.ssl_name, 0);
    ngx_conf_merge_value(conf->proxy.buffering, prev->proxy.buffering, 1);
    ngx_conf_merge_value(conf->proxy.pass_body, prev->proxy.pass_body, 1);

    ngx_http_aws_sigv4_merge_guards(&prev->proxy, &conf->proxy);

    if (conf->proxy.method == NULL) {
        conf->proxy.method = prev->proxy.method;
    }

    if (conf->proxy.pass == NULL || !smcf->used) {
        return NGX_OK;
    }

    if (clcf->handler == smcf->proxy_handler) {
        clcf->handler = ngx_http_aws_sigv4_proxy_handler;

    } else if (clcf->handler != NULL
               && clcf->handler != ngx_http_aws_sigv4_proxy_handler)
    {
        /* another handler came after proxy_pass and has replaced it */

        conf->proxy.pass = NULL;
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_compile_headers(cf, conf);
}


/* one "allow" or "deny" replaces all of those that would be inherited */

static void
ngx_http_aws_sigv4_merge_guards(ngx_http_aws_sigv4_proxy_t *prev,
    ngx_http_aws_sigv4_proxy_t *conf)
{
    if (conf->allow == NGX_CONF_UNSET && conf->deny == NGX_CONF_UNSET) {
        conf->allow = prev->allow;
        conf->deny = prev->deny;
    }

    ngx_conf_merge_value(conf->allow, NGX_CONF_UNSET, 0);
    ngx_conf_merge_value(conf->deny, NGX_CONF_UNSET, 0);
    ngx_conf_merge_value(conf->auth_basic, prev->auth_basic, 0);
    ngx_conf_merge_value(conf->auth_request, prev->auth_request, 0);
    ngx_conf_merge_value(conf->access_lua, prev->access_lua, 0);
    ngx_conf_merge_value(conf->client_cert, prev->client_cert, 0);
    ngx_conf_merge_value(conf->internal, prev->internal, 0);
}


static ngx_int_t
ngx_http_aws_sigv4_compile_headers(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_uint_t                    i;
    ngx_http_aws_sigv4_header_t  *header;

    if (conf->proxy.headers == NULL) {
        return NGX_OK;
    }

    header = conf->proxy.headers->elts;

    for (i = 0; i < conf->proxy.headers->nelts; i++) {

        if (header[i].value != NULL
            || header[i].source.len == 0
            || !ngx_http_aws_sigv4_is_signed(conf, &header[i].name))
        {
            continue;
        }

        header[i].value = ngx_http_aws_sigv4_compile(cf, &header[i].source);
        if (header[i].value == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_http_complex_value_t *
ngx_http_aws_sigv4_compile(ngx_conf_t *cf, ngx_str_t *source)
{
    ngx_http_complex_value_t          *value;
    ngx_http_compile_complex_value_t   ccv;

    value = ngx_palloc(cf->pool, sizeof(ngx_http_complex_value_t));
    if (value == NULL) {
        return NULL;
    }

    ngx_memzero(&ccv, sizeof(ngx_http_compile_complex_value_t));

    ccv.cf = cf;
    ccv.value = source;
    ccv.complex_value = value;

    if (ngx_http_compile_complex_value(&ccv) != NGX_OK) {
        return NULL;
    }

    return value;
}


ngx_http_aws_sigv4_header_t *
ngx_http_aws_sigv4_proxy_header(ngx_http_aws_sigv4_loc_conf_t *slcf,
    ngx_str_t *name)
{
    ngx_uint_t                    i;
    ngx_http_aws_sigv4_header_t  *header;

    if (slcf->proxy.headers == NULL) {
        return NULL;
    }

    header = slcf->proxy.headers->elts;

    for (i = 0; i < slcf->proxy.headers->nelts; i++) {

        if (header[i].name.len == name->len
            && ngx_memcmp(header[i].name.data, name->data, name->len) == 0)
        {
            return &header[i];
        }
    }

    return NULL;
}
