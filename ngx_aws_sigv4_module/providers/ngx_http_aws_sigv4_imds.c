
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The instance metadata service of EC2, version 2 alone: a token by PUT,
 * and with it the name of the role and then its credentials.  Version 1,
 * which any GET that somebody can be made to send may read, is not used.
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_imds.h"
#include "ngx_http_aws_sigv4_profile.h"


#define NGX_HTTP_AWS_SIGV4_IMDS_IPV4      "http://169.254.169.254"
#define NGX_HTTP_AWS_SIGV4_IMDS_IPV6      "http://[fd00:ec2::254]"

/* more than SDKs allow would hold an attempt up too long */
#define NGX_HTTP_AWS_SIGV4_IMDS_TIME_MAX  5
#define NGX_HTTP_AWS_SIGV4_IMDS_TRIES_MAX 5

/* endpoint, mode, time limit, attempts */
#define NGX_HTTP_AWS_SIGV4_IMDS_SETTINGS  4


static ngx_int_t ngx_http_aws_sigv4_imds_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
static void ngx_http_aws_sigv4_imds_cleanup(void *data);
static ngx_int_t ngx_http_aws_sigv4_imds_endpoint(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *endpoint, ngx_str_t *mode);
static ngx_int_t ngx_http_aws_sigv4_imds_number(ngx_conf_t *cf, ngx_str_t *s,
    ngx_uint_t max, ngx_uint_t *n);


static ngx_http_aws_sigv4_param_t  ngx_http_aws_sigv4_imds_params[] = {
    { ngx_string("endpoint"), 0 },
    { ngx_null_string, 0 }
};


ngx_http_aws_sigv4_provider_type_t  ngx_http_aws_sigv4_imds_provider = {
    ngx_string("imds"),
    ngx_http_aws_sigv4_imds_params,
    ngx_http_aws_sigv4_imds_init,
    ngx_http_aws_sigv4_remote_load,
    ngx_http_aws_sigv4_remote_refresh,
    ngx_http_aws_sigv4_imds_fetch,
    NULL
};


static ngx_int_t
ngx_http_aws_sigv4_imds_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p)
{
    ngx_str_t                   off, flag;
    ngx_str_t                   value[NGX_HTTP_AWS_SIGV4_IMDS_SETTINGS];
    ngx_uint_t                  seconds;
    ngx_pool_cleanup_t         *cln;
    ngx_http_aws_sigv4_imds_t  *imds;

    static const char  *env[NGX_HTTP_AWS_SIGV4_IMDS_SETTINGS] = {
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
        "AWS_METADATA_SERVICE_TIMEOUT",
        "AWS_METADATA_SERVICE_NUM_ATTEMPTS"
    };

    off = ngx_http_aws_sigv4_environ_get(cf, "AWS_EC2_METADATA_DISABLED");

    if (ngx_http_aws_sigv4_profile_is_true(&off)) {
        (void) ngx_http_aws_sigv4_provider_error(p, NGX_DECLINED,
                                       "AWS_EC2_METADATA_DISABLED is true");
        return NGX_OK;
    }

    cln = ngx_pool_cleanup_add(cf->pool, sizeof(ngx_http_aws_sigv4_imds_t));
    if (cln == NULL) {
        return NGX_ERROR;
    }

    imds = cln->data;
    ngx_memzero(imds, sizeof(ngx_http_aws_sigv4_imds_t));

    cln->handler = ngx_http_aws_sigv4_imds_cleanup;

    p->data = imds;

    /* nothing else may tell the region */
    imds->region = (p->store->region.len == 0);

    if (ngx_http_aws_sigv4_profile_settings(cf, p,
                                    NGX_HTTP_AWS_SIGV4_PROFILE_IMDS_ENDPOINT,
                                    NGX_HTTP_AWS_SIGV4_IMDS_SETTINGS, env,
                                    value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    seconds = 1;
    imds->attempts = 1;

    if (ngx_http_aws_sigv4_imds_number(cf, &value[2],
                                       NGX_HTTP_AWS_SIGV4_IMDS_TIME_MAX,
                                       &seconds)
        != NGX_OK
        || ngx_http_aws_sigv4_imds_number(cf, &value[3],
                                          NGX_HTTP_AWS_SIGV4_IMDS_TRIES_MAX,
                                          &imds->attempts)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    imds->timeout = seconds * 1000;

    if (ngx_http_aws_sigv4_remote_create(cf, p) != NGX_OK) {
        return NGX_ERROR;
    }

    /* those that were fetched without the region would not bring it */

    flag.data = (u_char *) "region";
    flag.len = imds->region ? sizeof("region") - 1 : 0;

    ngx_http_aws_sigv4_remote_key(p, &flag);

    return ngx_http_aws_sigv4_imds_endpoint(cf, p, &value[0], &value[1]);
}


static void
ngx_http_aws_sigv4_imds_cleanup(void *data)
{
    ngx_http_aws_sigv4_imds_t  *imds = data;

    ngx_http_aws_sigv4_secret_free(imds->token.data);
}


static ngx_int_t
ngx_http_aws_sigv4_imds_endpoint(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *endpoint, ngx_str_t *mode)
{
    ngx_str_t                   url, none;
    const char                 *from;
    ngx_http_aws_sigv4_imds_t  *imds;

    imds = p->data;

    ngx_str_null(&none);

    from = "\"endpoint=\"";
    url = p->params[0];

    if (url.len == 0) {
        from = "the environment or the profile";
        url = *endpoint;
    }

    if (url.len == 0) {
        ngx_str_set(&url, NGX_HTTP_AWS_SIGV4_IMDS_IPV4);

        if (mode->len && ngx_strcasecmp(mode->data, (u_char *) "IPv6") == 0) {
            ngx_str_set(&url, NGX_HTTP_AWS_SIGV4_IMDS_IPV6);

        } else if (mode->len
                   && ngx_strcasecmp(mode->data, (u_char *) "IPv4") != 0)
        {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aws_sigv4_provider\": "
                               "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is "
                               "\"%V\", it can be IPv4 or IPv6", mode);
            return NGX_ERROR;
        }
    }

    ngx_http_aws_sigv4_remote_key(p, &url);

    if (ngx_http_aws_sigv4_remote_origin(cf, p, &url, from, &none,
                                         &imds->origin)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    imds->base = imds->origin.uri;

    while (imds->base.len && imds->base.data[imds->base.len - 1] == '/') {
        imds->base.len--;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_imds_number(ngx_conf_t *cf, ngx_str_t *s, ngx_uint_t max,
    ngx_uint_t *n)
{
    ngx_int_t  value;

    if (s->len == 0) {
        return NGX_OK;
    }

    value = ngx_atoi(s->data, s->len);

    if (value == NGX_ERROR || value == 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": \"%V\" in "
                           "AWS_METADATA_SERVICE_TIMEOUT or "
                           "AWS_METADATA_SERVICE_NUM_ATTEMPTS has to be a "
                           "number above 0", s);
        return NGX_ERROR;
    }

    *n = ngx_min((ngx_uint_t) value, max);

    return NGX_OK;
}
