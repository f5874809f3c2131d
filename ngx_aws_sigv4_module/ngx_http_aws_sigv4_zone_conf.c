
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


static ngx_uint_t ngx_http_aws_sigv4_zone_remotes(
    ngx_http_aws_sigv4_store_t *store);
static size_t ngx_http_aws_sigv4_zone_need(ngx_uint_t n);


char *
ngx_http_aws_sigv4_zone(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    char  *p = conf;

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
                           "invalid zone \"%V\", write it as name:size",
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
                           "invalid size \"%V\" of zone \"%V\"", &s, &name);
        return NGX_CONF_ERROR;
    }

    if ((size_t) size < ngx_http_aws_sigv4_zone_need(1)) {
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                           "zone \"%V\" is too small: one provider needs "
                           "%uzk, write \"aws_sigv4_zone %V:%uzk;\"", &name,
                           ngx_http_aws_sigv4_zone_need(1) / 1024, &name,
                           ngx_http_aws_sigv4_zone_need(1) / 1024);
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

    need = ngx_http_aws_sigv4_zone_need(n);

    if (store->zone_size < need) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"aws_sigv4_zone\": zone \"%V\" is too small: %ui "
                      "providers need %uzk, write \"aws_sigv4_zone %V:%uzk;\"",
                      &store->zone_name, n, need / 1024, &store->zone_name,
                      need / 1024);
        return NGX_ERROR;
    }

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


static ngx_uint_t
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


/*
 * The smallest size, a multiple of 1K, in which so many providers have a
 * slot beside the counters; and what the slab allocator has for each page and
 * in front of all of them.
 */

static size_t
ngx_http_aws_sigv4_zone_need(ngx_uint_t n)
{
    size_t  pages, size;

    size = n * sizeof(ngx_http_aws_sigv4_slot_t);

    for (pages = 8;
         (pages - ngx_http_aws_sigv4_zone_counters(pages)) * ngx_pagesize
         < size;
         pages++)
    {
        /* void */
    }

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
