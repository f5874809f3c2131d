
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_fetch.h"


static char *ngx_http_aws_sigv4_origin_check(ngx_str_t *url);
static ngx_uint_t ngx_http_aws_sigv4_origin_is_name(ngx_str_t *host);
static char *ngx_http_aws_sigv4_origin_names(ngx_pool_t *pool,
    ngx_http_aws_sigv4_origin_t *origin, ngx_url_t *u);
static char *ngx_http_aws_sigv4_origin_localhost(ngx_pool_t *pool,
    ngx_http_aws_sigv4_origin_t *origin);
static ngx_uint_t ngx_http_aws_sigv4_origin_is_loopback(
    struct sockaddr *sockaddr);


char *
ngx_http_aws_sigv4_origin(ngx_pool_t *pool, ngx_str_t *url,
    ngx_http_aws_sigv4_origin_t *origin)
{
    char       *err;
    size_t      scheme;
    ngx_url_t   u;

    ngx_memzero(origin, sizeof(ngx_http_aws_sigv4_origin_t));

    err = ngx_http_aws_sigv4_origin_check(url);
    if (err != NULL) {
        return err;
    }

    scheme = sizeof("http://") - 1;

    if (url->len >= scheme + 1
        && ngx_strncasecmp(url->data, (u_char *) "https://", scheme + 1) == 0)
    {
        scheme++;
        origin->tls = 1;

    } else if (url->len < scheme
               || ngx_strncasecmp(url->data, (u_char *) "http://", scheme)
                  != 0)
    {
        return "it does not begin with http:// or https://";
    }

    ngx_memzero(&u, sizeof(ngx_url_t));

    u.url.len = url->len - scheme;
    u.url.data = url->data + scheme;
    u.default_port = origin->tls ? 443 : 80;
    u.uri_part = 1;
    u.no_resolve = 1;

    if (ngx_parse_url(pool, &u) != NGX_OK) {
        return u.err ? u.err : "there is no memory";
    }

    if (u.family == AF_UNIX
        || (u.naddrs == 0 && !ngx_http_aws_sigv4_origin_is_name(&u.host)))
    {
        return "invalid host";
    }

    origin->port = u.port;
    origin->addrs = u.addrs;
    origin->naddrs = u.naddrs;
    origin->literal = u.naddrs != 0;

    if (u.naddrs != 0) {
        origin->loopback = ngx_http_aws_sigv4_origin_is_loopback(
                                                         u.addrs[0].sockaddr);
    }

    err = ngx_http_aws_sigv4_origin_names(pool, origin, &u);
    if (err != NULL) {
        return err;
    }

    if (origin->host.len == sizeof("localhost") - 1
        && ngx_strncasecmp(origin->host.data, (u_char *) "localhost",
                           sizeof("localhost") - 1)
           == 0)
    {
        return ngx_http_aws_sigv4_origin_localhost(pool, origin);
    }

    return NULL;
}


/* what no part of a URL may have, as it goes into a request as it is */

static char *
ngx_http_aws_sigv4_origin_check(ngx_str_t *url)
{
    ngx_uint_t  i;

    for (i = 0; i < url->len; i++) {

        if (url->data[i] <= 0x20 || url->data[i] >= 0x7f) {
            return "it has a space or a byte that is not ASCII";
        }

        if (url->data[i] == '#') {
            return "it has a fragment";
        }
    }

    return NULL;
}


/* without user information before it */

static ngx_uint_t
ngx_http_aws_sigv4_origin_is_name(ngx_str_t *host)
{
    u_char      c, ch;
    ngx_uint_t  i;

    for (i = 0; i < host->len; i++) {
        ch = host->data[i];
        c = ch | 0x20;

        if (!((c >= 'a' && c <= 'z')
              || (ch >= '0' && ch <= '9')
              || ch == '-' || ch == '.' || ch == '_'))
        {
            return 0;
        }
    }

    return host->len != 0 && host->len < 256;
}


static char *
ngx_http_aws_sigv4_origin_names(ngx_pool_t *pool,
    ngx_http_aws_sigv4_origin_t *origin, ngx_url_t *u)
{
    u_char      *p, *last;
    size_t       size, scheme;
    ngx_str_t    host;
    ngx_uint_t   bare;

    host = u->host;

    if (host.data[0] == '[') {
        host.data++;
        host.len -= 2;
    }

    scheme = origin->tls ? sizeof("https://") - 1 : sizeof("http://") - 1;

    size = scheme + u->host.len + sizeof(":65535") - 1
           + host.len + 1
           + sizeof("/") - 1 + u->uri.len;

    p = ngx_pnalloc(pool, size);
    if (p == NULL) {
        return "there is no memory";
    }

    last = p + size;
    bare = u->port == u->default_port;

    origin->name.data = p;
    p = ngx_slprintf(p, last, bare ? "%s%V" : "%s%V:%d",
                     origin->tls ? "https://" : "http://", &u->host,
                     (int) u->port);
    origin->name.len = p - origin->name.data;

    origin->authority.data = origin->name.data + scheme;
    origin->authority.len = origin->name.len - scheme;

    origin->host.data = p;
    origin->host.len = host.len;
    p = ngx_slprintf(p, last, "%V%Z", &host);

    origin->uri.data = p;
    p = ngx_slprintf(p, last, "%s%V",
                     u->uri.len == 0 || u->uri.data[0] != '/' ? "/" : "",
                     &u->uri);
    origin->uri.len = p - origin->uri.data;

    return NULL;
}


/* RFC 6761, 6.3: no server is asked for it; here, a name of both loopbacks */

static char *
ngx_http_aws_sigv4_origin_localhost(ngx_pool_t *pool,
    ngx_http_aws_sigv4_origin_t *origin)
{
    ngx_uint_t   i;
    ngx_addr_t  *addr;

    static ngx_str_t  loopback[] = {
        ngx_string("127.0.0.1"),
#if (NGX_HAVE_INET6)
        ngx_string("::1"),
#endif
        ngx_null_string
    };

    origin->addrs = ngx_pcalloc(pool, sizeof(loopback) / sizeof(ngx_str_t)
                                      * sizeof(ngx_addr_t));
    if (origin->addrs == NULL) {
        return "there is no memory";
    }

    for (i = 0; loopback[i].len; i++) {
        addr = &origin->addrs[i];

        if (ngx_parse_addr(pool, addr, loopback[i].data, loopback[i].len)
            != NGX_OK)
        {
            return "there is no memory";
        }

        ngx_inet_set_port(addr->sockaddr, origin->port);

        addr->name.data = ngx_pnalloc(pool, NGX_SOCKADDR_STRLEN);
        if (addr->name.data == NULL) {
            return "there is no memory";
        }

        addr->name.len = ngx_sock_ntop(addr->sockaddr, addr->socklen,
                                       addr->name.data, NGX_SOCKADDR_STRLEN,
                                       1);
    }

    origin->naddrs = i;
    origin->loopback = 1;

    return NULL;
}


static ngx_uint_t
ngx_http_aws_sigv4_origin_is_loopback(struct sockaddr *sockaddr)
{
    struct sockaddr_in   *sin;
#if (NGX_HAVE_INET6)
    struct sockaddr_in6  *sin6;
#endif

    switch (sockaddr->sa_family) {

#if (NGX_HAVE_INET6)
    case AF_INET6:
        sin6 = (struct sockaddr_in6 *) sockaddr;
        return IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr);
#endif

    case AF_INET:
        sin = (struct sockaddr_in *) sockaddr;
        return (ntohl(sin->sin_addr.s_addr) >> 24) == 127;
    }

    return 0;
}
