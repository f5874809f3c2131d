
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


#define NGX_HTTP_AWS_SIGV4_BACKOFF_MIN    1000
#define NGX_HTTP_AWS_SIGV4_BACKOFF_MAX    60000

/* what expired credentials of IMDS are used for further, in seconds */
#define NGX_HTTP_AWS_SIGV4_STABLE         600


static char *ngx_http_aws_sigv4_result_check(ngx_http_aws_sigv4_job_t *job,
    sigv4_credentials_t *value, time_t *expires);
static void ngx_http_aws_sigv4_result_store(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_slot_t *slot, sigv4_credentials_t *value,
    time_t expires);
static time_t ngx_http_aws_sigv4_result_extended(void);
static void ngx_http_aws_sigv4_result_extend(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_slot_t *slot, ngx_msec_t delay);
static ngx_msec_t ngx_http_aws_sigv4_result_backoff(
    ngx_http_aws_sigv4_slot_t *slot, time_t left);
static void ngx_http_aws_sigv4_result_log(ngx_http_aws_sigv4_job_t *job,
    ngx_str_t *error, ngx_msec_t delay);
static void ngx_http_aws_sigv4_result_end(ngx_http_aws_sigv4_job_t *job);


void
ngx_http_aws_sigv4_refresh_done(ngx_http_aws_sigv4_job_t *job,
    sigv4_credentials_t *value, time_t expires)
{
    char                           *err;
    ngx_str_t                       error;
    ngx_http_aws_sigv4_slot_t      *slot;
    ngx_http_aws_sigv4_remote_t    *remote;
    ngx_http_aws_sigv4_provider_t  *p;

    p = job->provider;
    remote = p->remote;

    err = ngx_http_aws_sigv4_result_check(job, value, &expires);

    if (err != NULL) {
        error.data = (u_char *) err;
        error.len = ngx_strlen(err);

        ngx_http_aws_sigv4_refresh_failed(job, &error);
        return;
    }

    ngx_shmtx_lock(remote->zone->mutex);

    slot = ngx_http_aws_sigv4_refresh_slot(remote);

    if (slot != NULL) {
        ngx_http_aws_sigv4_result_store(job, slot, value, expires);
        ngx_http_aws_sigv4_refresh_copy(p, p->type->name.data);
    }

    ngx_shmtx_unlock(remote->zone->mutex);

    ngx_http_aws_sigv4_result_end(job);
}


static char *
ngx_http_aws_sigv4_result_check(ngx_http_aws_sigv4_job_t *job,
    sigv4_credentials_t *value, time_t *expires)
{
    char  *err;

    err = ngx_http_aws_sigv4_credentials_check(value);

    if (err != NULL) {
        return err;
    }

    if (value->access_key_id.len + value->secret_access_key.len
        + value->session_token.len > NGX_HTTP_AWS_SIGV4_SLOT_DATA)
    {
        return "the credentials are longer than 16K";
    }

    if (*expires == 0 || *expires > ngx_time()) {
        return NULL;
    }

    if (!job->stable) {
        return "the credentials have expired already";
    }

    *expires = ngx_http_aws_sigv4_result_extended();

    ngx_log_error(NGX_LOG_WARN, job->log, 0,
                  "aws sigv4: provider \"%V\" has got credentials that have "
                  "expired, they are used for %T s more",
                  &job->provider->name, *expires - ngx_time());

    return NULL;
}


static void
ngx_http_aws_sigv4_result_store(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_slot_t *slot, sigv4_credentials_t *value,
    time_t expires)
{
    uint64_t                      generation;
    ngx_msec_t                    pause;
    sigv4_credentials_t           old;
    ngx_http_aws_sigv4_shared_t  *set;

    set = ngx_http_aws_sigv4_slot_get(slot, &old);

    generation = (set != NULL && ngx_http_aws_sigv4_same(&old, value))
                 ? set->generation
                 : ngx_http_aws_sigv4_generation();

    ngx_http_aws_sigv4_slot_set(slot, value, expires, generation,
                                &job->region);

    /* a source that goes on giving the same ones is not asked in a loop */

    pause = expires ? (expires - ngx_time()) * 1000 / 8 : 0;
    pause = ngx_max(pause, NGX_HTTP_AWS_SIGV4_BACKOFF_MIN);
    pause = ngx_min(pause, NGX_HTTP_AWS_SIGV4_BACKOFF_MAX);

    slot->next = ngx_current_msec + pause;
    slot->fetched = ngx_current_msec;
    slot->met = job->provider->remote->wanted;
    slot->tries = 0;
    slot->error_len = 0;
}


/* as botocore does: ten minutes, and two to ten by chance */

static time_t
ngx_http_aws_sigv4_result_extended(void)
{
    return ngx_time() + NGX_HTTP_AWS_SIGV4_STABLE + 120
           + ngx_random() % 480;
}


void
ngx_http_aws_sigv4_refresh_failed(ngx_http_aws_sigv4_job_t *job,
    ngx_str_t *error)
{
    time_t                        left;
    ngx_msec_t                    delay;
    sigv4_credentials_t           value;
    ngx_http_aws_sigv4_slot_t    *slot;
    ngx_http_aws_sigv4_remote_t  *remote;
    ngx_http_aws_sigv4_shared_t  *set;

    remote = job->provider->remote;
    delay = NGX_HTTP_AWS_SIGV4_BACKOFF_MAX;

    ngx_shmtx_lock(remote->zone->mutex);

    slot = ngx_http_aws_sigv4_refresh_slot(remote);

    if (slot != NULL) {
        set = ngx_http_aws_sigv4_slot_get(slot, &value);
        left = set ? ngx_http_aws_sigv4_refresh_left(set) : 0;

        slot->failures++;
        slot->tries++;
        slot->error_len = ngx_min(error->len, NGX_HTTP_AWS_SIGV4_SLOT_ERROR);
        ngx_memcpy(slot->error, error->data, slot->error_len);

        delay = ngx_http_aws_sigv4_result_backoff(slot, left);
        slot->next = ngx_current_msec + delay;

        if (set != NULL && set->expires != 0 && job->stable) {
            ngx_http_aws_sigv4_result_extend(job, slot, delay);
        }

        if (slot->version != remote->version) {
            ngx_http_aws_sigv4_refresh_copy(job->provider, NULL);
        }
    }

    ngx_shmtx_unlock(remote->zone->mutex);

    ngx_http_aws_sigv4_result_log(job, error, delay);
    ngx_http_aws_sigv4_result_end(job);
}


/* IMDS cannot be reached: what it gave last is used until it can be again */

static void
ngx_http_aws_sigv4_result_extend(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_slot_t *slot, ngx_msec_t delay)
{
    time_t                        expires;
    ngx_str_t                     region;
    sigv4_credentials_t           value;
    ngx_http_aws_sigv4_shared_t  *set;

    set = ngx_http_aws_sigv4_slot_get(slot, &value);

    if (set->expires - ngx_time() > (time_t) (delay / 1000 + 30)) {
        return;
    }

    expires = ngx_http_aws_sigv4_result_extended();

    region.data = set->region;
    region.len = set->region_len;

    ngx_http_aws_sigv4_slot_set(slot, &value, expires, set->generation,
                                &region);

    ngx_log_error(NGX_LOG_WARN, job->log, 0,
                  "aws sigv4: the credentials of provider \"%V\" expire and "
                  "there are no others, they are used for %T s more",
                  &job->provider->name, expires - ngx_time());
}


/* the less time there is left, the more often it is tried */

static ngx_msec_t
ngx_http_aws_sigv4_result_backoff(ngx_http_aws_sigv4_slot_t *slot,
    time_t left)
{
    ngx_msec_t  delay;

    delay = NGX_HTTP_AWS_SIGV4_BACKOFF_MIN << ngx_min(slot->tries - 1, 6);
    delay = ngx_min(delay, NGX_HTTP_AWS_SIGV4_BACKOFF_MAX);

    if (left > 0) {
        delay = ngx_min(delay, ngx_max((ngx_msec_t) left * 1000 / 4,
                                       NGX_HTTP_AWS_SIGV4_BACKOFF_MIN));
    }

    return delay * 3 / 4 + ngx_random() % (delay / 2);
}


static void
ngx_http_aws_sigv4_result_log(ngx_http_aws_sigv4_job_t *job,
    ngx_str_t *error, ngx_msec_t delay)
{
    ngx_uint_t                         level;
    ngx_http_aws_sigv4_credentials_t  *c;

    c = job->provider->credentials;

    level = NGX_LOG_ERR;

    if (c != NULL && (c->expires == 0 || c->expires > ngx_time())) {
        level = NGX_LOG_WARN;
    }

    ngx_log_error(level, job->log, 0,
                  "aws sigv4: provider \"%V\" could not fetch credentials: "
                  "%V; %s, next try in %M ms", &job->provider->name, error,
                  level == NGX_LOG_WARN
                  ? "those it has are used on"
                  : "it has none",
                  delay);
}


static void
ngx_http_aws_sigv4_result_end(ngx_http_aws_sigv4_job_t *job)
{
    ngx_http_aws_sigv4_slot_t      *slot;
    ngx_http_aws_sigv4_remote_t    *remote;
    ngx_http_aws_sigv4_provider_t  *p;

    p = job->provider;
    remote = p->remote;

    ngx_shmtx_lock(remote->zone->mutex);

    slot = ngx_http_aws_sigv4_refresh_slot(remote);

    if (slot != NULL && slot->holder == ngx_pid) {
        slot->holder = 0;
    }

    ngx_shmtx_unlock(remote->zone->mutex);

    remote->job = NULL;

    /* when the next one is due is looked at soon, and not from here */

    if (remote->timer.timer_set) {
        ngx_del_timer(&remote->timer);
    }

    ngx_add_timer(&remote->timer, 1);

    ngx_http_aws_sigv4_wake();
}
