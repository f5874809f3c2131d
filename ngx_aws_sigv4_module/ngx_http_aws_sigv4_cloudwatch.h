
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
    ngx_msec_t                     until;     /* at most */
    ngx_msec_t                     next;      /* not before */
    ngx_uint_t                     first;     /* series to begin with */

    /* the memory that the tallies are of */
    ngx_http_aws_sigv4_metrics_t  *metrics;

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
    ngx_uint_t                     calls;     /* left in this interval */
    ngx_uint_t                     at;        /* series that is next */
    ngx_uint_t                     todo;      /* series that are left */
};


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
