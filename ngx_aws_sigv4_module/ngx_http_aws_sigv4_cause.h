
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Why AWS refuses requests, and what is learned from that: how often there
 * was which cause, and how far the clocks of hosts are from that of this
 * machine.  Both are in memory that all workers share and that outlives
 * workers and configurations.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_CAUSE_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_CAUSE_H_INCLUDED_


#include "ngx_http_aws_sigv4_module.h"


/* of an answer, what is looked at: it has our canonical request in it */
#define NGX_HTTP_AWS_SIGV4_REFUSED_BODY   16384

#define NGX_HTTP_AWS_SIGV4_CLOCKS         64
#define NGX_HTTP_AWS_SIGV4_CLOCK_HOST     255

/* the most that a date is corrected by, in seconds */
#define NGX_HTTP_AWS_SIGV4_SKEW_MAX       86400

/* clocks that are less apart are one and the same, in seconds */
#define NGX_HTTP_AWS_SIGV4_SKEW_MIN       60


/* an answer that refuses a request */
struct ngx_http_aws_sigv4_refused_s {
    ngx_uint_t                      status;
    time_t                          date;     /* -1: it has none */
    ngx_str_t                       type;     /* x-amzn-errortype */
    ngx_str_t                       bucket_region;
    ngx_str_t                       request_id;
    unsigned                        verified:1;
    unsigned                        encoded:1;

    size_t                          len;
    u_char                          data[NGX_HTTP_AWS_SIGV4_REFUSED_BODY];
};


/* why; strings are only for the log, and wiped behind it */
typedef struct {
    sigv4_cause_e                   cause;
    sigv4_refusal_t                 refusal;
    sigv4_difference_t              difference;
    unsigned                        compared:1;
} ngx_http_aws_sigv4_why_t;


/* ngx_http_aws_sigv4_refused.c */

/* looks in responses for what AWS refuses */
ngx_int_t ngx_http_aws_sigv4_refused_init(ngx_conf_t *cf);

/*
 * The end of an attempt, or of the response to it: what there is of an
 * answer is looked at now.  Connected: the connection is that of it.
 */
void ngx_http_aws_sigv4_refused_end(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_uint_t connected);

/* the header of the answer, by its name in lower case; empty: none */
ngx_str_t ngx_http_aws_sigv4_answer_header(ngx_http_request_t *r,
    ngx_str_t *name);
ngx_str_t ngx_http_aws_sigv4_answer_id(ngx_http_request_t *r);


/* ngx_http_aws_sigv4_cause.c */

/* finds the cause, sets ctx->cause, and acts by it; wipes the answer */
void ngx_http_aws_sigv4_cause(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused);


/* ngx_http_aws_sigv4_cause_log.c */

void ngx_http_aws_sigv4_cause_log(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused,
    ngx_http_aws_sigv4_why_t *why);


/* ngx_http_aws_sigv4_skew.c */

/* what is to be added to the local time for the host of the request */
time_t ngx_http_aws_sigv4_skew(ngx_http_aws_sigv4_ctx_t *ctx);

/* whether the answer is of the host that was signed for, without a doubt */
ngx_uint_t ngx_http_aws_sigv4_skew_verified(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);

/* the Date of the answer; -1: it has none, or was kept by a cache */
time_t ngx_http_aws_sigv4_skew_date(ngx_http_request_t *r);

/* after an answer that says that the date is wrong */
void ngx_http_aws_sigv4_skew_learn(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx, ngx_http_aws_sigv4_refused_t *refused);

/* after any answer to a request whose date was corrected */
void ngx_http_aws_sigv4_skew_check(ngx_http_request_t *r,
    ngx_http_aws_sigv4_ctx_t *ctx);


/* ngx_http_aws_sigv4_cause_zone.c */

ngx_int_t ngx_http_aws_sigv4_cause_zone_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_main_conf_t *smcf);

void ngx_http_aws_sigv4_cause_count(ngx_http_aws_sigv4_main_conf_t *smcf,
    sigv4_cause_e cause);
ngx_atomic_uint_t ngx_http_aws_sigv4_cause_counted(
    ngx_http_aws_sigv4_main_conf_t *smcf, sigv4_cause_e cause);

/* in seconds; 0: the clock of the host is not known to be another one */
time_t ngx_http_aws_sigv4_clock(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_str_t *host);

/* 1: it is another one than before, 0: it is not, or cannot be kept */
ngx_uint_t ngx_http_aws_sigv4_clock_set(
    ngx_http_aws_sigv4_main_conf_t *smcf, ngx_str_t *host, time_t skew);

/*
 * The n-th of NGX_HTTP_AWS_SIGV4_CLOCKS; 0: there is none.  The host has
 * memory of NGX_HTTP_AWS_SIGV4_CLOCK_HOST bytes.
 */
time_t ngx_http_aws_sigv4_clock_at(ngx_http_aws_sigv4_main_conf_t *smcf,
    ngx_uint_t n, ngx_str_t *host);


#endif /* _NGX_HTTP_AWS_SIGV4_CAUSE_H_INCLUDED_ */
