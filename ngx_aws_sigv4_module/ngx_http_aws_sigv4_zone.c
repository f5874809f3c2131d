
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include <sys/mman.h>

#include "providers/ngx_http_aws_sigv4_provider.h"
#include "ngx_http_aws_sigv4_refresh.h"
#include "ngx_http_aws_sigv4_metrics.h"
#include "ngx_http_aws_sigv4_zone.h"


static ngx_int_t ngx_http_aws_sigv4_zone_alloc(
    ngx_http_aws_sigv4_zone_t *zone);
static void ngx_http_aws_sigv4_zone_no_dump(ngx_shm_zone_t *shm_zone);
static ngx_uint_t ngx_http_aws_sigv4_zone_wanted(
    ngx_http_aws_sigv4_store_t *store, u_char *key);
static void ngx_http_aws_sigv4_zone_take(ngx_http_aws_sigv4_zone_t *zone,
    u_char *key);
static void ngx_http_aws_sigv4_slot_renew(ngx_http_aws_sigv4_slot_t *slot);
static void ngx_http_aws_sigv4_slot_clear(ngx_http_aws_sigv4_slot_t *slot);
static u_char *ngx_http_aws_sigv4_slot_put(u_char *p, sigv4_str_t *s);


ngx_int_t
ngx_http_aws_sigv4_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_aws_sigv4_zone_t *old = data;

    ngx_slab_pool_t            *shpool;
    ngx_http_aws_sigv4_zone_t  *zone;

    zone = shm_zone->data;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    zone->mutex = &shpool->mutex;

    if (old != NULL) {
        zone->slots = old->slots;
        zone->nslots = old->nslots;
        zone->metrics = old->metrics;

    } else if (ngx_http_aws_sigv4_zone_alloc(zone) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_aws_sigv4_zone_remotes(zone->store) <= zone->nslots
           ? NGX_OK : NGX_ERROR;
}


/*
 * All at once, by the master: a worker that dies while it allocates would
 * leave the allocator in disorder.
 */

static ngx_int_t
ngx_http_aws_sigv4_zone_alloc(ngx_http_aws_sigv4_zone_t *zone)
{
    void             *data;
    size_t            size;
    ngx_slab_pool_t  *shpool;

    shpool = (ngx_slab_pool_t *) zone->shm_zone->shm.addr;

    ngx_http_aws_sigv4_zone_no_dump(zone->shm_zone);

    size = ngx_http_aws_sigv4_zone_counters(shpool->pfree) * ngx_pagesize;

    zone->nslots = (shpool->pfree * ngx_pagesize - size)
                   / sizeof(ngx_http_aws_sigv4_slot_t);

    data = ngx_slab_calloc(shpool, size);

    if (data == NULL) {
        return NGX_ERROR;
    }

    zone->metrics = ngx_http_aws_sigv4_metrics_init(data, size);

    zone->slots = ngx_slab_calloc(shpool, zone->nslots
                                  * sizeof(ngx_http_aws_sigv4_slot_t));

    return (zone->slots && zone->metrics) ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_aws_sigv4_zone_no_dump(ngx_shm_zone_t *shm_zone)
{
#if defined(MADV_DONTDUMP)

    if (madvise(shm_zone->shm.addr, shm_zone->shm.size, MADV_DONTDUMP)
        == -1)
    {
        ngx_log_error(NGX_LOG_WARN, shm_zone->shm.log, ngx_errno,
                      "aws sigv4: madvise(MADV_DONTDUMP) failed");
    }

#elif defined(MADV_NOCORE)

    if (madvise(shm_zone->shm.addr, shm_zone->shm.size, MADV_NOCORE) == -1) {
        ngx_log_error(NGX_LOG_WARN, shm_zone->shm.log, ngx_errno,
                      "aws sigv4: madvise(MADV_NOCORE) failed");
    }

#endif
}


static ngx_uint_t
ngx_http_aws_sigv4_zone_wanted(ngx_http_aws_sigv4_store_t *store,
    u_char *key)
{
    ngx_uint_t                       i;
    ngx_http_aws_sigv4_provider_t  **p;

    p = store->providers.elts;

    for (i = 0; i < store->providers.nelts; i++) {

        if (p[i]->remote != NULL
            && ngx_memcmp(p[i]->remote->key, key, SIGV4_SHA256_LEN) == 0)
        {
            return 1;
        }
    }

    return 0;
}


void
ngx_http_aws_sigv4_zone_commit(ngx_http_aws_sigv4_store_t *store)
{
    ngx_uint_t                       i;
    ngx_http_aws_sigv4_slot_t       *slot;
    ngx_http_aws_sigv4_zone_t       *zone;
    ngx_http_aws_sigv4_provider_t  **p;

    zone = store->zone;

    if (zone == NULL) {
        return;
    }

    slot = zone->slots;
    p = store->providers.elts;

    ngx_shmtx_lock(zone->mutex);

    for (i = 0; i < zone->nslots; i++) {

        if (!slot[i].used) {
            continue;
        }

        if (ngx_http_aws_sigv4_zone_wanted(store, slot[i].key)) {
            ngx_http_aws_sigv4_slot_renew(&slot[i]);

        } else {
            ngx_http_aws_sigv4_slot_clear(&slot[i]);
        }
    }

    for (i = 0; i < store->providers.nelts; i++) {

        if (p[i]->remote != NULL) {
            ngx_http_aws_sigv4_zone_take(zone, p[i]->remote->key);
        }
    }

    ngx_shmtx_unlock(zone->mutex);
}


/* there are as many as init() has seen to */

static void
ngx_http_aws_sigv4_zone_take(ngx_http_aws_sigv4_zone_t *zone, u_char *key)
{
    ngx_uint_t                  i;
    ngx_http_aws_sigv4_slot_t  *slot;

    if (ngx_http_aws_sigv4_slot_find(zone, key) != NULL) {
        return;
    }

    slot = zone->slots;

    for (i = 0; i < zone->nslots; i++) {

        if (!slot[i].used) {
            ngx_memcpy(slot[i].key, key, SIGV4_SHA256_LEN);
            slot[i].used = 1;

            return;
        }
    }
}


/*
 * Who reloads nginx may have changed what is behind a source.  What expires
 * is fetched again in time; what does not would be used for ever, and a
 * source that has failed would be left alone for up to a minute.
 */

static void
ngx_http_aws_sigv4_slot_renew(ngx_http_aws_sigv4_slot_t *slot)
{
    sigv4_credentials_t           value;
    ngx_http_aws_sigv4_shared_t  *set;

    set = ngx_http_aws_sigv4_slot_get(slot, &value);

    if (set != NULL && set->expires == 0) {
        slot->wanted++;
        slot->next = 0;
    }

    if (slot->tries) {
        slot->next = 0;
    }

    slot->before = slot->fetches;
}


/* workers of the last configuration see by the version that it has gone */

static void
ngx_http_aws_sigv4_slot_clear(ngx_http_aws_sigv4_slot_t *slot)
{
    ngx_atomic_uint_t  version;

    version = slot->version;

    ngx_explicit_memzero(slot, sizeof(ngx_http_aws_sigv4_slot_t));

    slot->version = version + 1;
}


ngx_http_aws_sigv4_slot_t *
ngx_http_aws_sigv4_slot_find(ngx_http_aws_sigv4_zone_t *zone, u_char *key)
{
    ngx_uint_t                  i;
    ngx_http_aws_sigv4_slot_t  *slot;

    slot = zone->slots;

    for (i = 0; i < zone->nslots; i++) {

        if (slot[i].used
            && ngx_memcmp(slot[i].key, key, SIGV4_SHA256_LEN) == 0)
        {
            return &slot[i];
        }
    }

    return NULL;
}


ngx_http_aws_sigv4_shared_t *
ngx_http_aws_sigv4_slot_get(ngx_http_aws_sigv4_slot_t *slot,
    sigv4_credentials_t *value)
{
    u_char                       *p;
    ngx_http_aws_sigv4_shared_t  *set;

    set = &slot->set[slot->version & 1];

    if (set->generation == 0) {
        return NULL;
    }

    p = set->data;

    value->access_key_id.data = p;
    value->access_key_id.len = set->access_key_id;

    p += set->access_key_id;

    value->secret_access_key.data = p;
    value->secret_access_key.len = set->secret_access_key;

    p += set->secret_access_key;

    value->session_token.data = p;
    value->session_token.len = set->session_token;

    return set;
}


void
ngx_http_aws_sigv4_slot_set(ngx_http_aws_sigv4_slot_t *slot,
    sigv4_credentials_t *value, time_t expires, uint64_t generation,
    ngx_str_t *region)
{
    u_char                       *p;
    ngx_http_aws_sigv4_shared_t  *set, *old;

    old = &slot->set[slot->version & 1];
    set = &slot->set[(slot->version + 1) & 1];

    set->generation = generation;
    set->expires = expires;
    set->received = ngx_time();
    set->clock = ngx_current_msec;

    set->access_key_id = value->access_key_id.len;
    set->secret_access_key = value->secret_access_key.len;
    set->session_token = value->session_token.len;

    p = ngx_http_aws_sigv4_slot_put(set->data, &value->access_key_id);
    p = ngx_http_aws_sigv4_slot_put(p, &value->secret_access_key);
    (void) ngx_http_aws_sigv4_slot_put(p, &value->session_token);

    set->region_len = 0;

    if (region->len && region->len <= NGX_HTTP_AWS_SIGV4_SLOT_REGION) {
        set->region_len = region->len;
        ngx_memcpy(set->region, region->data, region->len);
    }

    ngx_memory_barrier();

    (void) ngx_atomic_fetch_add(&slot->version, 1);

    ngx_explicit_memzero(old, sizeof(ngx_http_aws_sigv4_shared_t));
}


static u_char *
ngx_http_aws_sigv4_slot_put(u_char *p, sigv4_str_t *s)
{
    return s->len ? ngx_cpymem(p, s->data, s->len) : p;
}
