
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Counters in memory that all workers share, and that outlives workers and
 * configurations.
 *
 * A series is what is counted for one location, service, region and
 * provider.  Their number is fixed: what finds no place is counted in the
 * first one, the overflow, whose labels are all "other".
 *
 * Nothing is locked.  Counters grow by atomic additions.  A hash table of
 * cells leads to the series: whoever is the first to need one claims the
 * cell with its process id, writes the labels and puts the number of the
 * series into the cell.  A claim of a worker that has died is taken over.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_METRICS_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_METRICS_H_INCLUDED_


#include "ngx_http_aws_sigv4_module.h"
#include "ngx_http_aws_sigv4_zone.h"


/* however much memory there is */
#define NGX_HTTP_AWS_SIGV4_SERIES_MAX     1024

/* the labels, in their order; a provider is known by its name */
#define NGX_HTTP_AWS_SIGV4_LABELS         4

/* of all labels of a series together */
#define NGX_HTTP_AWS_SIGV4_LABELS_LEN     220

/* of aws_sigv4_metrics_label */
#define NGX_HTTP_AWS_SIGV4_LABEL_MAX      64

/* of latency, with that of no bound */
#define NGX_HTTP_AWS_SIGV4_BUCKETS        15

/* no answer, and 1xx to 5xx */
#define NGX_HTTP_AWS_SIGV4_CLASSES        6


/* the counters of a series */
typedef enum {
    NGX_HTTP_AWS_SIGV4_COUNT_SIGNED = 0,
    NGX_HTTP_AWS_SIGV4_COUNT_RESIGNED,
    NGX_HTTP_AWS_SIGV4_COUNT_HASHED,
    NGX_HTTP_AWS_SIGV4_COUNT_CLASS,

    /* milliseconds: as many as are in each bucket, and then their sum */
    NGX_HTTP_AWS_SIGV4_COUNT_FIRST_BYTE = NGX_HTTP_AWS_SIGV4_COUNT_CLASS
                                          + NGX_HTTP_AWS_SIGV4_CLASSES,
    NGX_HTTP_AWS_SIGV4_COUNT_TOTAL = NGX_HTTP_AWS_SIGV4_COUNT_FIRST_BYTE
                                     + NGX_HTTP_AWS_SIGV4_BUCKETS + 1,

    /* by ngx_http_aws_sigv4_status_e */
    NGX_HTTP_AWS_SIGV4_COUNT_STATUS = NGX_HTTP_AWS_SIGV4_COUNT_TOTAL
                                      + NGX_HTTP_AWS_SIGV4_BUCKETS + 1,

    NGX_HTTP_AWS_SIGV4_COUNTERS = NGX_HTTP_AWS_SIGV4_COUNT_STATUS
                                  + NGX_HTTP_AWS_SIGV4_STATUSES
} ngx_http_aws_sigv4_counter_e;


struct ngx_http_aws_sigv4_series_s {
    ngx_atomic_t                   ready;
    u_char                         len[NGX_HTTP_AWS_SIGV4_LABELS];
    u_char                         labels[NGX_HTTP_AWS_SIGV4_LABELS_LEN];
    ngx_atomic_t                   counters[NGX_HTTP_AWS_SIGV4_COUNTERS];
};


/* an alarm at the end of the last window, and what was counted by then */
typedef struct {
    ngx_atomic_t                   raised;
    ngx_atomic_t                   value;
    ngx_atomic_t                   counted;
} ngx_http_aws_sigv4_alarm_state_t;


struct ngx_http_aws_sigv4_metrics_s {
    ngx_uint_t                     generation;  /* no other has it */
    ngx_uint_t                     limit;     /* with the overflow */
    ngx_uint_t                     mask;      /* of cells */
    ngx_atomic_t                  *cells;     /* 0: free */
    ngx_http_aws_sigv4_series_t   *series;

    ngx_atomic_t                   used;      /* with the overflow */
    ngx_atomic_t                   overflow;
    ngx_atomic_t                   key_hits;
    ngx_atomic_t                   key_misses;

    ngx_atomic_t                   alarm_end; /* of the window; 0: none */
    ngx_atomic_t                   alarm_window;
    ngx_atomic_t                   alarm_responses;
    ngx_http_aws_sigv4_alarm_state_t
                                   alarms[NGX_HTTP_AWS_SIGV4_ALARMS];
};


/* a metric of series, and its name without "aws_sigv4_" */
typedef struct {
    ngx_str_t                      name;
    char                          *help;
    ngx_uint_t                     counter;

    /* more than one: the label that tells them apart, "reason" or "class" */
    char                          *label;
    ngx_uint_t                    *counters;
    ngx_uint_t                     n;

    unsigned                       histogram:1;
} ngx_http_aws_sigv4_family_t;


/* a histogram at one moment, in buckets that include those before them */
typedef struct {
    ngx_atomic_uint_t              buckets[NGX_HTTP_AWS_SIGV4_BUCKETS];
    ngx_atomic_uint_t              sum;       /* milliseconds */
} ngx_http_aws_sigv4_histogram_t;


/* ngx_http_aws_sigv4_metrics.c */

/* of so many series, that of the overflow among them */
size_t ngx_http_aws_sigv4_metrics_size(ngx_uint_t limit);

/* the most that is made use of */
size_t ngx_http_aws_sigv4_metrics_max(void);

/* how many fit into it */
ngx_uint_t ngx_http_aws_sigv4_metrics_limit(size_t size);

/* makes it of memory that is all zeros */
ngx_http_aws_sigv4_metrics_t *ngx_http_aws_sigv4_metrics_init(void *data,
    size_t size);

/* finds or makes a series; that of the overflow if there is no place */
ngx_http_aws_sigv4_series_t *ngx_http_aws_sigv4_series(
    ngx_http_aws_sigv4_metrics_t *metrics, ngx_str_t *labels);

/* from 0, that of the overflow; NULL: it is not there, or not yet */
ngx_http_aws_sigv4_series_t *ngx_http_aws_sigv4_series_at(
    ngx_http_aws_sigv4_metrics_t *metrics, ngx_uint_t n);

/* how many there are, without that of the overflow */
ngx_uint_t ngx_http_aws_sigv4_series_used(
    ngx_http_aws_sigv4_metrics_t *metrics);

void ngx_http_aws_sigv4_series_label(ngx_http_aws_sigv4_series_t *series,
    ngx_uint_t n, ngx_str_t *label);


/* ngx_http_aws_sigv4_metrics_record.c */

/* those of the configuration; NULL: there is none that counts */
ngx_http_aws_sigv4_metrics_t *ngx_http_aws_sigv4_metrics(
    ngx_http_aws_sigv4_main_conf_t *smcf);

/* in the series of what is known of the request by now */
void ngx_http_aws_sigv4_count(ngx_http_aws_sigv4_ctx_t *ctx,
    ngx_uint_t counter, ngx_uint_t n);

/* what the upstream made of each attempt since ctx->attempts was set */
void ngx_http_aws_sigv4_count_attempts(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);

void ngx_http_aws_sigv4_count_key(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_uint_t hit);


/* ngx_http_aws_sigv4_alarm.c */

typedef struct {
    ngx_str_t                     *name;
    ngx_uint_t                     raised;
    ngx_uint_t                     value;     /* in the last window */
    ngx_int_t                      threshold;
    ngx_msec_t                     window;
} ngx_http_aws_sigv4_alarm_shown_t;

char *ngx_http_aws_sigv4_alarm(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

void ngx_http_aws_sigv4_alarm_create(ngx_http_aws_sigv4_alarms_t *alarms);
void ngx_http_aws_sigv4_alarm_init(ngx_http_aws_sigv4_alarms_t *alarms);

/* in a worker */
void ngx_http_aws_sigv4_alarm_start(ngx_cycle_t *cycle,
    ngx_http_aws_sigv4_main_conf_t *smcf);

/* the n-th alarm; NGX_DECLINED: it is off */
ngx_int_t ngx_http_aws_sigv4_alarm_at(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_uint_t n, ngx_http_aws_sigv4_alarm_shown_t *shown);


/* ngx_http_aws_sigv4_ready.c */

/* whether it is no reason to send requests elsewhere */
ngx_uint_t ngx_http_aws_sigv4_provider_ready(
    ngx_http_aws_sigv4_provider_state_t *state);


/* ngx_http_aws_sigv4_metrics_table.c */

extern ngx_str_t  ngx_http_aws_sigv4_label_names[];

/* ends with an empty name */
extern ngx_http_aws_sigv4_family_t  ngx_http_aws_sigv4_families[];

/* the upper bounds of buckets, in milliseconds and as they are written */
extern ngx_msec_t  ngx_http_aws_sigv4_bounds[];
extern ngx_str_t   ngx_http_aws_sigv4_bound_names[];

/* the value of the label that a counter of a family has */
ngx_str_t *ngx_http_aws_sigv4_counter_name(ngx_uint_t counter);

void ngx_http_aws_sigv4_histogram(ngx_http_aws_sigv4_series_t *series,
    ngx_uint_t counter, ngx_http_aws_sigv4_histogram_t *h);


#endif /* _NGX_HTTP_AWS_SIGV4_METRICS_H_INCLUDED_ */
