
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_module.h"


static ngx_int_t ngx_http_aws_sigv4_check_protocol(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static ngx_int_t ngx_http_aws_sigv4_check_host(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static ngx_str_t *ngx_http_aws_sigv4_literal_host(
    ngx_http_aws_sigv4_loc_conf_t *conf);
static ngx_int_t ngx_http_aws_sigv4_check_scope(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf, ngx_str_t *host);


ngx_int_t
ngx_http_aws_sigv4_check(ngx_conf_t *cf, ngx_http_aws_sigv4_loc_conf_t *conf)
{
    if (!conf->enable) {
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_check_protocol(cf, conf) != NGX_OK) {
        return NGX_ERROR;
    }

    if (conf->proxy.pass == NULL) {
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_check_host(cf, conf) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_aws_sigv4_advise(cf, conf);

    return NGX_OK;
}


/* heads in HTTP/2 frames cannot be sealed */

static ngx_int_t
ngx_http_aws_sigv4_check_protocol(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    if (conf->proxy.grpc) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"grpc_pass\" cannot be signed, write "
                      "\"aws_sigv4 off;\" in its location, or use "
                      "\"proxy_pass\"; \"aws_sigv4\" is on in %s:%ui",
                      conf->file, conf->line);
        return NGX_ERROR;
    }

    if (conf->proxy.pass != NULL && conf->proxy.http2) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "requests of \"proxy_http_version 2\" cannot be signed, "
                      "write \"proxy_http_version 1.1;\" for the "
                      "\"proxy_pass\" in %s:%ui",
                      conf->proxy.pass->file, conf->proxy.pass->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_check_host(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_str_t                  *host;
    ngx_http_aws_sigv4_pass_t  *pass;

    pass = conf->proxy.pass;

    host = ngx_http_aws_sigv4_literal_host(conf);

    conf->variable_host = (host == NULL);

    if (host != NULL && conf->hook == NULL
        && !ngx_http_aws_sigv4_is_host(host))
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"%V\" is no host to sign for, look at "
                      "\"aws_sigv4_host\" and \"proxy_set_header Host\" for "
                      "the \"proxy_pass\" in %s:%ui", host, pass->file,
                      pass->line);
        return NGX_ERROR;
    }

    if (host != NULL && !pass->variable_authority) {
        return ngx_http_aws_sigv4_check_scope(cf, conf, host);
    }

    if (conf->allow_hosts == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"aws_sigv4_allow_hosts\" is required, since the host "
                      "that is signed for or connected to contains a "
                      "variable: list the hosts, for example "
                      "\"aws_sigv4_allow_hosts *.amazonaws.com;\", for the "
                      "\"proxy_pass\" in %s:%ui", pass->file, pass->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* the Host that is sent, or NULL if it contains a variable */

static ngx_str_t *
ngx_http_aws_sigv4_literal_host(ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_aws_sigv4_pass_t    *pass;
    ngx_http_aws_sigv4_header_t  *header;

    static ngx_str_t  name = ngx_string("host");

    if (conf->host != NULL) {
        return conf->host->lengths ? NULL : &conf->host->value;
    }

    pass = conf->proxy.pass;
    header = ngx_http_aws_sigv4_proxy_header(conf, &name);

    if (header != NULL
        && (header->source.len != 11
            || ngx_strncmp(header->source.data, "$proxy_host", 11) != 0))
    {
        return ngx_http_script_variables_count(&header->source)
               ? NULL : &header->source;
    }

    if (pass->url == NULL) {
        return &pass->host;
    }

    return pass->variable_authority ? NULL : &pass->host;
}


static ngx_int_t
ngx_http_aws_sigv4_check_scope(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf, ngx_str_t *host)
{
    ngx_int_t  rc;

    rc = ngx_http_aws_sigv4_look_up(cf, host, &conf->known);

    if (rc == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (rc == NGX_OK) {
        conf->known_host = *host;

        if (!conf->known.asymmetric) {
            return NGX_OK;
        }

        conf->known_host.len = 0;

        if (ngx_http_aws_sigv4_unset(conf->service)
            || ngx_http_aws_sigv4_unset(conf->region))
        {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "host \"%V\" takes Signature Version 4A only, "
                          "which is not supported, name another host in the "
                          "\"proxy_pass\" in %s:%ui", host,
                          conf->proxy.pass->file, conf->proxy.pass->line);
            return NGX_ERROR;
        }

        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_unset(conf->service)
        && conf->hook == NULL
        && !conf->proxy.lua)
    {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "no service can be inferred from host \"%V\", set "
                      "\"aws_sigv4_service\" and \"aws_sigv4_region\", or "
                      "\"aws_sigv4_host\", for the \"proxy_pass\" in %s:%ui",
                      host, conf->proxy.pass->file, conf->proxy.pass->line);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* an empty value leaves it to the host */

ngx_uint_t
ngx_http_aws_sigv4_unset(ngx_http_complex_value_t *cv)
{
    return cv == NULL || (cv->lengths == NULL && cv->value.len == 0);
}


ngx_int_t
ngx_http_aws_sigv4_look_up(ngx_conf_t *cf, ngx_str_t *host,
    sigv4_endpoint_t *ep)
{
    ngx_str_t  name;

    name.len = host->len;
    name.data = ngx_pnalloc(cf->pool, host->len + 1);
    if (name.data == NULL) {
        return NGX_ERROR;
    }

    ngx_strlow(name.data, host->data, host->len);

    return (sigv4_endpoint(ngx_http_aws_sigv4_str(&name), ep) == SIGV4_OK)
           ? NGX_OK : NGX_DECLINED;
}
