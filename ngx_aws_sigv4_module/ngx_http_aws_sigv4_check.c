
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
static ngx_uint_t ngx_http_aws_sigv4_unset(ngx_http_complex_value_t *cv);
static ngx_int_t ngx_http_aws_sigv4_look_up(ngx_conf_t *cf, ngx_str_t *host,
    sigv4_endpoint_t *ep);
static void ngx_http_aws_sigv4_advise_tls(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_headers(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_payload(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_open(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static ngx_http_conf_addr_t *ngx_http_aws_sigv4_open_address(ngx_conf_t *cf);
static ngx_uint_t ngx_http_aws_sigv4_loopback(struct sockaddr *sa);


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

    ngx_http_aws_sigv4_advise_tls(cf, conf);
    ngx_http_aws_sigv4_advise_headers(cf, conf);
    ngx_http_aws_sigv4_advise_payload(cf, conf);
    ngx_http_aws_sigv4_advise_open(cf, conf);

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

static ngx_uint_t
ngx_http_aws_sigv4_unset(ngx_http_complex_value_t *cv)
{
    return cv == NULL || (cv->lengths == NULL && cv->value.len == 0);
}


static ngx_int_t
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


static void
ngx_http_aws_sigv4_advise_tls(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    sigv4_endpoint_t            ep;
    ngx_http_aws_sigv4_pass_t  *pass;

    pass = conf->proxy.pass;

    if (!pass->ssl) {

        if (ngx_http_aws_sigv4_look_up(cf, &pass->host, &ep) == NGX_OK) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "requests to \"%V\" are sent in clear text, the "
                          "session token among them, write \"https://\" in "
                          "the \"proxy_pass\" in %s:%ui", &pass->host,
                          pass->file, pass->line);
        }

        return;
    }

    if (!conf->proxy.ssl_verify) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "the certificate of the upstream is not verified, write "
                      "\"proxy_ssl_verify on;\" and "
                      "\"proxy_ssl_trusted_certificate\" for the "
                      "\"proxy_pass\" in %s:%ui", pass->file, pass->line);
    }

    if (!conf->proxy.ssl_server_name) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "the upstream is not told the name of the host, write "
                      "\"proxy_ssl_server_name on;\" for the \"proxy_pass\" "
                      "in %s:%ui", pass->file, pass->line);
    }
}


static void
ngx_http_aws_sigv4_advise_headers(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_str_t                    *name;
    ngx_http_aws_sigv4_header_t  *header;

    static ngx_str_t  replaced[] = {
        ngx_string("authorization"),
        ngx_string("x-amz-date"),
        ngx_string("x-amz-content-sha256"),
        ngx_string("x-amz-security-token"),
        ngx_null_string
    };

    for (name = replaced; name->len; name++) {

        header = ngx_http_aws_sigv4_proxy_header(conf, name);

        if (header != NULL && header->source.len) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"proxy_set_header %V\" has no effect, the "
                          "signature replaces it for the \"proxy_pass\" in "
                          "%s:%ui", name, conf->proxy.pass->file,
                          conf->proxy.pass->line);
        }
    }
}


static void
ngx_http_aws_sigv4_advise_payload(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_str_t  service;

    if (conf->payload != NGX_HTTP_AWS_SIGV4_PAYLOAD_UNSIGNED) {
        return;
    }

    if (!ngx_http_aws_sigv4_unset(conf->service)) {

        if (conf->service->lengths != NULL) {
            return;
        }

        service = conf->service->value;

    } else {

        if (conf->known_host.len == 0) {
            return;
        }

        service.len = conf->known.service.len;
        service.data = (u_char *) conf->known.service.data;
    }

    if (ngx_http_aws_sigv4_takes_unsigned(&service)) {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "service \"%V\" does not take unsigned payloads, bodies "
                  "are hashed in spite of \"aws_sigv4_payload unsigned\" for "
                  "the \"proxy_pass\" in %s:%ui", &service,
                  conf->proxy.pass->file, conf->proxy.pass->line);
}


/* anyone who can connect would use the credentials */

static void
ngx_http_aws_sigv4_advise_open(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_conf_addr_t  *addr;

    if (conf->proxy.guarded || conf->hook != NULL) {
        return;
    }

    addr = ngx_http_aws_sigv4_open_address(cf);

    if (addr != NULL) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "everyone who reaches %V can use the credentials of "
                      "the \"proxy_pass\" in %s:%ui, listen on 127.0.0.1, or "
                      "add \"allow\" and \"deny\", \"auth_basic\" or "
                      "\"auth_request\"", &addr->opt.addr_text,
                      conf->proxy.pass->file, conf->proxy.pass->line);
    }
}


/* an address beyond the machine that the server of the location listens on */

static ngx_http_conf_addr_t *
ngx_http_aws_sigv4_open_address(ngx_conf_t *cf)
{
    ngx_uint_t                   i, k, n;
    ngx_http_conf_addr_t        *addr;
    ngx_http_conf_port_t        *port;
    ngx_http_core_srv_conf_t    *cscf, **server;
    ngx_http_core_main_conf_t   *cmcf;

    cmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
    cscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);

    if (cmcf->ports == NULL) {
        return NULL;
    }

    port = cmcf->ports->elts;

    for (i = 0; i < cmcf->ports->nelts; i++) {
        addr = port[i].addrs.elts;

        for (k = 0; k < port[i].addrs.nelts; k++) {

            if (ngx_http_aws_sigv4_loopback(addr[k].opt.sockaddr)) {
                continue;
            }

            server = addr[k].servers.elts;

            for (n = 0; n < addr[k].servers.nelts; n++) {
                if (server[n] == cscf) {
                    return &addr[k];
                }
            }
        }
    }

    return NULL;
}


static ngx_uint_t
ngx_http_aws_sigv4_loopback(struct sockaddr *sa)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    switch (sa->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sa;
        return IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
#endif

#if (NGX_HAVE_UNIX_DOMAIN)
    case AF_UNIX:
        return 1;
#endif

    default: /* AF_INET */
        sin = (struct sockaddr_in *) sa;
        return (ntohl(sin->sin_addr.s_addr) >> 24) == 127;
    }
}
