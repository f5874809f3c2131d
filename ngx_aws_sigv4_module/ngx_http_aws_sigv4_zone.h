
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The credentials of remote providers, and the counters, in memory that all
 * workers share and that outlives workers and configurations.
 *
 * A slot belongs to one definition of a provider.  It has room for two sets
 * of credentials: the one that is not valid is written, and the version,
 * whose last bit tells them apart, grown by one.  A worker that is killed
 * on the way leaves the valid one as it was.
 *
 * All members but the version are looked at with the lock held; nginx takes
 * it from a worker that has died.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_ZONE_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_ZONE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_credentials.h"


/* of key id, secret and token together */
#define NGX_HTTP_AWS_SIGV4_SLOT_DATA      16384
#define NGX_HTTP_AWS_SIGV4_SLOT_REGION    64
#define NGX_HTTP_AWS_SIGV4_SLOT_ERROR     384


typedef struct {
    uint64_t                       generation;    /* 0: there are none */
    time_t                         expires;       /* 0: never */
    time_t                         received;
    ngx_msec_t                     clock;         /* the same, monotonic */
    size_t                         access_key_id;
    size_t                         secret_access_key;
    size_t                         session_token;
    size_t                         region_len;
    u_char                         region[NGX_HTTP_AWS_SIGV4_SLOT_REGION];
    u_char                         data[NGX_HTTP_AWS_SIGV4_SLOT_DATA];
} ngx_http_aws_sigv4_shared_t;


typedef struct {
    u_char                         key[SIGV4_SHA256_LEN];
    ngx_uint_t                     used;
    ngx_atomic_t                   version;
    ngx_http_aws_sigv4_shared_t    set[2];

    /* who fetches, and until when at most */
    ngx_pid_t                      holder;        /* 0: nobody */
    ngx_msec_t                     until;

    ngx_msec_t                     next;          /* not before */
    ngx_uint_t                     tries;         /* that failed in a row */

    uint64_t                       refused;       /* the last generation */
    ngx_msec_t                     refused_clock;

    /* fetches that were asked for, however long the credentials live */
    ngx_uint_t                     wanted;
    ngx_uint_t                     met;           /* by the last success */

    ngx_msec_t                     fetched;       /* these credentials */
    ngx_uint_t                     fetches;
    ngx_uint_t                     before;        /* this configuration */
    ngx_uint_t                     failures;
    size_t                         error_len;     /* 0: the last succeeded */
    u_char                         error[NGX_HTTP_AWS_SIGV4_SLOT_ERROR];
} ngx_http_aws_sigv4_slot_t;


typedef struct ngx_http_aws_sigv4_metrics_s  ngx_http_aws_sigv4_metrics_t;

struct ngx_http_aws_sigv4_zone_s {
    ngx_shm_zone_t                *shm_zone;
    ngx_http_aws_sigv4_store_t    *store;
    ngx_shmtx_t                   *mutex;
    ngx_http_aws_sigv4_slot_t     *slots;
    ngx_uint_t                     nslots;
    ngx_http_aws_sigv4_metrics_t  *metrics;
};


/* ngx_http_aws_sigv4_zone_conf.c */

/* makes the zone of a store */
ngx_int_t ngx_http_aws_sigv4_zone_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store);

/* how many slots a store needs */
ngx_uint_t ngx_http_aws_sigv4_zone_remotes(ngx_http_aws_sigv4_store_t *store);

/* how many pages of a zone are for counters: about a quarter */
ngx_uint_t ngx_http_aws_sigv4_zone_counters(ngx_uint_t pages);


/* ngx_http_aws_sigv4_zone.c */

ngx_int_t ngx_http_aws_sigv4_zone_init(ngx_shm_zone_t *shm_zone, void *data);

/*
 * From now on the zone is that of this store: what none of its providers has
 * use for is forgotten.  Not before nothing can fail any more: workers of the
 * configuration that would go on have the slots until then.
 */
void ngx_http_aws_sigv4_zone_commit(ngx_http_aws_sigv4_store_t *store);

/* the rest with the lock held */

/* the slot of a key; NULL: it has none, or none any more */
ngx_http_aws_sigv4_slot_t *ngx_http_aws_sigv4_slot_find(
    ngx_http_aws_sigv4_zone_t *zone, u_char *key);

/* the credentials; NULL: there are none */
ngx_http_aws_sigv4_shared_t *ngx_http_aws_sigv4_slot_get(
    ngx_http_aws_sigv4_slot_t *slot, sigv4_credentials_t *value);

/* replaces them, and wipes those that were there; they must fit */
void ngx_http_aws_sigv4_slot_set(ngx_http_aws_sigv4_slot_t *slot,
    sigv4_credentials_t *value, time_t expires, uint64_t generation,
    ngx_str_t *region);


#endif /* _NGX_HTTP_AWS_SIGV4_ZONE_H_INCLUDED_ */
