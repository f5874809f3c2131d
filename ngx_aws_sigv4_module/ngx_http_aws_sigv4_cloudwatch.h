
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What is counted is sent to CloudWatch: every interval one of the workers
 * tells by how much the counters have grown since the last call that has
 * succeeded.
 *
 * What has been sent is kept in memory that the workers share, so that it is
 * sent by another one if a worker dies or a configuration ends.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_CLOUDWATCH_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_CLOUDWATCH_H_INCLUDED_


#include "ngx_http_aws_sigv4_module.h"
#include "ngx_http_aws_sigv4_fetch.h"
#include "ngx_http_aws_sigv4_metrics.h"


/* of PutMetricData: https://docs.aws.amazon.com/AmazonCloudWatch/ */
#define NGX_HTTP_AWS_SIGV4_CW_DATA        1000
#define NGX_HTTP_AWS_SIGV4_CW_SIZE        1000000

/* of one interval; what is left waits for the next one */
#define NGX_HTTP_AWS_SIGV4_CW_CALLS       12

/* a call takes no longer than this, in milliseconds */
#define NGX_HTTP_AWS_SIGV4_CW_TIME        30000

#define NGX_HTTP_AWS_SIGV4_CW_ERROR       256

/* the counts beside the latency */
#define NGX_HTTP_AWS_SIGV4_CW_COUNTS      5


/* what is sent of a series */
typedef struct {
    ngx_atomic_uint_t              counts[NGX_HTTP_AWS_SIGV4_CW_COUNTS];
    ngx_http_aws_sigv4_histogram_t latency;
} ngx_http_aws_sigv4_tally_t;


/* in shared memory, with the lock held */
typedef struct {
    ngx_pid_t                      holder;    /* who sends; 0: nobody */
    ngx_uint_t                     lease;     /* one more for each holder */
    ngx_msec_t                     until;     /* at most */
    ngx_msec_t                     next;      /* not before */
    ngx_uint_t                     first;     /* series to begin with */

    /* of the counters that the tallies are of; 0: of none yet */
    ngx_uint_t                     generation;

    size_t                         error_len; /* 0: the last succeeded */
    u_char                         error[NGX_HTTP_AWS_SIGV4_CW_ERROR];

    ngx_http_aws_sigv4_tally_t     sent[NGX_HTTP_AWS_SIGV4_SERIES_MAX + 1];
} ngx_http_aws_sigv4_sent_t;


/* a call: the series that are in it */
typedef struct {
    ngx_uint_t                     nseries;
    ngx_uint_t                     series[NGX_HTTP_AWS_SIGV4_CW_DATA];
    ngx_http_aws_sigv4_tally_t     tally[NGX_HTTP_AWS_SIGV4_CW_DATA];
} ngx_http_aws_sigv4_call_t;


struct ngx_http_aws_sigv4_cloudwatch_s {
    ngx_str_t                      namespace;
    ngx_str_t                      region;
    ngx_str_t                      credentials;
    ngx_msec_t                     interval;
    ngx_str_t                      ca_file;

    ngx_http_aws_sigv4_origin_t    origin;
    ngx_resolver_t                *resolver;
    ngx_ssl_t                     *ssl;
    ngx_http_aws_sigv4_provider_t *provider;
    ngx_http_aws_sigv4_zone_t     *zone;      /* of the counters */

    ngx_shm_zone_t                *shm_zone;
    ngx_shmtx_t                   *mutex;
    ngx_http_aws_sigv4_sent_t     *sent;

    u_char                        *file;      /* of the directive */
    ngx_uint_t                     line;

    /* of this worker */
    ngx_event_t                    timer;
    ngx_uint_t                     lease;
    ngx_uint_t                     calls;     /* left in this interval */
    ngx_uint_t                     at;        /* series that is next */
    ngx_uint_t                     todo;      /* series that are left */
};


/* ngx_http_aws_sigv4_cloudwatch_lease.c */

/* in each worker: what was counted before CloudWatch is told is not sent */
void ngx_http_aws_sigv4_cloudwatch_begin(ngx_http_aws_sigv4_cloudwatch_t *cw);

/* 0: it is for this worker to send; else when to look again */
ngx_msec_t ngx_http_aws_sigv4_cloudwatch_due(
    ngx_http_aws_sigv4_cloudwatch_t *cw);

/* for one call more; NGX_DECLINED: this worker has been given up */
ngx_int_t ngx_http_aws_sigv4_cloudwatch_hold(
    ngx_http_aws_sigv4_cloudwatch_t *cw);

/* NGX_AGAIN: it had failed before; NGX_DECLINED: as above, nothing is kept */
ngx_int_t ngx_http_aws_sigv4_cloudwatch_sent(
    ngx_http_aws_sigv4_cloudwatch_t *cw, ngx_http_aws_sigv4_call_t *call);

/* ends it; NGX_DECLINED: as above, or the error is the same as before */
ngx_int_t ngx_http_aws_sigv4_cloudwatch_not_sent(
    ngx_http_aws_sigv4_cloudwatch_t *cw, ngx_str_t *error);

void ngx_http_aws_sigv4_cloudwatch_end(ngx_http_aws_sigv4_cloudwatch_t *cw);


/* ngx_http_aws_sigv4_cloudwatch_form.c */

void ngx_http_aws_sigv4_tally(ngx_http_aws_sigv4_series_t *series,
    ngx_http_aws_sigv4_tally_t *tally);

/*
 * The form of the next call, empty if there is nothing to be sent; moves
 * cw->at.  NGX_ERROR: there is no memory.
 */
ngx_int_t ngx_http_aws_sigv4_cloudwatch_form(
    ngx_http_aws_sigv4_cloudwatch_t *cw, ngx_pool_t *pool,
    ngx_http_aws_sigv4_call_t *call, ngx_str_t *form);


#endif /* _NGX_HTTP_AWS_SIGV4_CLOUDWATCH_H_INCLUDED_ */
