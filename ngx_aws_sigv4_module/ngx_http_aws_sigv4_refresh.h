
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * When remote providers are asked, and by which worker.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_REFRESH_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_REFRESH_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "providers/ngx_http_aws_sigv4_remote.h"
#include "ngx_http_aws_sigv4_zone.h"


/* an attempt takes no longer than this, in milliseconds */
#define NGX_HTTP_AWS_SIGV4_JOB_TIME       30000


/* what a worker knows of a remote provider */
struct ngx_http_aws_sigv4_remote_s {
    u_char                         key[SIGV4_SHA256_LEN];
    ngx_resolver_t                *resolver;
    ngx_ssl_t                     *ssl;

    ngx_http_aws_sigv4_zone_t     *zone;
    ngx_http_aws_sigv4_slot_t     *slot;      /* NULL: it has gone */
    ngx_atomic_uint_t              version;   /* that has been copied */

    ngx_str_t                      region;    /* that came with them */
    u_char                         region_data[NGX_HTTP_AWS_SIGV4_SLOT_REGION];

    ngx_http_aws_sigv4_job_t      *job;       /* of this worker */
    ngx_uint_t                     tries;     /* that failed before it */
    ngx_uint_t                     wanted;    /* when it began */
    ngx_event_t                    timer;
    ngx_uint_t                     jitter;    /* in 1/1024 */

    unsigned                       no_key:1;  /* the hash failed */
    unsigned                       active:1;
};


/* in each worker: begins to fetch for the providers that are used */
void ngx_http_aws_sigv4_refresh_init(ngx_http_aws_sigv4_store_t *store);

/* leaves attempts that have not ended to other workers */
void ngx_http_aws_sigv4_refresh_exit(ngx_http_aws_sigv4_store_t *store);

/* for the end of a configuration: nothing of it runs any more */
void ngx_http_aws_sigv4_refresh_stop(ngx_http_aws_sigv4_provider_t *p);

/* from now on credentials are fetched, and fetched again in time */
void ngx_http_aws_sigv4_refresh_start(ngx_http_aws_sigv4_provider_t *p);

/* starts an attempt if one is due, and looks at what others have fetched */
void ngx_http_aws_sigv4_refresh_check(ngx_http_aws_sigv4_provider_t *p);

/* whether nothing can come until the time, by ngx_current_msec */
ngx_uint_t ngx_http_aws_sigv4_refresh_hopeless(
    ngx_http_aws_sigv4_provider_t *p, ngx_msec_t deadline);

/* AWS has refused the credentials of this generation */
void ngx_http_aws_sigv4_refresh_early(ngx_http_aws_sigv4_provider_t *p,
    uint64_t generation);

/* with the lock held: */

/* a reload may have given the slot to another one; NULL: it has gone */
ngx_http_aws_sigv4_slot_t *ngx_http_aws_sigv4_refresh_slot(
    ngx_http_aws_sigv4_remote_t *remote);

/* seconds until they expire, at least 0 */
time_t ngx_http_aws_sigv4_refresh_left(ngx_http_aws_sigv4_shared_t *set);

/* copies what is in the slot; without a source the log is not told */
void ngx_http_aws_sigv4_refresh_copy(ngx_http_aws_sigv4_provider_t *p,
    u_char *source);

/* ngx_http_aws_sigv4_result.c: the ends of an attempt */
void ngx_http_aws_sigv4_refresh_done(ngx_http_aws_sigv4_job_t *job,
    sigv4_credentials_t *value, time_t expires);
void ngx_http_aws_sigv4_refresh_failed(ngx_http_aws_sigv4_job_t *job,
    ngx_str_t *error);

/* providers/ngx_http_aws_sigv4_job.c */
void ngx_http_aws_sigv4_job_start(ngx_http_aws_sigv4_provider_t *p);
void ngx_http_aws_sigv4_job_abort(ngx_http_aws_sigv4_job_t *job);


#endif /* _NGX_HTTP_AWS_SIGV4_REFRESH_H_INCLUDED_ */
