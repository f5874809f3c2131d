
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Warnings of nginx -t: configurations that are legal, and bound to fail or
 * to let in strangers.
 */


#include "ngx_http_aws_sigv4_advise.h"


static void ngx_http_aws_sigv4_advise_tls(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_name(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_payload(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static void ngx_http_aws_sigv4_advise_buffering(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);


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
    ngx_http_aws_sigv4_advise_scope(cf, conf);
    ngx_http_aws_sigv4_advise_payload(cf, conf);
    ngx_http_aws_sigv4_advise_buffering(cf, conf);
    ngx_http_aws_sigv4_advise_resolver(cf, conf);
    ngx_http_aws_sigv4_advise_access(cf, conf);
    ngx_http_aws_sigv4_advise_series(cf, conf);
}


void
ngx_http_aws_sigv4_warn(ngx_conf_t *cf, ngx_http_aws_sigv4_loc_conf_t *conf,
    const char *fmt, ...)
{
    u_char                          *p, *last;
    va_list                          args;
    ngx_str_t                        text;
    u_char                           buf[NGX_MAX_ERROR_STR];
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    last = buf + NGX_MAX_ERROR_STR;

    va_start(args, fmt);
    p = ngx_vslprintf(buf, last, fmt, args);
    va_end(args);

    p = ngx_slprintf(p, last, " for the \"proxy_pass\" in %s:%ui",
                     conf->proxy.pass->file, conf->proxy.pass->line);

    text.data = buf;
    text.len = p - buf;

    if (!ngx_http_aws_sigv4_told(cf, &smcf->told, &text)) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0, "%V", &text);
    }
}


ngx_uint_t
ngx_http_aws_sigv4_told(ngx_conf_t *cf, ngx_rbtree_t *tree, ngx_str_t *text)
{
    uint32_t         hash;
    ngx_str_node_t  *node;

    hash = ngx_crc32_long(text->data, text->len);

    if (ngx_str_rbtree_lookup(tree, text, hash) != NULL) {
        return 1;
    }

    node = ngx_palloc(cf->pool, sizeof(ngx_str_node_t));
    if (node == NULL) {
        return 0;
    }

    node->str.len = text->len;
    node->str.data = ngx_pstrdup(cf->pool, text);
    if (node->str.data == NULL) {
        return 0;
    }

    node->node.key = hash;

    ngx_rbtree_insert(tree, &node->node);

    return 0;
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
            ngx_http_aws_sigv4_warn(cf, conf,
                          "requests to \"%V\" are sent in clear text, the "
                          "session token among them, write \"https://\"",
                          &pass->host);
        }

        return;
    }

    if (!conf->proxy.ssl_verify) {
        ngx_http_aws_sigv4_warn(cf, conf,
                      "the certificate of the upstream is not verified, write "
                      "\"proxy_ssl_verify on;\" and "
                      "\"proxy_ssl_trusted_certificate\"");

    } else {
        ngx_http_aws_sigv4_advise_name(cf, conf);
    }

    if (!conf->proxy.ssl_server_name) {
        ngx_http_aws_sigv4_warn(cf, conf,
                      "the upstream is not told the name of the host, write "
                      "\"proxy_ssl_server_name on;\"");
    }
}


/* no certificate of AWS is for the name of an "upstream" without a dot */

static void
ngx_http_aws_sigv4_advise_name(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_str_t                       *name;
    ngx_uint_t                       i;
    ngx_http_upstream_srv_conf_t   **uscf;
    ngx_http_upstream_main_conf_t   *umcf;

    name = &conf->proxy.pass->host;

    if (conf->proxy.ssl_name
        || conf->known_host.len == 0
        || conf->proxy.pass->url != NULL
        || ngx_strlchr(name->data, name->data + name->len, '.') != NULL)
    {
        return;
    }

    umcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_upstream_module);
    uscf = umcf->upstreams.elts;

    for (i = 0; i < umcf->upstreams.nelts; i++) {

        if ((uscf[i]->flags & NGX_HTTP_UPSTREAM_CREATE)
            && uscf[i]->host.len == name->len
            && ngx_strncasecmp(uscf[i]->host.data, name->data, name->len)
               == 0)
        {
            ngx_http_aws_sigv4_warn(cf, conf,
                          "the certificate would have to be one of \"%V\", "
                          "which is the name of an \"upstream\", write "
                          "\"proxy_ssl_name %V;\"", name, &conf->known_host);
            return;
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

    ngx_http_aws_sigv4_warn(cf, conf,
                  "service \"%V\" does not take unsigned payloads, bodies "
                  "are hashed in spite of \"aws_sigv4_payload unsigned\", "
                  "remove it", &service);
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
            ngx_http_aws_sigv4_warn(cf, conf,
                          "streams of \"%V\" are held back until a buffer "
                          "is full, write \"proxy_buffering off;\"", host);
            return;
        }
    }
}
