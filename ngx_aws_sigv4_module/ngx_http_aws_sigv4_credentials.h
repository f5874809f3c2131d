
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Where credentials come from: the providers that aws_sigv4_provider
 * defines, and the credentials they have at the moment.
 *
 * In the order of a configuration: store_create() in create_main_conf,
 * provider() for each directive, provider_use() when locations are merged,
 * providers_init() in postconfiguration, store_init_module() and
 * store_init_process() from the hooks of the module of the same names.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_CREDENTIALS_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_CREDENTIALS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include "core/sigv4.h"


typedef struct ngx_http_aws_sigv4_provider_s  ngx_http_aws_sigv4_provider_t;
typedef struct ngx_http_aws_sigv4_zone_s      ngx_http_aws_sigv4_zone_t;


/*
 * Who waits for credentials that are not there yet.  The handler is called
 * once, from the event loop: NGX_OK, to ask again; NGX_DECLINED: there will
 * be none in time.
 */

typedef struct {
    ngx_queue_t                      queue;
    ngx_http_aws_sigv4_provider_t   *provider;
    ngx_msec_t                       deadline;
    ngx_int_t                        rc;
    void                           (*handler)(void *data, ngx_int_t rc);
    void                            *data;
    unsigned                         waiting:1;
} ngx_http_aws_sigv4_waiter_t;


/*
 * One set of credentials.  The strings lie in memory that is not dumped
 * into core files and is wiped when the set is replaced.
 */

typedef struct {
    sigv4_credentials_t              value;
    uint64_t                         generation;  /* never used before */
    time_t                           expires;     /* 0: never */
    ngx_msec_t                       read;        /* monotonic */
} ngx_http_aws_sigv4_credentials_t;


/* a member of the main configuration */
typedef struct {
    ngx_array_t                      providers;   /* of pointers */
    ngx_str_t                        region;      /* of the environment */

    ngx_http_aws_sigv4_zone_t       *zone;        /* if any is remote */
    ngx_str_t                        zone_name;
    size_t                           zone_size;
} ngx_http_aws_sigv4_store_t;


ngx_int_t ngx_http_aws_sigv4_store_create(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store);
ngx_int_t ngx_http_aws_sigv4_store_init_module(ngx_cycle_t *cycle,
    ngx_http_aws_sigv4_store_t *store);
ngx_int_t ngx_http_aws_sigv4_store_init_process(ngx_cycle_t *cycle,
    ngx_http_aws_sigv4_store_t *store);
void ngx_http_aws_sigv4_store_exit_process(
    ngx_http_aws_sigv4_store_t *store);

/*
 * The setter of aws_sigv4_provider, NGX_CONF_2MORE; cmd->offset is that of
 * the store in conf.
 */
char *ngx_http_aws_sigv4_provider(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/* the setter of aws_sigv4_zone, as above */
char *ngx_http_aws_sigv4_zone(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * The provider that a location names; "default" is made if it was not
 * defined.  NULL: there is none.  A location that names its provider by a
 * variable uses "default".
 */
ngx_http_aws_sigv4_provider_t *ngx_http_aws_sigv4_provider_use(
    ngx_conf_t *cf, ngx_http_aws_sigv4_store_t *store, ngx_str_t *name);

/* loads what was defined or is used */
ngx_int_t ngx_http_aws_sigv4_providers_init(ngx_conf_t *cf,
    ngx_http_aws_sigv4_store_t *store);

/* for names that are known at run time only; NULL: not defined */
ngx_http_aws_sigv4_provider_t *ngx_http_aws_sigv4_provider_find(
    ngx_http_aws_sigv4_store_t *store, ngx_str_t *name);

/* the region that goes with a provider; empty if none does */
ngx_str_t *ngx_http_aws_sigv4_provider_region(
    ngx_http_aws_sigv4_provider_t *provider);

/*
 * NGX_OK: *cred is valid until the caller returns to the event loop;
 * NGX_AGAIN: there are none yet, but may be soon; NGX_DECLINED: there are
 * none, and the log says why, once a minute.
 */
ngx_int_t ngx_http_aws_sigv4_credentials_get(
    ngx_http_aws_sigv4_provider_t *provider, ngx_log_t *log,
    ngx_http_aws_sigv4_credentials_t **cred);

/* the same line for NGX_AGAIN, where nobody can wait any longer */
void ngx_http_aws_sigv4_credentials_missing(
    ngx_http_aws_sigv4_provider_t *provider, ngx_log_t *log);

/* AWS says that credentials of this generation are no good */
void ngx_http_aws_sigv4_credentials_refused(
    ngx_http_aws_sigv4_provider_t *provider, uint64_t generation);


/* ngx_http_aws_sigv4_provider_state.c */

/*
 * What may be told of a provider: no secret is in it.  The strings are valid
 * until the caller returns to the event loop.
 */

typedef struct {
    ngx_str_t                         name;
    ngx_str_t                         source;   /* a type */
    ngx_str_t                         error;    /* empty: there is none */
    time_t                            age;      /* -1: there are none */
    time_t                            expires;  /* 0: never */
    ngx_uint_t                        fetches;  /* by all workers */
    ngx_uint_t                        failures;
    unsigned                          available:1;
    unsigned                          used:1;
} ngx_http_aws_sigv4_provider_state_t;

void ngx_http_aws_sigv4_provider_state(ngx_http_aws_sigv4_provider_t *p,
    ngx_http_aws_sigv4_provider_state_t *state);


#endif /* _NGX_HTTP_AWS_SIGV4_CREDENTIALS_H_INCLUDED_ */
