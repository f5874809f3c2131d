
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Providers that have to ask for their credentials: what such a type does,
 * and what it may use.  When it is asked, by which worker, what becomes of
 * the answer and of failures is none of its business.
 *
 * In its ngx_http_aws_sigv4_provider_type_t it has a fetch and perhaps an
 * abort; load is ngx_http_aws_sigv4_remote_load and refresh is
 * ngx_http_aws_sigv4_remote_refresh.
 *
 * Its init looks at parameters and environment.  If the environment does
 * not speak of it and no parameter does, it leaves the reason with
 * ngx_http_aws_sigv4_provider_error(p, NGX_DECLINED, ...) and returns
 * NGX_OK: a chain goes on to the next.  Else it calls
 * ngx_http_aws_sigv4_remote_create(), adds to the key what it found, and
 * keeps in p->data what fetch will need.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_REMOTE_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_REMOTE_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>

#include "ngx_http_aws_sigv4_provider.h"
#include "ngx_http_aws_sigv4_fetch.h"
#include "sigv4_json.h"


typedef void (*ngx_http_aws_sigv4_job_fetch_pt)(
    ngx_http_aws_sigv4_job_t *job, ngx_http_aws_sigv4_fetch_t *f);

/* cred is NULL if there are none, and job->error says why */
typedef void (*ngx_http_aws_sigv4_job_source_pt)(
    ngx_http_aws_sigv4_job_t *job, ngx_http_aws_sigv4_credentials_t *cred);


/* one attempt of one worker */
struct ngx_http_aws_sigv4_job_s {
    ngx_http_aws_sigv4_provider_t       *provider;
    ngx_log_t                           *log;
    ngx_pool_t                          *pool;    /* no secrets in it */

    void                                *data;    /* of the type */

    /* may be set before job_done(): the region that goes with them */
    ngx_str_t                            region;

    /*
     * Set before job_done(): expired credentials, or those about to, are
     * the best there are, and are to be used (static stability).
     */
    unsigned                             stable:1;

    ngx_str_t                            error;   /* of a source */

    ngx_uint_t                           tries;   /* that failed before it */

    /* of the job */

    ngx_http_aws_sigv4_fetch_t          *fetch;
    ngx_http_aws_sigv4_job_fetch_pt      fetched;
    ngx_http_aws_sigv4_job_source_pt     sourced;
    ngx_http_aws_sigv4_waiter_t          waiter;
    ngx_event_t                          event;   /* ends it in time */
};


/*
 * For init.  The key tells definitions apart: it has the type and all its
 * parameters, and what init adds, such as values of the environment, or the
 * provider whose credentials are used.
 */
ngx_int_t ngx_http_aws_sigv4_remote_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p);
void ngx_http_aws_sigv4_remote_key(ngx_http_aws_sigv4_provider_t *p,
    ngx_str_t *value);
void ngx_http_aws_sigv4_remote_key_source(ngx_http_aws_sigv4_provider_t *p,
    ngx_http_aws_sigv4_provider_t *source);

/*
 * Takes apart the URL that jobs will ask, behind remote_create(); from says
 * where it was found, such as "\"endpoint=\"".  Names need a resolver; for
 * https the CAs are those of ca_file or, if it is empty, the system's.
 * NGX_ERROR has been logged.
 */
ngx_int_t ngx_http_aws_sigv4_remote_origin(ngx_conf_t *cf,
    ngx_http_aws_sigv4_provider_t *p, ngx_str_t *url, const char *from,
    ngx_str_t *ca_file, ngx_http_aws_sigv4_origin_t *origin);

/* the one in "http"; NULL: there is none */
ngx_resolver_t *ngx_http_aws_sigv4_remote_resolver(ngx_conf_t *cf);

/* members of the type */
ngx_int_t ngx_http_aws_sigv4_remote_load(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log);
void ngx_http_aws_sigv4_remote_refresh(ngx_http_aws_sigv4_provider_t *p,
    ngx_log_t *log);

/*
 * An exchange of the job: the caller adds method, uri, headers, body and
 * time limits and starts it.  It ends with the job if that is aborted, by
 * its time limit of 30 s too.  NULL: job_fail() is left to the caller.
 */
ngx_http_aws_sigv4_fetch_t *ngx_http_aws_sigv4_job_fetch(
    ngx_http_aws_sigv4_job_t *job, ngx_http_aws_sigv4_origin_t *origin,
    ngx_http_aws_sigv4_job_fetch_pt handler);

/*
 * Calls the handler, perhaps at once, with the credentials of another
 * provider, which are fetched first if need be.  They are valid until it
 * returns.
 */
void ngx_http_aws_sigv4_job_source(ngx_http_aws_sigv4_job_t *job,
    ngx_http_aws_sigv4_provider_t *source,
    ngx_http_aws_sigv4_job_source_pt handler);

/*
 * A job ends by exactly one of these, perhaps in fetch itself; there is no
 * job when they return.  The values are copied, and refused if they cannot
 * be right.  What is said of a failure is printable and no secret.
 */
void ngx_http_aws_sigv4_job_done(ngx_http_aws_sigv4_job_t *job,
    sigv4_credentials_t *value, time_t expires);
void ngx_http_aws_sigv4_job_fail(ngx_http_aws_sigv4_job_t *job,
    const char *fmt, ...);

/* one of the two, by what a text in JSON says; now as for the reader */
void ngx_http_aws_sigv4_job_json(ngx_http_aws_sigv4_job_t *job,
    const sigv4_json_form_t *form, ngx_str_t *text, time_t now);


#endif /* _NGX_HTTP_AWS_SIGV4_REMOTE_H_INCLUDED_ */
