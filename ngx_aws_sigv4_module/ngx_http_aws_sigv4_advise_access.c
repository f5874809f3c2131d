
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Warnings of strangers who may use the credentials.
 */


#include "ngx_http_aws_sigv4_advise.h"


static void ngx_http_aws_sigv4_advise_satisfy(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_open(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static ngx_http_conf_addr_t *ngx_http_aws_sigv4_open_address(ngx_conf_t *cf);
static ngx_uint_t ngx_http_aws_sigv4_loopback(struct sockaddr *sa);


void
ngx_http_aws_sigv4_advise_access(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_aws_sigv4_advise_satisfy(cf, conf);
    ngx_http_aws_sigv4_advise_open(cf, conf);
}


/* one who is let in by an address needs no password, and the reverse */

static void
ngx_http_aws_sigv4_advise_satisfy(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_uint_t                   checks;
    ngx_http_core_loc_conf_t    *clcf;
    ngx_http_aws_sigv4_proxy_t  *proxy;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    proxy = &conf->proxy;

    checks = (proxy->allow || proxy->deny)
             + proxy->auth_basic + proxy->auth_request + proxy->access_lua;

    if (clcf->satisfy == NGX_HTTP_SATISFY_ANY && checks > 1) {
        ngx_http_aws_sigv4_warn(cf, conf,
                      "\"satisfy any\" lets everyone use the credentials "
                      "whom one of \"allow\", \"auth_basic\", "
                      "\"auth_request\" and \"access_by_lua\" lets in, write "
                      "\"satisfy all;\"");
    }
}


/* anyone who can connect would use the credentials */

static void
ngx_http_aws_sigv4_advise_open(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_conf_addr_t        *addr;
    ngx_http_aws_sigv4_proxy_t  *proxy;

    proxy = &conf->proxy;

    if (proxy->deny || proxy->auth_basic || proxy->auth_request
        || proxy->access_lua || proxy->client_cert || proxy->internal
        || conf->hook != NULL)
    {
        return;
    }

    addr = ngx_http_aws_sigv4_open_address(cf);

    if (addr != NULL) {
        ngx_http_aws_sigv4_warn(cf, conf,
                      "everyone who reaches %V can use the credentials, "
                      "listen on 127.0.0.1, or add \"allow\" and \"deny\", "
                      "\"auth_basic\" or \"auth_request\"",
                      &addr->opt.addr_text);
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
