
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cloudwatch.h"
#include "providers/ngx_http_aws_sigv4_remote.h"
#include "core/sigv4_endpoint.h"


#define NGX_HTTP_AWS_SIGV4_CW_INTERVAL    60000
#define NGX_HTTP_AWS_SIGV4_CW_NAMESPACE   255


/* the parameters */
enum {
    NGX_HTTP_AWS_SIGV4_CW_PARAM_NAMESPACE = 0,
    NGX_HTTP_AWS_SIGV4_CW_PARAM_REGION,
    NGX_HTTP_AWS_SIGV4_CW_PARAM_CREDENTIALS,
    NGX_HTTP_AWS_SIGV4_CW_PARAM_INTERVAL,
    NGX_HTTP_AWS_SIGV4_CW_PARAM_ENDPOINT,
    NGX_HTTP_AWS_SIGV4_CW_PARAM_CA_FILE,
    NGX_HTTP_AWS_SIGV4_CW_PARAMS
};


static char *ngx_http_aws_sigv4_cloudwatch_params(ngx_conf_t *cf,
    ngx_str_t *params);
static char *ngx_http_aws_sigv4_cloudwatch_check(ngx_conf_t *cf,
    ngx_http_aws_sigv4_cloudwatch_t *cw, ngx_str_t *params);
static ngx_uint_t ngx_http_aws_sigv4_cloudwatch_is_namespace(
    ngx_str_t *name);
static char *ngx_http_aws_sigv4_cloudwatch_origin(ngx_conf_t *cf,
    ngx_http_aws_sigv4_cloudwatch_t *cw, ngx_str_t *url);
static ngx_int_t ngx_http_aws_sigv4_cloudwatch_zone_init(
    ngx_shm_zone_t *shm_zone, void *data);


static ngx_str_t  ngx_http_aws_sigv4_cloudwatch_names[] = {
    ngx_string("namespace="),
    ngx_string("region="),
    ngx_string("credentials="),
    ngx_string("interval="),
    ngx_string("endpoint="),
    ngx_string("ca_file=")
};


char *
ngx_http_aws_sigv4_cloudwatch(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_aws_sigv4_main_conf_t *smcf = conf;

    ngx_str_t                         params[NGX_HTTP_AWS_SIGV4_CW_PARAMS];
    ngx_http_aws_sigv4_cloudwatch_t  *cw;

    if (smcf->cloudwatch != NULL) {
        return "is duplicate";
    }

    cw = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_cloudwatch_t));
    if (cw == NULL) {
        return NGX_CONF_ERROR;
    }

    smcf->cloudwatch = cw;

    cw->file = cf->conf_file->file.name.data;
    cw->line = cf->conf_file->line;

    ngx_memzero(params, sizeof(params));

    if (ngx_http_aws_sigv4_cloudwatch_params(cf, params) != NGX_CONF_OK) {
        return NGX_CONF_ERROR;
    }

    return ngx_http_aws_sigv4_cloudwatch_check(cf, cw, params);
}


static char *
ngx_http_aws_sigv4_cloudwatch_params(ngx_conf_t *cf, ngx_str_t *params)
{
    ngx_str_t   *value, *name;
    ngx_uint_t   i, n;

    value = cf->args->elts;
    name = ngx_http_aws_sigv4_cloudwatch_names;

    for (i = 1; i < cf->args->nelts; i++) {

        for (n = 0; n < NGX_HTTP_AWS_SIGV4_CW_PARAMS; n++) {

            if (value[i].len >= name[n].len
                && ngx_memcmp(value[i].data, name[n].data, name[n].len) == 0)
            {
                break;
            }
        }

        if (n == NGX_HTTP_AWS_SIGV4_CW_PARAMS) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\", "
                               "\"aws_sigv4_cloudwatch\" has \"namespace=\", "
                               "\"region=\", \"credentials=\", "
                               "\"interval=\", \"endpoint=\" and "
                               "\"ca_file=\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        if (params[n].data != NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "duplicate parameter \"%V\" of "
                               "\"aws_sigv4_cloudwatch\"", &value[i]);
            return NGX_CONF_ERROR;
        }

        params[n].data = value[i].data + name[n].len;
        params[n].len = value[i].len - name[n].len;

        if (params[n].len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "parameter \"%V\" of "
                               "\"aws_sigv4_cloudwatch\" has no value",
                               &value[i]);
            return NGX_CONF_ERROR;
        }
    }

    for (n = 0; n <= NGX_HTTP_AWS_SIGV4_CW_PARAM_REGION; n++) {

        if (params[n].data == NULL) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aws_sigv4_cloudwatch\" requires \"%V\"",
                               &name[n]);
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


static char *
ngx_http_aws_sigv4_cloudwatch_check(ngx_conf_t *cf,
    ngx_http_aws_sigv4_cloudwatch_t *cw, ngx_str_t *params)
{
    ngx_int_t   interval;
    ngx_str_t  *value;

    cw->namespace = params[NGX_HTTP_AWS_SIGV4_CW_PARAM_NAMESPACE];
    cw->region = params[NGX_HTTP_AWS_SIGV4_CW_PARAM_REGION];
    cw->credentials = params[NGX_HTTP_AWS_SIGV4_CW_PARAM_CREDENTIALS];
    cw->ca_file = params[NGX_HTTP_AWS_SIGV4_CW_PARAM_CA_FILE];
    cw->interval = NGX_HTTP_AWS_SIGV4_CW_INTERVAL;

    if (cw->credentials.len == 0) {
        ngx_str_set(&cw->credentials, "default");
    }

    if (!ngx_http_aws_sigv4_cloudwatch_is_namespace(&cw->namespace)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid namespace \"%V\" of "
                           "\"aws_sigv4_cloudwatch\", write at most %d "
                           "letters, digits and \"._-/#:\", without "
                           "\"AWS/\" or \":\" in front", &cw->namespace,
                           NGX_HTTP_AWS_SIGV4_CW_NAMESPACE);
        return NGX_CONF_ERROR;
    }

    if (!sigv4_is_scope_part(ngx_http_aws_sigv4_str(&cw->region))) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid region \"%V\" of "
                           "\"aws_sigv4_cloudwatch\", write one like "
                           "us-east-1", &cw->region);
        return NGX_CONF_ERROR;
    }

    value = &params[NGX_HTTP_AWS_SIGV4_CW_PARAM_INTERVAL];

    if (value->data != NULL) {
        interval = ngx_parse_time(value, 0);

        if (interval == NGX_ERROR || interval < 1000
            || interval > 24 * 3600 * 1000)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid interval \"%V\" of "
                               "\"aws_sigv4_cloudwatch\", it can be from 1s "
                               "to 1d", value);
            return NGX_CONF_ERROR;
        }

        cw->interval = interval;
    }

    return ngx_http_aws_sigv4_cloudwatch_origin(cf, cw,
                             &params[NGX_HTTP_AWS_SIGV4_CW_PARAM_ENDPOINT]);
}


/* as the API reference has it; what begins with "AWS/" is not for others */

static ngx_uint_t
ngx_http_aws_sigv4_cloudwatch_is_namespace(ngx_str_t *name)
{
    u_char      c, ch;
    ngx_uint_t  i;

    for (i = 0; i < name->len; i++) {
        ch = name->data[i];
        c = ch | 0x20;

        if (!((c >= 'a' && c <= 'z') || (ch >= '0' && ch <= '9')
              || ch == '.' || ch == '_' || ch == '-' || ch == '/'
              || ch == '#' || ch == ':'))
        {
            return 0;
        }
    }

    return name->len <= NGX_HTTP_AWS_SIGV4_CW_NAMESPACE
           && name->data[0] != ':'
           && !(name->len >= sizeof("AWS/") - 1
                && ngx_memcmp(name->data, "AWS/", sizeof("AWS/") - 1) == 0);
}


static char *
ngx_http_aws_sigv4_cloudwatch_origin(ngx_conf_t *cf,
    ngx_http_aws_sigv4_cloudwatch_t *cw, ngx_str_t *url)
{
    char         *err;
    size_t        size;
    sigv4_str_t   suffix;

    if (url->data == NULL) {
        suffix = sigv4_endpoint_region_suffix(
                                      ngx_http_aws_sigv4_str(&cw->region), 0);

        size = sizeof("https://monitoring.") - 1 + cw->region.len
               + suffix.len;

        url->data = ngx_pnalloc(cf->pool, size);
        if (url->data == NULL) {
            return NGX_CONF_ERROR;
        }

        url->len = ngx_snprintf(url->data, size, "https://monitoring.%V%*s",
                                &cw->region, suffix.len, suffix.data)
                   - url->data;
    }

    err = ngx_http_aws_sigv4_origin(cf->pool, url, &cw->origin);

    if (err != NULL) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "invalid endpoint \"%V\" of "
                           "\"aws_sigv4_cloudwatch\": %s", url, err);
        return NGX_CONF_ERROR;
    }

    if (!cw->origin.tls && !cw->origin.loopback) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "endpoint \"%V\" of \"aws_sigv4_cloudwatch\" is "
                           "not on the loopback interface, where alone "
                           "CloudWatch may be told without TLS; write "
                           "https://", url);
        return NGX_CONF_ERROR;
    }

    if (!cw->origin.tls && cw->ca_file.len) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"ca_file=\" of \"aws_sigv4_cloudwatch\" needs "
                           "an endpoint with TLS; write https:// or remove "
                           "it");
        return NGX_CONF_ERROR;
    }

    if (cw->origin.tls) {
        cw->ssl = ngx_http_aws_sigv4_fetch_ssl(cf, "aws_sigv4_cloudwatch",
                                               &cw->ca_file);

        if (cw->ssl == NULL) {
            return NGX_CONF_ERROR;
        }
    }

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_aws_sigv4_cloudwatch_use(ngx_conf_t *cf,
    ngx_http_aws_sigv4_main_conf_t *smcf)
{
    ngx_http_aws_sigv4_cloudwatch_t  *cw;

    cw = smcf->cloudwatch;
    smcf->used = 1;

    cw->provider = ngx_http_aws_sigv4_provider_use(cf, &smcf->store,
                                                   &cw->credentials);
    if (cw->provider == NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"credentials=%V\" of the \"aws_sigv4_cloudwatch\" in "
                      "%s:%ui names no provider, define it with "
                      "\"aws_sigv4_provider %V <type>;\"",
                      &cw->credentials, cw->file, cw->line, &cw->credentials);
        return NGX_ERROR;
    }

    if (cw->origin.naddrs == 0) {
        cw->resolver = ngx_http_aws_sigv4_remote_resolver(cf);

        if (cw->resolver == NULL) {
            ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                          "the \"aws_sigv4_cloudwatch\" in %s:%ui has to "
                          "resolve \"%V\", set \"resolver\" in \"http\"",
                          cw->file, cw->line, &cw->origin.host);
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_aws_sigv4_cloudwatch_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_main_conf_t *smcf)
{
    size_t                            size;
    ngx_http_aws_sigv4_cloudwatch_t  *cw;

    static ngx_str_t  name = ngx_string("aws_sigv4_cloudwatch");

    cw = smcf->cloudwatch;
    cw->zone = smcf->store.zone;

    /* what the slab allocator has for itself, and for each page */

    size = sizeof(ngx_http_aws_sigv4_sent_t);
    size += 4 * ngx_pagesize
            + size / ngx_pagesize * sizeof(ngx_slab_page_t);

    cw->shm_zone = ngx_shared_memory_add(cf, &name,
                                         ngx_align(size, ngx_pagesize),
                                         &ngx_http_aws_sigv4_module);
    if (cw->shm_zone == NULL) {
        return NGX_ERROR;
    }

    cw->shm_zone->init = ngx_http_aws_sigv4_cloudwatch_zone_init;
    cw->shm_zone->data = cw;

    return NGX_OK;
}


/*
 * The workers of the configuration before still use it, and go on with it if
 * this one is given up: so nothing in it is changed here.
 */

static ngx_int_t
ngx_http_aws_sigv4_cloudwatch_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_aws_sigv4_cloudwatch_t *old = data;

    ngx_slab_pool_t                  *shpool;
    ngx_http_aws_sigv4_cloudwatch_t  *cw;

    cw = shm_zone->data;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    cw->mutex = &shpool->mutex;

    cw->sent = old ? old->sent
                   : ngx_slab_calloc(shpool,
                                     sizeof(ngx_http_aws_sigv4_sent_t));

    return cw->sent ? NGX_OK : NGX_ERROR;
}
