
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Where STS is: at an URL that is given, or at the host of the region, as
 * in the SDKs; the host for all regions only where that is asked for, or
 * where no region is known.  Of "services" and of URLs that are to be
 * ignored, older SDKs know nothing; they are used as newer ones use them.
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_sts.h"
#include "ngx_http_aws_sigv4_profile.h"
#include "core/sigv4_endpoint.h"


/* that of sts.amazonaws.com */
#define NGX_HTTP_AWS_SIGV4_STS_GLOBAL     "us-east-1"

/* a name of a host has no longer labels */
#define NGX_HTTP_AWS_SIGV4_STS_REGION_MAX  63


/* what the profile says of STS, in the order of its keys */
enum {
    NGX_HTTP_AWS_SIGV4_STS_OWN_REGION = 0,
    NGX_HTTP_AWS_SIGV4_STS_CA_BUNDLE,
    NGX_HTTP_AWS_SIGV4_STS_REGIONAL,
    NGX_HTTP_AWS_SIGV4_STS_FIPS,
    NGX_HTTP_AWS_SIGV4_STS_DUALSTACK,
    NGX_HTTP_AWS_SIGV4_STS_IGNORE_URLS,
    NGX_HTTP_AWS_SIGV4_STS_URL,
    NGX_HTTP_AWS_SIGV4_STS_SERVICES,
    NGX_HTTP_AWS_SIGV4_STS_SERVICES_URL,
    NGX_HTTP_AWS_SIGV4_STS_SETTINGS
};


static ngx_int_t ngx_http_aws_sigv4_sts_choose(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *setting, ngx_str_t *url,
    const char **from);
static ngx_int_t ngx_http_aws_sigv4_sts_configured(ngx_conf_t *cf,
    ngx_str_t *setting, ngx_str_t *url, const char **from);
static ngx_int_t ngx_http_aws_sigv4_sts_regional(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *setting, ngx_str_t *url);
static ngx_int_t ngx_http_aws_sigv4_sts_host(ngx_conf_t *cf,
    ngx_str_t *region, ngx_uint_t fips, ngx_uint_t dualstack,
    ngx_str_t *url);
static ngx_int_t ngx_http_aws_sigv4_sts_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *setting, ngx_str_t *region);
static ngx_int_t ngx_http_aws_sigv4_sts_legacy(ngx_conf_t *cf,
    ngx_str_t *value, ngx_str_t *region, ngx_uint_t *legacy);
static ngx_int_t ngx_http_aws_sigv4_sts_scope(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *setting,
    ngx_http_aws_sigv4_sts_t *sts);
static ngx_int_t ngx_http_aws_sigv4_sts_copy(ngx_conf_t *cf, ngx_str_t *dst,
    ngx_str_t src);


/* the regions that sts_regional_endpoints = legacy is about */

static const char  *ngx_http_aws_sigv4_sts_legacy_regions[] = {
    "ap-northeast-1",
    "ap-south-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "aws-global",
    "ca-central-1",
    "eu-central-1",
    "eu-north-1",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    NULL
};


ngx_int_t
ngx_http_aws_sigv4_sts_endpoint(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_http_aws_sigv4_sts_t *sts)
{
    ngx_str_t     url, ca_file, setting[NGX_HTTP_AWS_SIGV4_STS_SETTINGS];
    const char   *from;

    static const char  *env[NGX_HTTP_AWS_SIGV4_STS_SETTINGS] = {
        NULL,
        "AWS_CA_BUNDLE",
        "AWS_STS_REGIONAL_ENDPOINTS",
        "AWS_USE_FIPS_ENDPOINT",
        "AWS_USE_DUALSTACK_ENDPOINT",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
        NULL,
        NULL,
        NULL
    };

    if (ngx_http_aws_sigv4_profile_settings(cf, p,
                                        NGX_HTTP_AWS_SIGV4_PROFILE_REGION,
                                        NGX_HTTP_AWS_SIGV4_STS_SETTINGS, env,
                                        setting)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    ca_file = p->params[NGX_HTTP_AWS_SIGV4_STS_CA_FILE];

    if (ca_file.len == 0) {
        ca_file = setting[NGX_HTTP_AWS_SIGV4_STS_CA_BUNDLE];
    }

    if (ngx_http_aws_sigv4_sts_choose(cf, p, setting, &url, &from) != NGX_OK
        || ngx_http_aws_sigv4_remote_origin(cf, p, &url, from, &ca_file,
                                            &sts->origin)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_aws_sigv4_remote_key(p, &url);
    ngx_http_aws_sigv4_remote_key(p, &ca_file);

    if (!sts->origin.tls && !sts->origin.loopback) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": URL \"%V\" in %s is "
                           "not on the loopback interface, where alone STS "
                           "may be asked without TLS; write https://",
                           &url, from);
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_sts_scope(cf, p, setting, sts);
}


static ngx_int_t
ngx_http_aws_sigv4_sts_choose(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *setting, ngx_str_t *url,
    const char **from)
{
    ngx_int_t  rc;

    *url = p->params[NGX_HTTP_AWS_SIGV4_STS_ENDPOINT];

    if (url->len) {
        *from = "\"endpoint=\"";
        return NGX_OK;
    }

    if (!ngx_http_aws_sigv4_profile_is_true(
                               &setting[NGX_HTTP_AWS_SIGV4_STS_IGNORE_URLS]))
    {
        rc = ngx_http_aws_sigv4_sts_configured(cf, setting, url, from);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    *from = "the region";

    return ngx_http_aws_sigv4_sts_regional(cf, p, setting, url);
}


static ngx_int_t
ngx_http_aws_sigv4_sts_configured(ngx_conf_t *cf, ngx_str_t *setting,
    ngx_str_t *url, const char **from)
{
    ngx_str_t  value, *services;

    *from = "AWS_ENDPOINT_URL_STS";
    value = ngx_http_aws_sigv4_environ_get(cf, *from);

    if (value.len == 0) {
        *from = "AWS_ENDPOINT_URL";
        value = ngx_http_aws_sigv4_environ_get(cf, *from);
    }

    if (value.len) {
        return ngx_http_aws_sigv4_sts_copy(cf, url, value);
    }

    services = &setting[NGX_HTTP_AWS_SIGV4_STS_SERVICES];

    if (services->len
        && setting[NGX_HTTP_AWS_SIGV4_STS_SERVICES_URL].data == NULL)
    {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": the profile names the "
                           "section [services %V], and there is none",
                           services);
        return NGX_ERROR;
    }

    *from = "endpoint_url of the profile's services";
    *url = setting[NGX_HTTP_AWS_SIGV4_STS_SERVICES_URL];

    if (url->len == 0) {
        *from = "endpoint_url of the profile";
        *url = setting[NGX_HTTP_AWS_SIGV4_STS_URL];
    }

    return url->len ? NGX_OK : NGX_DECLINED;
}


static ngx_int_t
ngx_http_aws_sigv4_sts_regional(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *setting, ngx_str_t *url)
{
    ngx_str_t   region;
    ngx_uint_t  legacy, fips, dualstack;

    if (ngx_http_aws_sigv4_sts_region(cf, p, setting, &region) != NGX_OK
        || ngx_http_aws_sigv4_sts_legacy(cf,
                                   &setting[NGX_HTTP_AWS_SIGV4_STS_REGIONAL],
                                   &region, &legacy)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    fips = ngx_http_aws_sigv4_profile_is_true(
                                       &setting[NGX_HTTP_AWS_SIGV4_STS_FIPS]);
    dualstack = ngx_http_aws_sigv4_profile_is_true(
                                  &setting[NGX_HTTP_AWS_SIGV4_STS_DUALSTACK]);

    if (fips || dualstack) {

        if (region.len == 0) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "\"aws_sigv4_provider\": STS has FIPS and "
                               "dual-stack endpoints in regions alone; set "
                               "\"region=\" or AWS_REGION");
            return NGX_ERROR;
        }

    } else if (region.len == 0 || legacy) {
        ngx_str_set(url, "https://sts.amazonaws.com");
        return NGX_OK;
    }

    return ngx_http_aws_sigv4_sts_host(cf, &region, fips, dualstack, url);
}


static ngx_int_t
ngx_http_aws_sigv4_sts_host(ngx_conf_t *cf, ngx_str_t *region,
    ngx_uint_t fips, ngx_uint_t dualstack, ngx_str_t *url)
{
    size_t        size;
    sigv4_str_t   name, suffix;

    name.len = region->len;
    name.data = region->data;

    suffix = sigv4_endpoint_region_suffix(name, dualstack);

    /* all that is in GovCloud is FIPS, and has no name for it over IPv4 */

    if (!dualstack && region->len > sizeof("us-gov-") - 1
        && ngx_strncmp(region->data, "us-gov-", sizeof("us-gov-") - 1) == 0)
    {
        fips = 0;
    }

    size = sizeof("https://sts-fips.") - 1 + region->len + suffix.len;

    url->data = ngx_pnalloc(cf->pool, size);
    if (url->data == NULL) {
        return NGX_ERROR;
    }

    url->len = ngx_snprintf(url->data, size, "https://%s.%V%*s",
                            fips ? "sts-fips" : "sts", region, suffix.len,
                            suffix.data)
               - url->data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_sts_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *setting, ngx_str_t *region)
{
    u_char      c;
    ngx_uint_t  i;

    *region = p->params[NGX_HTTP_AWS_SIGV4_STS_REGION];

    if (region->len == 0) {
        *region = p->store->region;
    }

    if (region->len == 0) {
        *region = setting[NGX_HTTP_AWS_SIGV4_STS_OWN_REGION];
    }

    for (i = 0; i < region->len; i++) {
        c = region->data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-') {
            break;
        }
    }

    if (i == region->len && i <= NGX_HTTP_AWS_SIGV4_STS_REGION_MAX) {
        return NGX_OK;
    }

    ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                       "\"aws_sigv4_provider\": \"%V\" is not the name of a "
                       "region", region);

    return NGX_ERROR;
}


static ngx_int_t
ngx_http_aws_sigv4_sts_legacy(ngx_conf_t *cf, ngx_str_t *value,
    ngx_str_t *region, ngx_uint_t *legacy)
{
    const char  **name;

    *legacy = 0;

    if (value->len == 0
        || ngx_strcasecmp(value->data, (u_char *) "regional") == 0)
    {
        return NGX_OK;
    }

    if (ngx_strcasecmp(value->data, (u_char *) "legacy") != 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_provider\": sts_regional_endpoints "
                           "or AWS_STS_REGIONAL_ENDPOINTS is \"%V\", it can "
                           "be \"regional\" or \"legacy\"", value);
        return NGX_ERROR;
    }

    for (name = ngx_http_aws_sigv4_sts_legacy_regions; *name; name++) {

        if (region->len == ngx_strlen(*name)
            && ngx_strncmp(region->data, *name, region->len) == 0)
        {
            *legacy = 1;
            break;
        }
    }

    return NGX_OK;
}


/*
 * The region that STS is asked in is the one of its host, if that tells;
 * it is also the one that goes with the provider, if it was written there.
 */

static ngx_int_t
ngx_http_aws_sigv4_sts_scope(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *setting,
    ngx_http_aws_sigv4_sts_t *sts)
{
    ngx_str_t         region;
    sigv4_str_t       host;
    sigv4_endpoint_t  ep;

    if (ngx_http_aws_sigv4_sts_region(cf, p, setting, &region) != NGX_OK) {
        return NGX_ERROR;
    }

    p->region = p->params[NGX_HTTP_AWS_SIGV4_STS_REGION];

    host.len = sts->origin.host.len;
    host.data = sts->origin.host.data;

    if (sigv4_endpoint(host, &ep) == SIGV4_OK && ep.region.len) {

        /* it lies in the name of the host, or is a constant */

        sts->region = ep.region;
        return NGX_OK;
    }

    if (region.len == 0) {
        ngx_str_set(&region, NGX_HTTP_AWS_SIGV4_STS_GLOBAL);
    }

    sts->region.len = region.len;
    sts->region.data = region.data;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_sts_copy(ngx_conf_t *cf, ngx_str_t *dst, ngx_str_t src)
{
    dst->len = src.len;
    dst->data = ngx_pnalloc(cf->pool, src.len + 1);

    if (dst->data == NULL) {
        return NGX_ERROR;
    }

    *ngx_cpymem(dst->data, src.data, src.len) = '\0';

    return NGX_OK;
}
