
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_refresh.h"
#include "ngx_http_aws_sigv4_wait.h"


/* an attempt of a worker that has not come back after it is another's */
#define NGX_HTTP_AWS_SIGV4_LEASE          (NGX_HTTP_AWS_SIGV4_JOB_TIME + 5000)

/* how often it is looked whether the one who fetches is still there */
#define NGX_HTTP_AWS_SIGV4_WATCH          1000

/* the clock may be set: it is looked at after that at the latest */
#define NGX_HTTP_AWS_SIGV4_REFRESH_MAX    60000

/* between two fetches because AWS has refused credentials */
#define NGX_HTTP_AWS_SIGV4_REFUSED_MIN    60000


static void ngx_http_aws_sigv4_refresh_handler(ngx_event_t *ev);
static ngx_msec_t ngx_http_aws_sigv4_refresh_due(
    ngx_http_aws_sigv4_remote_t *remote, ngx_http_aws_sigv4_slot_t *slot);
static ngx_uint_t ngx_http_aws_sigv4_refresh_held(
    ngx_http_aws_sigv4_slot_t *slot);
static ngx_msec_t ngx_http_aws_sigv4_refresh_window(
    ngx_http_aws_sigv4_remote_t *remote, ngx_http_aws_sigv4_shared_t *set);


void
ngx_http_aws_sigv4_refresh_init(ngx_http_aws_sigv4_store_t *store)
{
    ngx_uint_t                       i;
    ngx_http_aws_sigv4_remote_t     *remote;
    ngx_http_aws_sigv4_provider_t   *leaf, **p;

    if (store->zone == NULL
        || (ngx_process != NGX_PROCESS_WORKER
            && ngx_process != NGX_PROCESS_SINGLE))
    {
        return;
    }

    p = store->providers.elts;

    for (i = 0; i < store->providers.nelts; i++) {
        remote = p[i]->remote;

        if (remote == NULL) {
            continue;
        }

        remote->zone = store->zone;

        ngx_shmtx_lock(remote->zone->mutex);
        remote->slot = ngx_http_aws_sigv4_slot_find(remote->zone,
                                                    remote->key);
        ngx_shmtx_unlock(remote->zone->mutex);

        remote->jitter = ngx_random() % 1024;
        remote->timer.handler = ngx_http_aws_sigv4_refresh_handler;
        remote->timer.data = p[i];
        remote->timer.log = ngx_cycle->log;
        remote->timer.cancelable = 1;
    }

    for (i = 0; i < store->providers.nelts; i++) {
        leaf = p[i]->source ? p[i]->source : p[i];

        if (p[i]->used && leaf->remote != NULL) {
            ngx_http_aws_sigv4_refresh_start(leaf);
        }
    }
}


void
ngx_http_aws_sigv4_refresh_exit(ngx_http_aws_sigv4_store_t *store)
{
    ngx_uint_t                       i;
    ngx_http_aws_sigv4_slot_t       *slot;
    ngx_http_aws_sigv4_remote_t     *remote;
    ngx_http_aws_sigv4_provider_t  **p;

    p = store->providers.elts;

    for (i = 0; i < store->providers.nelts; i++) {
        remote = p[i]->remote;

        if (remote == NULL || remote->job == NULL) {
            continue;
        }

        ngx_http_aws_sigv4_refresh_stop(p[i]);

        ngx_shmtx_lock(remote->zone->mutex);

        slot = ngx_http_aws_sigv4_refresh_slot(remote);

        if (slot != NULL && slot->holder == ngx_pid) {
            slot->holder = 0;
        }

        ngx_shmtx_unlock(remote->zone->mutex);
    }
}


void
ngx_http_aws_sigv4_refresh_stop(ngx_http_aws_sigv4_provider_t *p)
{
    ngx_http_aws_sigv4_remote_t  *remote;

    remote = p->remote;

    if (remote->job != NULL) {
        ngx_http_aws_sigv4_job_abort(remote->job);
        remote->job = NULL;
    }

    if (remote->timer.timer_set) {
        ngx_del_timer(&remote->timer);
    }
}


void
ngx_http_aws_sigv4_refresh_start(ngx_http_aws_sigv4_provider_t *p)
{
    if (p->remote->active || p->remote->slot == NULL) {
        return;
    }

    p->remote->active = 1;

    /* not here: there may be a request that could not be told of its end */

    ngx_add_timer(&p->remote->timer, 1);
}


static void
ngx_http_aws_sigv4_refresh_handler(ngx_event_t *ev)
{
    ngx_http_aws_sigv4_refresh_check(ev->data);
}


void
ngx_http_aws_sigv4_refresh_check(ngx_http_aws_sigv4_provider_t *p)
{
    ngx_msec_t                    due;
    ngx_http_aws_sigv4_slot_t    *slot;
    ngx_http_aws_sigv4_remote_t  *remote;

    remote = p->remote;

    if (remote->slot == NULL) {
        return;
    }

    ngx_shmtx_lock(remote->zone->mutex);

    slot = ngx_http_aws_sigv4_refresh_slot(remote);

    if (slot == NULL) {
        ngx_shmtx_unlock(remote->zone->mutex);
        return;
    }

    if (slot->version != remote->version) {
        ngx_http_aws_sigv4_refresh_copy(p, NULL);
    }

    due = NGX_HTTP_AWS_SIGV4_WATCH;

    /* a worker that is exiting leaves it to others */

    if (remote->job == NULL && !ngx_exiting) {
        due = ngx_http_aws_sigv4_refresh_due(remote, slot);
    }

    if (due == 0) {
        slot->holder = ngx_pid;
        slot->until = ngx_current_msec + NGX_HTTP_AWS_SIGV4_LEASE;
        slot->fetches++;

        remote->tries = slot->tries;
        remote->wanted = slot->wanted;
    }

    ngx_shmtx_unlock(remote->zone->mutex);

    if (due == 0) {
        ngx_http_aws_sigv4_job_start(p);
        due = NGX_HTTP_AWS_SIGV4_WATCH;
    }

    if (remote->timer.timer_set) {
        return;
    }

    ngx_add_timer(&remote->timer,
                  ngx_max(1, ngx_min(due, NGX_HTTP_AWS_SIGV4_REFRESH_MAX)));
}


ngx_http_aws_sigv4_slot_t *
ngx_http_aws_sigv4_refresh_slot(ngx_http_aws_sigv4_remote_t *remote)
{
    ngx_http_aws_sigv4_slot_t  *slot;

    slot = remote->slot;

    if (slot != NULL
        && (!slot->used
            || ngx_memcmp(slot->key, remote->key, SIGV4_SHA256_LEN) != 0))
    {
        remote->slot = ngx_http_aws_sigv4_slot_find(remote->zone,
                                                    remote->key);
    }

    return remote->slot;
}


/* how long there is nothing to do, in milliseconds */

static ngx_msec_t
ngx_http_aws_sigv4_refresh_due(ngx_http_aws_sigv4_remote_t *remote,
    ngx_http_aws_sigv4_slot_t *slot)
{
    ngx_msec_t                    left, window;
    ngx_msec_int_t                next;
    sigv4_credentials_t           value;
    ngx_http_aws_sigv4_shared_t  *set;

    if (ngx_http_aws_sigv4_refresh_held(slot)) {
        return NGX_HTTP_AWS_SIGV4_WATCH;
    }

    set = ngx_http_aws_sigv4_slot_get(slot, &value);

    left = (set != NULL && set->expires != 0)
           ? ngx_http_aws_sigv4_refresh_left(set) * 1000 : 0;

    /* after a failure, or soon after a success if they are any good */

    next = (ngx_msec_int_t) (slot->next - ngx_current_msec);

    if (next > 0 && slot->next != 0 && (slot->tries || left)) {
        return next;
    }

    if (set == NULL || slot->wanted != slot->met) {
        return 0;
    }

    if (set->expires == 0) {
        return NGX_HTTP_AWS_SIGV4_REFRESH_MAX;
    }

    window = ngx_http_aws_sigv4_refresh_window(remote, set);

    return left > window ? left - window : 0;
}


static ngx_uint_t
ngx_http_aws_sigv4_refresh_held(ngx_http_aws_sigv4_slot_t *slot)
{
    if (slot->holder == 0) {
        return 0;
    }

    if ((ngx_msec_int_t) (slot->until - ngx_current_msec) > 0
        && (kill(slot->holder, 0) == 0 || ngx_errno != NGX_ESRCH))
    {
        return 1;
    }

    slot->holder = 0;

    return 0;
}


/*
 * A clock that was set back would make them live longer than they do, so
 * the time since they came counts as well.
 */

time_t
ngx_http_aws_sigv4_refresh_left(ngx_http_aws_sigv4_shared_t *set)
{
    time_t          left, life;
    ngx_msec_int_t  passed;

    passed = (ngx_msec_int_t) (ngx_current_msec - set->clock);
    passed = ngx_max(passed, 0) / 1000;

    life = set->expires - set->received;
    left = set->expires - ngx_time();

    left = ngx_min(left, life - passed);

    return ngx_max(left, 0);
}


/*
 * How long before they expire others are fetched, in milliseconds: between
 * the 15 minutes and the 10 minutes of the SDKs, or less if they live for
 * less than an hour.  Chance keeps those who started together apart.
 */

static ngx_msec_t
ngx_http_aws_sigv4_refresh_window(ngx_http_aws_sigv4_remote_t *remote,
    ngx_http_aws_sigv4_shared_t *set)
{
    ngx_msec_t  life, advisory, mandatory;

    life = ngx_max(set->expires - set->received, 0) * 1000;

    advisory = ngx_min(900 * 1000, life / 4);
    mandatory = ngx_min(600 * 1000, life / 6);

    return advisory - (advisory - mandatory) * remote->jitter / 1024;
}


void
ngx_http_aws_sigv4_refresh_copy(ngx_http_aws_sigv4_provider_t *p,
    u_char *source)
{
    char                              *err;
    sigv4_credentials_t                value;
    ngx_http_aws_sigv4_slot_t         *slot;
    ngx_http_aws_sigv4_remote_t       *remote;
    ngx_http_aws_sigv4_shared_t       *set;

    remote = p->remote;
    slot = remote->slot;

    remote->version = slot->version;

    set = ngx_http_aws_sigv4_slot_get(slot, &value);

    if (set == NULL) {
        return;
    }

    /* requests may point to it, and it does not change */

    if (set->region_len && remote->region.len == 0) {
        ngx_memcpy(remote->region_data, set->region, set->region_len);

        remote->region.data = remote->region_data;
        remote->region.len = set->region_len;
    }

    err = ngx_http_aws_sigv4_credentials_share(p, ngx_cycle->log, &value,
                                               set->expires,
                                               set->generation, source);
    if (err != NULL) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "aws sigv4: credentials of provider \"%V\" cannot be "
                      "copied: %s", &p->name, err);
    }
}


ngx_uint_t
ngx_http_aws_sigv4_refresh_hopeless(ngx_http_aws_sigv4_provider_t *p,
    ngx_msec_t deadline)
{
    ngx_uint_t                    hopeless;
    ngx_http_aws_sigv4_slot_t    *slot;
    ngx_http_aws_sigv4_remote_t  *remote;

    remote = p->remote;

    if (remote->slot == NULL) {
        return 1;
    }

    ngx_shmtx_lock(remote->zone->mutex);

    slot = ngx_http_aws_sigv4_refresh_slot(remote);

    hopeless = slot == NULL
               || (!ngx_http_aws_sigv4_refresh_held(slot)
                   && slot->tries != 0
                   && (ngx_msec_int_t) (slot->next - deadline) > 0);

    if (slot != NULL && slot->error_len) {
        (void) ngx_http_aws_sigv4_provider_error(p, NGX_ERROR, "%*s",
                                                 slot->error_len,
                                                 slot->error);
    }

    ngx_shmtx_unlock(remote->zone->mutex);

    return hopeless;
}


void
ngx_http_aws_sigv4_refresh_early(ngx_http_aws_sigv4_provider_t *p,
    uint64_t generation)
{
    ngx_uint_t                    due;
    sigv4_credentials_t           value;
    ngx_http_aws_sigv4_slot_t    *slot;
    ngx_http_aws_sigv4_remote_t  *remote;
    ngx_http_aws_sigv4_shared_t  *set;

    remote = p->remote;
    due = 0;

    ngx_shmtx_lock(remote->zone->mutex);

    slot = ngx_http_aws_sigv4_refresh_slot(remote);
    set = slot ? ngx_http_aws_sigv4_slot_get(slot, &value) : NULL;

    if (set != NULL && set->generation == generation
        && slot->refused != generation
        && (slot->refused == 0
            || ngx_current_msec - slot->refused_clock
               >= NGX_HTTP_AWS_SIGV4_REFUSED_MIN))
    {
        slot->refused = generation;
        slot->refused_clock = ngx_current_msec;
        slot->next = 0;
        slot->wanted++;
        due = 1;
    }

    ngx_shmtx_unlock(remote->zone->mutex);

    if (due) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "aws sigv4: AWS has refused the credentials of "
                      "provider \"%V\", they are fetched anew", &p->name);

        ngx_http_aws_sigv4_refresh_check(p);
    }
}
