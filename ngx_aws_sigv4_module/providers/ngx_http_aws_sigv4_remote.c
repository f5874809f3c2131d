
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "ngx_http_aws_sigv4_remote.h"
#include "ngx_http_aws_sigv4_refresh.h"


ngx_int_t
ngx_http_aws_sigv4_remote_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_uint_t                   i;
    ngx_http_aws_sigv4_param_t  *param;

    p->remote = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_remote_t));
    if (p->remote == NULL) {
        return NGX_ERROR;
    }

    ngx_http_aws_sigv4_remote_key(p, &p->type->name);

    param = p->type->params;

    for (i = 0; param[i].name.len; i++) {
        ngx_http_aws_sigv4_remote_key(p, &p->params[i]);
    }

    (void) ngx_http_aws_sigv4_provider_error(p, NGX_OK,
                                             "they have not come yet");

    return NGX_OK;
}


/* each value is hashed with its length and with the key so far */

void
ngx_http_aws_sigv4_remote_key(ngx_http_aws_sigv4_provider_t *p,
    ngx_str_t *value)
{
    int                           rc;
    uint64_t                      len;
    sigv4_hash_t                 *hash;
    sigv4_crypto_t               *crypto;
    ngx_http_aws_sigv4_remote_t  *remote;

    remote = p->remote;
    len = value->len;
    rc = SIGV4_ERROR;

    crypto = sigv4_crypto_create();
    hash = crypto ? sigv4_hash_create(crypto) : NULL;

    if (hash != NULL) {
        rc = sigv4_hash_update(hash, remote->key, SIGV4_SHA256_LEN);

        if (rc == SIGV4_OK) {
            rc = sigv4_hash_update(hash, &len, sizeof(uint64_t));
        }

        if (rc == SIGV4_OK && len) {
            rc = sigv4_hash_update(hash, value->data, value->len);
        }

        if (rc == SIGV4_OK) {
            rc = sigv4_hash_final(hash, remote->key);
        }

        sigv4_hash_destroy(hash);
    }

    if (crypto != NULL) {
        sigv4_crypto_destroy(crypto);
    }

    if (rc != SIGV4_OK) {
        remote->no_key = 1;
    }
}


void
ngx_http_aws_sigv4_remote_key_source(ngx_http_aws_sigv4_provider_t *p,
    ngx_http_aws_sigv4_provider_t *source)
{
    ngx_str_t             key;
    sigv4_credentials_t  *value;

    if (source->source != NULL) {
        source = source->source;
    }

    if (source->remote != NULL) {
        key.data = source->remote->key;
        key.len = SIGV4_SHA256_LEN;

        ngx_http_aws_sigv4_remote_key(p, &key);
        return;
    }

    ngx_http_aws_sigv4_remote_key(p, &source->type->name);
    ngx_http_aws_sigv4_remote_key(p, &source->name);

    if (source->credentials != NULL) {
        value = &source->credentials->value;

        key.data = (u_char *) value->access_key_id.data;
        key.len = value->access_key_id.len;

        ngx_http_aws_sigv4_remote_key(p, &key);
    }
}


ngx_int_t
ngx_http_aws_sigv4_remote_origin(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *url, const char *from,
    ngx_str_t *ca_file, ngx_http_aws_sigv4_origin_t *origin)
{
    char                         *err;
    ngx_http_aws_sigv4_remote_t  *remote;

    remote = p->remote;

    err = ngx_http_aws_sigv4_origin(cf->pool, url, origin);

    if (err != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": URL \"%V\" in %s of "
                           "provider \"%V\": %s", url, from, &p->name, err);
        return NGX_ERROR;
    }

    if (origin->naddrs == 0) {
        remote->resolver = ngx_http_aws_sigv4_remote_resolver(cf);

        if (remote->resolver == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aws_sigv4_provider\": provider \"%V\" "
                               "has to resolve \"%V\", set \"resolver\" in "
                               "\"http\"", &p->name, &origin->host);
            return NGX_ERROR;
        }
    }

    if (origin->tls && remote->ssl == NULL) {
        remote->ssl = ngx_http_aws_sigv4_fetch_ssl(cf, "aws_sigv4_provider",
                                                   ca_file);

        if (remote->ssl == NULL) {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


/* without the directive nginx makes one that has no servers */

ngx_resolver_t *
ngx_http_aws_sigv4_remote_resolver(ngx_conf_t *cf)
{
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    if (clcf->resolver == NULL || clcf->resolver->connections.nelts == 0) {
        return NULL;
    }

    return clcf->resolver;
}


ngx_int_t
ngx_http_aws_sigv4_remote_load(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log)
{
    if (p->remote == NULL) {
        return NGX_DECLINED;
    }

    if (p->remote->no_key) {
        return ngx_http_aws_sigv4_provider_error(p, NGX_ERROR,
                                                 "SHA-256 failed");
    }

    return NGX_OK;
}


void
ngx_http_aws_sigv4_remote_refresh(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log)
{
    ngx_http_aws_sigv4_remote_t  *remote;

    remote = p->remote;

    if (remote == NULL || remote->slot == NULL) {
        return;
    }

    if (!remote->active) {
        ngx_http_aws_sigv4_refresh_start(p);
    }

    if (remote->version != remote->slot->version) {
        ngx_http_aws_sigv4_refresh_check(p);
    }
}
