
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Who sends, and what has been sent: in shared memory, behind its lock.
 *
 * One worker at a time holds the lease.  If it is stopped for longer than a
 * call may take, another one has the next lease, and what the first one
 * comes back with is of no use.
 */


#include "ngx_http_aws_sigv4_cloudwatch.h"


/* a worker that has not come back after it has been given up */
#define NGX_HTTP_AWS_SIGV4_CW_LEASE       (NGX_HTTP_AWS_SIGV4_CW_TIME + 5000)


static ngx_uint_t ngx_http_aws_sigv4_cloudwatch_taken(
    ngx_http_aws_sigv4_sent_t *sent);
static ngx_uint_t ngx_http_aws_sigv4_cloudwatch_held(
    ngx_http_aws_sigv4_cloudwatch_t *cw);


void
ngx_http_aws_sigv4_cloudwatch_begin(ngx_http_aws_sigv4_cloudwatch_t *cw)
{
    ngx_uint_t                     i;
    ngx_http_aws_sigv4_sent_t     *sent;
    ngx_http_aws_sigv4_series_t   *series;
    ngx_http_aws_sigv4_metrics_t  *metrics;

    sent = cw->sent;
    metrics = cw->zone->metrics;

    ngx_shmtx_lock(cw->mutex);

    if (sent->next == 0) {
        sent->next = ngx_current_msec + cw->interval;
    }

    /* it would all seem to have happened now */

    if (sent->generation != metrics->generation) {
        sent->generation = metrics->generation;
        sent->holder = 0;
        sent->lease++;
        sent->first = 0;

        ngx_memzero(sent->sent, sizeof(sent->sent));

        for (i = 0; i < metrics->limit; i++) {
            series = ngx_http_aws_sigv4_series_at(metrics, i);

            if (series != NULL) {
                ngx_http_aws_sigv4_tally(series, &sent->sent[i]);
            }
        }
    }

    ngx_shmtx_unlock(cw->mutex);
}


ngx_msec_t
ngx_http_aws_sigv4_cloudwatch_due(ngx_http_aws_sigv4_cloudwatch_t *cw)
{
    ngx_msec_t                  due;
    ngx_msec_int_t              left;
    ngx_http_aws_sigv4_sent_t  *sent;

    sent = cw->sent;

    ngx_shmtx_lock(cw->mutex);

    left = (ngx_msec_int_t) (sent->next - ngx_current_msec);

    /* a configuration before may have had a longer interval */

    if (left > 0) {
        due = ngx_min((ngx_msec_t) left, cw->interval);

        if ((ngx_msec_t) left > cw->interval) {
            sent->next = ngx_current_msec + cw->interval;
        }

    } else if (sent->generation != cw->zone->metrics->generation
               || ngx_http_aws_sigv4_cloudwatch_taken(sent))
    {
        due = 1000;

    } else {
        due = 0;

        sent->holder = ngx_pid;
        sent->until = ngx_current_msec + NGX_HTTP_AWS_SIGV4_CW_LEASE;
        sent->next = ngx_current_msec + cw->interval;

        cw->lease = ++sent->lease;
        cw->calls = NGX_HTTP_AWS_SIGV4_CW_CALLS;
        cw->at = sent->first;
        cw->todo = cw->zone->metrics->limit;
    }

    ngx_shmtx_unlock(cw->mutex);

    return due;
}


static ngx_uint_t
ngx_http_aws_sigv4_cloudwatch_taken(ngx_http_aws_sigv4_sent_t *sent)
{
    return sent->holder != 0
           && (ngx_msec_int_t) (sent->until - ngx_current_msec) > 0
           && (kill(sent->holder, 0) == 0 || ngx_errno != NGX_ESRCH);
}


static ngx_uint_t
ngx_http_aws_sigv4_cloudwatch_held(ngx_http_aws_sigv4_cloudwatch_t *cw)
{
    return cw->sent->holder == ngx_pid && cw->sent->lease == cw->lease;
}


ngx_int_t
ngx_http_aws_sigv4_cloudwatch_hold(ngx_http_aws_sigv4_cloudwatch_t *cw)
{
    ngx_int_t  rc;

    rc = NGX_DECLINED;

    ngx_shmtx_lock(cw->mutex);

    if (ngx_http_aws_sigv4_cloudwatch_held(cw)) {
        cw->sent->until = ngx_current_msec + NGX_HTTP_AWS_SIGV4_CW_LEASE;
        rc = NGX_OK;
    }

    ngx_shmtx_unlock(cw->mutex);

    return rc;
}


ngx_int_t
ngx_http_aws_sigv4_cloudwatch_sent(ngx_http_aws_sigv4_cloudwatch_t *cw,
    ngx_http_aws_sigv4_call_t *call)
{
    ngx_int_t                   rc;
    ngx_uint_t                  i;
    ngx_http_aws_sigv4_sent_t  *sent;

    sent = cw->sent;
    rc = NGX_DECLINED;

    ngx_shmtx_lock(cw->mutex);

    if (ngx_http_aws_sigv4_cloudwatch_held(cw)) {

        for (i = 0; i < call->nseries; i++) {
            sent->sent[call->series[i]] = call->tally[i];
        }

        sent->first = cw->at % cw->zone->metrics->limit;

        rc = sent->error_len ? NGX_AGAIN : NGX_OK;
        sent->error_len = 0;
    }

    ngx_shmtx_unlock(cw->mutex);

    return rc;
}


ngx_int_t
ngx_http_aws_sigv4_cloudwatch_not_sent(ngx_http_aws_sigv4_cloudwatch_t *cw,
    ngx_str_t *error)
{
    ngx_int_t                   rc;
    ngx_http_aws_sigv4_sent_t  *sent;

    sent = cw->sent;
    rc = NGX_DECLINED;

    ngx_shmtx_lock(cw->mutex);

    if (ngx_http_aws_sigv4_cloudwatch_held(cw)) {
        sent->holder = 0;

        if (sent->error_len != error->len
            || ngx_memcmp(sent->error, error->data, error->len) != 0)
        {
            sent->error_len = error->len;
            ngx_memcpy(sent->error, error->data, error->len);
            rc = NGX_OK;
        }
    }

    ngx_shmtx_unlock(cw->mutex);

    return rc;
}


void
ngx_http_aws_sigv4_cloudwatch_end(ngx_http_aws_sigv4_cloudwatch_t *cw)
{
    ngx_shmtx_lock(cw->mutex);

    if (ngx_http_aws_sigv4_cloudwatch_held(cw)) {
        cw->sent->holder = 0;
    }

    ngx_shmtx_unlock(cw->mutex);
}
