
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "providers/ngx_http_aws_sigv4_provider.h"
#include "ngx_http_aws_sigv4_metrics.h"
#include "ngx_http_aws_sigv4_zone.h"


/* what is used if there is no aws_sigv4_zone */
#define NGX_HTTP_AWS_SIGV4_ZONE_SIZE      1048576


static void ngx_http_aws_sigv4_zone_advise(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store, ngx_uint_t n);
static size_t ngx_http_aws_sigv4_zone_need(ngx_uint_t n, ngx_uint_t series);
static size_t ngx_http_aws_sigv4_zone_size(ngx_uint_t pages);


char *
ngx_http_aws_sigv4_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

    size_t                       need;
    u_char                      *colon;
    ssize_t                      size;
    ngx_str_t                   *value, name, s;
    ngx_http_aws_sigv4_store_t  *store;

    store = (ngx_http_aws_sigv4_store_t *) (p + cmd->offset);

    if (store->zone_name.data != NULL) {
        return "is duplicate";
    }

    value = cf->args->elts;

    colon = ngx_strlchr(value[1].data, value[1].data + value[1].len, ':');

    if (colon == NULL || colon == value[1].data) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_zone\": invalid zone \"%V\", write it "
                           "as name:size, for example \"aws_sigv4:1m\"",
                           &value[1]);
        return NGX_CONF_ERROR;
    }

    name.data = value[1].data;
    name.len = colon - name.data;

    s.data = colon + 1;
    s.len = value[1].data + value[1].len - s.data;

    size = ngx_parse_size(&s);

    if (size <= 0) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_zone\": invalid size \"%V\" of zone "
                           "\"%V\", write \"aws_sigv4_zone %V:1m;\"", &s,
                           &name, &name);
        return NGX_CONF_ERROR;
    }

    need = ngx_http_aws_sigv4_zone_need(1, 1);

    if ((size_t) size < need) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "\"aws_sigv4_zone\": zone \"%V\" is too small: one "
                           "provider needs %uzk, write \"aws_sigv4_zone "
                           "%V:%uzk;\"", &name, need / 1024, &name,
                           need / 1024);
        return NGX_CONF_ERROR;
    }

    store->zone_name = name;
    store->zone_size = size;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_aws_sigv4_zone_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store)
{
    size_t                      need;
    ngx_uint_t                  n;
    ngx_shm_zone_t             *shm_zone;
    ngx_http_aws_sigv4_zone_t  *zone;

    n = ngx_http_aws_sigv4_zone_remotes(store);

    if (store->zone_name.data == NULL) {
        ngx_str_set(&store->zone_name, "aws_sigv4");
        store->zone_size = NGX_HTTP_AWS_SIGV4_ZONE_SIZE;
    }

    need = ngx_http_aws_sigv4_zone_need(n, 1);

    if (store->zone_size < need) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"aws_sigv4_zone\": zone \"%V\" is too small: %ui "
                      "providers need %uzk, write \"aws_sigv4_zone %V:%uzk;\"",
                      &store->zone_name, n, need / 1024, &store->zone_name,
                      need / 1024);
        return NGX_ERROR;
    }

    ngx_http_aws_sigv4_zone_advise(cf, store, n);

    shm_zone = ngx_shared_memory_add(cf, &store->zone_name,
                                     store->zone_size,
                                     &ngx_http_aws_sigv4_module);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    zone = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_zone_t));
    if (zone == NULL) {
        return NGX_ERROR;
    }

    zone->shm_zone = shm_zone;
    zone->store = store;

    store->zone = zone;

    shm_zone->init = ngx_http_aws_sigv4_zone_init;
    shm_zone->data = zone;

    return NGX_OK;
}


ngx_uint_t
ngx_http_aws_sigv4_zone_remotes(ngx_http_aws_sigv4_store_t *store)
{
    ngx_uint_t                       i, n;
    ngx_http_aws_sigv4_provider_t  **p;

    p = store->providers.elts;
    n = 0;

    for (i = 0; i < store->providers.nelts; i++) {
        n += (p[i]->remote != NULL);
    }

    return n;
}


/* a warning: what finds no series is counted all the same, as "other" */

static void
ngx_http_aws_sigv4_zone_advise(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store, ngx_uint_t n)
{
    size_t                           need;
    ngx_uint_t                       pages, limit;
    ngx_http_aws_sigv4_main_conf_t  *smcf;

    smcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_aws_sigv4_module);

    if (!smcf->metrics && smcf->cloudwatch == NULL) {
        return;
    }

    if (smcf->nseries > NGX_HTTP_AWS_SIGV4_SERIES_MAX) {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "locations need %ui series, and there are %d at most, "
                      "the rest is counted as \"other\", give several "
                      "locations one name by \"aws_sigv4_metrics_label\"",
                      smcf->nseries, NGX_HTTP_AWS_SIGV4_SERIES_MAX);
        return;
    }

    need = ngx_http_aws_sigv4_zone_need(n, smcf->nseries);

    if (store->zone_size >= need) {
        return;
    }

    for (pages = 8;
         ngx_http_aws_sigv4_zone_size(pages + 1) <= store->zone_size;
         pages++)
    {
        /* void */
    }

    limit = ngx_http_aws_sigv4_metrics_limit(ngx_pagesize
                                 * ngx_http_aws_sigv4_zone_counters(pages));

    ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                  "\"aws_sigv4_zone\": zone \"%V\" has memory for %ui "
                  "series, and locations need %ui, the rest is counted as "
                  "\"other\", write \"aws_sigv4_zone %V:%uzk;\"",
                  &store->zone_name, limit - 1, smcf->nseries,
                  &store->zone_name, need / 1024);
}


/*
 * The smallest size in which so many providers have a slot, and so many
 * series a place beside that of the overflow.
 */

static size_t
ngx_http_aws_sigv4_zone_need(ngx_uint_t n, ngx_uint_t series)
{
    size_t      slots, metrics;
    ngx_uint_t  pages, counters;

    slots = n * sizeof(ngx_http_aws_sigv4_slot_t);
    metrics = ngx_http_aws_sigv4_metrics_size(series + 1);

    for (pages = 8; /* void */ ; pages++) {
        counters = ngx_http_aws_sigv4_zone_counters(pages);

        if ((pages - counters) * ngx_pagesize >= slots
            && counters * ngx_pagesize >= metrics)
        {
            return ngx_http_aws_sigv4_zone_size(pages);
        }
    }
}


/*
 * A multiple of 1K: with what the slab allocator has for each page and in
 * front of all of them.
 */

static size_t
ngx_http_aws_sigv4_zone_size(ngx_uint_t pages)
{
    return ngx_align((pages + 2) * (ngx_pagesize + sizeof(ngx_slab_page_t)),
                     1024);
}


ngx_uint_t
ngx_http_aws_sigv4_zone_counters(ngx_uint_t pages)
{
    ngx_uint_t  most;

    most = (ngx_http_aws_sigv4_metrics_max() + ngx_pagesize - 1)
           / ngx_pagesize;

    return ngx_min(ngx_max(pages / 4, 2), most);
}
