
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include "ngx_http_aws_sigv4_cause.h"


/* of 64k, the least that nginx takes, there is enough for all of it */
#define NGX_HTTP_AWS_SIGV4_CAUSE_ZONE     65536


typedef struct {
    time_t                          skew;     /* 0: the entry is free */
    ngx_uint_t                      used;
    size_t                          len;
    u_char                          host[NGX_HTTP_AWS_SIGV4_CLOCK_HOST];
} ngx_http_aws_sigv4_clock_t;


typedef struct {
    ngx_atomic_t                    causes[SIGV4_CAUSES];

    ngx_atomic_t                    nclocks;

    /* with the lock held */
    ngx_uint_t                      uses;
    ngx_http_aws_sigv4_clock_t      clocks[NGX_HTTP_AWS_SIGV4_CLOCKS];
} ngx_http_aws_sigv4_learned_t;


struct ngx_http_aws_sigv4_causes_s {
    ngx_shm_zone_t                 *shm_zone;
    ngx_shmtx_t                    *mutex;
    ngx_http_aws_sigv4_learned_t   *learned;
};


static ngx_int_t ngx_http_aws_sigv4_cause_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_http_aws_sigv4_clock_t *ngx_http_aws_sigv4_clock_find(
    ngx_http_aws_sigv4_learned_t *learned, ngx_str_t *host);
static ngx_http_aws_sigv4_clock_t *ngx_http_aws_sigv4_clock_take(
    ngx_http_aws_sigv4_learned_t *learned, ngx_str_t *host);


ngx_int_t
ngx_http_aws_sigv4_cause_zone_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_main_conf_t *smcf)
{
    ngx_shm_zone_t               *shm_zone;
    ngx_http_aws_sigv4_causes_t  *causes;

    static ngx_str_t  name = ngx_string("aws_sigv4_causes");

    shm_zone = ngx_shared_memory_add(cf, &name,
                                     NGX_HTTP_AWS_SIGV4_CAUSE_ZONE,
                                     &ngx_http_aws_sigv4_module);
    if (shm_zone == NULL) {
        return NGX_ERROR;
    }

    causes = ngx_pcalloc(cf->pool, sizeof(ngx_http_aws_sigv4_causes_t));
    if (causes == NULL) {
        return NGX_ERROR;
    }

    causes->shm_zone = shm_zone;

    shm_zone->init = ngx_http_aws_sigv4_cause_zone_init;
    shm_zone->data = causes;

    smcf->causes = causes;

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_cause_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_aws_sigv4_causes_t *old = data;

    ngx_slab_pool_t              *shpool;
    ngx_http_aws_sigv4_causes_t  *causes;

    causes = shm_zone->data;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;
    causes->mutex = &shpool->mutex;

    if (old != NULL) {
        causes->learned = old->learned;
        return NGX_OK;
    }

    causes->learned = ngx_slab_calloc(shpool,
                                      sizeof(ngx_http_aws_sigv4_learned_t));

    return causes->learned ? NGX_OK : NGX_ERROR;
}


void
ngx_http_aws_sigv4_cause_count(ngx_http_aws_sigv4_main_conf_t *smcf,
    sigv4_cause_e cause)
{
    (void) ngx_atomic_fetch_add(&smcf->causes->learned->causes[cause], 1);
}


ngx_atomic_uint_t
ngx_http_aws_sigv4_cause_counted(ngx_http_aws_sigv4_main_conf_t *smcf,
    sigv4_cause_e cause)
{
    return smcf->causes ? smcf->causes->learned->causes[cause] : 0;
}


time_t
ngx_http_aws_sigv4_clock(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_str_t *host)
{
    time_t                         skew;
    ngx_http_aws_sigv4_clock_t    *clock;
    ngx_http_aws_sigv4_learned_t  *learned;

    learned = smcf->causes->learned;

    /* as a rule there are none, and no lock is needed to see that */

    if (learned->nclocks == 0) {
        return 0;
    }

    ngx_shmtx_lock(smcf->causes->mutex);

    clock = ngx_http_aws_sigv4_clock_find(learned, host);
    skew = 0;

    if (clock != NULL) {
        clock->used = ++learned->uses;
        skew = clock->skew;
    }

    ngx_shmtx_unlock(smcf->causes->mutex);

    return skew;
}


ngx_uint_t
ngx_http_aws_sigv4_clock_set(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_str_t *host, time_t skew)
{
    ngx_uint_t                     changed;
    ngx_http_aws_sigv4_clock_t    *clock;
    ngx_http_aws_sigv4_learned_t  *learned;

    if (host->len > NGX_HTTP_AWS_SIGV4_CLOCK_HOST) {
        return 0;
    }

    learned = smcf->causes->learned;

    ngx_shmtx_lock(smcf->causes->mutex);

    clock = ngx_http_aws_sigv4_clock_find(learned, host);
    changed = ((clock ? clock->skew : 0) != skew);

    if (changed) {

        if (clock == NULL) {
            clock = ngx_http_aws_sigv4_clock_take(learned, host);
        }

        clock->skew = skew;

        if (skew == 0) {
            learned->nclocks--;
        }
    }

    ngx_shmtx_unlock(smcf->causes->mutex);

    return changed;
}


static ngx_http_aws_sigv4_clock_t *
ngx_http_aws_sigv4_clock_find(ngx_http_aws_sigv4_learned_t *learned,
    ngx_str_t *host)
{
    ngx_uint_t                   i;
    ngx_http_aws_sigv4_clock_t  *clock;

    clock = learned->clocks;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_CLOCKS; i++) {

        if (clock[i].skew != 0
            && clock[i].len == host->len
            && ngx_strncasecmp(clock[i].host, host->data, host->len) == 0)
        {
            return &clock[i];
        }
    }

    return NULL;
}


/* a free one, or the one that was not used for the longest time */

static ngx_http_aws_sigv4_clock_t *
ngx_http_aws_sigv4_clock_take(ngx_http_aws_sigv4_learned_t *learned,
    ngx_str_t *host)
{
    ngx_uint_t                   i;
    ngx_http_aws_sigv4_clock_t  *clock, *taken;

    clock = learned->clocks;
    taken = clock;

    for (i = 0; i < NGX_HTTP_AWS_SIGV4_CLOCKS; i++) {

        if (clock[i].skew == 0) {
            taken = &clock[i];
            break;
        }

        if (clock[i].used < taken->used) {
            taken = &clock[i];
        }
    }

    if (taken->skew == 0) {
        learned->nclocks++;
    }

    taken->used = ++learned->uses;
    taken->len = host->len;
    ngx_memcpy(taken->host, host->data, host->len);

    return taken;
}


time_t
ngx_http_aws_sigv4_clock_at(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_uint_t n, ngx_str_t *host)
{
    time_t                       skew;
    ngx_http_aws_sigv4_clock_t  *clock;

    if (smcf->causes == NULL) {
        return 0;
    }

    ngx_shmtx_lock(smcf->causes->mutex);

    clock = &smcf->causes->learned->clocks[n];

    skew = clock->skew;

    if (skew != 0) {
        host->len = clock->len;
        ngx_memcpy(host->data, clock->host, clock->len);
    }

    ngx_shmtx_unlock(smcf->causes->mutex);

    return skew;
}
