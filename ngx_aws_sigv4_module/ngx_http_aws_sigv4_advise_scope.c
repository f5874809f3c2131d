
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Warnings of a service and a region that no request can be signed for.
 */


#include "ngx_http_aws_sigv4_advise.h"
#include "providers/ngx_http_aws_sigv4_provider.h"


static void ngx_http_aws_sigv4_advise_service(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf, ngx_str_t *service);
static void ngx_http_aws_sigv4_advise_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf, ngx_str_t *region);
static void ngx_http_aws_sigv4_advise_no_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf);
static size_t ngx_http_aws_sigv4_region_form(ngx_str_t *name);
static ngx_uint_t ngx_http_aws_sigv4_has_label(ngx_str_t *host,
    sigv4_str_t *label);


void
ngx_http_aws_sigv4_advise_scope(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    /* a hook, and Lua, may choose another one */

    if (conf->hook != NULL || conf->proxy.lua) {
        return;
    }

    if (!ngx_http_aws_sigv4_unset(conf->service)
        && conf->service->lengths == NULL)
    {
        ngx_http_aws_sigv4_advise_service(cf, conf, &conf->service->value);
    }

    if (ngx_http_aws_sigv4_unset(conf->region)) {
        ngx_http_aws_sigv4_advise_no_region(cf, conf);

    } else if (conf->region->lengths == NULL) {
        ngx_http_aws_sigv4_advise_region(cf, conf, &conf->region->value);
    }
}


static void
ngx_http_aws_sigv4_advise_service(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf, ngx_str_t *service)
{
    ngx_str_t    *host;
    sigv4_str_t  *known;

    if (ngx_http_aws_sigv4_region_form(service) == service->len
        || ngx_strlchr(service->data, service->data + service->len, '.')
           != NULL)
    {
        ngx_http_aws_sigv4_warn(cf, conf,
                      "\"aws_sigv4_service %V\" is not the name of a "
                      "service, write one as \"s3\" or \"es\"", service);
        return;
    }

    /*
     * Bedrock is "bedrock-runtime" in its hosts and "bedrock" in
     * signatures: who names the first, names it in vain.
     */

    host = &conf->known_host;
    known = &conf->known.service;

    if (!conf->known.exact
        || host->len <= service->len
        || host->data[service->len] != '.'
        || ngx_strncasecmp(host->data, service->data, service->len) != 0
        || (service->len == known->len
            && ngx_memcmp(service->data, known->data, known->len) == 0))
    {
        return;
    }

    ngx_http_aws_sigv4_warn(cf, conf,
                  "\"aws_sigv4_service %V\" is not what \"%V\" is signed for, "
                  "remove it, or write \"aws_sigv4_service %*s;\"",
                  service, host, known->len, known->data);
}


static void
ngx_http_aws_sigv4_advise_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf, ngx_str_t *region)
{
    size_t        len;
    sigv4_str_t  *known;

    len = ngx_http_aws_sigv4_region_form(region);

    if (len && len + 1 == region->len
        && region->data[len] >= 'a' && region->data[len] <= 'z')
    {
        ngx_http_aws_sigv4_warn(cf, conf,
                      "\"aws_sigv4_region %V\" is an availability zone, write "
                      "\"aws_sigv4_region %*s;\"", region, len, region->data);
        return;
    }

    /* a service has no use for a signature of another region than its own */

    known = &conf->known.region;

    if (conf->known_host.len == 0
        || !conf->known.exact
        || (region->len == known->len
            && ngx_memcmp(region->data, known->data, known->len) == 0)
        || !ngx_http_aws_sigv4_has_label(&conf->known_host, known))
    {
        return;
    }

    ngx_http_aws_sigv4_warn(cf, conf,
                  "\"aws_sigv4_region %V\" is not the region of \"%V\", "
                  "remove it, or write \"aws_sigv4_region %*s;\"",
                  region, &conf->known_host, known->len, known->data);
}


/* some providers may tell it with the first credentials, others never do */

static void
ngx_http_aws_sigv4_advise_no_region(ngx_conf_t *cf,
    ngx_http_aws_sigv4_loc_conf_t *conf)
{
    ngx_str_t                      *type;
    ngx_http_aws_sigv4_provider_t  *p;

    p = conf->provider;
    type = &p->type->name;

    if (conf->known.region.len
        || conf->variable_host
        || p->store->region.len
        || (conf->credentials != NULL && conf->credentials->lengths != NULL)
        || (!ngx_http_aws_sigv4_name_is(type, "static", 6)
            && !ngx_http_aws_sigv4_name_is(type, "env", 3)
            && !ngx_http_aws_sigv4_name_is(type, "csv", 3)))
    {
        return;
    }

    ngx_http_aws_sigv4_warn(cf, conf,
                  "there is no region to sign for: the host does not tell "
                  "one, nor does provider \"%V\", and AWS_REGION is not set, "
                  "write \"aws_sigv4_region\"", &p->name);
}


/* how much of it has the form of "us-east-1" or "eusc-de-east-1" */

static size_t
ngx_http_aws_sigv4_region_form(ngx_str_t *name)
{
    size_t      i, start;
    ngx_uint_t  words;

    words = 0;

    for (i = 0, start = 0; i < name->len; i++) {

        if (name->data[i] >= 'a' && name->data[i] <= 'z') {
            continue;
        }

        if (name->data[i] != '-' || i - start < 2
            || (words == 0 && i - start > 4))
        {
            break;
        }

        words++;
        start = i + 1;
    }

    if (words < 2 || i != start) {
        return 0;
    }

    while (i < name->len && name->data[i] >= '0' && name->data[i] <= '9') {
        i++;
    }

    return (i == start) ? 0 : i;
}


/* "s3.amazonaws.com" has a region, and serves buckets of others */

static ngx_uint_t
ngx_http_aws_sigv4_has_label(ngx_str_t *host, sigv4_str_t *label)
{
    u_char  *p, *next, *last;

    last = host->data + host->len;

    for (p = host->data; p < last; p = next + 1) {
        next = ngx_strlchr(p, last, '.');

        if (next == NULL) {
            next = last;
        }

        if ((size_t) (next - p) == label->len
            && ngx_strncasecmp(p, (u_char *) label->data, label->len) == 0)
        {
            return label->len != 0;
        }
    }

    return 0;
}
