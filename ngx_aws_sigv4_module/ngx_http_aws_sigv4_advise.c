
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Warnings of nginx -t: configurations that are legal, and bound to fail or
 * to let in strangers.
 */


#include "ngx_http_aws_sigv4_module.h"


static void ngx_http_aws_sigv4_advise_tls(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_headers(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_payload(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_buffering(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_resolver(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static ngx_uint_t ngx_http_aws_sigv4_need_resolver(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass);
static ngx_str_t ngx_http_aws_sigv4_pass_name(
    ngx_http_aws_sigv4_pass_t *pass);
static ngx_uint_t ngx_http_aws_sigv4_is_address(ngx_str_t *name);
static void ngx_http_aws_sigv4_advise_satisfy(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_open(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static ngx_http_conf_addr_t *ngx_http_aws_sigv4_open_address(ngx_conf_t *cf);
static ngx_uint_t ngx_http_aws_sigv4_loopback(struct sockaddr *sa);


/* hosts whose answers are streams that somebody waits for */
static ngx_str_t  ngx_http_aws_sigv4_streaming[] = {
    ngx_string("bedrock-runtime"),
    ngx_string("bedrock-mantle"),
    ngx_string("bedrock-agent-runtime"),
    ngx_string("bedrock-agentcore"),
    ngx_string("runtime.sagemaker"),
    ngx_string("transcribestreaming"),
    ngx_null_string
};


void
ngx_http_aws_sigv4_advise(ngx_conf_t *cf, ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_aws_sigv4_advise_tls(cf, conf);
    ngx_http_aws_sigv4_advise_headers(cf, conf);
    ngx_http_aws_sigv4_advise_payload(cf, conf);
    ngx_http_aws_sigv4_advise_buffering(cf, conf);
    ngx_http_aws_sigv4_advise_resolver(cf, conf);
    ngx_http_aws_sigv4_advise_satisfy(cf, conf);
    ngx_http_aws_sigv4_advise_open(cf, conf);
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

    /* the body that is sent would not be the one that was signed */

    static ngx_str_t  framing[] = {
        ngx_string("content-length"),
        ngx_string("transfer-encoding"),
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

    for (name = framing; name->len; name++) {

        header = ngx_http_aws_sigv4_proxy_header(conf, name);

        if (header != NULL && header->source.len) {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "\"proxy_set_header %V\" may contradict the body "
                          "that is signed, and such a request is not sent, "
                          "remove it for the \"proxy_pass\" in %s:%ui",
                          name, conf->proxy.pass->file,
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


/* nginx collects a buffer before it passes on what a model has said */

static void
ngx_http_aws_sigv4_advise_buffering(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_str_t  *host, *name;

    host = &conf->known_host;

    if (!conf->proxy.buffering || host->len == 0) {
        return;
    }

    for (name = ngx_http_aws_sigv4_streaming; name->len; name++) {

        if (host->len > name->len
            && (host->data[name->len] == '.' || host->data[name->len] == '-')
            && ngx_strncasecmp(host->data, name->data, name->len) == 0)
        {
            ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                          "streams of \"%V\" are held back until a buffer "
                          "is full, write \"proxy_buffering off;\" for the "
                          "\"proxy_pass\" in %s:%ui", host,
                          conf->proxy.pass->file, conf->proxy.pass->line);
            return;
        }
    }
}


/*
 * With variables in proxy_pass even a literal name is looked up when the
 * request comes: in vain without a resolver, and the answer is 502.
 */

static void
ngx_http_aws_sigv4_advise_resolver(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_aws_sigv4_pass_t  *pass;

    pass = conf->proxy.pass;
    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (pass->url == NULL
        || (clcf->resolver != NULL && clcf->resolver->connections.nelts)
        || !ngx_http_aws_sigv4_need_resolver(cf, pass))
    {
        return;
    }

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "\"proxy_pass %V\" contains variables, and its host cannot "
                  "be resolved when a request comes, set \"resolver\", or "
                  "define an \"upstream\" of that name, for the "
                  "\"proxy_pass\" in %s:%ui", &pass->source, pass->file,
                  pass->line);
}


/* which upstream a variable names is not known: any that is defined */

static ngx_uint_t
ngx_http_aws_sigv4_need_resolver(ngx_conf_t *cf,
    ngx_http_aws_sigv4_pass_t *pass)
{
    ngx_str_t                        host;
    ngx_uint_t                       i;
    ngx_http_upstream_srv_conf_t   **uscf;
    ngx_http_upstream_main_conf_t   *umcf;

    host = ngx_http_aws_sigv4_pass_name(pass);

    if (ngx_http_aws_sigv4_is_address(&host)) {
        return 0;
    }

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    uscf = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if (host.len == 0) {

            if (uscf[i]->flags & NGX_HTTP_UPSTREAM_CREATE) {
                return 0;
            }

        } else if (uscf[i]->host.len == host.len
                   && ngx_strncasecmp(uscf[i]->host.data, host.data, host.len)
                      == 0)
        {
            return 0;
        }
    }

    return 1;
}


/* the host without its port; empty if a variable is in it */

static ngx_str_t
ngx_http_aws_sigv4_pass_name(ngx_http_aws_sigv4_pass_t *pass)
{
    u_char     *p, *last;
    ngx_str_t   name;

    ngx_str_null(&name);

    p = pass->source.data;
    last = p + pass->source.len;

    if (*p == '$') {
        return name;
    }

    p += pass->ssl ? 8 : 7;
    name.data = p;

    if (p < last && *p == '[') {

        /* an IPv6 address */

        name.len = last - p;
        return name;
    }

    while (p < last && *p != ':' && *p != '/' && *p != '?' && *p != '$') {
        p++;
    }

    if (pass->variable_authority && p < last && *p == '$') {
        return name;
    }

    name.len = p - name.data;

    return name;
}


static ngx_uint_t
ngx_http_aws_sigv4_is_address(ngx_str_t *name)
{
    return name->len
           && (name->data[0] == '['
               || ngx_inet_addr(name->data, name->len) != INADDR_NONE
               || (name->len == 4 && ngx_strncmp(name->data, "unix", 4) == 0));
}


/* one who is let in by an address needs no password, and the reverse */

static void
ngx_http_aws_sigv4_advise_satisfy(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->satisfy == NGX_HTTP_SATISFY_ANY) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "\"satisfy any\" lets everyone use the credentials "
                      "whom one of \"allow\", \"auth_basic\" and "
                      "\"auth_request\" lets in, write \"satisfy all;\" "
                      "for the \"proxy_pass\" in %s:%ui",
                      conf->proxy.pass->file, conf->proxy.pass->line);
    }
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
